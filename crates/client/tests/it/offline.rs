//! Without the server: what goes on, for how long, and what does not.

use crate::device::{Device, until};
use crate::portal::Portal;
use rustix::process::Signal;

const SLEEP: [&str; 4] = ["run", "--", "sleep", "600"];

/// Has the right to work offline: it did not give its seat back.
fn used_once(portal: &Portal) -> Device {
    let device = Device::signed_in(portal);
    device.use_and_crash(portal);
    device
}

#[test]
fn an_outage_is_borne_and_said_once_at_each_end() {
    let mut portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    until("a heartbeat", || !portal.world().beats.is_empty());
    portal.world().down = true;
    until("the line", || running.err().contains("Working offline, 71 h left."));
    let calls = portal.world().log.len();
    until("it is tried again", || portal.world().log.len() > calls + 1);
    // Now nothing answers at all: the same outage.
    portal.close();
    portal.world().down = false;
    let beats = portal.world().beats.len();
    portal.open();
    until("the other line", || running.err().contains("The license server answers again."));
    until("heartbeats again", || portal.world().beats.len() > beats + 1);
    running.signal(Signal::TERM);
    let (code, err) = running.end();
    assert_eq!(code, Some(143));
    assert_eq!(err.matches("Working offline").count(), 1, "{err}");
    assert_eq!(err.matches("answers again").count(), 1, "{err}");
    assert!(!err.to_lowercase().contains("invalid"), "{err}");
}

#[test]
fn a_start_without_the_server_lives_on_the_kept_token() {
    let mut portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = used_once(&portal);
    portal.close();
    let done = device.run(&["run", "--", "sh", "-c", "exit 9"]);
    assert_eq!(done.code, 9, "{}", done.err);
    assert!(done.err.contains("Working offline, 71 h left."), "{}", done.err);

    let running = device.start(&SLEEP);
    until("the line", || running.err().contains("71 h left"));
    let second = device.start(&SLEEP);
    until("the second's line", || second.err().contains("71 h left"));
    portal.open();
    until("a seat, now that the server is back", || portal.world().live() == 1);
    until("both know", || running.err().contains("answers again") && second.err().contains("answers again"));
    for running in [running, second] {
        running.signal(Signal::TERM);
        assert_eq!(running.end().0, Some(143));
    }
    assert_eq!(portal.world().live(), 0);
}

#[test]
fn a_seat_that_is_gone_when_the_server_comes_back_ends_the_command() {
    let mut portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = used_once(&portal);
    portal.close();
    let running = device.start(&SLEEP);
    until("the line", || running.err().contains("71 h left"));
    portal.world().forget_all();
    portal.world().crowd(1);
    portal.open();
    let (code, err) = running.end();
    assert_eq!(code, Some(3), "{err}");
}

#[test]
fn without_a_token_or_on_another_device_there_is_no_start() {
    let mut portal = Portal::start();
    let mut device = used_once(&portal);
    let fresh = Device::signed_in(&portal);
    portal.close();
    let done = fresh.run(&["run", "--", "true"]);
    assert_eq!(done.code, 6, "{}", done.err);
    assert!(done.err.contains("cannot be reached"), "{}", done.err);
    device.hardware_id = "device-2".into();
    assert_eq!(device.run(&["run", "--", "true"]).code, 6);
}

#[test]
fn a_clean_end_gives_the_right_to_work_offline_back() {
    let mut portal = Portal::start();
    let device = Device::signed_in(&portal);
    assert_eq!(device.run(&["run", "--", "true"]).code, 0);
    assert!(device.run(&["status"]).out.contains("not possible: no token"));
    portal.close();
    assert_eq!(device.run(&["run", "--", "true"]).code, 6);
}

#[test]
fn a_seat_that_could_not_be_given_back_still_works_offline() {
    let mut portal = Portal::start();
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    until("the seat", || running.err().contains("Seat taken"));
    portal.close();
    running.signal(Signal::TERM);
    assert_eq!(running.end().0, Some(143));
    for _ in 0..2 {
        assert_eq!(device.run(&["run", "--", "true"]).code, 0, "the right is kept for as long as the server counts it");
    }
}

#[test]
fn what_was_revoked_meanwhile_is_refused_at_the_first_contact() {
    let mut portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    until("a heartbeat", || !portal.world().beats.is_empty());
    portal.close();
    until("the line", || running.err().contains("Working offline"));
    portal.world().end_all("session_revoked", "Left the company");
    portal.open();
    let (code, err) = running.end();
    assert_eq!(code, Some(4));
    assert!(err.contains("Left the company"), "{err}");
    portal.close();
    assert_eq!(device.run(&["run", "--", "true"]).code, 6);
}

