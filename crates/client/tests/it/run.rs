//! `run`: the seat, the command, the signals, the refusals.

use crate::device::{Device, is_running, until};
use crate::portal::Portal;
use rustix::process::Signal;

const SLEEP: [&str; 4] = ["run", "--", "sleep", "600"];

/// Waits for the seat, and for the command that the client then starts.
fn wait_for_command(portal: &Portal, running: &crate::device::Running) {
    until("a live session", || portal.world().live() == 1);
    until("the command", || running.command().is_some());
}

#[test]
fn the_seat_lasts_as_long_as_the_command() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let done = device.run(&["run", "--", "sh", "-c", "echo out; exit 7"]);
    assert_eq!(done.code, 7, "{}", done.err);
    assert_eq!(done.out, "out\n", "standard output belongs to the command");
    assert!(done.err.contains("1 of 1 in use"), "{}", done.err);
    let world = portal.world();
    assert_eq!(world.live(), 0);
    let request = &world.acquires[0];
    assert_eq!(request["hardware_id"], "device-1");
    assert!(request["nonce"].as_str().unwrap().len() >= 16);
    assert!(request["hostname"].is_string() && request["client_version"].as_str().unwrap().starts_with("coditect-license/"), "{request}");
}

#[test]
fn nonces_differ() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    for _ in 0..2 {
        assert_eq!(device.run(&["run", "-q", "true"]).code, 0);
    }
    let world = portal.world();
    assert_ne!(world.acquires[0]["nonce"], world.acquires[1]["nonce"]);
}

#[test]
fn a_command_that_cannot_start_gives_the_seat_back() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let done = device.run(&["run", "--", "no-such-command-anywhere"]);
    assert_eq!(done.code, 127);
    assert!(done.err.contains("no-such-command-anywhere"), "{}", done.err);
    assert_eq!(device.run(&["run", "--", "/etc/passwd"]).code, 126);
    assert_eq!(portal.world().live(), 0);
}

#[test]
fn a_full_licence_is_explained() {
    let portal = Portal::start();
    portal.world().crowd(1);
    let device = Device::signed_in(&portal);
    let done = device.run(&["run", "--", "touch", "/nonexistent/never"]);
    assert_eq!(done.code, 3, "{}", done.err);
    for part in [
        "No seat is free: 1 of 1 in use.",
        "Ola Nordmann on oslo-7, since ",
        "The next seat is sure to be free at ",
        "(in 5 min) unless its holder keeps it.",
    ] {
        assert!(done.err.contains(part), "{part} is missing in {}", done.err);
    }
}

#[test]
fn what_the_licence_does_not_allow_ends_with_four() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    for (code, detail) in [
        ("license_expired", "The license ended on 1 May."),
        ("license_suspended", "The license is suspended."),
        ("tenant_suspended", "The organization is suspended."),
        ("role_holds_no_seat", "A guest holds no seat."),
    ] {
        portal.world().refuse = Some((403, code, detail));
        let done = device.run(&["run", "--", "true"]);
        assert_eq!(done.code, 4, "{code}");
        assert_eq!(done.err.trim(), detail);
    }
}

#[test]
fn nobody_signed_in_ends_with_five() {
    let portal = Portal::start();
    let done = Device::new(&portal).run(&["run", "--", "true"]);
    assert_eq!(done.code, 5);
    assert!(done.err.contains("coditect-license login"), "{}", done.err);
    assert!(portal.world().log.is_empty());
}

#[test]
fn signals_reach_the_command_and_the_seat_is_free_at_once() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let portal = Portal::start();
        let device = Device::signed_in(&portal);
        let running = device.start(&SLEEP);
        wait_for_command(&portal, &running);
        let child = running.command().unwrap();
        running.signal(signal);
        let (ended, err) = running.end();
        assert_eq!(ended, Some(code), "{err}");
        assert_eq!(portal.world().live(), 0);
        assert!(!is_running(child));
    }
}

/// The client in a terminal of its own, by script(1); what is written to its standard input is typed there.
fn in_a_terminal(device: &Device, command: &str) -> std::process::Child {
    let line = format!("exec {} run -- {command}", env!("CARGO_BIN_EXE_coditect-license"));
    let mut script = std::process::Command::new("script");
    let template = device.command(&[]);
    script.args(["-qec", &line, "/dev/null"]).envs(template.get_envs().filter_map(|(k, v)| Some((k, v?))));
    script.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null()).spawn().unwrap()
}

fn press_ctrl_c(terminal: &mut std::process::Child) {
    let keyboard = terminal.stdin.as_mut().unwrap();
    std::io::Write::write_all(keyboard, b"\x03").unwrap();
    std::io::Write::flush(keyboard).unwrap();
}

