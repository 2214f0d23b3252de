//! Invoices: making, finalising, charging.

use serde_json::{Value, json};

use crate::calendar::{DAY, Seconds};
use crate::cards::{self, Decline};
use crate::composition::{Draft, Line, compose, due};
use crate::error::{Answer, ApiError};
use crate::form::Params;
use crate::state::{State, int, text};
use crate::{events, lifecycle, lists, payments};

/// Days after the first attempt at which a failed charge is tried again. After the last one the sandbox gives up.
pub const RETRY_DAYS: [i64; 3] = [3, 5, 7];

/// Makes the invoice of a subscription, with the prorations that waited for it. It stays a draft. Returns its id.
pub fn create(state: &mut State, subscription: &Value, reason: &'static str, lines: Vec<Line>, period: (Seconds, Seconds)) -> String {
    let customer = state.find("customer", text(subscription, "customer")).cloned().unwrap_or_default();
    let mut all = take_pending(state, text(subscription, "id"));
    all.extend(lines);
    let invoice = compose(state, &Draft { customer: &customer, subscription, reason, lines: all, period }, false);
    let id = text(&invoice, "id").to_owned();
    state.insert("invoice", invoice.clone());
    state.edit("subscription", text(subscription, "id"), |subscription| subscription["latest_invoice"] = json!(id));
    events::emit(state, "invoice.created", invoice, None);
    id
}

/// The prorations that wait for a subscription's next invoice.
pub fn pending(state: &State, subscription: &str) -> Vec<Line> {
    state.pending.iter().filter(|line| line.subscription.as_deref() == Some(subscription)).cloned().collect()
}

fn take_pending(state: &mut State, subscription: &str) -> Vec<Line> {
    let lines = pending(state, subscription);
    state.pending.retain(|line| line.subscription.as_deref() != Some(subscription));
    lines
}

/// Gives an invoice its number and uses up the customer's credit. What owes nothing is paid at once.
pub fn finalize(state: &mut State, id: &str) {
    let Some(invoice) = state.find("invoice", id).cloned() else { return };
    if invoice["status"] != "draft" {
        return;
    }
    let Some(customer) = state.find("customer", text(&invoice, "customer")).cloned() else { return };
    let (total, balance, now) = (int(&invoice, "total"), int(&customer, "balance"), state.now());
    let due = due(total, balance);
    // A negative total becomes credit; a positive one uses it up.
    let ending = balance + total - due;
    let sequence = int(&customer, "next_invoice_sequence");
    let number = format!("{}-{sequence:04}", text(&customer, "invoice_prefix"));
    state.edit("customer", text(&customer, "id"), |customer| {
        customer["balance"] = json!(ending);
        customer["next_invoice_sequence"] = json!(sequence + 1);
        customer["currency"] = invoice["currency"].clone();
    });
    let page = format!("{}/invoice/{id}", state.base_url);
    state.edit("invoice", id, |invoice| {
        invoice["status"] = json!("open");
        invoice["number"] = json!(number);
        invoice["amount_due"] = json!(due);
        invoice["amount_remaining"] = json!(due);
        invoice["starting_balance"] = json!(balance);
        invoice["ending_balance"] = json!(ending);
        invoice["effective_at"] = json!(now);
        invoice["status_transitions"]["finalized_at"] = json!(now);
        invoice["webhooks_delivered_at"] = json!(now);
        invoice["hosted_invoice_url"] = json!(page);
        invoice["invoice_pdf"] = json!(format!("{page}/pdf"));
    });
    if due > 0 {
        payments::prepare(state, id);
    }
    tell(state, id, "invoice.finalized");
    if due == 0 {
        mark_paid(state, id, None);
    }
}

/// Tries to charge an open invoice. `automatic` attempts follow the retry schedule.
pub fn charge(state: &mut State, id: &str, outcome: Result<String, Decline>, automatic: bool) -> Result<(), Decline> {
    let Some(invoice) = state.find("invoice", id).cloned() else { return Ok(()) };
    if invoice["status"] != "open" {
        return Ok(());
    }
    // Any attempt counts as the first one; after that only the automatic ones count.
    let attempts = int(&invoice, "attempt_count");
    let attempts = if automatic || attempts == 0 { attempts + 1 } else { attempts };
    match outcome {
        Ok(method) => {
            state.edit("invoice", id, |invoice| invoice["attempt_count"] = json!(attempts));
            mark_paid(state, id, Some(&method));
            Ok(())
        }
        Err(decline) => {
            let first = invoice["status_transitions"]["finalized_at"].as_i64().unwrap_or_else(|| state.now());
            let retried = invoice["billing_reason"] != "subscription_create" && invoice["auto_advance"] == true;
            let next = usize::try_from(attempts - 1).ok().and_then(|index| RETRY_DAYS.get(index)).map(|days| first + days * DAY);
            let next = next.filter(|_| retried);
            payments::failed(state, id, decline);
            let before = state.find("invoice", id).cloned().unwrap_or_default();
            state.edit("invoice", id, |invoice| {
                invoice["attempted"] = json!(true);
                invoice["attempt_count"] = json!(attempts);
                invoice["next_payment_attempt"] = json!(next);
            });
            let after = state.find("invoice", id).cloned().unwrap_or_default();
            events::emit(state, "invoice.payment_failed", after.clone(), None);
            if let Some(previous) = events::difference(&before, &after) {
                events::emit(state, "invoice.updated", after, Some(previous));
            }
            if let Some(subscription) = invoice["subscription"].as_str() {
                lifecycle::payment_failed(state, subscription, text(&invoice, "billing_reason"), retried && next.is_none());
            }
            Err(decline)
        }
    }
}