#[test]
fn what_was_revoked_before_a_start_without_the_server_is_refused_at_the_first_contact() {
    let mut portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    device.use_and_crash(&portal);
    portal.close();
    let running = device.start(&SLEEP);
    until("the line", || running.err().contains("71 h left"));
    portal.world().end_all("session_revoked", "Left the company");
    portal.open();
    let (code, err) = running.end();
    assert_eq!(code, Some(4), "{err}");
    assert!(err.contains("Left the company"), "{err}");
    assert_eq!(portal.world().live(), 0, "no other seat was taken");
}

#[test]
fn signing_in_again_takes_no_right_to_work_offline() {
    let mut portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    until("a heartbeat", || !portal.world().beats.is_empty());
    assert_eq!(device.login().code, 0);
    portal.close();
    until("the line", || running.err().contains("71 h left"));
    running.crash();
    assert_eq!(device.run(&["run", "--", "true"]).code, 0);
}

#[test]
fn a_start_waits_for_as_long_as_the_server_says_if_that_is_short() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    portal.world().down = true;
    portal.world().retry_after = Some(4);
    let running = device.start(&["run", "--", "true"]);
    until("the first attempt", || portal.world().calls("POST /api/v1/licenses/acquire") == 1);
    portal.world().down = false;
    let (code, err) = running.end();
    assert_eq!(code, Some(0), "{err}");
    portal.world().down = true;
    portal.world().retry_after = Some(30);
    assert_eq!(device.run(&["run", "--", "true"]).code, 6);
    assert_eq!(portal.world().calls("POST /api/v1/licenses/acquire"), 3, "half a minute is too long");
}

#[test]
fn a_server_that_cannot_help_is_no_invalid_licence() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    portal.world().down = true;
    let done = device.run(&["run", "--", "true"]);
    assert_eq!(done.code, 6);
    assert!(done.err.contains("cannot help at the moment") && !done.err.contains("invalid"), "{}", done.err);
}

#[test]
fn nothing_of_the_state_lies_open_or_can_be_changed() {
    let mut portal = Portal::start();
    let device = used_once(&portal);
    portal.close();
    let files: Vec<_> = device.files().into_iter().filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    // The two ways in which a JWS begins: `{"alg` and `{"typ`. Fewer letters of base64 come about by chance in what is sealed.
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(
            !["eyJhbGci", "eyJ0eXAi", "refresh-", "access-", "fjordline", "device-1"].iter().any(|secret| text.contains(secret)),
            "{}",
            path.display()
        );
    }
    for begins in ["seat", "time", "keys"] {
        let path = device.file(begins);
        let good = std::fs::read(&path).unwrap();
        let mut changed = good.clone();
        changed[good.len() / 2] ^= 1;
        std::fs::write(&path, changed).unwrap();
        assert_eq!(device.run(&["run", "--", "true"]).code, 6, "{begins} was changed");
        std::fs::write(&path, good).unwrap();
    }
    std::fs::remove_file(device.file("time")).unwrap();
    let done = device.run(&["run", "--", "true"]);
    assert_eq!(done.code, 6);
    assert!(done.err.contains("connect to the network once"), "{}", done.err);
}

#[test]
fn an_untouched_state_works() {
    let mut portal = Portal::start();
    let device = used_once(&portal);
    portal.close();
    assert_eq!(device.run(&["run", "--", "true"]).code, 0);
}

#[test]
fn what_the_server_refused_does_not_work_offline_afterwards() {
    for (code, status, exit) in [("license_suspended", 403, 4), ("role_holds_no_seat", 403, 4)] {
        let mut portal = Portal::start();
        let device = used_once(&portal);
        portal.world().refuse = Some((status, code, "No."));
        assert_eq!(device.run(&["run", "--", "true"]).code, exit);
        portal.close();
        assert_eq!(device.run(&["run", "--", "true"]).code, 6, "{code}");
    }
    let mut portal = Portal::start();
    let device = used_once(&portal);
    assert_eq!(device.run(&["release"]).code, 0);
    assert_eq!(portal.world().live(), 0);
    portal.close();
    assert_eq!(device.run(&["run", "--", "true"]).code, 6, "the right to work offline was given back");
}

#[test]
fn a_seat_that_cannot_be_given_back_is_said() {
    let mut portal = Portal::start();
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    until("a live session", || portal.world().live() == 1 && running.err().contains("Seat taken"));
    portal.close();
    running.signal(Signal::TERM);
    let (code, err) = running.end();
    assert_eq!(code, Some(143));
    assert!(err.contains("could not be given back") && err.contains("It is free at"), "{err}");
}
