//! The phases of subscription schedules.

use serde_json::{Value, json};

use crate::calendar::{Seconds, Step};
use crate::error::ApiError;
use crate::form::{Params, merge_metadata};
use crate::state::{State, int, text};
use crate::{lifecycle, proration};

const PHASE: &[&str] = &[
    "add_invoice_items",
    "application_fee_percent",
    "automatic_tax",
    "billing_cycle_anchor",
    "billing_thresholds",
    "collection_method",
    "currency",
    "default_payment_method",
    "default_tax_rates",
    "description",
    "discounts",
    "duration",
    "end_date",
    "invoice_settings",
    "items",
    "iterations",
    "metadata",
    "on_behalf_of",
    "proration_behavior",
    "start_date",
    "transfer_data",
    "trial",
    "trial_end",
];

/// The phases of an update, each with a start and an end.
pub fn read_phases(state: &State, schedule: &Value, wanted: &[Params]) -> Result<Vec<Value>, ApiError> {
    let mut phases: Vec<Value> = Vec::new();
    let subscription = state.find("subscription", text(schedule, "subscription")).cloned().unwrap_or_default();
    for (index, params) in wanted.iter().enumerate() {
        params.allow(PHASE)?;
        params.refuse(&["add_invoice_items", "discounts", "trial", "trial_end"])?;
        params.allow_in("duration", &["interval", "interval_count"])?;
        params
            .allow_in("items", &["billing_thresholds", "discounts", "metadata", "plan", "price", "price_data", "quantity", "tax_rates"])?;
        let at = |name: &str| format!("phases[{index}][{name}]");
        let last_end = phases.last().map(|phase| int(phase, "end_date"));
        let start = match params.text("start_date") {
            Some("now") => Some(state.now()),
            _ => params.int("start_date")?,
        };
        let Some(start) = start.or(last_end) else {
            let message = "The subscription schedule update is missing at least one phase with a `start_date` to anchor end dates to.";
            return Err(ApiError::invalid(message, Some("phases")));
        };
        if last_end.is_some_and(|end| end != start) {
            return Err(ApiError::invalid("A phase must start when the one before it ends.", Some(&at("start_date"))));
        }
        let mut items = Vec::new();
        for item in params.list("items") {
            let price = proration::recurring_price(state, item.required("price")?)?;
            items.push(phase_item(text(&price, "id"), item.int("quantity")?.unwrap_or(1)));
        }
        let Some(first) = items.first() else {
            return Err(ApiError::coded("parameter_missing", format!("Missing required param: {}.", at("items")), Some(&at("items"))));
        };
        let step = Step::of_price(&proration::recurring_price(state, text(first, "price"))?);
        let end = match (params.text("end_date"), params.int("iterations")?, params.text("duration.interval")) {
            (Some("now"), ..) => state.now(),
            (Some(_), ..) => params.int("end_date")?.unwrap_or(start),
            (None, Some(iterations), _) => step.after(start, iterations),
            (None, None, Some(interval)) => Step::new(interval, params.int("duration.interval_count")?.unwrap_or(1)).after(start, 1),
            (None, None, None) => step.after(start, 1),
        };
        if end <= start {
            return Err(ApiError::invalid("A phase must end after it starts.", Some(&at("end_date"))));
        }
        let behavior = params.choice("proration_behavior", &["create_prorations", "always_invoice", "none"])?;
        let mut metadata = json!({"metadata": {}});
        merge_metadata(&mut metadata, params);
        let behavior = behavior.unwrap_or("create_prorations");
        phases.push(phase(&subscription["currency"], items, start, end, behavior, &metadata["metadata"]));
    }
    Ok(phases)
}

/// A phase in full.
pub fn phase(currency: &Value, items: Vec<Value>, start: Seconds, end: Seconds, behavior: &str, metadata: &Value) -> Value {
    json!({
        "add_invoice_items": [],
        "application_fee_percent": null,
        "billing_cycle_anchor": null,
        "billing_thresholds": null,
        "collection_method": null,
        "currency": currency,
        "default_payment_method": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "end_date": end,
        "invoice_settings": null,
        "items": items,
        "metadata": metadata,
        "on_behalf_of": null,
        "proration_behavior": behavior,
        "start_date": start,
        "transfer_data": null,
        "trial_end": null,
    })
}

fn phase_item(price: &str, quantity: i64) -> Value {
    json!({
        "billing_thresholds": null, "discounts": [], "metadata": {}, "plan": price, "price": price, "quantity": quantity, "tax_rates": [],
    })
}

/// A subscription's items in the form of a phase.
pub fn items_of(subscription: &Value) -> Vec<Value> {
    let items = subscription["items"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| phase_item(text(&item["price"], "id"), int(item, "quantity"))).collect()
}

/// Whether an instant is within a phase.
pub fn covers(phase: &Value, at: Seconds) -> bool {
    (int(phase, "start_date")..int(phase, "end_date")).contains(&at)
}

/// The parameters that bring a subscription's items to those of a phase.
pub fn wanted_items(subscription: &Value, phase: &Value) -> Vec<Value> {
    let old = subscription["items"]["data"].as_array().cloned().unwrap_or_default();
    let new = phase["items"].as_array().cloned().unwrap_or_default();
    let mut wanted = Vec::new();
    for (place, item) in new.iter().enumerate() {
        // The same price keeps its item; else the item at the same place gets the other price.
        let same = old.iter().find(|one| one["price"]["id"] == item["price"]);
        let kept = same.or_else(|| old.get(place).filter(|_| old.len() == new.len()));
        let mut one = json!({"price": item["price"], "quantity": int(item, "quantity").to_string()});
        if let Some(kept) = kept {
            one["id"] = kept["id"].clone();
        }
        wanted.push(one);
    }
    for item in &old {
        if !wanted.iter().any(|one| one["id"] == item["id"]) {
            wanted.push(json!({"id": item["id"], "deleted": "true"}));
        }
    }
    wanted
}

/// The subscription as it will be when its next period starts.
pub fn at_renewal(state: &State, subscription: &Value, phases: Option<&[Value]>) -> Result<Value, ApiError> {
    let (_, start) = lifecycle::period(subscription);
    let own = state.find("subscription_schedule", text(subscription, "schedule")).and_then(|schedule| schedule["phases"].as_array());
    let phases = phases.or(own.map(Vec::as_slice)).unwrap_or_default();
    let mut later = subscription.clone();
    if let Some(phase) = phases.iter().find(|one| covers(one, start)) {
        let wanted = json!({"items": wanted_items(subscription, phase), "proration_behavior": "none"});
        later["items"]["data"] = json!(proration::plan(state, subscription, &Params(wanted))?.items);
    }
    Ok(later)
}