#[test]
fn ctrl_c_in_a_terminal_reaches_the_command_once() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let (ready, log) = (device.home().join("ready"), device.home().join("log"));
    // Perl, told to run its handler at every signal: a shell would see two that come close together as one.
    let command = r#"open L,'>',$ARGV[0]; $SIG{INT}=sub{syswrite L,"int\n"}; open R,'>',$ARGV[1]; close R;
        while (!-s $ARGV[0]) {select undef,undef,undef,0.05} for (1..10) {select undef,undef,undef,0.05} exit 3"#;
    let file = device.home().join("command.pl");
    std::fs::write(&file, command).unwrap();
    let files = [&file, &log, &ready].map(|f| f.display().to_string()).join(" ");
    let mut terminal = in_a_terminal(&device, &format!("env PERL_SIGNALS=unsafe perl {files}"));
    until("the handler", || ready.exists());
    press_ctrl_c(&mut terminal);
    assert_eq!(terminal.wait().unwrap().code(), Some(3));
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "int\n");
    assert_eq!(portal.world().live(), 0);
}

#[test]
fn ctrl_c_that_ends_the_command_gives_the_seat_back() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    for round in 0..5 {
        let ready = device.home().join(format!("ready-{round}"));
        let file = device.home().join("command.sh");
        std::fs::write(&file, format!("touch {}; exec sleep 600", ready.display())).unwrap();
        let mut terminal = in_a_terminal(&device, &format!("sh {}", file.display()));
        until("the command", || ready.exists());
        press_ctrl_c(&mut terminal);
        assert_eq!(terminal.wait().unwrap().code(), Some(130));
        assert_eq!(portal.world().live(), 0, "round {round}");
    }
}

#[test]
fn a_command_may_answer_a_signal_in_its_own_way() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let ready = device.home().join("ready");
    let script = format!("trap 'exit 9' TERM; touch {}; while :; do sleep 0.05; done", ready.display());
    let running = device.start(&["run", "--", "sh", "-c", &script]);
    until("the trap", || ready.exists());
    running.signal(Signal::TERM);
    assert_eq!(running.end().0, Some(9));
    assert_eq!(portal.world().live(), 0);
}

#[test]
fn under_nohup_the_loss_of_the_terminal_does_not_matter() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "trap '' HUP; exec \"$0\" run -- sleep 600", env!("CARGO_BIN_EXE_coditect-license")]);
    let template = device.command(&[]);
    command
        .envs(template.get_envs().filter_map(|(k, v)| Some((k, v?))))
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    until("a live session", || portal.world().live() == 1);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::HUP).unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(143), "the first signal ended it");
}

/// A command that starts others, of which one does not listen; and the ids of all.
fn family(portal: &Portal, device: &Device) -> (crate::device::Running, Vec<i32>) {
    let pids = device.home().join("pids");
    let script = format!(
        "(trap '' TERM; sh -c 'echo $PPID $$ >>{0}; while :; do sleep 0.1; done') & echo $$ $! >>{0}; while :; do sleep 0.1; done",
        pids.display()
    );
    let running = device.start(&["run", "--", "sh", "-c", &script]);
    wait_for_command(portal, &running);
    let read = || std::fs::read_to_string(&pids).unwrap_or_default().split_whitespace().map(|p| p.parse().unwrap()).collect::<Vec<i32>>();
    until("all of them", || read().len() == 4);
    (running, read())
}

#[test]
fn a_killed_client_leaves_nothing_of_its_command() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let (mut running, family) = family(&portal, &device);
    assert!(family.iter().all(|pid| is_running(*pid)));
    running.signal(Signal::KILL);
    running.wait();
    until("the end of all", || !family.iter().any(|pid| is_running(*pid)));
}

#[test]
fn a_killed_client_and_guard_leave_no_command() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let mut running = device.start(&SLEEP);
    wait_for_command(&portal, &running);
    let (guard, command) = (running.guard().unwrap(), running.command().unwrap());
    running.signal(Signal::STOP);
    rustix::process::kill_process(rustix::process::Pid::from_raw(guard).unwrap(), Signal::KILL).unwrap();
    running.signal(Signal::KILL);
    running.wait();
    until("its end", || !is_running(command));
}

#[test]
fn a_killed_guard_ends_the_run() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let (running, family) = family(&portal, &device);
    rustix::process::kill_process(rustix::process::Pid::from_raw(running.guard().unwrap()).unwrap(), Signal::KILL).unwrap();
    assert_eq!(running.end().0, Some(137));
    assert_eq!(portal.world().live(), 0);
    until("the end of all", || !family.iter().any(|pid| is_running(*pid)));
}

#[test]
fn a_lost_seat_ends_all_that_the_command_has_started() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let (running, family) = family(&portal, &device);
    portal.world().end_all("session_revoked", "Enough");
    assert_eq!(running.end().0, Some(4));
    assert!(!family.iter().any(|pid| is_running(*pid)));
}

