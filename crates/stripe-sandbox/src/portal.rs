//! The billing portal: its sessions, and the page on which customers help themselves.

use serde_json::{Value, json};

use crate::error::Answer;
use crate::events;
use crate::form::{Params, copy_texts, merge_metadata};
use crate::html::{self, escape};
use crate::pages::{Page, not_found};
use crate::proration::money;
use crate::state::{State, int, text};
use crate::{calendar, cards, invoices, lifecycle, lists, proration, schedules};

const SESSION: &str = "billing_portal.session";
const CONFIGURATION: &str = "billing_portal.configuration";

/// `POST /v1/billing_portal/sessions`
pub fn create(state: &mut State, params: &Params) -> Answer {
    params.allow(&["configuration", "customer", "customer_account", "flow_data", "locale", "on_behalf_of", "return_url"])?;
    let customer = params.required("customer")?.to_owned();
    state.get("customer", &customer, "customer")?;
    let configuration = match params.text("configuration") {
        Some(id) => text(&state.get(CONFIGURATION, id, "configuration")?, "id").to_owned(),
        None => default_configuration(state),
    };
    let id = state.id("bps_");
    let session = json!({
        "id": id,
        "object": SESSION,
        "configuration": configuration,
        "created": state.now(),
        "customer": customer,
        "customer_account": null,
        "flow": null,
        "livemode": false,
        "locale": params.text("locale"),
        "on_behalf_of": null,
        "return_url": params.text("return_url"),
        "url": format!("{}/p/session/{id}", state.base_url),
    });
    state.insert(SESSION, session.clone());
    Ok(session)
}

fn default_configuration(state: &mut State) -> String {
    if let Some(default) = state.all(CONFIGURATION).iter().find(|one| one["is_default"] == true) {
        return text(default, "id").to_owned();
    }
    new_configuration(state, true)
}

