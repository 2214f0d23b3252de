//! Without the server: what goes on, for how long, and what does not.

use crate::device::{Device, until};
use crate::portal::Portal;
use rustix::process::Signal;
use serde_json::json;

const SLEEP: [&str; 4] = ["run", "--", "sleep", "600"];

fn used_once(portal: &Portal) -> Device {
    let device = Device::signed_in(portal);
    let done = device.run(&["run", "--", "true"]);
    assert_eq!(done.code, 0, "{}", done.err);
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
    assert!(done.err.contains("offline, 71 h left"), "{}", done.err);

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
    // Also not when the other device's file is copied over.
    let seat = std::fs::read(device.file("seat")).unwrap();
    let before = std::fs::read_dir(device.home()).unwrap().count();
    std::fs::write(device.file("seat"), seat).unwrap();
    assert_eq!(std::fs::read_dir(device.home()).unwrap().count(), before);
    portal.open();
    portal.world().seats = 2;
    assert_eq!(device.run(&["run", "--", "true"]).code, 0);
    let files: Vec<_> = std::fs::read_dir(device.home())
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.to_str().unwrap().contains("seat-") && p.extension().is_some_and(|e| e == "json"))
        .collect();
    assert_eq!(files.len(), 2);
    portal.close();
    let (one, two) = (std::fs::read(&files[0]).unwrap(), std::fs::read(&files[1]).unwrap());
    std::fs::write(&files[0], two).unwrap();
    std::fs::write(&files[1], one).unwrap();
    let done = device.run(&["run", "--", "true"]);
    assert_eq!(done.code, 6);
    assert!(done.err.contains("another device"), "{}", done.err);
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
fn a_token_that_was_tampered_with_is_refused() {
    let mut portal = Portal::start();
    let device = used_once(&portal);
    portal.close();
    let good = device.read("seat");
    let token = good["token"]["token"].as_str().unwrap().to_owned();
    for position in [5, token.find('.').unwrap() + 9, token.rfind('.').unwrap() + 9] {
        let mut bytes = token.clone().into_bytes();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let mut seat = good.clone();
        seat["token"]["token"] = json!(String::from_utf8(bytes).unwrap());
        device.write("seat", &seat);
        assert_eq!(device.run(&["run", "--", "true"]).code, 6, "changed at {position}");
    }
    device.write("seat", &good);
    assert_eq!(device.run(&["run", "--", "true"]).code, 0);
}

#[test]
fn a_clock_turned_back_stops_offline_work_and_not_online_work() {
    let mut portal = Portal::start();
    let device = used_once(&portal);
    portal.close();
    // The server was last heard of tomorrow; seen from there the clock has been turned back by a day.
    let mut mark = device.read("time");
    let at = time::OffsetDateTime::parse(mark["at"].as_str().unwrap(), &time::format_description::well_known::Rfc3339).unwrap();
    mark["at"] = json!((at + time::Duration::days(1)).format(&time::format_description::well_known::Rfc3339).unwrap());
    device.write("time", &mark);
    let done = device.run(&["run", "--", "true"]);
    assert_eq!(done.code, 6, "{}", done.err);
    assert!(done.err.contains("clock is") && done.err.contains("behind"), "{}", done.err);
    portal.open();
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
