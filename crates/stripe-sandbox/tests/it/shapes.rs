//! Every kind of answer and every event, read into the types of the client library. A value that its enums do not know, or a
//! field that they need and do not get, fails here.

use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use stripe_billing::{BillingPortalConfiguration, BillingPortalSession};
use stripe_shared::{
    CheckoutSession, CheckoutSessionItem, Customer, Invoice, InvoiceLineItem, PaymentIntent, PaymentMethod, Price, Product, Subscription,
    SubscriptionItem, SubscriptionSchedule, TaxId, TestHelpersTestClock,
};
use stripe_types::List;

use crate::support::{ATTACHES_ONLY, Bench, DAY, GOOD, id, text};

fn fits<T: DeserializeOwned + Debug>(what: &str, value: &Value) {
    match serde_path_to_error::deserialize::<_, T>(value) {
        Ok(read) => {
            let shown = format!("{read:?}");
            if let Some(at) = shown.find("Unknown(") {
                panic!("{what}: {}", shown.get(at.saturating_sub(120)..).unwrap_or_default().chars().take(200).collect::<String>());
            }
        }
        Err(error) => panic!("{what} at {}: {error}\n{value}", error.path()),
    }
}

impl Bench {
    async fn fits<T: DeserializeOwned + Debug>(&self, path: &str) -> Value {
        let value = self.get(path).await;
        fits::<T>(path, &value);
        value
    }
}

#[tokio::test]
async fn answers_and_events_fit_the_client() {
    let bench = Bench::start().await;
    // A life with everything in it: a purchase, changes, a schedule, failing charges, an end.
    let bought = bench.buy("7", GOOD).await;
    let customer = format!("customers/{}", bought.customer);
    bench.post(&customer, &[("address[city]", "Paris"), ("preferred_locales[]", "fr"), ("tax_exempt", "reverse")]).await;
    fits::<TaxId>("tax id", &bench.post(&format!("{customer}/tax_ids"), &[("type", "eu_vat"), ("value", "FR12345678901")]).await);
    let subscription = format!("subscriptions/{}", bought.subscription);
    let more = [("items[0][id]", bought.item.as_str()), ("items[0][quantity]", "9"), ("proration_behavior", "always_invoice")];
    fits::<Subscription>("update", &bench.post(&subscription, &more).await);
    let preview = [("subscription", bought.subscription.as_str()), ("subscription_details[items][0][id]", &bought.item)];
    fits::<Invoice>("preview", &bench.post("invoices/create_preview", &preview).await);
    let purchase = [("subscription_details[items][0][price]", bench.monthly.as_str())];
    fits::<Invoice>("preview of a purchase", &bench.post("invoices/create_preview", &purchase).await);
    let schedule = bench.post("subscription_schedules", &[("from_subscription", &bought.subscription)]).await;
    fits::<SubscriptionSchedule>("schedule", &schedule);
    bench.post(&format!("subscription_schedules/{}/release", id(&schedule)), &[]).await;
    bench.fits::<SubscriptionSchedule>(&format!("subscription_schedules/{}", id(&schedule))).await;
    bench.post(&subscription, &[("cancel_at_period_end", "true")]).await;
    bench.fits::<Subscription>(&subscription).await;
    bench.post(&subscription, &[("cancel_at_period_end", "false")]).await;

    let failing = bench.buy("3", ATTACHES_ONLY).await;
    let change = [
        ("items[0][id]", failing.item.as_str()),
        ("items[0][quantity]", "5"),
        ("proration_behavior", "always_invoice"),
        ("payment_behavior", "pending_if_incomplete"),
    ];
    fits::<Subscription>("a pending change", &bench.post(&format!("subscriptions/{}", failing.subscription), &change).await);
    bench.advance(40 * DAY).await;
    fits::<Subscription>("the end", &bench.delete(&format!("subscriptions/{}", failing.subscription)).await);
    let session = bench.session(&bought.customer, "7").await;
    bench.post(&format!("checkout/sessions/{}/expire", id(&session)), &[]).await;
    let portal = bench.post("billing_portal/sessions", &[("customer", &bought.customer)]).await;
    fits::<BillingPortalSession>("portal session", &portal);

    bench.fits::<Customer>(&customer).await;
    bench.fits::<Customer>(&format!("{customer}?expand[]=tax_ids&expand[]=subscriptions")).await;
    bench.fits::<List<Customer>>("customers").await;
    bench.fits::<List<TaxId>>(&format!("{customer}/tax_ids")).await;
    bench.fits::<List<Product>>("products").await;
    bench.fits::<Product>("products/prod_team").await;
    bench.fits::<List<Price>>("prices?expand[]=data.product").await;
    bench.fits::<Price>(&format!("prices/{}", bench.monthly)).await;
    bench.fits::<List<CheckoutSession>>("checkout/sessions?expand[]=data.line_items").await;
    bench.fits::<List<CheckoutSessionItem>>(&format!("checkout/sessions/{}/line_items", id(&session))).await;
    let expanded = "expand[]=data.latest_invoice&expand[]=data.customer&expand[]=data.default_payment_method&expand[]=data.schedule";
    bench.fits::<List<Subscription>>(&format!("subscriptions?status=all&{expanded}")).await;
    bench.fits::<SubscriptionItem>(&format!("subscription_items/{}", bought.item)).await;
    bench.fits::<List<SubscriptionSchedule>>(&format!("subscription_schedules?customer={}", bought.customer)).await;
    let invoices = bench.fits::<List<Invoice>>("invoices?limit=100&expand[]=data.payments").await;
    let invoice = &invoices["data"][0];
    bench.fits::<List<InvoiceLineItem>>(&format!("invoices/{}/lines", id(invoice))).await;
    for invoice in invoices["data"].as_array().unwrap() {
        for payment in invoice["payments"]["data"].as_array().unwrap() {
            bench.fits::<PaymentIntent>(&format!("payment_intents/{}", text(&payment["payment"], "payment_intent"))).await;
        }
    }
    bench.fits::<List<PaymentMethod>>(&format!("payment_methods?customer={}", bought.customer)).await;
    bench.fits::<BillingPortalConfiguration>(&format!("billing_portal/configurations/{}", text(&portal, "configuration"))).await;
    bench.fits::<List<TestHelpersTestClock>>("test_helpers/test_clocks").await;

    let events = bench.get("events?limit=100").await;
    for event in events["data"].as_array().unwrap() {
        fits::<stripe_webhook::Event>(text(event, "type"), event);
    }
    let mut kinds: Vec<&str> = events["data"].as_array().unwrap().iter().map(|event| text(event, "type")).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for wanted in [
        "checkout.session.completed",
        "checkout.session.expired",
        "customer.created",
        "customer.subscription.created",
        "customer.subscription.deleted",
        "customer.subscription.updated",
        "customer.updated",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_failed",
        "invoice.updated",
        "payment_method.attached",
        "subscription_schedule.created",
        "subscription_schedule.released",
    ] {
        assert!(kinds.contains(&wanted), "{wanted} in {kinds:?}");
    }
    let updated = events["data"].as_array().unwrap().iter().filter(|event| text(event, "type").ends_with(".updated"));
    assert!(updated.clone().count() > 0 && updated.into_iter().all(|event| event["data"]["previous_attributes"].is_object()));
    assert_ne!(events["has_more"], json!(null));
}
