//! What a change of a subscription's items costs. The preview and the update both ask here, so they cannot differ.

use serde_json::{Value, json};

use crate::calendar::{Seconds, Step, date_text};
use crate::composition::Line;
use crate::error::ApiError;
use crate::form::{Params, merge_metadata};
use crate::prices;
use crate::state::{State, int, text};

/// A change that was worked out but not made.
#[derive(Debug, Clone)]
pub struct Change {
    /// The items after it; a new one has no id yet.
    pub items: Vec<Value>,
    /// What is credited and what is charged.
    pub lines: Vec<Line>,
    /// Whether the lines are billed at once instead of with the next invoice.
    pub bill_now: bool,
    /// The start of the new billing cycle, where the interval changed.
    pub anchor: Option<Seconds>,
}

/// Works out a change. `params` holds `items`, `proration_behavior` and `proration_date`.
pub fn plan(state: &State, subscription: &Value, params: &Params) -> Result<Change, ApiError> {
    let behavior = params.choice("proration_behavior", &["create_prorations", "always_invoice", "none"])?.unwrap_or("create_prorations");
    let now = state.now();
    let at = params.int("proration_date")?.unwrap_or(now);
    let old = subscription["items"]["data"].as_array().cloned().unwrap_or_default();
    let new = new_items(state, subscription, &old, &params.list("items"))?;
    let mut change = Change { items: new.clone(), lines: Vec::new(), bill_now: behavior == "always_invoice", anchor: None };

    let first = old.first().cloned().unwrap_or_default();
    let (start, end) = (int(&first, "current_period_start"), int(&first, "current_period_end"));
    if params.has("proration_date") && !(start..=end).contains(&at) {
        let message = "Cannot specify `proration_date` outside of the current billing period.";
        return Err(ApiError::invalid(message, Some("proration_date")));
    }
    let at = at.clamp(start, end);
    let step = Step::of_price(&first["price"]);
    if let Some(other) = new.iter().map(|item| Step::of_price(&item["price"])).find(|other| *other != step) {
        // Another interval cannot go on in the old period: a new one begins now and is billed now.
        change.anchor = Some(now);
        change.bill_now = true;
        let end_of_new = other.period_end(now, now);
        for item in &mut change.items {
            item["current_period_start"] = json!(now);
            item["current_period_end"] = json!(end_of_new);
        }
        if behavior != "none" {
            change.lines.extend(old.iter().map(|item| unused(state, subscription, item, at, start, end)));
        }
        change.lines.extend(change.items.iter().map(|item| full(state, subscription, item, now, end_of_new)));
        return Ok(change);
    }
    if behavior == "none" {
        return Ok(change);
    }
    for item in &old {
        let after = new.iter().find(|other| other["id"] == item["id"]);
        let same = after.is_some_and(|after| after["quantity"] == item["quantity"] && after["price"]["id"] == item["price"]["id"]);
        if !same {
            change.lines.push(unused(state, subscription, item, at, start, end));
            change.lines.extend(after.map(|after| remaining(state, subscription, after, at, start, end)));
        }
    }
    let added = new.iter().filter(|item| !old.iter().any(|other| other["id"] == item["id"]));
    change.lines.extend(added.map(|item| remaining(state, subscription, item, at, start, end)));
    Ok(change)
}

/// The credit for what is left of an item's period, such as when a subscription ends early.
pub fn credits(state: &State, subscription: &Value, at: Seconds) -> Vec<Line> {
    let items = subscription["items"]["data"].as_array().cloned().unwrap_or_default();
    let credit = |item: &Value| unused(state, subscription, item, at, int(item, "current_period_start"), int(item, "current_period_end"));
    items.iter().map(credit).collect()
}

/// A whole period of an item.
pub fn full(state: &State, subscription: &Value, item: &Value, start: Seconds, end: Seconds) -> Line {
    let (price, quantity) = (&item["price"], int(item, "quantity"));
    let interval = text(&price["recurring"], "interval");
    Line {
        description: format!("{} (at {} / {interval})", what(state, item), money(int(price, "unit_amount"), text(price, "currency"))),
        ..line(subscription, item, int(price, "unit_amount") * quantity, (start, end))
    }
}

fn unused(state: &State, subscription: &Value, item: &Value, at: Seconds, start: Seconds, end: Seconds) -> Line {
    let amount = -share(int(&item["price"], "unit_amount") * int(item, "quantity"), end - at, end - start);
    let description = format!("Unused time on {} after {}", what(state, item), date_text(at));
    Line { description, proration: true, ..line(subscription, item, amount, (at, end)) }
}

fn remaining(state: &State, subscription: &Value, item: &Value, at: Seconds, start: Seconds, end: Seconds) -> Line {
    let amount = share(int(&item["price"], "unit_amount") * int(item, "quantity"), end - at, end - start);
    let description = format!("Remaining time on {} after {}", what(state, item), date_text(at));
    Line { description, proration: true, ..line(subscription, item, amount, (at, end)) }
}

/// A quantity of a product by its name, such as "7 × Team".
pub fn what(state: &State, item: &Value) -> String {
    let name = state.find("product", text(&item["price"], "product")).map(|product| text(product, "name"));
    format!("{} × {}", int(item, "quantity"), name.unwrap_or("Subscription"))
}

