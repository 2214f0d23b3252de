//! `expand[]`: ids in an answer replaced by what they stand for.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::form::Params;
use crate::state::{State, text};
use crate::{checkout, clock, lists, prices};

/// Expands every path that the caller named.
pub fn all(state: &State, answer: &mut Value, params: &Params) -> Result<(), ApiError> {
    for path in params.texts("expand") {
        let parts: Vec<&str> = path.split('.').collect();
        if parts.len() > 5 || !walk(state, answer, &parts) {
            return Err(ApiError::invalid(format!("This property cannot be expanded ({path})."), Some("expand[0]")));
        }
    }
    Ok(())
}

/// Whether the path made sense. Null and an empty list end it without an error.
fn walk(state: &State, value: &mut Value, path: &[&str]) -> bool {
    let Some((field, rest)) = path.split_first() else { return true };
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter_mut().all(|item| walk(state, item, path)),
        Value::Object(_) => {
            if value[*field].is_null()
                && let Some(included) = include(state, value, field)
            {
                value[*field] = included;
            }
            if value.get(*field).is_none() {
                return false;
            }
            if let Some(id) = value[*field].as_str() {
                let Some(found) = look_up(state, field, id) else { return false };
                value[*field] = found;
            }
            walk(state, &mut value[*field], rest)
        }
        _ => false,
    }
}

/// The object behind an id, by the name of the field that holds it.
fn look_up(state: &State, field: &str, id: &str) -> Option<Value> {
    let kind = match field {
        "latest_invoice" | "invoice" => "invoice",
        "default_payment_method" | "payment_method" => "payment_method",
        "schedule" => "subscription_schedule",
        "price" | "default_price" => "price",
        "configuration" => "billing_portal.configuration",
        "customer" | "subscription" | "product" | "payment_intent" => field,
        "plan" => return state.find("price", id).map(prices::plan),
        "test_clock" => return Some(clock::object(state)),
        _ => return None,
    };
    let found = state.find(kind, id).cloned();
    // Of a customer that is gone only this is left.
    found.or_else(|| (kind == "customer").then(|| json!({"id": id, "object": "customer", "deleted": true})))
}

/// Parts that an object has only when they are asked for.
fn include(state: &State, object: &Value, field: &str) -> Option<Value> {
    let id = text(object, "id");
    let rows = |kind: &str, key: &str, url: String| {
        let mut rows: Vec<Value> = state.of(kind, key, id).cloned().collect();
        rows.reverse();
        Some(lists::whole(rows, &url))
    };
    match (text(object, "object"), field) {
        ("customer", "tax_ids") => rows("tax_id", "customer", format!("/v1/customers/{id}/tax_ids")),
        ("customer", "subscriptions") => rows("subscription", "customer", format!("/v1/customers/{id}/subscriptions")),
        ("customer", "sources") => Some(lists::whole(Vec::new(), &format!("/v1/customers/{id}/sources"))),
        ("invoice", "payments") => rows("invoice_payment", "invoice", format!("/v1/invoice_payments?invoice={id}")),
        ("checkout.session", "line_items") => {
            Some(lists::whole(checkout::items(state, id), &format!("/v1/checkout/sessions/{id}/line_items")))
        }
        _ => None,
    }
}
