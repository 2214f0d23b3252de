//! Customers and their tax ids.

use serde_json::{Value, json};

use crate::error::{Answer, ApiError};
use crate::events;
use crate::form::{Params, copy_texts, merge_metadata};
use crate::state::{State, random, text};
use crate::{lifecycle, lists};

/// The test clock that every object names: it stands for the sandbox's one time.
pub const CLOCK: &str = "clock_sandbox";

const WRITABLE: &[&str] = &[
    "address",
    "balance",
    "business_name",
    "cash_balance",
    "default_source",
    "description",
    "email",
    "individual_name",
    "invoice_prefix",
    "invoice_settings",
    "metadata",
    "name",
    "next_invoice_sequence",
    "payment_method",
    "phone",
    "preferred_locales",
    "shipping",
    "source",
    "tax",
    "tax_exempt",
    "tax_id_data",
    "test_clock",
    "validate",
];

const ADDRESS: &[&str] = &["city", "country", "line1", "line2", "postal_code", "state"];

/// `POST /v1/customers`
pub fn create(state: &mut State, params: &Params) -> Answer {
    params.allow(WRITABLE)?;
    let tax_ids = params.list("tax_id_data");
    for tax_id in &tax_ids {
        check_tax_id(tax_id)?;
    }
    let id = state.id("cus_");
    let mut customer = json!({
        "id": id,
        "object": "customer",
        "address": null,
        "balance": 0,
        "created": state.now(),
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": null,
        "discount": null,
        "email": null,
        "invoice_prefix": random(8).to_uppercase(),
        "invoice_settings": {"custom_fields": null, "default_payment_method": null, "footer": null, "rendering_options": null},
        "livemode": false,
        "metadata": {},
        "name": null,
        "next_invoice_sequence": 1,
        "phone": null,
        "preferred_locales": [],
        "shipping": null,
        "tax_exempt": "none",
        "test_clock": CLOCK,
    });
    write(state, &mut customer, params)?;
    state.insert("customer", customer.clone());
    events::emit(state, "customer.created", customer.clone(), None);
    for tax_id in &tax_ids {
        create_tax_id(state, &id, tax_id)?;
    }
    Ok(customer)
}

/// `POST /v1/customers/{id}`
pub fn update(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(WRITABLE)?;
    let mut customer = state.get("customer", id, "customer")?;
    write(state, &mut customer, params)?;
    state.change("customer", id, "customer.updated", |old| *old = customer.clone());
    Ok(customer)
}

/// `DELETE /v1/customers/{id}`
pub fn delete(state: &mut State, id: &str) -> Answer {
    let customer = state.get("customer", id, "customer")?;
    let open: Vec<String> = state.of("subscription", "customer", id).map(|one| text(one, "id").to_owned()).collect();
    for subscription in open {
        lifecycle::end(state, &subscription, "cancellation_requested");
    }
    state.remove("customer", id);
    events::emit(state, "customer.deleted", customer, None);
    let tombstone = json!({"id": id, "object": "customer", "deleted": true});
    // It can still be retrieved, as what it is; nothing else finds it.
    state.insert("deleted_customer", tombstone.clone());
    Ok(tombstone)
}

/// `GET /v1/customers`
pub fn list(state: &State, params: &Params) -> Answer {
    params.allow(&["created", "email", "test_clock", "limit", "starting_after", "ending_before"])?;
    let email = params.text("email");
    let rows = state.all("customer").iter().filter(|one| email.is_none_or(|email| one["email"] == email));
    lists::page(rows, params, "/v1/customers")
}

fn write(state: &State, customer: &mut Value, params: &Params) -> Result<(), ApiError> {
    params.refuse(&["cash_balance", "payment_method", "source"])?;
    params.allow_in("address", ADDRESS)?;
    params.allow_in("shipping", &["address", "name", "phone"])?;
    params.allow_in("shipping.address", ADDRESS)?;
    params.allow_in("invoice_settings", &["custom_fields", "default_payment_method", "footer", "rendering_options"])?;
    params.allow_in("invoice_settings.custom_fields", &["name", "value"])?;
    if let Some(email) = params.text("email").filter(|email| !email.contains('@')) {
        return Err(ApiError::coded("email_invalid", format!("Invalid email address: {email}"), Some("email")));
    }
    if let Some(method) = params.text("invoice_settings.default_payment_method") {
        let known = state.get("payment_method", method, "invoice_settings[default_payment_method]")?;
        if known["customer"] != customer["id"] {
            let message = "The customer does not have a payment method with the ID. The payment method must be attached to the customer.";
            return Err(ApiError::coded("resource_missing", message, Some("invoice_settings[default_payment_method]")));
        }
    }
    let exempt = params.choice("tax_exempt", &["none", "exempt", "reverse"])?;
    copy_texts(customer, params, &["name", "email", "phone", "description"]);
    if let Some(exempt) = exempt {
        customer["tax_exempt"] = json!(exempt);
    }
    if let Some(balance) = params.int("balance")? {
        customer["balance"] = json!(balance);
    }
    if params.has("preferred_locales") {
        customer["preferred_locales"] = json!(params.texts("preferred_locales"));
    }
    match params.get("address") {
        Some(Value::Object(_)) => customer["address"] = address(params, "address"),
        Some(_) => customer["address"] = Value::Null,
        None => {}
    }
    match params.get("shipping") {
        Some(Value::Object(_)) => {
            let (name, phone) = (params.text("shipping.name"), params.text("shipping.phone"));
            customer["shipping"] = json!({"address": address(params, "shipping.address"), "name": name, "phone": phone});
        }
        Some(_) => customer["shipping"] = Value::Null,
        None => {}
    }
    let settings = &mut customer["invoice_settings"];
    for name in ["default_payment_method", "footer"] {
        let path = format!("invoice_settings.{name}");
        if params.has(&path) {
            settings[name] = json!(params.text(&path));
        }
    }
    match params.get("invoice_settings.custom_fields") {
        Some(fields @ Value::Array(_)) => settings["custom_fields"] = fields.clone(),
        Some(_) => settings["custom_fields"] = Value::Null,
        None => {}
    }
    merge_metadata(customer, params);
    Ok(())
}