fn line(subscription: &Value, item: &Value, amount: i64, period: (Seconds, Seconds)) -> Line {
    Line {
        amount,
        description: String::new(),
        quantity: int(item, "quantity"),
        price: item["price"].clone(),
        period,
        proration: false,
        customer: text(subscription, "customer").to_owned(),
        subscription: subscription["id"].as_str().map(str::to_owned),
        item: item["id"].as_str().map(str::to_owned),
        metadata: subscription["metadata"].clone(),
    }
}

/// `amount * part / whole`, to the nearest cent, halves away from zero.
fn share(amount: i64, part: Seconds, whole: Seconds) -> i64 {
    if whole <= 0 {
        return 0;
    }
    let (amount, part, whole) = (i128::from(amount), i128::from(part), i128::from(whole));
    i64::try_from((2 * amount * part + whole) / (2 * whole)).unwrap_or(i64::MAX)
}

/// An amount as people read it, such as "$140.00".
pub fn money(cents: i64, currency: &str) -> String {
    let (sign, cents) = (if cents < 0 { "-" } else { "" }, cents.unsigned_abs());
    let whole = (cents / 100).to_string();
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let amount = format!("{grouped}.{:02}", cents % 100);
    match currency {
        "usd" => format!("{sign}${amount}"),
        "eur" => format!("{sign}€{amount}"),
        "gbp" => format!("{sign}£{amount}"),
        other => format!("{sign}{amount} {}", other.to_uppercase()),
    }
}

/// The items after the wanted changes are applied to the old ones.
fn new_items(state: &State, subscription: &Value, old: &[Value], wanted: &[Params]) -> Result<Vec<Value>, ApiError> {
    let mut items = old.to_vec();
    for params in wanted {
        params.allow(&[
            "id",
            "price",
            "price_data",
            "quantity",
            "metadata",
            "deleted",
            "clear_usage",
            "discounts",
            "tax_rates",
            "billing_thresholds",
        ])?;
        let Some(id) = params.text("id") else {
            items.push(new_item(state, subscription, old, params)?);
            continue;
        };
        if params.flag("deleted")? == Some(true) {
            items.retain(|item| item["id"] != id);
            continue;
        }
        let Some(item) = items.iter_mut().find(|item| item["id"] == id) else {
            return Err(ApiError::missing("subscription item", id, "items[0][id]"));
        };
        if let Some(price) = params.text("price") {
            set_price(item, &recurring_price(state, price)?);
        }
        if let Some(quantity) = params.int("quantity")? {
            item["quantity"] = json!(not_negative(quantity)?);
        }
        merge_metadata(item, params);
    }
    if items.is_empty() {
        return Err(ApiError::invalid("A subscription must have at least one active plan.", Some("items")));
    }
    Ok(items)
}

fn new_item(state: &State, subscription: &Value, old: &[Value], params: &Params) -> Result<Value, ApiError> {
    let price = recurring_price(state, params.required("price")?)?;
    if old.iter().any(|item| item["price"]["id"] == price["id"]) {
        let message = format!("Price {} is already used by an existing item of this subscription.", text(&price, "id"));
        return Err(ApiError::invalid(message, Some("items[0][price]")));
    }
    let quantity = not_negative(params.int("quantity")?.unwrap_or(1))?;
    let first = old.first().cloned().unwrap_or_default();
    let period = (int(&first, "current_period_start"), int(&first, "current_period_end"));
    Ok(item(state, text(subscription, "id"), &price, quantity, period))
}

/// A new item without an id.
pub fn item(state: &State, subscription: &str, price: &Value, quantity: i64, period: (Seconds, Seconds)) -> Value {
    let mut item = json!({
        "id": null,
        "object": "subscription_item",
        "billing_thresholds": null,
        "created": state.now(),
        "current_period_start": period.0,
        "current_period_end": period.1,
        "discounts": [],
        "metadata": {},
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    });
    set_price(&mut item, price);
    item
}

/// Gives an item another price, in both forms.
pub fn set_price(item: &mut Value, price: &Value) {
    item["price"] = price.clone();
    item["plan"] = prices::plan(price);
}

/// A price that a subscription may have.
pub fn recurring_price(state: &State, id: &str) -> Result<Value, ApiError> {
    let price = state.get("price", id, "items[0][price]")?;
    if price["recurring"].is_null() {
        let message =
            format!("The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {id}.");
        return Err(ApiError::invalid(message, Some("items[0][price]")));
    }
    if price["active"] == false {
        let message = "The price specified is inactive. This field only accepts active prices.";
        return Err(ApiError::invalid(message, Some("items[0][price]")));
    }
    Ok(price)
}

fn not_negative(quantity: i64) -> Result<i64, ApiError> {
    if quantity < 0 {
        let message = "This value must be greater than or equal to 0.";
        return Err(ApiError::coded("parameter_invalid_integer", message, Some("items[0][quantity]")));
    }
    Ok(quantity)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_to_the_nearest_cent() {
        assert_eq!(share(1000, 1, 3), 333);
        assert_eq!(share(1000, 2, 3), 667);
        assert_eq!(share(1, 1, 2), 1);
        assert_eq!(share(14_000, 0, 10), 0);
    }

    #[test]
    fn money_is_written_for_people() {
        assert_eq!(money(14_000, "usd"), "$140.00");
        assert_eq!(money(-123_456_789, "eur"), "-€1,234,567.89");
    }
}
