//! The purchase with which a customer completes a checkout session.

use serde_json::{Value, json};

use crate::cards::{self, Decline, Entry};
use crate::form::Params;
use crate::state::{State, int, text};
use crate::subscriptions::{self, New};
use crate::{checkout, customers, events, invoices};

const KIND: &str = "checkout.session";

/// What the customer entered on the page.
pub struct Purchase {
    /// The card.
    pub card: Entry,
    /// The name on it.
    pub name: Option<String>,
    /// How many, where that could be chosen.
    pub quantity: Option<i64>,
    /// Whether a card that asks its holder was confirmed.
    pub confirmed: bool,
}

/// Why a purchase did not happen. The session stays open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The card was refused.
    Declined(Decline),
    /// The quantity is outside of what may be chosen.
    Quantity {
        /// At least so many.
        minimum: i64,
        /// At most so many.
        maximum: i64,
    },
    /// The card's holder must confirm the payment first.
    MustConfirm,
}

/// The smallest and the largest quantity that may be chosen.
pub fn bounds(item: &Value) -> Option<(i64, i64)> {
    let adjustable = item["adjustable_quantity"].as_object()?;
    let number = |name: &str| adjustable.get(name).and_then(Value::as_i64);
    Some((number("minimum").unwrap_or(1).max(1), number("maximum").unwrap_or(99)))
}

/// Gives an item another quantity.
pub fn set_quantity(item: &mut Value, quantity: i64) {
    let amount = int(&item["price"], "unit_amount") * quantity;
    item["quantity"] = json!(quantity);
    item["amount_subtotal"] = json!(amount);
    item["amount_total"] = json!(amount);
}

/// Completes an open session: charges the card and starts the subscription.
pub fn complete(state: &mut State, id: &str, purchase: &Purchase) -> Result<(), Refusal> {
    let Some(session) = state.find(KIND, id).cloned() else { return Ok(()) };
    if session["status"] != "open" {
        return Ok(());
    }
    let mut items = checkout::items(state, id);
    if let (Some(quantity), Some(item)) = (purchase.quantity, items.first_mut())
        && let Some((minimum, maximum)) = bounds(item)
    {
        if !(minimum..=maximum).contains(&quantity) {
            return Err(Refusal::Quantity { minimum, maximum });
        }
        set_quantity(item, quantity);
    }
    if let Some(decline) = cards::entered(&purchase.card.number) {
        return Err(Refusal::Declined(decline));
    }
    if purchase.card.number == cards::ASKS_FIRST && !purchase.confirmed {
        return Err(Refusal::MustConfirm);
    }
    let customer = match session["customer"].as_str() {
        Some(customer) => customer.to_owned(),
        None => new_customer(state, &session, purchase),
    };
    let method = cards::attach_new(state, &customer, &purchase.card, purchase.name.as_deref());
    let metadata = state.find("checkout.data", id).map(|data| data["metadata"].clone()).unwrap_or_else(|| json!({}));
    let chosen = items.iter().map(|item| (item["price"].clone(), int(item, "quantity"))).collect();
    let new = New { customer: customer.clone(), items: chosen, metadata, payment_method: Some(method.clone()) };
    let (subscription, invoice) = subscriptions::begin(state, &new);
    // The card passed above, where its holder entered it; later charges may still fail.
    let _paid = invoices::charge(state, &invoice, Ok(method), true);
    let total: i64 = items.iter().map(|item| int(item, "amount_total")).sum();
    state.edit("checkout.data", id, |data| data["items"] = json!(items));
    let owner = state.find("customer", &customer).cloned().unwrap_or_default();
    state.edit(KIND, id, |session| {
        session["status"] = json!("complete");
        session["payment_status"] = json!("paid");
        session["customer"] = json!(customer);
        session["subscription"] = json!(subscription);
        session["invoice"] = json!(invoice);
        session["amount_subtotal"] = json!(total);
        session["amount_total"] = json!(total);
        session["url"] = Value::Null;
        session["customer_details"]["email"] = owner["email"].clone();
        session["customer_details"]["name"] = json!(purchase.name);
        session["customer_details"]["address"] = owner["address"].clone();
        session["customer_details"]["tax_ids"] = json!([]);
    });
    if let Some(session) = state.find(KIND, id).cloned() {
        events::emit(state, "checkout.session.completed", session, None);
    }
    Ok(())
}

fn new_customer(state: &mut State, session: &Value, purchase: &Purchase) -> String {
    let email = session["customer_email"].as_str().unwrap_or("customer@example.com");
    let made = customers::create(state, &Params(json!({"email": email, "name": purchase.name})));
    made.map(|customer| text(&customer, "id").to_owned()).unwrap_or_default()
}
