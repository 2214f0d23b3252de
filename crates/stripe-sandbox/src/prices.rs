//! Products and their prices.

use serde_json::{Value, json};

use crate::error::{Answer, ApiError};
use crate::events;
use crate::form::{Params, copy_texts, merge_metadata};
use crate::lists;
use crate::state::{State, text};

const PRODUCT: &[&str] = &[
    "id",
    "name",
    "active",
    "default_price",
    "default_price_data",
    "description",
    "images",
    "marketing_features",
    "metadata",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
];
const PRICE: &[&str] = &[
    "active",
    "billing_scheme",
    "currency",
    "currency_options",
    "custom_unit_amount",
    "lookup_key",
    "metadata",
    "nickname",
    "product",
    "product_data",
    "recurring",
    "tax_behavior",
    "tiers",
    "tiers_mode",
    "transfer_lookup_key",
    "transform_quantity",
    "unit_amount",
    "unit_amount_decimal",
];

/// `POST /v1/products`; the caller may choose the id.
pub fn create_product(state: &mut State, params: &Params) -> Answer {
    params.allow(PRODUCT)?;
    params.required("name")?;
    let id = match params.text("id") {
        Some(id) if state.find("product", id).is_some() => {
            return Err(ApiError::coded("resource_already_exists", format!("Product already exists: {id}"), Some("id")));
        }
        Some(id) => id.to_owned(),
        None => state.id("prod_"),
    };
    let now = state.now();
    let mut product = json!({
        "id": id,
        "object": "product",
        "active": params.flag("active")?.unwrap_or(true),
        "created": now,
        "default_price": null,
        "description": null,
        "images": params.texts("images"),
        "livemode": false,
        "marketing_features": [],
        "metadata": {},
        "name": null,
        "package_dimensions": null,
        "shippable": null,
        "statement_descriptor": null,
        "tax_code": null,
        "type": "service",
        "unit_label": null,
        "updated": now,
        "url": null,
    });
    write_product(&mut product, params)?;
    state.insert("product", product.clone());
    events::emit(state, "product.created", product.clone(), None);
    Ok(product)
}

/// `POST /v1/products/{id}`
pub fn update_product(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(PRODUCT)?;
    let mut product = state.get("product", id, "id")?;
    write_product(&mut product, params)?;
    product["updated"] = json!(state.now());
    state.change("product", id, "product.updated", |old| *old = product.clone());
    Ok(product)
}

fn write_product(product: &mut Value, params: &Params) -> Result<(), ApiError> {
    copy_texts(product, params, &["description", "statement_descriptor", "tax_code", "unit_label", "url", "default_price"]);
    if let Some(name) = params.text("name") {
        product["name"] = json!(name);
    }
    if let Some(active) = params.flag("active")? {
        product["active"] = json!(active);
    }
    merge_metadata(product, params);
    Ok(())
}

/// `GET /v1/products`
pub fn list_products(state: &State, params: &Params) -> Answer {
    params.allow(&["active", "created", "ids", "shippable", "type", "url", "limit", "starting_after", "ending_before"])?;
    let (active, ids) = (params.flag("active")?, params.texts("ids"));
    let wanted = |one: &&Value| {
        active.is_none_or(|active| one["active"] == active) && (ids.is_empty() || ids.iter().any(|id| one["id"] == id.as_str()))
    };
    lists::page(state.all("product").iter().filter(wanted), params, "/v1/products")
}

/// `POST /v1/prices`
pub fn create(state: &mut State, params: &Params) -> Answer {
    params.allow(PRICE)?;
    params.refuse(&["custom_unit_amount", "tiers", "transform_quantity", "recurring.trial_period_days"])?;
    let currency = params.required("currency")?.to_lowercase();
    let amount = match (params.int("unit_amount")?, params.text("unit_amount_decimal")) {
        (Some(amount), _) => amount,
        (None, Some(decimal)) => {
            decimal.parse().map_err(|_| ApiError::invalid("The sandbox knows amounts in whole cents only.", Some("unit_amount_decimal")))?
        }
        (None, None) => return Err(ApiError::coded("parameter_missing", "Missing required param: unit_amount.", Some("unit_amount"))),
    };
    if amount < 0 {
        return Err(ApiError::coded("parameter_invalid_integer", "This value must be greater than or equal to 0.", Some("unit_amount")));
    }
    let recurring = recurring(params)?;
    let behavior = params.choice("tax_behavior", &["exclusive", "inclusive", "unspecified"])?.unwrap_or("unspecified");
    let lookup_key = params.text("lookup_key");
    let taken = lookup_key.and_then(|key| state.of("price", "lookup_key", key).next()).map(|one| text(one, "id").to_owned());
    if taken.is_some() && params.flag("transfer_lookup_key")? != Some(true) {
        let message = format!("A price (`{}`) already uses that lookup key.", taken.unwrap_or_default());
        return Err(ApiError::invalid(message, Some("lookup_key")));
    }
    let product = if params.has("product_data") {
        let name = params.required("product_data.name")?.to_owned();
        let product = create_product(state, &Params(json!({ "name": name })))?;
        text(&product, "id").to_owned()
    } else {
        params.required("product")?.to_owned()
    };
    state.get("product", &product, "product")?;
    if let Some(taken) = taken {
        state.change("price", &taken, "price.updated", |price| price["lookup_key"] = Value::Null);
        refresh_copies(state, &taken);
    }
    let id = state.id("price_");
    let mut price = json!({
        "id": id,
        "object": "price",
        "active": params.flag("active")?.unwrap_or(true),
        "billing_scheme": "per_unit",
        "created": state.now(),
        "currency": currency,
        "custom_unit_amount": null,
        "livemode": false,
        "lookup_key": lookup_key,
        "metadata": {},
        "nickname": params.text("nickname"),
        "product": product,
        "recurring": recurring,
        "tax_behavior": behavior,
        "tiers_mode": null,
        "transform_quantity": null,
        "type": if recurring.is_null() { "one_time" } else { "recurring" },
        "unit_amount": amount,
        "unit_amount_decimal": amount.to_string(),
    });
    merge_metadata(&mut price, params);
    state.insert("price", price.clone());
    events::emit(state, "price.created", price.clone(), None);
    Ok(price)
}