fn address(params: &Params, path: &str) -> Value {
    let part = |name: &str| params.text(&format!("{path}.{name}"));
    json!({
        "city": part("city"), "country": part("country"), "line1": part("line1"),
        "line2": part("line2"), "postal_code": part("postal_code"), "state": part("state"),
    })
}

/// `POST /v1/customers/{id}/tax_ids`
pub fn create_tax_id(state: &mut State, customer: &str, params: &Params) -> Answer {
    params.allow(&["type", "value", "customer", "owner"])?;
    state.get("customer", customer, "customer")?;
    let (kind, value, country) = check_tax_id(params)?;
    // Only these are looked up in a public register.
    let verified = matches!(kind.as_str(), "eu_vat" | "gb_vat" | "au_abn");
    let id = state.id("txi_");
    let object = json!({
        "id": id,
        "object": "tax_id",
        "country": country,
        "created": state.now(),
        "customer": customer,
        "customer_account": null,
        "livemode": false,
        "owner": {"customer": customer, "customer_account": null, "type": "customer"},
        "type": kind,
        "value": value,
        "verification": {
            "status": if verified { "pending" } else { "unavailable" },
            "verified_address": null,
            "verified_name": null,
        },
    });
    state.insert("tax_id", object.clone());
    events::emit(state, "customer.tax_id.created", object.clone(), None);
    Ok(object)
}

/// The kind, the value and the country of a tax id whose form is right.
fn check_tax_id(params: &Params) -> Result<(String, String, Option<String>), ApiError> {
    let kind = params.required("type")?;
    let value = params.required("value")?.replace(' ', "").to_uppercase();
    let wrong = || ApiError::coded("tax_id_invalid", format!("Invalid value for {kind}."), Some("value"));
    let (known, kind_country) = match kind.split_once('_') {
        Some(("eu", "vat")) => (true, None),
        Some((country, "vat" | "ein" | "abn" | "bn" | "gst" | "uid" | "stn" | "oss" | "cnpj" | "cpf" | "crn" | "cn" | "trn" | "tin")) => {
            (country.len() == 2, Some(country.to_uppercase()))
        }
        _ => (false, None),
    };
    if !known {
        return Err(ApiError::invalid(format!("Invalid type: {kind} is no kind of tax id"), Some("type")));
    }
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let country = value.get(..2).unwrap_or_default().to_owned();
    let fits = match kind {
        "eu_vat" => value.len() >= 8 && digits >= 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()),
        "gb_vat" => country == "GB" && matches!(digits, 9 | 12),
        "ch_vat" => value.starts_with("CHE") && digits == 9,
        "us_ein" => digits == 9,
        _ => digits >= 4,
    };
    if !fits {
        return Err(wrong());
    }
    let country = match kind {
        "eu_vat" if country == "EL" => Some("GR".to_owned()),
        "eu_vat" => Some(country),
        _ => kind_country,
    };
    Ok((kind.to_owned(), params.required("value")?.to_owned(), country))
}

/// `GET /v1/customers/{id}/tax_ids`
pub fn tax_ids(state: &State, customer: &str, params: &Params) -> Answer {
    params.allow(&["limit", "starting_after", "ending_before"])?;
    state.get("customer", customer, "customer")?;
    lists::page(state.of("tax_id", "customer", customer), params, &format!("/v1/customers/{customer}/tax_ids"))
}

/// `DELETE /v1/customers/{id}/tax_ids/{tax_id}`
pub fn delete_tax_id(state: &mut State, customer: &str, id: &str) -> Answer {
    let object = state.get("tax_id", id, "id")?;
    if object["customer"] != customer {
        return Err(ApiError::missing("tax_id", id, "id"));
    }
    state.remove("tax_id", id);
    events::emit(state, "customer.tax_id.deleted", object, None);
    Ok(json!({"id": id, "object": "tax_id", "deleted": true}))
}
