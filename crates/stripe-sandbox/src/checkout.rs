//! Checkout sessions: a purchase that the customer completes on a page of the sandbox.

use serde_json::{Value, json};

use crate::calendar::DAY;
use crate::error::{Answer, ApiError};
use crate::form::{Params, merge_metadata};
use crate::proration::recurring_price;
use crate::state::{State, int, random, text};
use crate::{events, lists};

const KIND: &str = "checkout.session";

const PARAMS: &[&str] = &[
    "adaptive_pricing",
    "after_expiration",
    "allow_promotion_codes",
    "automatic_tax",
    "billing_address_collection",
    "branding_settings",
    "cancel_url",
    "client_reference_id",
    "consent_collection",
    "currency",
    "custom_fields",
    "custom_text",
    "customer",
    "customer_account",
    "customer_creation",
    "customer_email",
    "customer_update",
    "discounts",
    "expires_at",
    "invoice_creation",
    "line_items",
    "locale",
    "managed_payments",
    "metadata",
    "mode",
    "origin_context",
    "payment_intent_data",
    "payment_method_collection",
    "payment_method_configuration",
    "payment_method_options",
    "payment_method_types",
    "phone_number_collection",
    "return_url",
    "saved_payment_method_options",
    "submit_type",
    "subscription_data",
    "success_url",
    "tax_id_collection",
    "ui_mode",
];

const SUBSCRIPTION_DATA: &[&str] = &[
    "application_fee_percent",
    "billing_cycle_anchor",
    "billing_mode",
    "default_tax_rates",
    "description",
    "invoice_settings",
    "metadata",
    "on_behalf_of",
    "pending_invoice_item_interval",
    "proration_behavior",
    "transfer_data",
    "trial_end",
    "trial_period_days",
    "trial_settings",
];

/// `POST /v1/checkout/sessions`: subscriptions only.
pub fn create(state: &mut State, params: &Params) -> Answer {
    params.allow(PARAMS)?;
    params.refuse(&["automatic_tax.enabled", "discounts", "payment_method_configuration", "ui_mode"])?;
    params.refuse(&["subscription_data.trial_end", "subscription_data.trial_period_days", "subscription_data.billing_cycle_anchor"])?;
    params.allow_in("subscription_data", SUBSCRIPTION_DATA)?;
    params.allow_in("customer_update", &["address", "name", "shipping"])?;
    params.allow_in("tax_id_collection", &["enabled", "required"])?;
    if params.required("mode")? != "subscription" {
        return Err(ApiError::invalid("The sandbox knows only `mode=subscription`.", Some("mode")));
    }
    let success_url = params.required("success_url")?.to_owned();
    let customer = match params.text("customer") {
        Some(id) => state.get("customer", id, "customer")?,
        None => Value::Null,
    };
    check_customer(params, &customer)?;
    let wanted = params.list("line_items");
    if wanted.is_empty() {
        return Err(ApiError::coded("parameter_missing", "Missing required param: line_items.", Some("line_items")));
    }
    let mut items = Vec::new();
    for item in &wanted {
        items.push(line_item(state, item)?);
    }
    let now = state.now();
    let expires_at = params.int("expires_at")?.unwrap_or(now + DAY);
    if !(now + 1800 - 60..=now + DAY + 60).contains(&expires_at) {
        let message = "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.";
        return Err(ApiError::invalid(message, Some("expires_at")));
    }
    // The same length as the real ones, which do not fit a column made for 64 characters.
    let id = format!("{}{}", state.id("cs_test_a1"), random(42));
    let total: i64 = items.iter().map(|item| int(item, "amount_total")).sum();
    let currency = items.first().map(|item| item["currency"].clone());
    let mut session = json!({
        "id": id,
        "object": KIND,
        "adaptive_pricing": null,
        "after_expiration": null,
        "allow_promotion_codes": params.flag("allow_promotion_codes")?,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": false, "liability": null, "provider": null, "status": null},
        "billing_address_collection": params.choice("billing_address_collection", &["auto", "required"])?,
        "cancel_url": params.text("cancel_url"),
        "client_reference_id": params.text("client_reference_id"),
        "client_secret": null,
        "collected_information": null,
        "consent": null,
        "consent_collection": null,
        "created": now,
        "currency": currency,
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {"after_submit": null, "shipping_address": null, "submit": null, "terms_of_service_acceptance": null},
        "customer": customer["id"],
        "customer_account": null,
        "customer_creation": if customer.is_null() { json!("always") } else { Value::Null },
        "customer_details": {
            "address": null, "business_name": null, "email": customer["email"].as_str().or(params.text("customer_email")),
            "individual_name": null, "name": null, "phone": null, "tax_exempt": customer["tax_exempt"].as_str().unwrap_or("none"),
            "tax_ids": null,
        },
        "customer_email": params.text("customer_email"),
        "discounts": [],
        "expires_at": expires_at,
        "integration_identifier": null,
        "invoice": null,
        "invoice_creation": null,
        "livemode": false,
        "locale": params.text("locale"),
        "managed_payments": null,
        "metadata": {},
        "mode": "subscription",
        "origin_context": null,
        "payment_intent": null,
        "payment_link": null,
        "payment_method_collection": params.choice("payment_method_collection", &["always", "if_required"])?.unwrap_or("always"),
        "payment_method_configuration_details": null,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": null,
        "phone_number_collection": {"enabled": false},
        "recovered_from": null,
        "saved_payment_method_options": {
            "allow_redisplay_filters": ["always"], "payment_method_remove": null, "payment_method_save": null,
        },
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "status": "open",
        "submit_type": null,
        "subscription": null,
        "success_url": success_url,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": format!("{}/c/pay/{id}", state.base_url),
        "wallet_options": null,
    });
    merge_metadata(&mut session, params);
    if let Some(enabled) = params.flag("tax_id_collection.enabled")? {
        session["tax_id_collection"] = json!({"enabled": enabled, "required": "never"});
    }
    // What the API does not show: the items, and the metadata of the subscription to come.
    let data =
        json!({"id": id, "items": items, "metadata": params.get("subscription_data.metadata").cloned().unwrap_or_else(|| json!({}))});
    state.insert("checkout.data", data);
    state.insert(KIND, session.clone());
    Ok(session)
}

