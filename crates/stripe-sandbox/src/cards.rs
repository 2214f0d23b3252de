//! Test cards and the payment methods made of them. The number alone decides what a charge does.

use serde_json::{Value, json};

use crate::error::{Answer, ApiError};
use crate::events;
use crate::form::Params;
use crate::state::{State, random, text};
use crate::{lifecycle, lists};

/// Why a card was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decline {
    /// The error's code.
    pub code: &'static str,
    /// The bank's reason.
    pub decline_code: Option<&'static str>,
    /// The sentence for the card holder.
    pub message: &'static str,
}

const GENERIC: Decline = Decline { code: "card_declined", decline_code: Some("generic_decline"), message: "Your card was declined." };

/// What is said where a customer has no card at all.
pub const NO_CARD: Decline = Decline {
    code: "resource_missing",
    decline_code: None,
    message: "This customer has no attached payment source or default payment method. Please consider adding a default payment method.",
};

/// The card that asks its holder to confirm each payment on a page of its own.
pub const ASKS_FIRST: &str = "4000002500003155";

/// What happens when this card is entered by its holder: on the checkout page or the portal page.
///
/// 4000 0000 0000 0341 passes here, so that a test can have a subscription whose renewals fail; the checks of a real checkout
/// page may refuse it already.
pub fn entered(number: &str) -> Option<Decline> {
    if number.ends_with("0341") { None } else { charged(number) }
}

/// What happens when this card is charged without its holder.
pub fn charged(number: &str) -> Option<Decline> {
    let decline = |code, decline_code, message| Some(Decline { code, decline_code, message });
    match number.get(number.len().saturating_sub(4)..).unwrap_or_default() {
        "0002" | "0341" => Some(GENERIC),
        "9995" => decline("card_declined", Some("insufficient_funds"), "Your card has insufficient funds."),
        "0069" => decline("expired_card", None, "Your card has expired."),
        "0127" => decline("incorrect_cvc", None, "Your card's security code is incorrect."),
        "0119" => decline("processing_error", None, "An error occurred while processing your card. Try again in a little bit."),
        _ => None,
    }
}

/// A card as a form brings it, checked as far as a form can: digits only, with a date that has not passed.
pub struct Entry {
    /// The number without spaces.
    pub number: String,
    /// The month of expiry.
    pub month: u8,
    /// The year of expiry.
    pub year: i32,
}

/// Reads the fields `card_number`, `exp` ("MM / YY") and `cvc` of a page. The error names the field.
pub fn read(params: &Params, now: i64) -> Result<Entry, (&'static str, &'static str)> {
    let digits = |name: &str| params.text(name).unwrap_or_default().chars().filter(char::is_ascii_digit).collect::<String>();
    let (number, expiry, cvc) = (digits("card_number"), digits("exp"), digits("cvc"));
    if !(14..=16).contains(&number.len()) || !luhn(&number) {
        return Err(("card_number", "Your card number is invalid."));
    }
    let (month, year) = expiry.split_at_checked(2).ok_or(("exp", "Your card's expiration date is incomplete."))?;
    let month = month.parse().ok().filter(|month| (1..=12).contains(month)).ok_or(("exp", "Your card's expiration month is invalid."))?;
    let year: i32 = year.parse().map_err(|_| ("exp", "Your card's expiration date is incomplete."))?;
    let year = if year < 100 { 2000 + year } else { year };
    let today = time::OffsetDateTime::from_unix_timestamp(now).map(|now| (now.year(), u8::from(now.month())));
    if today.is_ok_and(|today| (year, month) < today) {
        return Err(("exp", "Your card's expiration year is in the past."));
    }
    if !(3..=4).contains(&cvc.len()) {
        return Err(("cvc", "Your card's security code is incomplete."));
    }
    Ok(Entry { number, month, year })
}

