//! Subscriptions: how they begin and change.

use serde_json::{Value, json};

use crate::calendar::Step;
use crate::cards;
use crate::composition::Line;
use crate::customers::CLOCK;
use crate::error::{Answer, ApiError};
use crate::form::{Params, copy_texts, merge_metadata};
use crate::proration::{self, Change};
use crate::state::{State, text};
use crate::{events, invoices, lifecycle, lists, schedules};

const COMMON: &[&str] = &[
    "add_invoice_items",
    "automatic_tax",
    "billing_cycle_anchor",
    "billing_mode",
    "billing_thresholds",
    "cancel_at",
    "cancel_at_period_end",
    "cancellation_details",
    "collection_method",
    "currency",
    "customer",
    "days_until_due",
    "default_payment_method",
    "default_source",
    "default_tax_rates",
    "description",
    "discounts",
    "invoice_settings",
    "items",
    "metadata",
    "off_session",
    "payment_behavior",
    "payment_settings",
    "pending_invoice_item_interval",
    "proration_behavior",
    "proration_date",
    "trial_end",
    "trial_settings",
];

/// What would change amounts or dates in ways that the sandbox does not know.
const UNKNOWN: &[&str] = &[
    "add_invoice_items",
    "automatic_tax.enabled",
    "billing_cycle_anchor",
    "days_until_due",
    "discounts",
    "pending_invoice_item_interval",
    "trial_end",
];

const PAYMENT_BEHAVIORS: &[&str] = &["allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete"];

/// What a new subscription is made of.
pub struct New {
    /// Whose it is.
    pub customer: String,
    /// Prices in full, and how many of each.
    pub items: Vec<(Value, i64)>,
    /// Its metadata.
    pub metadata: Value,
    /// The card of its own, if it has one.
    pub payment_method: Option<String>,
}

/// Keeps a new subscription that waits for its first payment, with its first invoice. Returns the ids of both.
pub fn begin(state: &mut State, new: &New) -> (String, String) {
    let (id, now) = (state.id("sub_"), state.now());
    let step = new.items.first().map_or(Step::Months(1), |(price, _)| Step::of_price(price));
    let period = (now, step.period_end(now, now));
    let mut items = Vec::new();
    for (price, quantity) in &new.items {
        let mut item = proration::item(state, &id, price, *quantity, period);
        item["id"] = json!(state.id("si_"));
        items.push(item);
    }
    let currency = new.items.first().map(|(price, _)| price["currency"].clone());
    let subscription = json!({
        "id": id,
        "object": "subscription",
        "application": null,
        "application_fee_percent": null,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null},
        "billing_cycle_anchor": now,
        "billing_cycle_anchor_config": null,
        "billing_mode": {"flexible": null, "type": "classic"},
        "billing_schedules": [],
        "billing_thresholds": null,
        "cancel_at": null,
        "cancel_at_period_end": false,
        "canceled_at": null,
        "cancellation_details": {"comment": null, "feedback": null, "reason": null},
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "customer": new.customer,
        "customer_account": null,
        "days_until_due": null,
        "default_payment_method": new.payment_method,
        "default_source": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "ended_at": null,
        "invoice_settings": {"account_tax_ids": null, "custom_fields": null, "description": null, "footer": null, "issuer": {"type": "self"}},
        "items": lists::whole(items.clone(), &format!("/v1/subscription_items?subscription={id}")),
        "latest_invoice": null,
        "livemode": false,
        "managed_payments": {"enabled": false},
        "metadata": new.metadata,
        "next_pending_invoice_item_invoice": null,
        "on_behalf_of": null,
        "pause_collection": null,
        "payment_settings": {"payment_method_options": null, "payment_method_types": null, "save_default_payment_method": "off"},
        "pending_invoice_item_interval": null,
        "pending_setup_intent": null,
        "pending_update": null,
        "schedule": null,
        "start_date": now,
        "status": "incomplete",
        "test_clock": CLOCK,
        "transfer_data": null,
        "trial_end": null,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": null,
    });
    state.insert("subscription", subscription.clone());
    let lines = items.iter().map(|item| proration::full(state, &subscription, item, period.0, period.1)).collect();
    // The first invoice is about an instant: everything before the subscription began.
    let invoice = invoices::create(state, &subscription, "subscription_create", lines, (now, now));
    if let Some(subscription) = state.find("subscription", &id).cloned() {
        events::emit(state, "customer.subscription.created", subscription, None);
    }
    invoices::finalize(state, &invoice);
    (id, invoice)
}