/// What needs a customer, or may change the one that is there.
fn check_customer(params: &Params, customer: &Value) -> Result<(), ApiError> {
    if customer.is_null() && params.has("customer_update") {
        let message = "`customer_update` can only be used with `customer`.";
        return Err(ApiError::invalid(message, Some("customer_update")));
    }
    if !customer.is_null() && params.has("customer_email") {
        let message = "You may only specify one of these parameters: customer, customer_email.";
        return Err(ApiError::invalid(message, Some("customer_email")));
    }
    let collects = params.flag("tax_id_collection.enabled")? == Some(true);
    if collects && !customer.is_null() && params.text("customer_update.name") != Some("auto") {
        let message = "Tax ID collection for an existing customer needs `customer_update[name]` set to `auto`.";
        return Err(ApiError::invalid(message, Some("tax_id_collection")));
    }
    Ok(())
}

fn line_item(state: &mut State, params: &Params) -> Answer {
    params.allow(&["adjustable_quantity", "dynamic_tax_rates", "metadata", "price", "price_data", "quantity", "tax_rates"])?;
    params.allow_in("adjustable_quantity", &["enabled", "maximum", "minimum"])?;
    let price = recurring_price(state, params.required("price")?)?;
    let quantity = params.int("quantity")?.unwrap_or(1);
    let adjustable = params.flag("adjustable_quantity.enabled")? == Some(true);
    let (minimum, maximum) = (params.int("adjustable_quantity.minimum")?, params.int("adjustable_quantity.maximum")?);
    if quantity < 1 {
        return Err(ApiError::invalid("This value must be greater than or equal to 1.", Some("line_items[0][quantity]")));
    }
    if adjustable && !(minimum.unwrap_or(0)..=maximum.unwrap_or(99)).contains(&quantity) {
        let message = "The quantity must be between the minimum and the maximum of `adjustable_quantity`.";
        return Err(ApiError::invalid(message, Some("line_items[0][quantity]")));
    }
    let product = state.get("product", text(&price, "product"), "product")?;
    let amount = int(&price, "unit_amount") * quantity;
    Ok(json!({
        "id": state.id("li_"),
        "object": "item",
        "adjustable_quantity": if adjustable { json!({"enabled": true, "maximum": maximum, "minimum": minimum}) } else { Value::Null },
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": product["name"],
        "metadata": {},
        "price": price,
        "quantity": quantity,
    }))
}

/// The items of a session.
pub fn items(state: &State, id: &str) -> Vec<Value> {
    state.find("checkout.data", id).and_then(|data| data["items"].as_array().cloned()).unwrap_or_default()
}

/// `GET /v1/checkout/sessions/{id}/line_items`
pub fn line_items(state: &State, id: &str, params: &Params) -> Answer {
    params.allow(&["limit", "starting_after", "ending_before"])?;
    state.get(KIND, id, "session")?;
    let items = items(state, id);
    lists::page(items.iter().rev(), params, &format!("/v1/checkout/sessions/{id}/line_items"))
}

/// `GET /v1/checkout/sessions`
pub fn list(state: &State, params: &Params) -> Answer {
    params.allow(&[
        "created",
        "customer",
        "customer_account",
        "customer_details",
        "payment_intent",
        "payment_link",
        "status",
        "subscription",
        "limit",
        "starting_after",
        "ending_before",
    ])?;
    let equal = |one: &Value, name: &str| params.text(name).is_none_or(|wanted| one[name] == wanted);
    let wanted = |one: &&Value| ["customer", "status", "subscription"].iter().all(|name| equal(one, name));
    lists::page(state.all(KIND).iter().filter(wanted), params, "/v1/checkout/sessions")
}

/// `POST /v1/checkout/sessions/{id}`
pub fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&["collected_information", "metadata", "shipping_options"])?;
    state.get(KIND, id, "session")?;
    state.edit(KIND, id, |session| merge_metadata(session, params));
    state.get(KIND, id, "session")
}

/// `POST /v1/checkout/sessions/{id}/expire`
pub fn expire(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&[])?;
    let session = state.get(KIND, id, "session")?;
    if session["status"] != "open" {
        let message =
            format!("Only Checkout Sessions with a status in [\"open\"] can be expired. This one is {}.", text(&session, "status"));
        return Err(ApiError::invalid(message, None));
    }
    expire_now(state, id);
    state.get(KIND, id, "session")
}

/// Closes a session without a purchase.
pub fn expire_now(state: &mut State, id: &str) {
    state.edit(KIND, id, |session| {
        session["status"] = json!("expired");
        session["url"] = Value::Null;
    });
    if let Some(session) = state.find(KIND, id).cloned() {
        events::emit(state, "checkout.session.expired", session, None);
    }
}
