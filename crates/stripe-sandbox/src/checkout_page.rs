//! The page on which a customer completes a checkout session.

use serde_json::Value;

use crate::cards;
use crate::checkout;
use crate::form::Params;
use crate::html::{self, escape};
use crate::pages::{Page, not_found};
use crate::proration::money;
use crate::purchase::{self, Purchase, Refusal};
use crate::state::{State, int, text};

/// `GET /c/pay/{id}`
pub fn show(state: &State, id: &str) -> Page {
    match state.find("checkout.session", id) {
        None => not_found(),
        Some(session) => Page::Html(200, form(state, session, &Params::default(), None)),
    }
}

/// `POST /c/pay/{id}`
pub fn submit(state: &mut State, id: &str, params: &Params) -> Page {
    let Some(session) = state.find("checkout.session", id).cloned() else { return not_found() };
    let refuse = |state: &State, field: &str, message: &str| Page::Html(200, form(state, &session, params, Some((field, message))));
    if session["status"] != "open" {
        return Page::Html(200, closed(&session));
    }
    if params.text("authentication") == Some("fail") {
        return refuse(
            state,
            "card_number",
            "We are unable to authenticate your payment method. Please choose a different payment method.",
        );
    }
    let quantity = match params.int("quantity") {
        Ok(quantity) => quantity,
        Err(_) => return refuse(state, "quantity", "Enter a whole number."),
    };
    let card = match cards::read(params, state.now()) {
        Ok(card) => card,
        Err((field, message)) => return refuse(state, field, message),
    };
    let confirmed = params.text("authentication") == Some("complete");
    let purchase = Purchase { card, name: params.text("name").map(str::to_owned), quantity, confirmed };
    match purchase::complete(state, id, &purchase) {
        Ok(()) => Page::Redirect(text(&session, "success_url").replace("{CHECKOUT_SESSION_ID}", id)),
        Err(Refusal::MustConfirm) => Page::Html(200, confirmation(id, params)),
        Err(Refusal::Quantity { minimum, maximum }) => {
            refuse(state, "quantity", &format!("Choose a quantity from {minimum} to {maximum}."))
        }
        Err(Refusal::Declined(decline)) => {
            let field = if decline.code == "incorrect_cvc" { "cvc" } else { "card_number" };
            refuse(state, field, decline.message)
        }
    }
}

/// The form, with what was entered before and one error.
fn form(state: &State, session: &Value, params: &Params, error: Option<(&str, &str)>) -> String {
    if session["status"] != "open" {
        return closed(session);
    }
    let id = text(session, "id");
    let mut items = checkout::items(state, id);
    // After a refusal the amount is that of the quantity that was entered.
    if let (Some(item), Ok(Some(quantity))) = (items.first_mut(), params.int("quantity"))
        && purchase::bounds(item).is_some_and(|(minimum, maximum)| (minimum..=maximum).contains(&quantity))
    {
        purchase::set_quantity(item, quantity);
    }
    let mut content = String::new();
    for item in &items {
        let interval = text(&item["price"]["recurring"], "interval");
        let (unit, currency) = (int(&item["price"], "unit_amount"), text(item, "currency"));
        content += &format!(
            "<dl><dt>Product</dt><dd>{}</dd><dt>Price</dt><dd>{} each per {interval}</dd></dl>",
            escape(text(item, "description")),
            money(unit, currency),
        );
        if purchase::bounds(item).is_none() {
            content += &format!("<dl><dt>Quantity</dt><dd>{}</dd></dl>", int(item, "quantity"));
        }
    }
    let total: i64 = items.iter().map(|item| int(item, "amount_total")).sum();
    content += &format!(r#"<p class="amount">{}</p>"#, money(total, text(session, "currency")));
    let of = |name: &str| error.filter(|(field, _)| *field == name).map(|(_, message)| message);
    let entered = |name: &str| params.text(name).unwrap_or_default().to_owned();

    content += &format!(r#"<form method="post" action="/c/pay/{id}">"#);
    let email = text(&session["customer_details"], "email");
    content += &format!("<dl><dt>Email</dt><dd>{}</dd></dl>", escape(email));
    if let Some((item, (minimum, maximum))) = items.first().and_then(|item| purchase::bounds(item).map(|bounds| (item, bounds))) {
        let value = params.text("quantity").map_or_else(|| int(item, "quantity").to_string(), str::to_owned);
        let label = format!("Quantity ({minimum} to {maximum})");
        let attributes = format!(r#"type="number" min="{minimum}" max="{maximum}" required"#);
        content += &html::field("quantity", &label, &attributes, &value, of("quantity"));
    }
    content += &html::card_fields(entered, error);
    let owner = state.find("customer", text(session, "customer")).map(|customer| text(customer, "name").to_owned()).unwrap_or_default();
    let name = params.text("name").map_or(owner, str::to_owned);
    content += &html::field("name", "Name on card", r#"autocomplete="cc-name""#, &name, None);
    content += r#"<button type="submit">Subscribe</button></form>"#;
    if let Some(back) = session["cancel_url"].as_str() {
        content += &format!(r#"<p><a href="{}">Back</a></p>"#, escape(back));
    }
    html::page("Subscribe", &content)
}

fn closed(session: &Value) -> String {
    let (title, message, back) = if session["status"] == "complete" {
        let back = text(session, "success_url").replace("{CHECKOUT_SESSION_ID}", text(session, "id"));
        ("You are done here", "This checkout session was completed already.", back)
    } else {
        ("This page has expired", "This checkout session can no longer be completed. Start again.", text(session, "cancel_url").to_owned())
    };
    html::page(title, &format!(r#"<p>{message}</p><p><a href="{}">Back</a></p>"#, escape(&back)))
}

/// Stands for the page of the bank. It carries on what was entered before.
fn confirmation(id: &str, params: &Params) -> String {
    let hidden: String = ["quantity", "card_number", "exp", "cvc", "name"]
        .iter()
        .filter_map(|name| params.text(name).map(|value| (name, value)))
        .map(|(name, value)| format!(r#"<input type="hidden" name="{name}" value="{}">"#, escape(value)))
        .collect();
    let button = |value: &str, class: &str, label: &str| {
        format!(
            r#"<form method="post" action="/c/pay/{id}">{hidden}<input type="hidden" name="authentication" value="{value}"><button type="submit" class="{class}">{label}</button></form>"#
        )
    };
    let content = format!(
        "<p>The bank of this card asks its holder to confirm the payment.</p>{}{}",
        button("complete", "", "Complete authentication"),
        button("fail", "quiet", "Fail authentication"),
    );
    html::page("Confirm the payment", &content)
}
