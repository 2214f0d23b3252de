//! Rules about numbers.

use super::{LATE, LEASE, Made, micros};
use crate::history::Kind;

#[test]
fn i1_no_more_than_the_limit_at_once() {
    Made::licence(2).starts(0, 0, "a").starts(100, 1, "b").is_good();
    Made::licence(2).starts(0, 0, "a").starts(100, 1, "b").starts(200, 2, "c").breaks("I1");
    // One that can have ended makes room.
    for end in [Kind::Release, Kind::Revoke] {
        let room = Made::licence(1).starts(0, 0, "a").call(100, Some(0), end, "a", None, "");
        room.starts(200, 1, "b").is_good();
    }
    Made::licence(1).starts(0, 0, "a").starts(LEASE, 1, "b").is_good();
    // One that was only asked to be ended, and was told that there was nothing, does not.
    let still =
        Made::licence(1).starts(0, 0, "a").active(2_000, 0, "a").call(LEASE + 500, None, Kind::Revoke, "b", 404, "session_not_found");
    still.starts(LEASE + 600, 1, "c").breaks("I1");
}

#[test]
fn i1_concurrent_grants_are_counted_together() {
    // Each alone might have been first.
    let both = Made::licence(1).starts(0, 0, "a").with(|call| call.answered = micros(1_000)).starts(0, 1, "b");
    both.with(|call| call.answered = micros(1_000)).breaks("I1");
    let after = Made::licence(1).starts(0, 0, "a").with(|call| call.answered = micros(LEASE)).starts(LEASE - 20, 1, "b");
    after.is_good();
}

#[test]
fn i1_the_overage_is_part_of_the_limit() {
    let overage = |percent| {
        let mut made = Made::licence(2);
        if let Some(crate::history::Line::Run(run)) = made.0.first_mut() {
            run.tenants[0].overage_percent = percent;
        }
        made.starts(0, 0, "a").starts(100, 1, "b").starts(200, 2, "c")
    };
    overage(50).is_good();
    overage(25).breaks("I1");
}

#[test]
fn i1_a_raised_limit_counts_from_when_it_was_asked_for() {
    Made::licence(1).starts(0, 0, "a").seats(100, 2).starts(200, 1, "b").is_good();
    Made::licence(1).starts(0, 0, "a").starts(80, 1, "b").breaks("I1");
}

#[test]
fn i1_the_count_includes_all_who_certainly_hold_one() {
    let told = |active| Made::licence(3).starts(0, 0, "a").starts(100, 1, "b").with(|call| call.answer.active = Some(active));
    told(2).is_good();
    told(1).breaks("I1");
    told(3).breaks("I4");
}

#[test]
fn i3_a_free_seat_can_be_had() {
    Made::licence(1).starts(0, 0, "a").refused(1_000, 1, 1).is_good();
    Made::licence(2).starts(0, 0, "a").refused(1_000, 1, 2).breaks("I3");
    // An expired lease blocks nobody, nor does one that was given back.
    Made::licence(1).starts(0, 0, "a").refused(LEASE + 50, 1, 1).is_good();
    Made::licence(1).starts(0, 0, "a").refused(LEASE + 100, 1, 1).breaks("I3");
    Made::licence(1).starts(0, 0, "a").releases(500, 0, "a").refused(1_000, 1, 1).breaks("I3");
    Made::licence(1).starts(0, 0, "a").beats(LEASE + 100, 0, "a", 429, "seats_exhausted").breaks("I3");
    // What has no answer may hold one, for so long.
    let unsure = |at| Made::licence(1).call(0, Some(0), Kind::Acquire, "", None, "").refused(at, 1, 1);
    unsure(LATE + LEASE).is_good();
    unsure(LATE + LEASE + 100).breaks("I3");
    let refused = Made::licence(1).call(0, Some(0), Kind::Acquire, "", None, "").with(|call| call.answer.not_sent = true);
    refused.refused(1_000, 1, 1).breaks("I3");
}

#[test]
fn i3_after_a_loss_newcomers_may_wait_for_those_who_come_back() {
    let lost = |at| Made::licence(1).loses_redis(0).refused(at, 1, 1);
    lost(LEASE).is_good();
    lost(2 * LEASE + 100).breaks("I3");
}

#[test]
fn i4_a_device_is_counted_once() {
    let again = |active| Made::licence(3).starts(0, 0, "a").acquires(500, 0, "b", 200, 1).with(|call| call.answer.active = Some(active));
    again(1).is_good();
    again(2).breaks("I4");
}

#[test]
fn i5_after_a_loss_there_is_one_limit_more_and_not_two() {
    let lost = || Made::licence(1).starts(0, 0, "a").loses_redis(1_000).starts(1_500, 1, "b");
    lost().is_good();
    lost().starts(1_600, 2, "c").breaks("I5");
}

#[test]
fn i6_lowering_admits_nobody() {
    let lowered = || Made::licence(2).starts(0, 0, "a").seats(100, 1);
    // Until the new number was seen, the old one may be in force.
    lowered().starts(500, 1, "b").is_good();
    lowered().refused(300, 2, 1).starts(500, 1, "b").breaks("I6");
    // A number that was there before proves nothing.
    Made::licence(1).starts(0, 0, "a").seats(50, 2).seats(100, 1).refused(300, 2, 1).starts(500, 1, "b").is_good();
}

#[test]
fn i6_a_number_that_was_shown_earlier_is_not_the_change_that_comes_later() {
    let shown = Made::licence(2).starts(0, 0, "a").with(|call| call.answer.max_seats = Some(2));
    let lowered = shown.seats(100, 1).refused(300, 2, 1).starts(500, 1, "b").seats(1_000, 2);
    assert!(lowered.found().iter().any(|violation| violation.rule == "I6"));
}

#[test]
fn i6_a_seat_that_an_unanswered_beat_may_have_kept_is_not_a_new_one() {
    let lowered = || Made::licence(2).starts(0, 0, "a").starts(100, 1, "b").seats(200, 1).refused(300, 2, 1).active(3_000, 0, "a");
    lowered().beats(LEASE + 200, 1, "b", 200, "reacquired").breaks("I6");
    let unsure = lowered().call(LEASE - 50, Some(1), Kind::Heartbeat, "b", None, "");
    unsure.beats(LEASE + 200, 1, "b", 200, "reacquired").is_good();
}
