//! `POST /v1/invoices/create_preview`: the invoice that a change, a purchase or the next renewal would bring.

use serde_json::{Value, json};

use crate::calendar::Step;
use crate::composition::{self, Draft};
use crate::error::{Answer, ApiError};
use crate::form::Params;
use crate::state::{State, text};
use crate::{invoices, lifecycle, phases, proration};

/// `POST /v1/invoices/create_preview`
pub fn create(state: &mut State, params: &Params) -> Answer {
    params.allow(&[
        "automatic_tax",
        "currency",
        "customer",
        "customer_account",
        "customer_details",
        "discounts",
        "invoice_items",
        "issuer",
        "on_behalf_of",
        "preview_mode",
        "schedule",
        "schedule_details",
        "subscription",
        "subscription_details",
    ])?;
    params.refuse(&["automatic_tax.enabled", "discounts", "invoice_items", "subscription_details.trial_end"])?;
    let subscription = match (params.text("subscription"), params.text("schedule")) {
        (Some(id), _) => state.get("subscription", id, "subscription")?,
        (None, Some(id)) => {
            let schedule = state.get("subscription_schedule", id, "schedule")?;
            state.get("subscription", text(&schedule, "subscription"), "schedule")?
        }
        (None, None) => return purchase(state, params),
    };
    if params.text("customer").is_some_and(|customer| subscription["customer"] != customer) {
        return Err(ApiError::invalid("The customer does not have this subscription.", Some("customer")));
    }
    let details = details(params);
    details.allow(&[
        "billing_cycle_anchor",
        "billing_mode",
        "cancel_at",
        "cancel_at_period_end",
        "cancel_now",
        "default_tax_rates",
        "items",
        "proration_behavior",
        "proration_date",
        "resume_at",
        "start_date",
        "trial_end",
    ])?;
    let none = || ApiError::upcoming_none();
    if lifecycle::ended(&subscription) {
        return Err(none());
    }
    let customer = state.get("customer", text(&subscription, "customer"), "customer")?;
    let change = proration::plan(state, &subscription, &details)?;
    let mut lines = invoices::pending(state, text(&subscription, "id"));
    let draft = |lines, period| Draft { customer: &customer, subscription: &subscription, reason: "upcoming", lines, period };
    if change.bill_now && !change.lines.is_empty() {
        let now = state.now();
        lines.extend(change.lines);
        return Ok(composition::compose(state, &draft(lines, (now, now)), true));
    }
    // What is not billed now comes with the next renewal, if there is one.
    lines.extend(change.lines);
    let mut later = subscription.clone();
    later["items"]["data"] = json!(change.items);
    let phases = match params.list("schedule_details.phases") {
        phases if phases.is_empty() => None,
        phases => Some(phases::read_phases(state, &json!({"subscription": subscription["id"]}), &phases)?),
    };
    let ends = match details.flag("cancel_at_period_end")? {
        Some(ends) => ends,
        None => subscription["cancel_at_period_end"] == true,
    };
    let now_ends = details.flag("cancel_now")? == Some(true);
    let period = lifecycle::period(&subscription);
    if !ends && !now_ends {
        let later = if details.list("items").is_empty() { phases::at_renewal(state, &later, phases.as_deref())? } else { later };
        let (start, step) = (period.1, Step::of_price(&later["items"]["data"][0]["price"]));
        // Another interval counts from its own start.
        let same = step == Step::of_price(&subscription["items"]["data"][0]["price"]);
        let anchor = subscription["billing_cycle_anchor"].as_i64().filter(|_| same).unwrap_or(start);
        lines.extend(lifecycle::renewal_lines(state, &later, start, step.period_end(anchor, start)));
    }
    if lines.is_empty() {
        return Err(none());
    }
    Ok(composition::compose(state, &draft(lines, period), true))
}

/// The first invoice of a subscription that does not exist yet.
fn purchase(state: &mut State, params: &Params) -> Answer {
    let customer = match params.text("customer") {
        Some(id) => state.get("customer", id, "customer")?,
        None => Value::Null,
    };
    let mut wanted = params.list("subscription_details.items");
    if wanted.is_empty() {
        wanted = params.list("schedule_details.phases").first().map(|phase| phase.list("items")).unwrap_or_default();
    }
    if wanted.is_empty() {
        return Err(ApiError::upcoming_none());
    }
    let now = state.now();
    let mut lines = Vec::new();
    let subscription = json!({"id": null, "customer": customer["id"], "metadata": {}});
    for item in &wanted {
        let price = proration::recurring_price(state, item.required("price")?)?;
        let period = (now, Step::of_price(&price).period_end(now, now));
        let item = proration::item(state, "", &price, item.int("quantity")?.unwrap_or(1), period);
        lines.push(proration::full(state, &subscription, &item, period.0, period.1));
    }
    Ok(composition::compose(
        state,
        &Draft { customer: &customer, subscription: &Value::Null, reason: "upcoming", lines, period: (now, now) },
        true,
    ))
}

fn details(params: &Params) -> Params {
    Params(params.get("subscription_details").cloned().unwrap_or_else(|| json!({})))
}
