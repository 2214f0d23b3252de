//! Buying a subscription.

use serde_json::json;

use crate::support::{Bench, GOOD, card_form, id, text};

#[tokio::test]
async fn a_good_card_completes_the_session() {
    let bench = Bench::start().await;
    let customer = bench.customer().await;
    let session = bench.session(&customer, "7").await;
    assert_eq!(session["status"], "open");
    assert_eq!(session["amount_total"], 14_000);
    let page = bench.page(text(&session, "url")).await;
    assert!(page.contains("$140.00") && page.contains("This is a sandbox, not Stripe. No money moves."), "{page}");

    let (status, _, location) = bench.submit(text(&session, "url"), &card_form(GOOD)).await;
    assert_eq!((status, location), (303, Some(format!("http://portal.example/done?session={}", id(&session)))));

    let session = bench.get(&format!("checkout/sessions/{}", id(&session))).await;
    assert_eq!((&session["status"], &session["payment_status"]), (&json!("complete"), &json!("paid")));
    assert_eq!(session["client_reference_id"], "org-1");
    let subscription = bench.subscription(text(&session, "subscription")).await;
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["metadata"], json!({"org": "1"}));
    assert_eq!(subscription["items"]["data"][0]["quantity"], 7);
    let invoice = &subscription["latest_invoice"];
    assert_eq!((&invoice["status"], &invoice["amount_paid"]), (&json!("paid"), &json!(14_000)));
    assert_eq!(invoice["billing_reason"], "subscription_create");
    assert_eq!(invoice["parent"]["subscription_details"]["subscription"], subscription["id"]);

    let done = bench.events("checkout.session.completed").await;
    assert_eq!(done.len(), 1);
    assert_eq!(done[0]["data"]["object"]["metadata"]["order"], "7");
    // Sending the form once more buys nothing twice.
    bench.submit(&bench.url(&format!("c/pay/{}", id(&session))), &card_form(GOOD)).await;
    assert_eq!(bench.events("customer.subscription.created").await.len(), 1);
}

#[tokio::test]
async fn a_declined_card_keeps_the_session_open() {
    let bench = Bench::start().await;
    let customer = bench.customer().await;
    let session = bench.session(&customer, "7").await;
    for (card, message) in [
        ("4000000000000002", "Your card was declined."),
        ("4000000000009995", "Your card has insufficient funds."),
        ("4000000000000069", "Your card has expired."),
        ("4000000000000127", "security code is incorrect."),
        ("4000000000000119", "An error occurred while processing your card."),
        ("1234", "Your card number is invalid."),
    ] {
        let (status, page, _) = bench.submit(text(&session, "url"), &card_form(card)).await;
        assert_eq!(status, 200);
        assert!(page.contains(message), "{card}: {page}");
    }
    let again = bench.get(&format!("checkout/sessions/{}", id(&session))).await;
    assert_eq!((&again["status"], &again["subscription"]), (&json!("open"), &json!(null)));
    assert_eq!(bench.events("customer.subscription.created").await.len(), 0);
}

#[tokio::test]
async fn a_card_that_asks_is_confirmed_or_not() {
    let bench = Bench::start().await;
    let customer = bench.customer().await;
    let session = bench.session(&customer, "7").await;
    let mut form = card_form("4000002500003155").to_vec();
    let (_, page, _) = bench.submit(text(&session, "url"), &form).await;
    assert!(page.contains("Complete authentication") && page.contains("Fail authentication"), "{page}");
    form.push(("authentication", "fail"));
    let (status, page, _) = bench.submit(text(&session, "url"), &form).await;
    assert!(status == 200 && page.contains("unable to authenticate"), "{page}");
    form.pop();
    form.push(("authentication", "complete"));
    assert_eq!(bench.submit(text(&session, "url"), &form).await.0, 303);
}

#[tokio::test]
async fn the_quantity_stays_within_its_bounds() {
    let bench = Bench::start().await;
    let customer = bench.customer().await;
    let session = bench.session(&customer, "7").await;
    let mut form = card_form(GOOD).to_vec();
    form.push(("quantity", "51"));
    let (status, page, _) = bench.submit(text(&session, "url"), &form).await;
    assert!(status == 200 && page.contains("Choose a quantity from 2 to 50."), "{page}");
    form.pop();
    form.push(("quantity", "9"));
    assert_eq!(bench.submit(text(&session, "url"), &form).await.0, 303);
    let items = bench.get(&format!("checkout/sessions/{}/line_items", id(&session))).await;
    assert_eq!(items["data"][0]["quantity"], 9);
    assert_eq!(bench.get(&format!("checkout/sessions/{}", id(&session))).await["amount_total"], 18_000);
}

#[tokio::test]
async fn a_session_expires_by_request_and_by_time() {
    let bench = Bench::start().await;
    let customer = bench.customer().await;
    let first = bench.session(&customer, "7").await;
    let expired = bench.post(&format!("checkout/sessions/{}/expire", id(&first)), &[]).await;
    assert_eq!((&expired["status"], &expired["url"]), (&json!("expired"), &json!(null)));
    let (status, error) = bench.try_post(&format!("checkout/sessions/{}/expire", id(&first)), &[]).await;
    assert_eq!((status, &error["error"]["type"]), (400, &json!("invalid_request_error")));

    let second = bench.session(&customer, "7").await;
    bench.advance(24 * 3600).await;
    assert_eq!(bench.get(&format!("checkout/sessions/{}", id(&second))).await["status"], "expired");
    assert_eq!(bench.events("checkout.session.expired").await.len(), 2);
    let (_, page, _) = bench.submit(text(&second, "url"), &card_form(GOOD)).await;
    assert!(page.contains("This page has expired"), "{page}");
}
