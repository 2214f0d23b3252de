//! The life of a subscription: its periods, its payments, its end.

use serde_json::{Value, json};

use crate::calendar::{Seconds, Step};
use crate::composition::Line;
use crate::state::{State, int, text};
use crate::{events, invoices, proration, schedules};

/// How long a first payment, or the payment of a pending change, may take.
pub const PATIENCE: Seconds = 23 * 3600;

/// Sets or takes back the end at the end of the period.
pub fn set_cancel_at_period_end(subscription: &mut Value, wanted: bool, now: Seconds) {
    let end = period(subscription).1;
    subscription["cancel_at_period_end"] = json!(wanted);
    subscription["cancel_at"] = json!(wanted.then_some(end));
    subscription["canceled_at"] = json!(wanted.then_some(now));
    subscription["cancellation_details"]["reason"] = json!(wanted.then_some("cancellation_requested"));
}

/// The current period, as the first item has it.
pub fn period(subscription: &Value) -> (Seconds, Seconds) {
    let first = &subscription["items"]["data"][0];
    (int(first, "current_period_start"), int(first, "current_period_end"))
}

/// Whether nothing can happen to a subscription any more.
pub fn ended(subscription: &Value) -> bool {
    matches!(text(subscription, "status"), "canceled" | "incomplete_expired")
}

/// Ends a subscription now.
pub fn end(state: &mut State, id: &str, reason: &str) {
    let Some(before) = state.find("subscription", id).cloned() else { return };
    if ended(&before) {
        return;
    }
    schedules::cancel_of(state, id);
    let now = state.now();
    state.edit("subscription", id, |subscription| {
        // An end that was asked for earlier keeps the instant at which it was asked for.
        if subscription["canceled_at"].is_null() {
            subscription["canceled_at"] = json!(now);
            subscription["cancellation_details"]["reason"] = json!(reason);
        }
        subscription["status"] = json!("canceled");
        subscription["ended_at"] = json!(now);
        subscription["pending_update"] = Value::Null;
        subscription["schedule"] = Value::Null;
    });
    state.pending.retain(|line| line.subscription.as_deref() != Some(id));
    // What is open stays open, but nobody is charged for it by itself any more.
    state.edit_all("invoice", |invoice| {
        if invoice["subscription"] == id && invoice["status"] == "open" {
            invoice["auto_advance"] = json!(false);
            invoice["next_payment_attempt"] = Value::Null;
        }
    });
    if let Some(subscription) = state.find("subscription", id).cloned() {
        events::emit(state, "customer.subscription.deleted", subscription, None);
    }
}

/// Starts the next period at the end of the current one, and bills it.
pub fn renew(state: &mut State, id: &str) {
    let Some(subscription) = state.find("subscription", id).cloned() else { return };
    let (_, start) = period(&subscription);
    let step = Step::of_price(&subscription["items"]["data"][0]["price"]);
    let end = step.period_end(int(&subscription, "billing_cycle_anchor"), start);
    let earlier = period(&subscription);
    state.change("subscription", id, "customer.subscription.updated", |subscription| {
        for item in subscription["items"]["data"].as_array_mut().into_iter().flatten() {
            item["current_period_start"] = json!(start);
            item["current_period_end"] = json!(end);
        }
    });
    let Some(subscription) = state.find("subscription", id).cloned() else { return };
    let lines = renewal_lines(state, &subscription, start, end);
    let invoice = invoices::create(state, &subscription, "subscription_cycle", lines, earlier);
    if subscription["status"] == "unpaid" {
        // Nobody is charged for a subscription that was given up; its invoices wait as drafts.
        state.edit("invoice", &invoice, |invoice| invoice["auto_advance"] = json!(false));
        return;
    }
    invoices::finalize(state, &invoice);
    let _declined = invoices::charge_default(state, &invoice, true);
}

/// What a whole period of a subscription's items costs.
pub fn renewal_lines(state: &State, subscription: &Value, start: Seconds, end: Seconds) -> Vec<Line> {
    let items = subscription["items"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| proration::full(state, subscription, item, start, end)).collect()
}

/// Follows a paid invoice: a pending change is made, and a subscription that owes nothing more is active.
pub fn paid(state: &mut State, id: &str, invoice: &str) {
    let Some(subscription) = state.find("subscription", id).cloned() else { return };
    if ended(&subscription) {
        return;
    }
    let owes = state.of("invoice", "subscription", id).any(|one| one["status"] == "open" && one["auto_advance"] == true);
    let change = subscription["pending_update"].is_object() && subscription["latest_invoice"] == invoice;
    state.change("subscription", id, "customer.subscription.updated", |subscription| {
        if !owes {
            subscription["status"] = json!("active");
        }
        if change {
            let update = subscription["pending_update"].take();
            subscription["items"]["data"] = update["subscription_items"].clone();
            if !update["billing_cycle_anchor"].is_null() {
                subscription["billing_cycle_anchor"] = update["billing_cycle_anchor"].clone();
            }
        }
    });
    if change {
        schedules::follow(state, id);
    }
}

/// Follows a refused charge. `last` says that it is not tried again.
pub fn payment_failed(state: &mut State, id: &str, reason: &str, last: bool) {
    let Some(subscription) = state.find("subscription", id).cloned() else { return };
    // A first payment leaves the subscription incomplete; a postponed change leaves it as it was.
    if ended(&subscription) || reason == "subscription_create" || subscription["pending_update"].is_object() {
        return;
    }
    if last && state.cancel_after_dunning {
        end(state, id, "payment_failed");
        return;
    }
    let status = if last || subscription["status"] == "unpaid" { "unpaid" } else { "past_due" };
    state.change("subscription", id, "customer.subscription.updated", |subscription| subscription["status"] = json!(status));
}

/// Gives up a first payment that took too long.
pub fn expire_incomplete(state: &mut State, id: &str) {
    let now = state.now();
    let invoice = state.find("subscription", id).map(|one| text(one, "latest_invoice").to_owned()).unwrap_or_default();
    state.change("subscription", id, "customer.subscription.updated", |subscription| {
        subscription["status"] = json!("incomplete_expired");
        subscription["ended_at"] = json!(now);
    });
    invoices::void(state, &invoice);
}

/// Gives up a pending change whose payment took too long.
pub fn expire_pending(state: &mut State, id: &str) {
    let invoice = state.find("subscription", id).map(|one| text(one, "latest_invoice").to_owned()).unwrap_or_default();
    state.change("subscription", id, "customer.subscription.updated", |subscription| subscription["pending_update"] = Value::Null);
    invoices::void(state, &invoice);
}
