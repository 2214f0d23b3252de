//! The sandbox's one clock, and what falls due as it goes on.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::calendar::Seconds;
use crate::customers::CLOCK;
use crate::error::{Answer, ApiError};
use crate::form::Params;
use crate::lifecycle::{self, PATIENCE};
use crate::state::{State, int, text};
use crate::{checkout, invoices, lists, schedules};

/// Real time. Signatures and retries of webhooks use it, everything else the sandbox's time.
#[allow(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
pub fn real_milliseconds() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default()
}

/// Real time in seconds.
pub fn real_seconds() -> Seconds {
    real_milliseconds() / 1000
}

/// What falls due. Of what is due in the same second, the first of this list goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    NextPhase,
    End,
    Renewal,
    Retry,
    GiveUpFirst,
    GiveUpPending,
    ExpireSession,
}

/// Goes on to an instant and does what falls due on the way, one by one, each at its own time.
pub fn advance_to(state: &mut State, target: Seconds) {
    while let Some((at, what, id)) = next(state).filter(|(at, ..)| *at <= target) {
        state.instant = Some(at);
        match what {
            What::NextPhase => schedules::next_phase(state, &id),
            What::End => lifecycle::end(state, &id, "cancellation_requested"),
            What::Renewal => lifecycle::renew(state, &id),
            // The invoice itself shows how it went.
            What::Retry => drop(invoices::charge_default(state, &id, true)),
            What::GiveUpFirst => lifecycle::expire_incomplete(state, &id),
            What::GiveUpPending => lifecycle::expire_pending(state, &id),
            What::ExpireSession => checkout::expire_now(state, &id),
        }
    }
    state.instant = None;
    let offset = target - real_seconds();
    if offset > state.offset {
        state.offset = offset;
        state.dirty = true;
    }
}

/// The next thing that falls due.
fn next(state: &State) -> Option<(Seconds, What, String)> {
    let mut best: Option<(Seconds, What, String)> = None;
    let mut keep = |at: Seconds, what: What, object: &Value| {
        if at > 0 && best.as_ref().is_none_or(|(due, kind, _)| (at, what) < (*due, *kind)) {
            best = Some((at, what, text(object, "id").to_owned()));
        }
    };
    for schedule in state.of("subscription_schedule", "status", "active") {
        keep(int(&schedule["current_phase"], "end_date"), What::NextPhase, schedule);
    }
    for subscription in state.all("subscription") {
        match text(subscription, "status") {
            "incomplete" => keep(int(subscription, "created") + PATIENCE, What::GiveUpFirst, subscription),
            "active" | "past_due" | "unpaid" => {
                keep(int(subscription, "cancel_at"), What::End, subscription);
                keep(lifecycle::period(subscription).1, What::Renewal, subscription);
                keep(int(&subscription["pending_update"], "expires_at"), What::GiveUpPending, subscription);
            }
            _ => {}
        }
    }
    for invoice in state.of("invoice", "status", "open") {
        keep(int(invoice, "next_payment_attempt"), What::Retry, invoice);
    }
    for session in state.of("checkout.session", "status", "open") {
        keep(int(session, "expires_at"), What::ExpireSession, session);
    }
    best
}

/// The test clock that stands for the sandbox's time.
pub fn object(state: &State) -> Value {
    json!({
        "id": CLOCK,
        "object": "test_helpers.test_clock",
        "created": 1_700_000_000,
        "deletes_after": state.now() + 30 * crate::calendar::DAY,
        "frozen_time": state.now(),
        "livemode": false,
        "name": "The sandbox's time",
        "status": "ready",
        "status_details": {},
    })
}

/// `GET /v1/test_helpers/test_clocks`
pub fn list(state: &State) -> Answer {
    Ok(lists::whole(vec![object(state)], "/v1/test_helpers/test_clocks"))
}

/// `POST /v1/test_helpers/test_clocks/{id}/advance`
pub fn advance(state: &mut State, params: &Params) -> Answer {
    params.allow(&["frozen_time"])?;
    params.required("frozen_time")?;
    let target = params.int("frozen_time")?.unwrap_or_default();
    if target <= state.now() {
        return Err(ApiError::invalid("The clock can only be advanced to a later time.", Some("frozen_time")));
    }
    advance_to(state, target);
    Ok(object(state))
}
