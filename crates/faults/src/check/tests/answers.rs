//! Rules about single answers.

use super::{LATE, LEASE, Made};
use crate::history::Kind;

#[test]
fn i2_a_lease_lasts_from_its_last_beat() {
    let running = || Made::licence(1).starts(0, 0, "a").active(3_000, 0, "a");
    running().active(3_000 + LEASE - 100, 0, "a").is_good();
    for (status, code) in [(410, "session_superseded"), (404, "session_not_found"), (429, "seats_exhausted"), (200, "reacquired")] {
        // Not told too early: the lease may have run out just before the answer.
        let late = running().beats(3_000 + LEASE - 5, 0, "a", status, code).found();
        assert!(late.iter().all(|violation| !violation.says.starts_with("a live session")), "{late:#?}");
        let early = running().beats(3_000 + LEASE - 100, 0, "a", status, code).found();
        assert!(early.iter().any(|violation| violation.rule == "I2" && violation.says.starts_with("a live session")), "{early:#?}");
    }
}

#[test]
fn i2_an_outage_is_no_end() {
    let running = || Made::licence(1).starts(0, 0, "a");
    running().beats(1_000, 0, "a", 503, "seats_unavailable").active(2_000, 0, "a").is_good();
    running().call(1_000, Some(0), Kind::Heartbeat, "a", None, "").active(2_000, 0, "a").is_good();
}

#[test]
fn i2_a_lease_that_ran_out_is_not_live() {
    Made::licence(1).starts(0, 0, "a").beats(LEASE + 100, 0, "a", 200, "reacquired").is_good();
    Made::licence(1).starts(0, 0, "a").active(LEASE + 100, 0, "a").breaks("I2");
    // A beat without an answer may have come late.
    let unsure = Made::licence(1).starts(0, 0, "a").call(1_000, Some(0), Kind::Heartbeat, "a", None, "");
    unsure.active(LEASE + 100, 0, "a").is_good();
}

#[test]
fn i2_superseded_needs_a_successor() {
    let restarted = Made::licence(1).starts(0, 0, "a").acquires(500, 0, "b", 200, 1);
    restarted.beats(1_000, 0, "a", 410, "session_superseded").active(1_500, 0, "b").is_good();
    let released = Made::licence(1).starts(0, 0, "a").releases(500, 0, "a");
    released.beats(1_000, 0, "a", 410, "session_superseded").is_good();
    // An acquire whose answer was lost counts, as long as it can have come late.
    let unsure = |then: i64| Made::licence(1).call(0, Some(0), Kind::Acquire, "", None, "").acquires(then, 0, "a", 200, 1);
    unsure(1_000).beats(2_000, 0, "a", 410, "session_superseded").is_good();
    unsure(LATE + 1_000).beats(LATE + 2_000, 0, "a", 410, "session_superseded").breaks("I2");
    Made::licence(1).starts(0, 0, "a").beats(LEASE + 500, 0, "a", 410, "session_superseded").breaks("I2");
}

#[test]
fn i2_a_valid_token_is_never_unknown() {
    Made::licence(1).starts(0, 0, "a").beats(LEASE + 500, 0, "a", 404, "session_not_found").breaks("I2");
    let without = Made::licence(1).starts(0, 0, "a").beats(LEASE + 500, 0, "a", 404, "session_not_found");
    without.with(|call| call.with_token = false).is_good();
    // Above the cap of offline rights a token ends with its first lease.
    let short = Made::licence(1).starts(0, 0, "a").with(|call| call.answer.grant.as_mut().unwrap().token_seconds = 4);
    short.beats(LEASE + 500, 0, "a", 404, "session_not_found").is_good();
}

#[test]
fn i2_an_administrator_finds_what_is_live() {
    let gone = |at| Made::licence(1).starts(0, 0, "a").call(at, None, Kind::Revoke, "a", 404, "session_not_found");
    gone(LEASE).is_good();
    gone(LEASE - 100).breaks("I2");
}

#[test]
fn i4_a_device_that_holds_a_seat_keeps_it() {
    Made::licence(2).starts(0, 0, "a").acquires(1_000, 0, "b", 200, 1).is_good();
    Made::licence(2).starts(0, 0, "a").acquires(1_000, 0, "b", 201, 1).breaks("I4");
    Made::licence(2).starts(0, 0, "a").starts(LEASE + 100, 0, "b").is_good();
    Made::licence(2).starts(0, 0, "a").releases(500, 0, "a").starts(1_000, 0, "b").is_good();
    Made::licence(1)
        .starts(0, 0, "a")
        .acquires(1_000, 0, "b", 200, 1)
        .refused(2_000, 0, 1)
        .found()
        .iter()
        .find(|v| v.rule == "I4")
        .unwrap();
}

#[test]
fn i4_giving_back_twice_is_no_error_and_frees_one_seat() {
    Made::licence(1).starts(0, 0, "a").releases(1_000, 0, "a").releases(1_500, 0, "a").is_good();
    let again = Made::licence(1).starts(0, 0, "a").releases(1_000, 0, "a");
    again.call(1_500, Some(0), Kind::Release, "a", 404, "session_not_found").breaks("I4");
    // The second one must not touch the session that came after.
    let next = || Made::licence(1).starts(0, 0, "a").releases(500, 0, "a").starts(1_000, 0, "b").releases(1_500, 0, "a");
    next().active(2_000, 0, "b").is_good();
    next().beats(2_000, 0, "b", 200, "reacquired").breaks("I2");
}