/// `POST /v1/subscriptions`
pub fn create(state: &mut State, params: &Params) -> Answer {
    params.allow(COMMON)?;
    params.refuse(UNKNOWN)?;
    params.allow_in("items", &["billing_thresholds", "discounts", "metadata", "plan", "price", "price_data", "quantity", "tax_rates"])?;
    let customer = params.required("customer")?.to_owned();
    state.get("customer", &customer, "customer")?;
    let behavior = params.choice("payment_behavior", PAYMENT_BEHAVIORS)?.unwrap_or("allow_incomplete");
    let mut items = Vec::new();
    for item in params.list("items") {
        let price = proration::recurring_price(state, item.required("price")?)?;
        items.push((price, item.int("quantity")?.unwrap_or(1)));
    }
    if items.is_empty() {
        return Err(ApiError::coded("parameter_missing", "Missing required param: items.", Some("items")));
    }
    let payment_method = params.text("default_payment_method").map(str::to_owned);
    if let Some(method) = &payment_method {
        state.get("payment_method", method, "default_payment_method")?;
    }
    let method = payment_method.clone().or_else(|| cards::default_of(state, &customer, None));
    let outcome = match &method {
        None => Err(cards::NO_CARD),
        Some(id) => state.cards.get(id).and_then(|number| cards::charged(number)).map_or_else(|| Ok(id.clone()), Err),
    };
    if method.is_none() && behavior != "default_incomplete" {
        return Err(ApiError::coded("resource_missing", cards::NO_CARD.message, None));
    }
    if let (Err(decline), "error_if_incomplete") = (&outcome, behavior) {
        return Err((*decline).into());
    }
    let mut metadata = json!({});
    merge_metadata(&mut metadata, params);
    let metadata = if metadata["metadata"].is_null() { json!({}) } else { metadata["metadata"].clone() };
    let (id, invoice) = begin(state, &New { customer, items, metadata, payment_method });
    if behavior != "default_incomplete" {
        // A refused card leaves the subscription incomplete, which the answer shows.
        let _declined = invoices::charge(state, &invoice, outcome, true);
    }
    state.get("subscription", &id, "id")
}

/// `POST /v1/subscriptions/{id}`
pub fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(COMMON)?;
    params.refuse(UNKNOWN)?;
    let subscription = state.get("subscription", id, "id")?;
    if lifecycle::ended(&subscription) {
        let message = "A canceled subscription can only update its cancellation_details and metadata.";
        return Err(ApiError::invalid(message, None));
    }
    let behavior = params.choice("payment_behavior", PAYMENT_BEHAVIORS)?.unwrap_or("allow_incomplete");
    let at_period_end = params.flag("cancel_at_period_end")?;
    let cancel_at = params.int("cancel_at")?;
    if let (Some(schedule), true) = (subscription["schedule"].as_str(), at_period_end.is_some() || params.has("cancel_at")) {
        let message = format!(
            "The subscription is managed by the subscription schedule `{schedule}`, and updating any cancelation behavior directly is not \
             allowed. Please update the schedule instead."
        );
        return Err(ApiError::invalid(message, Some("cancel_at_period_end")));
    }
    if let Some(method) = params.text("default_payment_method") {
        state.get("payment_method", method, "default_payment_method")?;
    }
    let change = proration::plan(state, &subscription, params)?;
    let total: i64 = change.lines.iter().chain(&invoices::pending(state, id)).map(|line| line.amount).sum();
    let billed = change.bill_now && !change.lines.is_empty();
    let declined = if billed && total > 0 { cards::outcome(state, text(&subscription, "customer"), Some(id)).err() } else { None };
    match (declined, behavior) {
        (Some(decline), "error_if_incomplete") => return Err(decline.into()),
        (Some(_), "pending_if_incomplete") => {
            postpone(state, &subscription, change);
            return state.get("subscription", id, "id");
        }
        _ => {}
    }
    let now = state.now();
    let items = with_ids(state, change.items);
    state.change("subscription", id, "customer.subscription.updated", |subscription| {
        subscription["items"]["data"] = json!(items);
        if let Some(anchor) = change.anchor {
            subscription["billing_cycle_anchor"] = json!(anchor);
        }
        if let Some(at_period_end) = at_period_end {
            lifecycle::set_cancel_at_period_end(subscription, at_period_end, now);
        }
        if params.has("cancel_at") {
            subscription["cancel_at"] = json!(cancel_at);
            subscription["canceled_at"] = json!(cancel_at.map(|_| now));
        }
        copy_texts(subscription, params, &["description", "default_payment_method"]);
        for part in ["comment", "feedback"] {
            if let Some(text) = params.text(&format!("cancellation_details.{part}")) {
                subscription["cancellation_details"][part] = json!(text);
            }
        }
        merge_metadata(subscription, params);
    });
    schedules::follow(state, id);
    bill(state, id, change.lines, billed);
    state.get("subscription", id, "id")
}

/// Bills the lines of a change at once, or keeps them for the next invoice.
fn bill(state: &mut State, id: &str, lines: Vec<Line>, now: bool) {
    if !now {
        state.pending.extend(lines);
        return;
    }
    let Some(subscription) = state.find("subscription", id).cloned() else { return };
    let at = state.now();
    let invoice = invoices::create(state, &subscription, "subscription_update", lines, (at, at));
    invoices::finalize(state, &invoice);
    // A refused card leaves the invoice open and the subscription past due.
    let _declined = invoices::charge_default(state, &invoice, true);
}