fn luhn(number: &str) -> bool {
    let sum: u32 = number
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            let doubled = digit * 2;
            if place % 2 == 0 { digit } else { doubled / 10 + doubled % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Makes a card the one that everything of this customer is charged with from now on. Returns its payment method.
pub fn attach_default(state: &mut State, customer: &str, card: &Entry, name: Option<&str>) -> String {
    let id = attach_new(state, customer, card, name);
    state.change("customer", customer, "customer.updated", |customer| {
        customer["invoice_settings"]["default_payment_method"] = json!(id);
    });
    // A subscription's own card would come first.
    let own = |one: &&Value| one["default_payment_method"].is_string() && !lifecycle::ended(one);
    let subscriptions: Vec<String> =
        state.of("subscription", "customer", customer).filter(own).map(|one| text(one, "id").to_owned()).collect();
    for subscription in subscriptions {
        state.change("subscription", &subscription, "customer.subscription.updated", |one| one["default_payment_method"] = json!(id));
    }
    id
}

/// Makes a payment method of a card. Returns its id.
pub fn attach_new(state: &mut State, customer: &str, card: &Entry, name: Option<&str>) -> String {
    let id = state.id("pm_");
    let owner = state.find("customer", customer).cloned().unwrap_or_default();
    let last4 = card.number.get(card.number.len().saturating_sub(4)..).unwrap_or_default();
    let brand = brand(&card.number);
    let object = json!({
        "id": id,
        "object": "payment_method",
        "allow_redisplay": "always",
        "billing_details": {
            "address": {"city": null, "country": null, "line1": null, "line2": null, "postal_code": null, "state": null},
            "email": owner["email"],
            "name": name,
            "phone": null,
            "tax_id": null,
        },
        "card": {
            "brand": brand,
            "checks": {"address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass"},
            "country": "US",
            "display_brand": brand,
            "exp_month": card.month,
            "exp_year": card.year,
            "fingerprint": random(16),
            "funding": "credit",
            "generated_from": null,
            "last4": last4,
            "networks": {"available": [brand], "preferred": null},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": true},
            "wallet": null,
        },
        "created": state.now(),
        "customer": customer,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "type": "card",
    });
    state.insert("payment_method", object.clone());
    state.cards.insert(id.clone(), card.number.clone());
    events::emit(state, "payment_method.attached", object, None);
    id
}

/// The brand that a number's first digits stand for.
fn brand(number: &str) -> &'static str {
    match number.as_bytes().first() {
        Some(b'3') => "amex",
        Some(b'5') => "mastercard",
        Some(b'6') => "discover",
        _ => "visa",
    }
}

/// The payment method that a subscription (or without one, a customer) is charged with.
pub fn default_of(state: &State, customer: &str, subscription: Option<&str>) -> Option<String> {
    let of_subscription = subscription.and_then(|id| state.find("subscription", id)).map(|one| text(one, "default_payment_method"));
    let of_customer = state.find("customer", customer).map(|one| text(&one["invoice_settings"], "default_payment_method"));
    [of_subscription, of_customer].into_iter().flatten().find(|id| !id.is_empty()).map(str::to_owned)
}

/// What a charge of this customer would do now.
pub fn outcome(state: &State, customer: &str, subscription: Option<&str>) -> Result<String, Decline> {
    let method = default_of(state, customer, subscription).ok_or(NO_CARD)?;
    match state.cards.get(&method).map_or(Some(GENERIC), |number| charged(number)) {
        Some(decline) => Err(decline),
        None => Ok(method),
    }
}

/// `GET /v1/payment_methods` and `GET /v1/customers/{id}/payment_methods`
pub fn list(state: &State, customer: Option<&str>, params: &Params) -> Answer {
    params.allow(&["customer", "customer_account", "type", "allow_redisplay", "limit", "starting_after", "ending_before"])?;
    let customer = match customer {
        Some(id) => id,
        None => params.required("customer")?,
    };
    state.get("customer", customer, "customer")?;
    lists::page(state.of("payment_method", "customer", customer), params, "/v1/payment_methods")
}

/// `POST /v1/payment_methods/{id}/attach`; the well-known names `pm_card_visa` and `pm_card_chargeCustomerFail` work too.
pub fn attach(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&["customer", "customer_account"])?;
    let customer = params.required("customer")?.to_owned();
    state.get("customer", &customer, "customer")?;
    let known = match id {
        "pm_card_visa" => Some("4242424242424242"),
        "pm_card_chargeCustomerFail" => Some("4000000000000341"),
        _ => None,
    };
    if let Some(number) = known {
        let entry = Entry { number: number.to_owned(), month: 12, year: 2040 };
        let id = attach_new(state, &customer, &entry, None);
        return state.get("payment_method", &id, "payment_method");
    }
    state.get("payment_method", id, "payment_method")?;
    state.edit("payment_method", id, |method| method["customer"] = json!(customer));
    let object = state.get("payment_method", id, "payment_method")?;
    events::emit(state, "payment_method.attached", object.clone(), None);
    Ok(object)
}

/// `POST /v1/payment_methods/{id}/detach`
pub fn detach(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&[])?;
    let method = state.get("payment_method", id, "payment_method")?;
    let Some(customer) = method["customer"].as_str() else {
        return Err(ApiError::invalid("The payment method you provided is not attached to a customer.", None));
    };
    let forget = |settings: &mut Value| {
        if settings["default_payment_method"] == id {
            settings["default_payment_method"] = Value::Null;
        }
    };
    state.change("customer", customer, "customer.updated", |customer| forget(&mut customer["invoice_settings"]));
    state.edit_all("subscription", forget);
    state.edit("payment_method", id, |method| method["customer"] = Value::Null);
    let object = state.get("payment_method", id, "payment_method")?;
    events::emit(state, "payment_method.detached", object.clone(), None);
    Ok(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_do_what_their_numbers_say() {
        assert_eq!(charged("4242424242424242"), None);
        assert_eq!(charged("4000000000009995").and_then(|decline| decline.decline_code), Some("insufficient_funds"));
        assert_eq!(entered("4000000000000341"), None);
        assert!(charged("4000000000000341").is_some());
    }

    #[test]
    fn forms_are_checked() {
        let field = |form: &str| read(&Params::parse(form.as_bytes()), 1_800_000_000).err().map(|(field, _)| field);
        assert_eq!(field("card_number=4242 4242 4242 4242&exp=12/34&cvc=123"), None);
        assert_eq!(field("card_number=4242424242424241&exp=12/34&cvc=123"), Some("card_number"));
        assert_eq!(field("card_number=4242424242424242&exp=12/20&cvc=123"), Some("exp"));
        assert_eq!(field("card_number=4242424242424242&exp=12/34&cvc="), Some("cvc"));
    }
}
