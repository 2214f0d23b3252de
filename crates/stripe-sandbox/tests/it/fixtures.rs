//! Our objects, key by key, against the example objects that Stripe publishes. They are not part of the repository: the
//! variable STRIPE_FIXTURES names the file.

use serde_json::{Value, json};

use crate::support::{Bench, GOOD, id, text};

/// Differences for a reason: the examples leave out what depends on the kind that another key names.
const KNOWN: &[&str] = &[
    "checkout.session.payment_method_options.card is extra",
    "invoice.lines.data[].pricing.price_details is extra",
    "invoice_payment.payment.payment_intent is extra",
    "line_item.pricing.price_details is extra",
];

fn fixtures() -> Option<Value> {
    let Some(file) = std::env::var_os("STRIPE_FIXTURES") else {
        println!("not run: STRIPE_FIXTURES names no file");
        return None;
    };
    let text = std::fs::read_to_string(&file).expect("the file that STRIPE_FIXTURES names");
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// Collects the keys that only one side has. What is null or of another kind on one side says nothing about keys.
fn compare(path: &str, theirs: &Value, ours: &Value, differences: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) if !is_map(path) => {
            for key in theirs.keys().filter(|key| !ours.contains_key(*key)) {
                differences.push(format!("{path}.{key} is missing"));
            }
            for key in ours.keys().filter(|key| !theirs.contains_key(*key)) {
                differences.push(format!("{path}.{key} is extra"));
            }
            for (key, value) in theirs {
                compare(&format!("{path}.{key}"), value, &ours.get(key).cloned().unwrap_or_default(), differences);
            }
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            if let (Some(theirs), Some(ours)) = (theirs.first(), ours.first()) {
                compare(&format!("{path}[]"), theirs, ours, differences);
            }
        }
        _ => {}
    }
}

/// Whose keys are the customer's own.
fn is_map(path: &str) -> bool {
    path.ends_with(".metadata")
}

#[tokio::test]
async fn our_objects_have_the_keys_of_the_examples() {
    let Some(fixtures) = fixtures() else { return };
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let customer = &bought.customer;
    let subscription = bench.get(&format!("subscriptions/{}", bought.subscription)).await;
    let invoice = bench.get(&format!("invoices/{}", text(&subscription, "latest_invoice"))).await;
    let schedule = bench.post("subscription_schedules", &[("from_subscription", &bought.subscription)]).await;
    let session = bench.get("checkout/sessions").await["data"][0].clone();
    let portal = bench.post("billing_portal/sessions", &[("customer", customer)]).await;
    let payments = bench.get(&format!("invoices/{}?expand[]=payments", id(&invoice))).await["payments"]["data"][0].clone();
    let tax_path = format!("customers/{customer}/tax_ids");
    let tax_id = bench.post(&tax_path, &[("type", "eu_vat"), ("value", "DE123456789")]).await;
    bench.sandbox.set_webhook("http://127.0.0.1:9/", "whsec_1");
    let ours = [
        ("customer", bench.get(&format!("customers/{customer}")).await),
        ("product", bench.get("products/prod_team").await),
        ("price", bench.get(&format!("prices/{}", bench.monthly)).await),
        ("plan", subscription["items"]["data"][0]["plan"].clone()),
        ("subscription", subscription.clone()),
        ("subscription_item", bench.get(&format!("subscription_items/{}", bought.item)).await),
        ("subscription_schedule", schedule),
        ("invoice", invoice.clone()),
        ("line_item", invoice["lines"]["data"][0].clone()),
        ("invoice_payment", payments.clone()),
        ("payment_intent", bench.get(&format!("payment_intents/{}", text(&payments["payment"], "payment_intent"))).await),
        ("payment_method", bench.get(&format!("payment_methods?customer={customer}")).await["data"][0].clone()),
        ("checkout.session", session.clone()),
        ("item", bench.get(&format!("checkout/sessions/{}/line_items", id(&session))).await["data"][0].clone()),
        ("billing_portal.configuration", bench.get(&format!("billing_portal/configurations/{}", text(&portal, "configuration"))).await),
        ("billing_portal.session", portal),
        ("event", bench.get("events").await["data"][0].clone()),
        ("test_helpers.test_clock", bench.get("test_helpers/test_clocks/clock_sandbox").await),
        ("webhook_endpoint", bench.get("webhook_endpoints/we_sandbox").await),
        ("deleted_tax_id", bench.delete(&format!("{tax_path}/{}", id(&tax_id))).await),
        ("tax_id", tax_id),
        ("deleted_webhook_endpoint", bench.delete("webhook_endpoints/we_sandbox").await),
        ("deleted_customer", bench.delete(&format!("customers/{customer}")).await),
    ];
    let mut differences = Vec::new();
    for (kind, ours) in &ours {
        let mut theirs = fixtures["resources"][*kind].clone();
        assert!(theirs.is_object(), "no example of {kind}");
        if *kind == "event" {
            // Any object can be in an event.
            theirs["data"] = json!(null);
        }
        compare(kind, &theirs, ours, &mut differences);
    }
    differences.sort();
    assert_eq!(differences, KNOWN);
}
