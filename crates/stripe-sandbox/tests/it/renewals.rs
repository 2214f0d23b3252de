//! Time goes on: renewals, failed charges, giving up, coming back.

use serde_json::{Value, json};

use crate::support::{ATTACHES_ONLY, Bench, DAY, GOOD, id};

#[tokio::test]
async fn a_year_has_twelve_renewals_in_order() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    bench.advance(366 * DAY).await;
    let invoices = bench.get(&format!("invoices?subscription={}&limit=100", bought.subscription)).await;
    let invoices = invoices["data"].as_array().unwrap();
    assert_eq!(invoices.len(), 13);
    assert!(invoices.iter().all(|one| one["status"] == "paid" && one["amount_paid"] == 14_000));
    let created: Vec<i64> = invoices.iter().map(|one| one["created"].as_i64().unwrap()).collect();
    assert!(created.is_sorted_by(|newer, older| newer > older));
    // Each is made at the end of the period before it, not at the time of the call.
    assert_eq!(invoices[0]["created"], invoices[0]["period_end"]);
    assert_eq!(invoices[0]["lines"]["data"][0]["period"]["start"], invoices[0]["period_end"]);
    let subscription = bench.subscription(&bought.subscription).await;
    assert_eq!(subscription["items"]["data"][0]["current_period_start"], invoices[0]["created"]);
    assert_eq!(subscription["latest_invoice"]["id"], invoices[0]["id"]);
}

#[tokio::test]
async fn a_failing_card_is_tried_on_days_3_5_and_7() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", ATTACHES_ONLY).await;
    let end = bench.subscription(&bought.subscription).await["items"]["data"][0]["current_period_end"].as_i64().unwrap();
    bench.control("advance", json!({ "to": end })).await;
    let at = |found: &Value| {
        let invoice = &found["latest_invoice"];
        let next = invoice["next_payment_attempt"].as_i64().map(|next| (next - end) / DAY);
        (found["status"].as_str().unwrap().to_owned(), invoice["attempt_count"].as_i64().unwrap(), next)
    };
    assert_eq!(at(&bench.subscription(&bought.subscription).await), ("past_due".to_owned(), 1, Some(3)));
    bench.advance(3 * DAY).await;
    assert_eq!(at(&bench.subscription(&bought.subscription).await), ("past_due".to_owned(), 2, Some(5)));
    bench.advance(2 * DAY).await;
    assert_eq!(at(&bench.subscription(&bought.subscription).await), ("past_due".to_owned(), 3, Some(7)));
    bench.advance(2 * DAY).await;
    let unpaid = bench.subscription(&bought.subscription).await;
    assert_eq!(at(&unpaid), ("unpaid".to_owned(), 4, None));
    assert_eq!(unpaid["latest_invoice"]["status"], "open");
    assert_eq!(bench.events("invoice.payment_failed").await.len(), 4);

    // Paying brings it back.
    let path = format!("invoices/{}/pay", id(&unpaid["latest_invoice"]));
    let (status, error) = bench.try_post(&path, &[]).await;
    assert_eq!((status, &error["error"]["code"]), (402, &json!("card_declined")));
    bench.control("card", json!({"customer": bought.customer, "number": GOOD})).await;
    assert_eq!(bench.post(&path, &[]).await["status"], "paid");
    let back = bench.subscription(&bought.subscription).await;
    assert_eq!((&back["status"], &back["latest_invoice"]["amount_remaining"]), (&json!("active"), &json!(0)));
    assert_eq!(bench.try_post(&path, &[]).await.1["error"]["code"], "invoice_already_paid");
}

#[tokio::test]
async fn a_good_card_is_charged_by_the_next_attempt() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", ATTACHES_ONLY).await;
    bench.advance(31 * DAY + 3600).await;
    assert_eq!(bench.subscription(&bought.subscription).await["status"], "past_due");
    bench.control("card", json!({"customer": bought.customer, "number": GOOD})).await;
    bench.advance(3 * DAY).await;
    let found = bench.subscription(&bought.subscription).await;
    assert_eq!((&found["status"], &found["latest_invoice"]["status"]), (&json!("active"), &json!("paid")));
}

#[tokio::test]
async fn giving_up_may_end_the_subscription() {
    let bench = Bench::start().await;
    bench.control("settings", json!({"after_dunning": "canceled"})).await;
    let bought = bench.buy("7", ATTACHES_ONLY).await;
    bench.advance(39 * DAY).await;
    let found = bench.subscription(&bought.subscription).await;
    assert_eq!((&found["status"], &found["cancellation_details"]["reason"]), (&json!("canceled"), &json!("payment_failed")));
}

#[tokio::test]
async fn a_first_payment_that_never_comes() {
    let bench = Bench::start().await;
    let customer = bench.customer().await;
    let form = [("customer", customer.as_str()), ("items[0][price]", &bench.monthly), ("items[0][quantity]", "2"), ("metadata[org]", "1")];
    let (status, error) = bench.try_post("subscriptions", &form).await;
    assert_eq!((status, &error["error"]["code"]), (400, &json!("resource_missing")));
    bench.control("card", json!({"customer": customer, "number": ATTACHES_ONLY})).await;
    let found = bench.post("subscriptions", &form).await;
    assert_eq!((&found["status"], &found["metadata"]["org"]), (&json!("incomplete"), &json!("1")));
    bench.advance(23 * 3600).await;
    let found = bench.subscription(&id(&found)).await;
    assert_eq!((&found["status"], &found["latest_invoice"]["status"]), (&json!("incomplete_expired"), &json!("void")));

    bench.control("card", json!({"customer": customer, "number": GOOD})).await;
    assert_eq!(bench.post("subscriptions", &form).await["status"], "active");
}

#[tokio::test]
async fn the_clock_is_the_test_clock() {
    let bench = Bench::start().await;
    let now = bench.now().await;
    let path = "test_helpers/test_clocks/clock_sandbox/advance";
    let clock = bench.post(path, &[("frozen_time", &(now + 1000).to_string())]).await;
    assert_eq!((&clock["status"], clock["frozen_time"].as_i64().unwrap() >= now + 1000), (&json!("ready"), true));
    assert_eq!(bench.try_post(path, &[("frozen_time", &now.to_string())]).await.0, 400);
    let customer = bench.get(&format!("customers/{}?expand[]=test_clock", bench.customer().await)).await;
    assert_eq!(customer["test_clock"]["id"], "clock_sandbox");
    assert!(customer["created"].as_i64().unwrap() >= now + 1000);
}

#[tokio::test]
async fn changes_from_the_other_side() {
    let bench = Bench::start().await;
    let bought = bench.buy("7", GOOD).await;
    let path = format!("subscriptions/{}", bought.subscription);
    let changed = bench.control(&path, json!({"quantity": 12})).await;
    assert_eq!(changed["items"]["data"][0]["quantity"], 12);
    assert_eq!(bench.control(&path, json!({"status": "past_due"})).await["status"], "past_due");
    assert_eq!(bench.control(&path, json!({"cancel": "at_period_end"})).await["cancel_at_period_end"], true);
    assert_eq!(bench.control(&path, json!({"cancel": false})).await["cancel_at_period_end"], false);
    assert_eq!(bench.control(&path, json!({"cancel": true})).await["status"], "canceled");
    assert_eq!(bench.events("customer.subscription.deleted").await.len(), 1);
}
