//! Rules about single answers: what a device, an administrator or a stranger may be told.

use super::leases::Except;
use super::{SLACK, Seen, View, Violation};
use crate::history::{Kind, Micros};

/// The most that a faked clock is off: a token that ends within this time may count as ended.
pub(super) const CLOCK_OFF: Micros = 300_000_000;

pub(super) fn check(view: &View<'_>, found: &mut Vec<Violation>) {
    for &seen in &view.calls {
        protocol(seen, found);
        match seen.call.kind {
            Kind::Acquire => acquire(view, seen, found),
            Kind::Heartbeat => heartbeat(view, seen, found),
            Kind::Release => release(view, seen, found),
            Kind::Revoke => revoke(view, seen, found),
            _ => {}
        }
    }
    for &seen in &view.foreign {
        foreign(seen, found);
    }
    for device in view.of_device.keys() {
        fences(view, *device, found);
    }
}

fn violation(rule: &'static str, seen: Seen<'_>, says: impl Into<String>, others: impl IntoIterator<Item = usize>) -> Violation {
    let mut lines: Vec<usize> = others.into_iter().collect();
    lines.push(seen.line);
    Violation { rule, says: says.into(), lines }
}

/// What was told, in short.
fn told(seen: Seen<'_>) -> String {
    let answer = &seen.call.answer;
    format!("{} {}", answer.status.map_or_else(|| "nothing".to_owned(), |s| s.to_string()), answer.code)
}

/// I7: whatever is no answer of the protocol must be retryable, and the only retryable refusal is 503.
fn protocol(seen: Seen<'_>, found: &mut Vec<Violation>) {
    let Some(status) = seen.call.answer.status else { return };
    let fits = match seen.call.kind {
        Kind::Acquire => matches!((status, seen.call.answer.code.as_str()), (200 | 201, _) | (429, "seats_exhausted")),
        Kind::Heartbeat => matches!(
            (status, seen.call.answer.code.as_str()),
            (200, "active" | "reacquired")
                | (429, "seats_exhausted")
                | (410, "session_revoked" | "session_superseded")
                | (404, "session_not_found")
        ),
        _ => matches!((status, seen.call.answer.code.as_str()), (204, _) | (404, "session_not_found")),
    };
    if !fits && status != 503 {
        found.push(violation("I7", seen, format!("a call was answered {}, which neither fits nor is retryable", told(seen)), []));
    }
}

/// I4, I6: a device that holds a seat keeps it when it asks again.
fn acquire(view: &View<'_>, seen: Seen<'_>, found: &mut Vec<Violation>) {
    let (Some(device), Some(status @ (201 | 429))) = (seen.call.device, seen.call.answer.status) else { return };
    let Some(before) = view.last_success(device, None, seen.call.sent) else { return };
    if view.certain_until(before, Except::Line(seen.line)) < seen.call.answered {
        return;
    }
    if status == 201 {
        found.push(violation("I4", seen, "a device that held a seat was given another", [before.line]));
    } else if view.limits.may_have_fallen(before.call.sent, seen.call.answered) {
        found.push(violation("I6", seen, "a device that held a seat was refused after the limit was lowered", [before.line]));
    } else {
        found.push(violation("I4", seen, "a device that held a seat was refused", [before.line]));
    }
}

