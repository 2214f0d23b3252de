//! Drawing up invoices: what stands on them, and what they come to.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::calendar::Seconds;
use crate::customers::CLOCK;
use crate::lists;
use crate::state::{State, int, text};

/// A line of an invoice, before it is on one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// In cents; a credit is negative.
    pub amount: i64,
    /// What it is for.
    pub description: String,
    /// How many.
    pub quantity: i64,
    /// The price in full.
    pub price: Value,
    /// From when to when.
    pub period: (Seconds, Seconds),
    /// Whether it adjusts a period that was billed before.
    pub proration: bool,
    /// Who pays.
    pub customer: String,
    /// The subscription; none in a preview of a purchase.
    pub subscription: Option<String>,
    /// Its item.
    pub item: Option<String>,
    /// The subscription's metadata.
    pub metadata: Value,
}

impl Line {
    fn render(&self, id: &str, invoice: &Value) -> Value {
        json!({
            "id": id,
            "object": "line_item",
            "amount": self.amount,
            "currency": self.price["currency"],
            "description": self.description,
            "discount_amounts": [],
            "discountable": !self.proration,
            "discounts": [],
            "invoice": invoice,
            "livemode": false,
            "metadata": self.metadata,
            "parent": {
                "invoice_item_details": null,
                "subscription_item_details": {
                    "invoice_item": null,
                    "proration": self.proration,
                    "proration_details": {"credited_items": null},
                    "subscription": self.subscription,
                    "subscription_item": self.item.as_deref().unwrap_or("si_tmp"),
                },
                "type": "subscription_item_details",
            },
            "period": {"start": self.period.0, "end": self.period.1},
            "pretax_credit_amounts": [],
            "pricing": {
                "price_details": {"price": self.price["id"], "product": self.price["product"]},
                "type": "price_details",
                "unit_amount_decimal": self.price["unit_amount_decimal"],
            },
            "quantity": self.quantity,
            "quantity_decimal": self.quantity.to_string(),
            "subscription": self.subscription,
            "subtotal": self.amount,
            "taxes": [],
        })
    }
}

/// What an invoice is drawn up from.
#[derive(Debug)]
pub struct Draft<'a> {
    /// Who pays; null in a preview without a customer.
    pub customer: &'a Value,
    /// For which subscription; null in a preview of a purchase.
    pub subscription: &'a Value,
    /// Why.
    pub reason: &'static str,
    /// What for.
    pub lines: Vec<Line>,
    /// The period it is about.
    pub period: (Seconds, Seconds),
}

/// Draws up an invoice. A preview has no ids that last.
pub fn compose(state: &mut State, draft: &Draft, preview: bool) -> Value {
    let id = state.id(if preview { "upcoming_in_" } else { "in_" });
    let (customer, subscription) = (draft.customer, draft.subscription);
    let prefix = if preview { "il_tmp_" } else { "il_" };
    let lines: Vec<Value> = draft.lines.iter().map(|line| line.render(&state.id(prefix), &json!(id))).collect();
    let total: i64 = draft.lines.iter().map(|line| line.amount).sum();
    let due = due(total, int(customer, "balance"));
    let now = state.now();
    let currency = draft.lines.first().map_or(json!("usd"), |line| line.price["currency"].clone());
    let parent = json!({
        "quote_details": null,
        "subscription_details": {"metadata": subscription["metadata"], "subscription": subscription["id"]},
        "type": "subscription_details",
    });
    json!({
        "id": id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Stripe sandbox",
        "account_tax_ids": null,
        "amount_due": due,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": due,
        "amount_shipping": 0,
        "application": null,
        "attempt_count": 0,
        "attempted": false,
        "auto_advance": true,
        "automatic_tax": {"disabled_reason": null, "enabled": false, "liability": null, "provider": null, "status": null},
        "automatically_finalizes_at": null,
        "billing_reason": draft.reason,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "custom_fields": customer["invoice_settings"]["custom_fields"],
        "customer": customer["id"],
        "customer_account": null,
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "customer_tax_exempt": customer["tax_exempt"].as_str().unwrap_or("none"),
        "customer_tax_ids": tax_ids(state, text(customer, "id")),
        "default_payment_method": null,
        "default_source": null,
        "default_tax_rates": [],
        "description": null,
        "discounts": [],
        "due_date": null,
        "effective_at": null,
        "ending_balance": null,
        "footer": customer["invoice_settings"]["footer"],
        "from_invoice": null,
        "hosted_invoice_url": null,
        "invoice_pdf": null,
        "issuer": {"type": "self"},
        "last_finalization_error": null,
        "latest_revision": null,
        "lines": lists::whole(lines, &format!("/v1/invoices/{id}/lines")),
        "livemode": false,
        "metadata": {},
        "next_payment_attempt": null,
        "number": null,
        "on_behalf_of": null,
        "parent": if subscription["id"].is_null() { Value::Null } else { parent },
        "payment_settings": {"default_mandate": null, "payment_method_options": null, "payment_method_types": null},
        "period_start": draft.period.0,
        "period_end": draft.period.1,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": null,
        "rendering": null,
        "shipping_cost": null,
        "shipping_details": null,
        "starting_balance": int(customer, "balance"),
        "statement_descriptor": null,
        "status": "draft",
        "status_transitions": {"finalized_at": null, "marked_uncollectible_at": null, "paid_at": null, "voided_at": null},
        "subscription": subscription["id"],
        "subtotal": total,
        "subtotal_excluding_tax": total,
        "test_clock": CLOCK,
        "total": total,
        "total_discount_amounts": [],
        "total_excluding_tax": total,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": null,
    })
}

/// What is left to pay of a total after the customer's credit (a negative balance).
pub fn due(total: i64, balance: i64) -> i64 {
    (total + balance.min(0)).max(0)
}

fn tax_ids(state: &State, customer: &str) -> Vec<Value> {
    state.of("tax_id", "customer", customer).map(|one| json!({"type": one["type"], "value": one["value"]})).collect()
}