#[test]
fn an_ended_session_ends_the_command_with_the_reason() {
    for (code, detail, said) in [
        ("session_revoked", "Left the company", "This session was ended by an administrator: Left the company."),
        ("session_superseded", "Newer session.", "This session was replaced by a newer one of yours on the same device."),
        ("license_suspended", "The license is suspended.", "The license is suspended."),
        ("tenant_suspended", "The organization is suspended.", "The organization is suspended."),
        ("license_expired", "The license has expired.", "The license has expired."),
    ] {
        let portal = Portal::start();
        portal.world().beat_seconds = 1;
        let device = Device::signed_in(&portal);
        let running = device.start(&SLEEP);
        wait_for_command(&portal, &running);
        let child = running.command().unwrap();
        portal.world().end_all(code, detail);
        let (ended, err) = running.end();
        assert_eq!(ended, Some(4), "{err}");
        assert!(err.contains(said), "{said} is missing in {err}");
        assert!(!is_running(child));
        assert_eq!(portal.world().calls("DELETE"), 0, "a dead session needs no release");
    }
}

#[test]
fn a_command_that_does_not_listen_is_made_to_end() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let ready = device.home().join("ready");
    let script = format!("trap '' TERM; touch {}; while :; do sleep 0.05; done", ready.display());
    let running = device.start(&["run", "--", "sh", "-c", &script]);
    until("the trap", || ready.exists());
    let child = running.command().unwrap();
    portal.world().end_all("session_revoked", "Enough");
    assert_eq!(running.end().0, Some(4));
    assert!(!is_running(child));
}

#[test]
fn a_session_that_the_server_lost_is_taken_again() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    wait_for_command(&portal, &running);
    portal.world().forget_all();
    until("a new session", || portal.world().live() == 1);
    running.signal(Signal::TERM);
    assert_eq!(running.end().0, Some(143));
    assert_eq!(portal.world().live(), 0);
}

#[test]
fn a_session_whose_seat_went_to_somebody_else_ends_the_command() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    wait_for_command(&portal, &running);
    {
        let mut world = portal.world();
        world.forget_all();
        world.crowd(1);
    }
    let (code, err) = running.end();
    assert_eq!(code, Some(3), "{err}");
    assert!(err.contains("No seat is free: 1 of 1 in use."), "{err}");
}

#[test]
fn a_login_that_ends_meanwhile_ends_the_command() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    wait_for_command(&portal, &running);
    portal.world().end_logins();
    let (code, err) = running.end();
    assert_eq!(code, Some(5), "{err}");
    assert!(err.contains("coditect-license login"), "{err}");
}

#[test]
fn heartbeats_carry_session_and_token() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    until("two heartbeats", || portal.world().beats.len() >= 2);
    running.signal(Signal::TERM);
    running.end();
    let world = portal.world();
    let beat = &world.beats[0];
    assert!(world.sessions.contains_key(beat["session_id"].as_str().unwrap()));
    assert_eq!(beat["token"].as_str().unwrap().split('.').count(), 3);
    assert_ne!(world.beats[0]["nonce"], world.beats[1]["nonce"]);
}

#[test]
fn verbose_shows_each_call_and_no_secret() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let done = device.run(&["--verbose", "run", "--", "true"]);
    assert_eq!(done.code, 0);
    assert!(done.err.contains("POST api/v1/licenses/acquire: 201"), "{}", done.err);
    assert!(!done.err.contains("access-") && !done.err.contains("refresh-"), "{}", done.err);
}

#[test]
fn doctor_and_fingerprint_tell_what_they_found() {
    let mut portal = Portal::start();
    let device = Device::signed_in(&portal);
    let done = device.run(&["doctor"]);
    assert_eq!(done.code, 0, "{}", done.out);
    for part in ["DNS", "proxy", "TLS", "clock", "service", "login"] {
        assert!(done.out.lines().any(|l| l.starts_with("ok") && l.contains(part)), "{part} is missing in {}", done.out);
    }
    portal.close();
    let done = device.run(&["doctor"]);
    assert_eq!(done.code, 6, "{}", done.out);
    assert!(done.out.lines().any(|l| l.starts_with("FIX") && l.contains("connection") && l.contains("->")), "{}", done.out);

    let done = device.run(&["fingerprint"]);
    assert_eq!((done.code, done.out.trim()), (0, "device-1"));
    let own = |_: ()| crate::device::finish(device.command(&["fingerprint"]).env_remove("CODITECT_HARDWARE_ID")).out;
    let first = own(());
    assert_eq!(first.trim().len(), 32);
    assert_eq!(first, own(()));
}
