//! Subscription schedules: what a subscription will be in later phases.

use serde_json::{Value, json};

use crate::customers::CLOCK;
use crate::error::{Answer, ApiError};
use crate::form::{Params, merge_metadata};
use crate::proration;
use crate::state::{State, int, text};
use crate::{events, lifecycle, lists, phases, subscriptions};

const KIND: &str = "subscription_schedule";
const UPDATED: &str = "subscription_schedule.updated";

/// `POST /v1/subscription_schedules`: only from a subscription.
pub fn create(state: &mut State, params: &Params) -> Answer {
    params.allow(&[
        "billing_mode",
        "customer",
        "default_settings",
        "end_behavior",
        "from_subscription",
        "metadata",
        "phases",
        "start_date",
    ])?;
    let Some(subscription) = params.text("from_subscription") else {
        return Err(ApiError::invalid("The sandbox makes schedules from subscriptions only.", Some("from_subscription")));
    };
    let subscription = state.get("subscription", subscription, "from_subscription")?;
    let subscription_id = text(&subscription, "id").to_owned();
    if params.has("phases") {
        return Err(ApiError::invalid("You cannot set `phases` if `from_subscription` is set.", Some("phases")));
    }
    if lifecycle::ended(&subscription) {
        let message = format!("You cannot migrate a subscription that is canceled: `{subscription_id}`.");
        return Err(ApiError::invalid(message, Some("from_subscription")));
    }
    if subscription["schedule"].is_string() {
        let message = format!("You cannot migrate a subscription that is already attached to a schedule: `{subscription_id}`.");
        return Err(ApiError::invalid(message, Some("from_subscription")));
    }
    let id = state.id("sub_sched_");
    let (start, end) = lifecycle::period(&subscription);
    let ends = subscription["cancel_at_period_end"] == true;
    let mut schedule = json!({
        "id": id,
        "object": "subscription_schedule",
        "application": null,
        "billing_mode": subscription["billing_mode"],
        "canceled_at": null,
        "completed_at": null,
        "created": state.now(),
        "current_phase": {"start_date": start, "end_date": end},
        "customer": subscription["customer"],
        "customer_account": null,
        "default_settings": {
            "application_fee_percent": null,
            "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": null,
            "collection_method": "charge_automatically",
            "default_payment_method": subscription["default_payment_method"],
            "description": null,
            "invoice_settings": {
                "account_tax_ids": null, "custom_fields": null, "days_until_due": null,
                "description": null, "footer": null, "issuer": {"type": "self"},
            },
            "on_behalf_of": null,
            "transfer_data": null,
        },
        "end_behavior": if ends { "cancel" } else { "release" },
        "livemode": false,
        "metadata": {},
        "phases": [phases::phase(&subscription["currency"], phases::items_of(&subscription), start, end, "create_prorations", &json!({}))],
        "released_at": null,
        "released_subscription": null,
        "status": "active",
        "subscription": subscription_id,
        "test_clock": CLOCK,
    });
    merge_metadata(&mut schedule, params);
    state.insert(KIND, schedule.clone());
    events::emit(state, "subscription_schedule.created", schedule.clone(), None);
    state.change("subscription", &subscription_id, "customer.subscription.updated", |one| one["schedule"] = json!(id));
    Ok(schedule)
}

/// `POST /v1/subscription_schedules/{id}`
pub fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&["default_settings", "end_behavior", "metadata", "phases", "proration_behavior"])?;
    let schedule = active(state, id)?;
    let end_behavior = params.choice("end_behavior", &["release", "cancel", "none", "renew"])?;
    let now = state.now();
    let mut phases = schedule["phases"].as_array().cloned().unwrap_or_default();
    if params.has("phases") {
        phases = phases::read_phases(state, &schedule, &params.list("phases"))?;
    }
    let current = phases.iter().find(|one| phases::covers(one, now)).cloned();
    let Some(current) = current else {
        return Err(ApiError::invalid("One of the phases must be the current one.", Some("phases")));
    };
    // Another quantity in the current phase is a change of the subscription now.
    let subscription = text(&schedule, "subscription").to_owned();
    let found = state.get("subscription", &subscription, "subscription")?;
    if json!(phases::items_of(&found)) != current["items"] {
        let behavior = params.text("proration_behavior").unwrap_or("create_prorations");
        let changed = phases::wanted_items(&found, &current);
        subscriptions::update(state, &subscription, &Params(json!({"items": changed, "proration_behavior": behavior})))?;
    }
    state.change(KIND, id, UPDATED, |schedule| {
        schedule["current_phase"] = json!({"start_date": current["start_date"], "end_date": current["end_date"]});
        schedule["phases"] = json!(phases);
        if let Some(end_behavior) = end_behavior {
            schedule["end_behavior"] = json!(end_behavior);
        }
        merge_metadata(schedule, params);
    });
    state.get(KIND, id, "schedule")
}

