//! Several processes of one person on one device, and what is left when one of them dies.

use crate::device::{Device, Running, until};
use crate::portal::Portal;
use rustix::process::Signal;

const SLEEP: [&str; 4] = ["run", "--", "sleep", "600"];

fn two(portal: &Portal, device: &Device) -> (Running, Running) {
    let first = device.start(&SLEEP);
    until("the first", || portal.world().live() == 1 && device.holders() == 1);
    let second = device.start(&SLEEP);
    // It has asked the server by then, so what happens next happens to both.
    until("the second", || second.err().contains("Sharing the seat"));
    (first, second)
}

#[test]
fn a_second_run_shares_the_seat_and_the_last_one_gives_it_back() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let (first, second) = two(&portal, &device);
    assert_eq!(portal.world().acquires.len(), 1, "one seat, one acquire");
    let status = device.run(&["status"]);
    for running in [&first, &second] {
        assert!(status.out.contains(&running.child.id().to_string()), "{}", status.out);
    }

    first.signal(Signal::TERM);
    assert_eq!(first.end().0, Some(143));
    assert_eq!(portal.world().live(), 1, "the second still uses it");
    let beats = portal.world().beats.len();
    until("the second goes on beating", || portal.world().beats.len() > beats + 1);
    second.signal(Signal::TERM);
    assert_eq!(second.end().0, Some(143));
    assert_eq!(portal.world().live(), 0);
    assert_eq!(portal.world().acquires.len(), 1);
}

#[test]
fn many_at_once_still_take_one_seat() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    std::thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| {
                let done = device.run(&["run", "--", "sleep", "1"]);
                assert_eq!(done.code, 0, "{}", done.err);
            });
        }
    });
    assert_eq!(portal.world().live(), 0);
    assert!(portal.world().sessions.values().all(|s| s.standing != crate::portal::Standing::Ended("session_superseded", String::new())));
}

#[test]
fn a_killed_process_neither_keeps_the_seat_nor_blocks_it() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let (first, second) = two(&portal, &device);
    first.crash();
    until("the second notices", || device.holders() == 1);
    assert_eq!(portal.world().live(), 1);
    second.signal(Signal::TERM);
    second.end();
    assert_eq!(portal.world().live(), 0, "the dead one held nothing up");
}

#[test]
fn after_a_crash_the_next_start_gets_the_seat_back() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    until("a live session", || portal.world().live() == 1);
    running.crash();
    assert_eq!(portal.world().live(), 1, "nobody gave it back");
    assert!(device.run(&["status"]).out.contains("none held"));
    assert_eq!(device.run(&["run", "--", "true"]).code, 0, "its own seat does not stand in its way");
    assert_eq!(portal.world().live(), 0);
}

#[test]
fn release_frees_a_seat_that_a_crash_left() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let running = device.start(&SLEEP);
    until("the seat", || device.holders() == 1);
    running.crash();
    let done = device.run(&["release"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(portal.world().live(), 0);
    assert!(device.run(&["release"]).out.contains("no seat"));
}

#[test]
fn release_ends_what_runs_under_the_seat() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let (first, second) = two(&portal, &device);
    assert_eq!(device.run(&["release"]).code, 0);
    for running in [first, second] {
        let (code, err) = running.end();
        assert_eq!(code, Some(143), "{err}");
        assert!(err.contains("given back"), "{err}");
    }
    assert_eq!(portal.world().acquires.len(), 1, "nobody took it again");
}

#[test]
fn everybody_who_shared_the_seat_learns_why_it_ended() {
    let portal = Portal::start();
    portal.world().beat_seconds = 1;
    let device = Device::signed_in(&portal);
    let (first, second) = two(&portal, &device);
    portal.world().end_all("session_revoked", "Audit");
    for running in [first, second] {
        let (code, err) = running.end();
        assert_eq!(code, Some(4), "{err}");
        assert!(err.contains("ended by an administrator: Audit."), "{err}");
    }
}

#[test]
fn a_start_after_a_revocation_does_not_join_the_dead_session() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    let first = device.start(&SLEEP);
    until("the first", || portal.world().live() == 1 && device.holders() == 1);
    portal.world().end_all("session_revoked", "Audit");
    // The next heartbeat is minutes away, but the newcomer asks.
    let done = device.run(&["run", "--", "true"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(portal.world().acquires.len(), 2);
    assert_eq!(first.end().0, Some(4));
}

#[test]
fn two_devices_on_one_machine_do_not_share() {
    let portal = Portal::start();
    portal.world().seats = 2;
    let mut device = Device::signed_in(&portal);
    let first = device.start(&SLEEP);
    until("the first", || portal.world().live() == 1);
    device.hardware_id = "device-2".into();
    let second = device.start(&SLEEP);
    until("the second", || portal.world().live() == 2);
    device.hardware_id = "device-3".into();
    assert_eq!(device.run(&["run", "--", "true"]).code, 3);
    for running in [first, second] {
        running.signal(Signal::TERM);
        assert_eq!(running.end().0, Some(143));
    }
    assert_eq!(portal.world().live(), 0);
}
