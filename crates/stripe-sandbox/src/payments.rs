//! Payment intents: the trace that each charge of an invoice leaves.

use serde_json::{Value, json};

use crate::cards::Decline;
use crate::state::{State, int, random, text};

/// Makes the payment intent of an invoice that is due.
pub fn prepare(state: &mut State, invoice: &str) {
    let Some(invoice) = state.find("invoice", invoice).cloned() else { return };
    let (intent, payment, now) = (state.id("pi_"), state.id("inpay_"), state.now());
    let amount = int(&invoice, "amount_due");
    state.insert(
        "payment_intent",
        json!({
            "id": intent,
            "object": "payment_intent",
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": null,
            "application_fee_amount": null,
            "automatic_payment_methods": null,
            "canceled_at": null,
            "cancellation_reason": null,
            "capture_method": "automatic",
            "client_secret": format!("{intent}_secret_{}", random(24)),
            "confirmation_method": "automatic",
            "created": now,
            "currency": invoice["currency"],
            "customer": invoice["customer"],
            "customer_account": null,
            "description": "Subscription update",
            "excluded_payment_method_types": null,
            "last_payment_error": null,
            "latest_charge": null,
            "livemode": false,
            "managed_payments": null,
            "metadata": {},
            "next_action": null,
            "on_behalf_of": null,
            "payment_method": null,
            "payment_method_configuration_details": null,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "processing": null,
            "receipt_email": null,
            "review": null,
            "setup_future_usage": "off_session",
            "shipping": null,
            "source": null,
            "statement_descriptor": null,
            "statement_descriptor_suffix": null,
            "status": "requires_payment_method",
            "transfer_data": null,
            "transfer_group": null,
        }),
    );
    state.insert(
        "invoice_payment",
        json!({
            "id": payment,
            "object": "invoice_payment",
            "amount_paid": null,
            "amount_requested": amount,
            "created": now,
            "currency": invoice["currency"],
            "invoice": invoice["id"],
            "is_default": true,
            "livemode": false,
            "payment": {"payment_intent": intent, "type": "payment_intent"},
            "status": "open",
            "status_transitions": {"canceled_at": null, "paid_at": null},
        }),
    );
}

/// Notes that a charge went through.
pub fn succeeded(state: &mut State, invoice: &str, method: &str) {
    let Some(payment) = state.of("invoice_payment", "invoice", invoice).next().cloned() else { return };
    let now = state.now();
    state.edit("invoice_payment", text(&payment, "id"), |payment| {
        payment["amount_paid"] = payment["amount_requested"].clone();
        payment["status"] = json!("paid");
        payment["status_transitions"]["paid_at"] = json!(now);
    });
    state.edit("payment_intent", text(&payment["payment"], "payment_intent"), |intent| {
        intent["amount_received"] = intent["amount"].clone();
        intent["last_payment_error"] = Value::Null;
        intent["payment_method"] = json!(method);
        intent["status"] = json!("succeeded");
    });
}

/// Notes that a charge was refused.
pub fn failed(state: &mut State, invoice: &str, decline: Decline) {
    let Some(payment) = state.of("invoice_payment", "invoice", invoice).next().cloned() else { return };
    state.edit("payment_intent", text(&payment["payment"], "payment_intent"), |intent| {
        intent["last_payment_error"] = json!({
            "type": "card_error",
            "code": decline.code,
            "decline_code": decline.decline_code,
            "message": decline.message,
        });
    });
}