/// Keeps a change until its invoice is paid. The items stay as they are meanwhile.
fn postpone(state: &mut State, subscription: &Value, change: Change) {
    let id = text(subscription, "id");
    let expires = state.now() + lifecycle::PATIENCE;
    let items = with_ids(state, change.items);
    state.change("subscription", id, "customer.subscription.updated", |subscription| {
        subscription["pending_update"] = json!({
            "billing_cycle_anchor": change.anchor,
            "discount": null,
            "discounts": null,
            "expires_at": expires,
            "metadata": null,
            "subscription_items": items,
            "trial_end": null,
            "trial_from_plan": null,
        });
    });
    let at = state.now();
    let invoice = invoices::create(state, subscription, "subscription_update", change.lines, (at, at));
    state.edit("invoice", &invoice, |invoice| invoice["auto_advance"] = json!(false));
    invoices::finalize(state, &invoice);
    let _declined = invoices::charge_default(state, &invoice, true);
}

fn with_ids(state: &mut State, mut items: Vec<Value>) -> Vec<Value> {
    for item in items.iter_mut().filter(|item| item["id"].is_null()) {
        item["id"] = json!(state.id("si_"));
    }
    items
}

/// `DELETE /v1/subscriptions/{id}`
pub fn cancel(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&["cancellation_details", "invoice_now", "prorate"])?;
    let subscription = state.get("subscription", id, "id")?;
    if lifecycle::ended(&subscription) {
        return Err(ApiError::missing("subscription", id, "id"));
    }
    if params.flag("prorate")? == Some(true) {
        let lines = proration::credits(state, &subscription, state.now());
        state.pending.extend(lines);
    }
    if params.flag("invoice_now")? == Some(true) && !invoices::pending(state, id).is_empty() {
        let at = state.now();
        let invoice = invoices::create(state, &subscription, "subscription_update", Vec::new(), (at, at));
        invoices::finalize(state, &invoice);
        let _declined = invoices::charge_default(state, &invoice, true);
    }
    lifecycle::end(state, id, "cancellation_requested");
    state.get("subscription", id, "id")
}

/// `GET /v1/subscriptions`: without a status, those that ended are left out.
pub fn list(state: &State, params: &Params) -> Answer {
    params.allow(&[
        "automatic_tax",
        "collection_method",
        "created",
        "current_period_end",
        "current_period_start",
        "customer",
        "customer_account",
        "price",
        "status",
        "test_clock",
        "limit",
        "starting_after",
        "ending_before",
    ])?;
    let wanted = |one: &&Value| {
        let fits = match params.text("status") {
            Some("all") => true,
            Some("ended") => lifecycle::ended(one),
            Some(status) => one["status"] == status,
            None => one["status"] != "canceled",
        };
        let price =
            |price: &str| one["items"]["data"].as_array().is_some_and(|items| items.iter().any(|item| item["price"]["id"] == price));
        fits && params.text("customer").is_none_or(|customer| one["customer"] == customer) && params.text("price").is_none_or(price)
    };
    lists::page(state.all("subscription").iter().filter(wanted), params, "/v1/subscriptions")
}

/// `GET /v1/subscription_items/{id}`
pub fn item(state: &State, id: &str) -> Answer {
    let mut items = state.all("subscription").iter().flat_map(|one| one["items"]["data"].as_array().into_iter().flatten());
    items.find(|item| item["id"] == id).cloned().ok_or_else(|| ApiError::missing("subscription_item", id, "item"))
}

/// `POST /v1/subscription_items/{id}`: the same as updating the subscription with this item.
pub fn update_item(state: &mut State, id: &str, params: &Params) -> Answer {
    let subscription = text(&item(state, id)?, "subscription").to_owned();
    let (mut rest, mut wanted) = (json!({}), json!({"id": id}));
    for (key, value) in params.0.as_object().into_iter().flatten() {
        let of_item = matches!(key.as_str(), "price" | "quantity" | "metadata" | "discounts" | "tax_rates" | "billing_thresholds");
        let target = if of_item { &mut wanted } else { &mut rest };
        target[key.as_str()] = value.clone();
    }
    rest["items"] = json!([wanted]);
    update(state, &subscription, &Params(rest))?;
    item(state, id)
}

/// `GET /v1/subscription_items`
pub fn items(state: &State, params: &Params) -> Answer {
    params.allow(&["subscription", "limit", "starting_after", "ending_before"])?;
    let subscription = state.get("subscription", params.required("subscription")?, "subscription")?;
    let rows = subscription["items"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    lists::page(rows.iter().rev(), params, "/v1/subscription_items")
}