fn new_configuration(state: &mut State, default: bool) -> String {
    let (id, now) = (state.id("bpc_"), state.now());
    let configuration = json!({
        "id": id,
        "object": CONFIGURATION,
        "active": true,
        "application": null,
        "business_profile": {"headline": null, "privacy_policy_url": null, "terms_of_service_url": null},
        "created": now,
        "default_return_url": null,
        "features": {
            "customer_update": {"allowed_updates": [], "enabled": false},
            "invoice_history": {"enabled": true},
            "payment_method_update": {"enabled": true, "payment_method_configuration": null},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": false, "options": []},
                "enabled": true,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_update": {
                "billing_cycle_anchor": null,
                "default_allowed_updates": [],
                "enabled": false,
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        "is_default": default,
        "livemode": false,
        "login_page": {"enabled": false, "url": null},
        "metadata": {},
        "name": null,
        "updated": now,
    });
    state.insert(CONFIGURATION, configuration);
    id
}

const CONFIGURABLE: &[&str] = &["active", "business_profile", "default_return_url", "features", "login_page", "metadata", "name"];

/// `POST /v1/billing_portal/configurations`: kept, but the page always has the same features.
pub fn create_configuration(state: &mut State, params: &Params) -> Answer {
    params.allow(CONFIGURABLE)?;
    let id = new_configuration(state, false);
    update_configuration(state, &id, params)
}

/// `POST /v1/billing_portal/configurations/{id}`
pub fn update_configuration(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(CONFIGURABLE)?;
    state.get(CONFIGURATION, id, "configuration")?;
    let active = params.flag("active")?;
    state.edit(CONFIGURATION, id, |configuration| {
        copy_texts(configuration, params, &["default_return_url", "name"]);
        if let Some(active) = active {
            configuration["active"] = json!(active);
        }
        merge_metadata(configuration, params);
    });
    state.get(CONFIGURATION, id, "configuration")
}

/// `GET /v1/billing_portal/configurations`
pub fn configurations(state: &State, params: &Params) -> Answer {
    params.allow(&["active", "is_default", "limit", "starting_after", "ending_before"])?;
    lists::page(state.all(CONFIGURATION).iter(), params, "/v1/billing_portal/configurations")
}

/// `GET /p/session/{id}`
pub fn show(state: &State, id: &str, error: Option<(&str, &str)>) -> Page {
    let Some(session) = state.find(SESSION, id) else { return not_found() };
    let customer = text(session, "customer");
    let mut content = String::from("<h2>Payment method</h2>");
    let card = live(state, customer).and_then(|one| cards::default_of(state, customer, Some(text(&one, "id"))));
    let card = card.or_else(|| cards::default_of(state, customer, None)).and_then(|id| state.find("payment_method", &id));
    content += &match card.map(|method| &method["card"]) {
        Some(card) => {
            format!(
                "<p>{} •••• {}, expires {:02}/{}</p>",
                text(card, "brand"),
                text(card, "last4"),
                int(card, "exp_month"),
                int(card, "exp_year")
            )
        }
        None => "<p>No card.</p>".to_owned(),
    };
    content += &format!(
        r#"<form method="post" action="/p/session/{id}/card">{}<button type="submit">Update card</button></form>"#,
        html::card_fields(|_| String::new(), error)
    );
    if let Some(subscription) = live(state, customer) {
        content += &subscription_section(state, id, &subscription);
    }
    content += &invoice_table(state, customer);
    if let Some(back) = session["return_url"].as_str() {
        let host = url::Url::parse(back).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "the site".to_owned());
        content += &format!(r#"<p><a href="{}">Return to {}</a></p>"#, escape(back), escape(&host));
    }
    Page::Html(200, html::page("Billing", &content))
}

/// The newest subscription of a customer that has not ended.
fn live(state: &State, customer: &str) -> Option<Value> {
    state.of("subscription", "customer", customer).filter(|one| !lifecycle::ended(one)).last().cloned()
}

fn subscription_section(state: &State, id: &str, subscription: &Value) -> String {
    let end = calendar::date_text(lifecycle::period(subscription).1);
    let (action, label, until) = if subscription["cancel_at"].is_null() {
        ("cancel", "Cancel subscription", format!("renews on {end}"))
    } else {
        ("renew", "Renew subscription", format!("ends on {end}"))
    };
    format!(
        r#"<h2>Subscription</h2><p>{}, {}, {until}</p>
<form method="post" action="/p/session/{id}/{action}"><button type="submit" class="quiet">{label}</button></form>"#,
        escape(&proration::what(state, &subscription["items"]["data"][0])),
        text(subscription, "status"),
    )
}

fn invoice_table(state: &State, customer: &str) -> String {
    let mut rows: Vec<String> = state
        .of("invoice", "customer", customer)
        .map(|invoice| {
            format!(
                r#"<tr><td><a href="{}">{}</a></td><td>{}</td><td>{}</td><td class="number">{}</td></tr>"#,
                escape(text(invoice, "hosted_invoice_url")),
                escape(invoice["number"].as_str().unwrap_or("Draft")),
                calendar::date_text(int(invoice, "created")),
                text(invoice, "status"),
                money(int(invoice, "amount_due"), text(invoice, "currency")),
            )
        })
        .collect();
    rows.reverse();
    let head = r#"<tr><th scope="col">Number</th><th scope="col">Date</th><th scope="col">Status</th><th scope="col">Amount</th></tr>"#;
    format!("<h2>Invoices</h2><table><thead>{head}</thead><tbody>{}</tbody></table>", rows.concat())
}

/// `POST /p/session/{id}/{action}`
pub fn submit(state: &mut State, id: &str, action: &str, params: &Params) -> Page {
    let Some(session) = state.find(SESSION, id).cloned() else { return not_found() };
    let customer = text(&session, "customer").to_owned();
    match action {
        "card" => {
            let card = match cards::read(params, state.now()) {
                Ok(card) => card,
                Err(error) => return show(state, id, Some(error)),
            };
            if let Some(decline) = cards::entered(&card.number) {
                return show(state, id, Some(("card_number", decline.message)));
            }
            cards::attach_default(state, &customer, &card, None);
            pay_open(state, &customer);
        }
        "cancel" | "renew" => {
            if let Some(subscription) = live(state, &customer) {
                set_cancelled(state, text(&subscription, "id"), action == "cancel");
            }
        }
        _ => return not_found(),
    }
    Page::Redirect(format!("/p/session/{id}"))
}

/// A new card is charged at once with what is open.
pub fn pay_open(state: &mut State, customer: &str) {
    let open: Vec<String> =
        state.of("invoice", "customer", customer).filter(|one| one["status"] == "open").map(|one| text(one, "id").to_owned()).collect();
    for invoice in open {
        // The list of invoices shows which are still open.
        let _declined = invoices::charge_default(state, &invoice, false);
    }
}

/// Lets a subscription end with its period, or go on.
pub fn set_cancelled(state: &mut State, subscription: &str, cancelled: bool) {
    // A schedule would decide about the end, so it goes first.
    if let Some(schedule) = state.find("subscription", subscription).and_then(|one| one["schedule"].as_str()).map(str::to_owned) {
        schedules::release_now(state, &schedule);
    }
    let now = state.now();
    state.request = events::Cause::default();
    state.change("subscription", subscription, "customer.subscription.updated", |one| {
        lifecycle::set_cancel_at_period_end(one, cancelled, now);
    });
}