/// I4: grants to one device carry growing fences, also across a loss of Redis.
fn fences(view: &View<'_>, device: usize, found: &mut Vec<Violation>) {
    let mut last: Option<(i64, Seen<'_>)> = None;
    for seen in view.device(device) {
        let Some(grant) = &seen.call.answer.grant else { continue };
        if let Some((fence, before)) = last
            && before.call.answered <= seen.call.sent
            && grant.fence <= fence
        {
            found.push(violation("I4", seen, format!("fence {} came after {fence}", grant.fence), [before.line]));
        }
        last = Some((grant.fence, seen));
    }
}

fn heartbeat(view: &View<'_>, seen: Seen<'_>, found: &mut Vec<Violation>) {
    let (Some(device), Some(session), Some(status)) = (seen.call.device, &seen.call.session, seen.call.answer.status) else { return };
    let code = seen.call.answer.code.as_str();
    if status >= 500 {
        return;
    }
    revoked(view, seen, session, found);
    unfounded(view, seen, session, found);
    let Some(before) = view.last_success(device, Some(session), seen.call.sent) else { return };
    if (status, code) == (200, "active") {
        outlived(view, seen, session, found);
    } else if view.certain_until(before, Except::Nothing) >= seen.call.answered {
        let lowered = view.limits.may_have_fallen(before.call.sent, seen.call.answered);
        let rule = if code == "seats_exhausted" && lowered { "I6" } else { "I2" };
        found.push(violation(rule, seen, format!("a live session was told {}", told(seen)), [before.line]));
    } else if code == "seats_exhausted" {
        overtaken(view, seen, before, found);
    }
}

/// I7: what was revoked stays so, and is told so.
fn revoked(view: &View<'_>, seen: Seen<'_>, session: &str, found: &mut Vec<Violation>) {
    let first = view.endings(session).filter(|end| end.call.kind == Kind::Revoke && end.call.done()).min_by_key(|end| end.call.answered);
    let Some(revocation) = first.filter(|end| end.call.answered <= seen.call.sent) else { return };
    let lost = view.beginning(session).is_some_and(|begun| view.lost_between(begun.call.sent, seen.call.answered));
    match (seen.call.answer.status, seen.call.answer.code.as_str()) {
        (Some(410), "session_revoked") => {}
        // Without its token, a store that lost everything cannot know it.
        (Some(404), _) if lost => {}
        _ => found.push(violation("I7", seen, format!("a revoked session was told {}", told(seen)), [revocation.line])),
    }
}

/// I2, I5, I7: an end that is told must have a cause, and a valid token is never unknown.
fn unfounded(view: &View<'_>, seen: Seen<'_>, session: &str, found: &mut Vec<Violation>) {
    let Some(begun) = view.beginning(session) else { return };
    let before = |cause: &Seen<'_>| cause.call.sent <= seen.call.answered && (cause.call.done() || cause.call.open());
    match seen.call.answer.code.as_str() {
        "session_revoked" if !view.endings(session).any(|end| end.call.kind == Kind::Revoke && before(&end)) => {
            found.push(violation("I7", seen, "told that it was revoked, which nobody had asked for", [begun.line]));
        }
        "session_superseded" => {
            let released = view.endings(session).any(|end| end.call.kind == Kind::Release && before(&end));
            let replaced = seen.call.device.into_iter().flat_map(|device| view.device(device)).any(|other| {
                let takes = other.call.kind == Kind::Acquire || (other.call.kind == Kind::Heartbeat && other.call.with_token);
                let latest = if other.call.open() { other.call.sent + view.late } else { other.call.answered };
                takes && other.call.about() != Some(session) && before(&other) && latest > begun.call.sent
            });
            if !released && !replaced {
                found.push(violation("I2", seen, "told that it was superseded, but nothing took its place", [begun.line]));
            }
        }
        "session_not_found" if seen.call.with_token => {
            let seconds = begun.call.answer.grant.as_ref().map_or(0, |grant| grant.token_seconds);
            // The token counts whole seconds.
            let valid_until = begun.call.sent + (seconds - 1) * 1_000_000 - CLOCK_OFF;
            if valid_until > seen.call.answered {
                let lost = view.lost_between(begun.call.sent, seen.call.answered);
                let rule = if lost { "I5" } else { "I2" };
                found.push(violation(rule, seen, "not found, though it came with a valid token", [begun.line]));
            }
        }
        _ => {}
    }
}

/// I2: a lease that ran out is not live.
fn outlived(view: &View<'_>, seen: Seen<'_>, session: &str, found: &mut Vec<Violation>) {
    let Some(device) = seen.call.device else { return };
    let extended = |call: &Seen<'_>| {
        call.call.sent <= seen.call.sent && call.line != seen.line && call.call.about() == Some(session) && call.call.kind != Kind::Release
    };
    let last = view.device(device).filter(extended).filter_map(|other| match other.call {
        call if call.done() => Some(call.answered),
        call if call.open() => Some(call.sent + view.late),
        _ => None,
    });
    let Some(last) = last.max() else { return };
    if seen.call.sent > last + view.lease + SLACK {
        found.push(violation("I2", seen, "still live after its lease had run out", []));
    }
}

/// I5: after a loss, who was running comes back before newcomers, unless more were running than the limit admits. The portal keeps as many
/// seats as PostgreSQL has heard of: if that may not have been all, nobody may have taken one shortly before.
fn overtaken(view: &View<'_>, seen: Seen<'_>, before: Seen<'_>, found: &mut Vec<Violation>) {
    if view.certain_until(before, Except::Losses) < seen.call.answered {
        return;
    }
    let Some((line, loss)) = view.losses.iter().find(|(_, loss)| loss.from <= seen.call.answered && loss.to >= before.call.sent) else {
        return;
    };
    let unheard_of = !loss.all_written
        && view.calls.iter().any(|other| {
            let call = other.call;
            let takes = call.answer.status == Some(201) || call.answer.code == "reacquired" || call.open();
            let is_before = call.sent <= loss.to && call.answered >= loss.from - view.late;
            is_before && takes && matches!(call.kind, Kind::Acquire | Kind::Heartbeat)
        });
    if unheard_of {
        return;
    }
    let running = super::seats::devices(&view.possible(), loss.from, loss.from, None);
    if running <= view.limits.lowest(loss.from, seen.call.answered) {
        found.push(violation(
            "I5",
            seen,
            "a running device lost its seat to a newcomer after Redis had lost everything",
            [before.line, *line],
        ));
    }
}

/// I4: giving back again is no error.
fn release(view: &View<'_>, seen: Seen<'_>, found: &mut Vec<Violation>) {
    if seen.call.answer.status != Some(404) {
        return;
    }
    let Some(begun) = seen.call.session.as_deref().and_then(|session| view.beginning(session)) else { return };
    if !view.lost_between(begun.call.sent, seen.call.answered) {
        found.push(violation("I4", seen, "a session that was there could not be given back", [begun.line]));
    }
}

/// I2: a session that is live can be found.
fn revoke(view: &View<'_>, seen: Seen<'_>, found: &mut Vec<Violation>) {
    if seen.call.answer.status != Some(404) {
        return;
    }
    let Some(session) = seen.call.session.as_deref() else { return };
    let Some(device) = view.beginning(session).and_then(|begun| begun.call.device) else { return };
    let Some(before) = view.last_success(device, Some(session), seen.call.sent) else { return };
    if view.certain_until(before, Except::Nothing) >= seen.call.answered {
        found.push(violation("I2", seen, "a live session could not be found by an administrator", [before.line]));
    }
}

/// I8: what belongs to others does not exist.
fn foreign(seen: Seen<'_>, found: &mut Vec<Violation>) {
    let answer = &seen.call.answer;
    let hidden = answer.status == Some(404) && answer.code == "session_not_found";
    if !hidden && answer.status.is_some_and(|status| status != 503) {
        found.push(violation("I8", seen, format!("a session of another tenant answered {}", told(seen)), []));
    }
}