fn recurring(params: &Params) -> Result<Value, ApiError> {
    if !params.has("recurring") {
        return Ok(Value::Null);
    }
    params.required("recurring.interval")?;
    params.allow_in("recurring", &["interval", "interval_count", "meter", "trial_period_days", "usage_type"])?;
    let interval = params.choice("recurring.interval", &["day", "week", "month", "year"])?;
    let count = params.int("recurring.interval_count")?.unwrap_or(1).max(1);
    Ok(json!({"interval": interval, "interval_count": count, "meter": null, "trial_period_days": null, "usage_type": "licensed"}))
}

/// `POST /v1/prices/{id}`
pub fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&["active", "currency_options", "lookup_key", "metadata", "nickname", "tax_behavior", "transfer_lookup_key"])?;
    let mut price = state.get("price", id, "price")?;
    let taken = params.text("lookup_key").and_then(|key| state.of("price", "lookup_key", key).next()).map(|one| text(one, "id").to_owned());
    let taken = taken.filter(|other| other != id);
    if taken.is_some() && params.flag("transfer_lookup_key")? != Some(true) {
        let message = format!("A price (`{}`) already uses that lookup key.", taken.unwrap_or_default());
        return Err(ApiError::invalid(message, Some("lookup_key")));
    }
    copy_texts(&mut price, params, &["lookup_key", "nickname", "tax_behavior"]);
    if let Some(active) = params.flag("active")? {
        price["active"] = json!(active);
    }
    merge_metadata(&mut price, params);
    if let Some(taken) = taken {
        state.change("price", &taken, "price.updated", |price| price["lookup_key"] = Value::Null);
        refresh_copies(state, &taken);
    }
    state.change("price", id, "price.updated", |old| *old = price.clone());
    refresh_copies(state, id);
    Ok(price)
}

/// Subscription items hold their price in full, so its changes must reach them.
fn refresh_copies(state: &mut State, id: &str) {
    let Some(price) = state.find("price", id).cloned() else { return };
    let plan = plan(&price);
    state.edit_all("subscription", |subscription| {
        for item in subscription["items"]["data"].as_array_mut().into_iter().flatten().filter(|item| item["price"]["id"] == id) {
            item["price"] = price.clone();
            item["plan"] = plan.clone();
        }
    });
}

/// `GET /v1/prices`
pub fn list(state: &State, params: &Params) -> Answer {
    params.allow(&[
        "active",
        "created",
        "currency",
        "lookup_keys",
        "product",
        "recurring",
        "type",
        "limit",
        "starting_after",
        "ending_before",
    ])?;
    let (active, keys) = (params.flag("active")?, params.texts("lookup_keys"));
    let equal = |one: &Value, name: &str| params.text(name).is_none_or(|wanted| one[name] == wanted);
    let wanted = |one: &&Value| {
        active.is_none_or(|active| one["active"] == active)
            && (keys.is_empty() || keys.iter().any(|key| one["lookup_key"] == key.as_str()))
            && ["currency", "product", "type"].iter().all(|name| equal(one, name))
            && params.text("recurring.interval").is_none_or(|interval| one["recurring"]["interval"] == interval)
    };
    lists::page(state.all("price").iter().filter(wanted), params, "/v1/prices")
}

/// The same price in the older form that subscription items still carry.
pub fn plan(price: &Value) -> Value {
    json!({
        "id": price["id"],
        "object": "plan",
        "active": price["active"],
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "billing_scheme": "per_unit",
        "created": price["created"],
        "currency": price["currency"],
        "interval": price["recurring"]["interval"],
        "interval_count": price["recurring"]["interval_count"],
        "livemode": false,
        "metadata": price["metadata"],
        "meter": null,
        "nickname": price["nickname"],
        "product": price["product"],
        "tiers_mode": null,
        "transform_usage": null,
        "trial_period_days": null,
        "usage_type": "licensed",
    })
}