/// Takes a schedule to its next phase, or ends it after the last one.
pub fn next_phase(state: &mut State, id: &str) {
    let Some(schedule) = state.find(KIND, id).cloned() else { return };
    let end = int(&schedule["current_phase"], "end_date");
    let subscription = text(&schedule, "subscription").to_owned();
    let next = schedule["phases"].as_array().and_then(|phases| phases.iter().find(|one| int(one, "start_date") >= end)).cloned();
    let Some(next) = next else {
        if schedule["end_behavior"] == "cancel" {
            lifecycle::end(state, &subscription, "cancellation_requested");
        } else {
            release_now(state, id);
        }
        return;
    };
    state.change(KIND, id, UPDATED, |schedule| {
        schedule["current_phase"] = json!({"start_date": next["start_date"], "end_date": next["end_date"]});
    });
    let Some(found) = state.find("subscription", &subscription).cloned() else { return };
    if json!(phases::items_of(&found)) == next["items"] {
        return;
    }
    // At the end of a period there is nothing left to prorate.
    let renews = lifecycle::period(&found).1 == end;
    let behavior = if renews { "none" } else { text(&next, "proration_behavior") };
    let params = Params(json!({"items": phases::wanted_items(&found, &next), "proration_behavior": behavior}));
    if renews {
        // The renewal that follows bills the new items, also where their interval is another one.
        let Ok(change) = proration::plan(state, &found, &params) else { return };
        let mut items = change.items;
        for item in &mut items {
            if item["id"].is_null() {
                item["id"] = json!(state.id("si_"));
            }
            item["current_period_start"] = json!(lifecycle::period(&found).0);
            item["current_period_end"] = json!(end);
        }
        state.change("subscription", &subscription, "customer.subscription.updated", |one| {
            one["items"]["data"] = json!(items);
            if change.anchor.is_some() {
                one["billing_cycle_anchor"] = json!(end);
            }
        });
    } else {
        // A phase that cannot be applied any more, such as one with an inactive price, leaves the subscription as it is.
        let _refused = subscriptions::update(state, &subscription, &params);
    }
}

/// Writes a direct change of a subscription into the current phase of its schedule.
pub fn follow(state: &mut State, subscription: &str) {
    let Some(found) = state.find("subscription", subscription).cloned() else { return };
    let Some(id) = found["schedule"].as_str() else { return };
    let items = phases::items_of(&found);
    state.change(KIND, id, UPDATED, |schedule| {
        let start = schedule["current_phase"]["start_date"].clone();
        for phase in schedule["phases"].as_array_mut().into_iter().flatten().filter(|phase| phase["start_date"] == start) {
            phase["items"] = json!(items);
        }
    });
}

/// `POST /v1/subscription_schedules/{id}/release`
pub fn release(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&["preserve_cancel_date"])?;
    active(state, id)?;
    release_now(state, id);
    state.get(KIND, id, "schedule")
}

/// Lets go of the subscription, which stays as it is.
pub fn release_now(state: &mut State, id: &str) {
    let now = state.now();
    let subscription = state.find(KIND, id).map(|one| text(one, "subscription").to_owned()).unwrap_or_default();
    state.edit(KIND, id, |schedule| {
        schedule["released_subscription"] = schedule["subscription"].take();
        schedule["released_at"] = json!(now);
        schedule["current_phase"] = Value::Null;
        schedule["status"] = json!("released");
    });
    if let Some(schedule) = state.find(KIND, id).cloned() {
        events::emit(state, "subscription_schedule.released", schedule, None);
    }
    state.change("subscription", &subscription, "customer.subscription.updated", |one| one["schedule"] = Value::Null);
}

/// `POST /v1/subscription_schedules/{id}/cancel`: ends the subscription, too.
pub fn cancel(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&["invoice_now", "prorate"])?;
    let schedule = active(state, id)?;
    subscriptions::cancel(state, text(&schedule, "subscription"), params)?;
    state.get(KIND, id, "schedule")
}

/// Cancels the schedule of a subscription that ends.
pub fn cancel_of(state: &mut State, subscription: &str) {
    let Some(id) = state.find("subscription", subscription).and_then(|one| one["schedule"].as_str()).map(str::to_owned) else { return };
    let now = state.now();
    state.edit(KIND, &id, |schedule| {
        schedule["status"] = json!("canceled");
        schedule["canceled_at"] = json!(now);
        schedule["current_phase"] = Value::Null;
    });
    if let Some(schedule) = state.find(KIND, &id).cloned() {
        events::emit(state, "subscription_schedule.canceled", schedule, None);
    }
}

fn active(state: &State, id: &str) -> Answer {
    let schedule = state.get(KIND, id, "schedule")?;
    if schedule["status"] == "active" {
        return Ok(schedule);
    }
    let message = format!("You cannot change a subscription schedule that is {}: `{id}`.", text(&schedule, "status"));
    Err(ApiError::invalid(message, None))
}

/// `GET /v1/subscription_schedules`
pub fn list(state: &State, params: &Params) -> Answer {
    params.allow(&[
        "canceled_at",
        "completed_at",
        "created",
        "customer",
        "customer_account",
        "released_at",
        "scheduled",
        "limit",
        "starting_after",
        "ending_before",
    ])?;
    let rows = state.all(KIND).iter().filter(|one| params.text("customer").is_none_or(|customer| one["customer"] == customer));
    lists::page(rows, params, "/v1/subscription_schedules")
}
