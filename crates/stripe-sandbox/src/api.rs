//! The endpoints below `/v1`.

use serde_json::json;

use crate::customers::CLOCK;
use crate::error::{Answer, ApiError};
use crate::form::Params;
use crate::state::State;
use crate::{
    cards, checkout, clock, customers, events, expand, invoices, lists, portal, previews, prices, schedules, subscriptions, webhooks,
};

/// Executes one request and expands its answer. `path` has no `/v1`.
pub fn execute(state: &mut State, method: &str, path: &str, params: &Params) -> Answer {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut answer = route(state, method, &parts, params)?;
    expand::all(state, &mut answer, params)?;
    Ok(answer)
}

fn route(state: &mut State, method: &str, path: &[&str], params: &Params) -> Answer {
    match (method, path) {
        ("POST", ["customers"]) => customers::create(state, params),
        ("GET", ["customers"]) => customers::list(state, params),
        ("POST", ["customers", id]) => customers::update(state, id, params),
        ("DELETE", ["customers", id]) => customers::delete(state, id),
        ("GET", ["customers", id, "payment_methods"]) => cards::list(state, Some(id), params),
        ("POST", ["customers", id, "tax_ids"]) => customers::create_tax_id(state, id, params),
        ("GET", ["customers", id, "tax_ids"]) => customers::tax_ids(state, id, params),
        ("GET", ["customers", _, "tax_ids", id]) => retrieve(state, "tax_id", id, params),
        ("DELETE", ["customers", customer, "tax_ids", id]) => customers::delete_tax_id(state, customer, id),

        ("POST", ["products"]) => prices::create_product(state, params),
        ("GET", ["products"]) => prices::list_products(state, params),
        ("POST", ["products", id]) => prices::update_product(state, id, params),
        ("POST", ["prices"]) => prices::create(state, params),
        ("GET", ["prices"]) => prices::list(state, params),
        ("POST", ["prices", id]) => prices::update(state, id, params),

        ("POST", ["checkout", "sessions"]) => checkout::create(state, params),
        ("GET", ["checkout", "sessions"]) => checkout::list(state, params),
        ("GET", ["checkout", "sessions", id]) => retrieve(state, "checkout.session", id, params),
        ("POST", ["checkout", "sessions", id]) => checkout::update(state, id, params),
        ("POST", ["checkout", "sessions", id, "expire"]) => checkout::expire(state, id, params),
        ("GET", ["checkout", "sessions", id, "line_items"]) => checkout::line_items(state, id, params),

        ("POST", ["billing_portal", "sessions"]) => portal::create(state, params),
        ("POST", ["billing_portal", "configurations"]) => portal::create_configuration(state, params),
        ("GET", ["billing_portal", "configurations"]) => portal::configurations(state, params),
        ("GET", ["billing_portal", "configurations", id]) => retrieve(state, "billing_portal.configuration", id, params),
        ("POST", ["billing_portal", "configurations", id]) => portal::update_configuration(state, id, params),

        ("POST", ["subscriptions"]) => subscriptions::create(state, params),
        ("GET", ["subscriptions"]) => subscriptions::list(state, params),
        ("POST", ["subscriptions", id]) => subscriptions::update(state, id, params),
        ("DELETE", ["subscriptions", id]) => subscriptions::cancel(state, id, params),
        ("GET", ["subscription_items"]) => subscriptions::items(state, params),
        ("GET", ["subscription_items", id]) => subscriptions::item(state, id),
        ("POST", ["subscription_items", id]) => subscriptions::update_item(state, id, params),

        ("POST", ["subscription_schedules"]) => schedules::create(state, params),
        ("GET", ["subscription_schedules"]) => schedules::list(state, params),
        ("POST", ["subscription_schedules", id]) => schedules::update(state, id, params),
        ("POST", ["subscription_schedules", id, "release"]) => schedules::release(state, id, params),
        ("POST", ["subscription_schedules", id, "cancel"]) => schedules::cancel(state, id, params),

        ("GET", ["invoices"]) => invoices::list(state, params),
        ("POST", ["invoices", "create_preview"]) => previews::create(state, params),
        ("POST", ["invoices", id, "pay"]) => invoices::pay(state, id, params),
        ("GET", ["invoices", id, "lines"]) => invoices::lines(state, id, params),

        ("GET", ["payment_methods"]) => cards::list(state, None, params),
        ("POST", ["payment_methods", id, "attach"]) => cards::attach(state, id, params),
        ("POST", ["payment_methods", id, "detach"]) => cards::detach(state, id, params),

        ("GET", ["events"]) => events::list(state, params),
        ("POST", ["webhook_endpoints"]) => webhooks::create(state, params),
        ("GET", ["webhook_endpoints"]) => webhooks::list(state, params),
        ("POST", ["webhook_endpoints", id]) => webhooks::update(state, id, params),
        ("DELETE", ["webhook_endpoints", id]) => webhooks::delete(state, id),

        // There is one clock, whatever is asked for.
        ("POST", ["test_helpers", "test_clocks"]) => Ok(clock::object(state)),
        ("GET", ["test_helpers", "test_clocks"]) => clock::list(state),
        ("GET", ["test_helpers", "test_clocks", CLOCK]) => Ok(clock::object(state)),
        ("POST", ["test_helpers", "test_clocks", CLOCK, "advance"]) => clock::advance(state, params),

        ("GET", [kind, id]) => {
            let kind = match *kind {
                "customers" => "customer",
                "products" => "product",
                "prices" => "price",
                "subscriptions" => "subscription",
                "subscription_schedules" => "subscription_schedule",
                "invoices" => "invoice",
                "payment_methods" => "payment_method",
                "payment_intents" => "payment_intent",
                "events" => "event",
                "webhook_endpoints" => "webhook_endpoint",
                _ => return Err(unknown(method, path)),
            };
            retrieve(state, kind, id, params)
        }
        ("GET", ["account"]) => Ok(json!({"id": "acct_sandbox", "object": "account"})),
        ("GET", ["payment_intents"]) => lists::page(state.all("payment_intent").iter(), params, "/v1/payment_intents"),
        _ => Err(unknown(method, path)),
    }
}

fn unknown(method: &str, path: &[&str]) -> ApiError {
    ApiError::no_endpoint(method, &format!("/v1/{}", path.join("/")))
}

fn retrieve(state: &State, kind: &str, id: &str, params: &Params) -> Answer {
    params.allow(&["client_secret"])?;
    if kind == "customer"
        && let Some(gone) = state.find("deleted_customer", id)
    {
        return Ok(gone.clone());
    }
    state.get(kind, id, if kind == "customer" || kind == "event" { "id" } else { kind })
}