/// Charges with the default card, as renewals and retries do.
pub fn charge_default(state: &mut State, id: &str, automatic: bool) -> Result<(), Decline> {
    let Some(invoice) = state.find("invoice", id).cloned() else { return Ok(()) };
    let outcome = cards::outcome(state, text(&invoice, "customer"), invoice["subscription"].as_str());
    charge(state, id, outcome, automatic)
}

fn mark_paid(state: &mut State, id: &str, method: Option<&str>) {
    if let Some(method) = method {
        payments::succeeded(state, id, method);
    }
    let now = state.now();
    let before = state.find("invoice", id).cloned().unwrap_or_default();
    state.edit("invoice", id, |invoice| {
        invoice["status"] = json!("paid");
        invoice["attempted"] = json!(true);
        invoice["amount_paid"] = invoice["amount_due"].clone();
        invoice["amount_remaining"] = json!(0);
        invoice["next_payment_attempt"] = Value::Null;
        invoice["status_transitions"]["paid_at"] = json!(now);
    });
    let after = state.find("invoice", id).cloned().unwrap_or_default();
    events::emit(state, "invoice.updated", after.clone(), events::difference(&before, &after));
    tell(state, id, "invoice.paid");
    tell(state, id, "invoice.payment_succeeded");
    if let Some(subscription) = before["subscription"].as_str() {
        lifecycle::paid(state, subscription, id);
    }
}

/// Makes an invoice void; nobody has to pay it any more.
pub fn void(state: &mut State, id: &str) {
    let now = state.now();
    state.edit("invoice", id, |invoice| {
        invoice["status"] = json!("void");
        invoice["next_payment_attempt"] = Value::Null;
        invoice["status_transitions"]["voided_at"] = json!(now);
    });
    tell(state, id, "invoice.voided");
}

fn tell(state: &mut State, id: &str, event: &str) {
    if let Some(invoice) = state.find("invoice", id).cloned() {
        events::emit(state, event, invoice, None);
    }
}

/// `POST /v1/invoices/{id}/pay`
pub fn pay(state: &mut State, id: &str, params: &Params) -> Answer {
    params.allow(&["forgive", "mandate", "off_session", "paid_out_of_band", "payment_method", "source"])?;
    let invoice = state.get("invoice", id, "invoice")?;
    match text(&invoice, "status") {
        "draft" => finalize(state, id),
        "paid" => return Err(ApiError::coded("invoice_already_paid", "Invoice is already paid", None)),
        "void" => return Err(ApiError::invalid("This invoice is void and cannot be paid.", None)),
        _ => {}
    }
    if params.flag("paid_out_of_band")? == Some(true) {
        mark_paid(state, id, None);
        return state.get("invoice", id, "invoice");
    }
    match params.text("payment_method") {
        Some(method) => {
            let method = state.get("payment_method", method, "payment_method")?;
            let declined = state.cards.get(text(&method, "id")).and_then(|number| cards::charged(number));
            let outcome = declined.map_or_else(|| Ok(text(&method, "id").to_owned()), Err);
            charge(state, id, outcome, false)?;
        }
        None => charge_default(state, id, false)?,
    }
    state.get("invoice", id, "invoice")
}

/// `GET /v1/invoices`
pub fn list(state: &State, params: &Params) -> Answer {
    params.allow(&[
        "collection_method",
        "created",
        "customer",
        "customer_account",
        "due_date",
        "status",
        "subscription",
        "limit",
        "starting_after",
        "ending_before",
    ])?;
    let equal = |one: &Value, name: &str| params.text(name).is_none_or(|wanted| one[name] == wanted);
    let wanted = |one: &&Value| ["customer", "subscription", "status", "collection_method"].iter().all(|name| equal(one, name));
    lists::page(state.all("invoice").iter().filter(wanted), params, "/v1/invoices")
}

/// `GET /v1/invoices/{id}/lines`
pub fn lines(state: &State, id: &str, params: &Params) -> Answer {
    params.allow(&["limit", "starting_after", "ending_before"])?;
    let invoice = state.get("invoice", id, "invoice")?;
    // Lines keep their order, unlike other lists.
    let rows = invoice["lines"]["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    lists::page(rows.iter().rev(), params, &format!("/v1/invoices/{id}/lines"))
}