#[test]
fn i4_fences_grow_even_when_redis_has_lost_them() {
    Made::licence(1).acquires(0, 0, "a", 201, 7).loses_redis(500).acquires(1_000, 0, "b", 201, 8).is_good();
    Made::licence(1).acquires(0, 0, "a", 201, 7).loses_redis(500).acquires(1_000, 0, "b", 201, 7).breaks("I4");
}

#[test]
fn i5_who_was_running_comes_back_after_a_loss() {
    let lost = || Made::licence(1).starts(0, 0, "a").loses_redis(1_000);
    lost().beats(1_500, 0, "a", 200, "reacquired").is_good();
    lost().beats(1_500, 0, "a", 404, "session_not_found").breaks("I5");
    // PostgreSQL has heard of a seat that was taken long before, but perhaps not of one that was just taken.
    let running =
        Made::licence(1).starts(0, 0, "a").active(3_000, 0, "a").active(6_000, 0, "a").active(9_000, 0, "a").active(12_000, 0, "a");
    let overtaken = running.loses_redis(13_000).starts(13_200, 1, "b").beats(13_500, 0, "a", 429, "seats_exhausted");
    overtaken.breaks("I5");
    lost().starts(1_200, 1, "b").beats(1_500, 0, "a", 429, "seats_exhausted").is_good();
    let known = Made::licence(1).starts(0, 0, "a").loses_redis_with_all_written(1_000);
    known.starts(1_200, 1, "b").beats(1_500, 0, "a", 429, "seats_exhausted").breaks("I5");
    // More were running than the limit admits by now.
    let lowered = Made::licence(2).starts(0, 0, "a").starts(100, 1, "b").seats(500, 1).loses_redis(1_000);
    lowered.beats(1_500, 1, "b", 200, "reacquired").beats(2_000, 0, "a", 429, "seats_exhausted").is_good();
}

#[test]
fn i6_lowering_ends_nobody() {
    let lowered = || Made::licence(2).starts(0, 0, "a").starts(100, 1, "b").seats(500, 1);
    lowered().active(1_000, 0, "a").active(1_000, 1, "b").acquires(2_000, 1, "c", 200, 101).is_good();
    lowered().beats(1_000, 1, "b", 429, "seats_exhausted").breaks("I6");
    lowered().refused(1_000, 1, 1).breaks("I6");
}

#[test]
fn i7_what_was_revoked_stays_so() {
    let ended = || Made::licence(1).starts(0, 0, "a").revokes(1_000, "a");
    ended().beats(1_500, 0, "a", 410, "session_revoked").is_good();
    ended().beats(1_500, 0, "a", 503, "seats_unavailable").is_good();
    ended().active(1_500, 0, "a").breaks("I7");
    ended().beats(1_500, 0, "a", 200, "reacquired").breaks("I7");
    ended().beats(1_500, 0, "a", 404, "session_not_found").found().iter().find(|v| v.rule == "I7").unwrap();
    ended().loses_redis(1_200).beats(1_500, 0, "a", 200, "reacquired").breaks("I7");
    // A beat under way may have been first.
    Made::licence(1).starts(0, 0, "a").active(1_005, 0, "a").revokes(1_000, "a").is_good();
}

#[test]
fn i7_nobody_is_told_of_a_revocation_that_was_not() {
    Made::licence(1).starts(0, 0, "a").beats(LEASE + 500, 0, "a", 410, "session_revoked").breaks("I7");
    let unsure = Made::licence(1).starts(0, 0, "a").call(500, None, Kind::Revoke, "a", 503, "seats_unavailable");
    unsure.beats(1_000, 0, "a", 410, "session_revoked").is_good();
}

#[test]
fn i7_an_outage_is_told_so_that_one_tries_again() {
    let outage = |status, code| Made::licence(1).call(0, Some(0), Kind::Acquire, "", status, code);
    outage(503, "seats_unavailable").is_good();
    outage(500, "internal").breaks("I7");
    outage(401, "unauthenticated").breaks("I7");
    outage(404, "license_not_found").breaks("I7");
    Made::licence(1).starts(0, 0, "a").beats(LEASE, 0, "a", 410, "license_expired").breaks("I7");
    Made::licence(1).starts(0, 0, "a").call(500, Some(0), Kind::Release, "a", 500, "internal").breaks("I7");
}

#[test]
fn i8_what_belongs_to_others_does_not_exist() {
    let foreign = |kind, status, code| Made::licence(1).call(0, Some(0), kind, "of another", status, code);
    for kind in [Kind::ForeignHeartbeat, Kind::ForeignRelease, Kind::ForeignRevoke] {
        foreign(kind, 404, "session_not_found").is_good();
        foreign(kind, 503, "seats_unavailable").is_good();
        for (status, code) in [(200, "active"), (204, ""), (410, "session_revoked"), (403, "forbidden"), (404, "not_found")] {
            foreign(kind, status, code).breaks("I8");
        }
    }
}
