//! Stripe's bell: who may ring it, and what is kept.

use crate::support::{Answer, Portal};
use axum::body::Body;
use axum::http::Request;
use billing::StripeBilling;
use serde_json::{Value, json};
use std::sync::Arc;
use stripe_webhook::Webhook;

const SECRET: &str = "whsec_new";
const OLD_SECRET: &str = "whsec_old";

async fn portal() -> Portal {
    Portal::start_with(|services| {
        let secrets = vec![SECRET.to_owned(), OLD_SECRET.to_owned()];
        services.billing = Some(Arc::new(StripeBilling::new("sk_test_1", Some("http://127.0.0.1:9/"), secrets).unwrap()));
    })
    .await
}

fn event(id: &str) -> Value {
    json!({
        "id": id, "object": "event", "type": "customer.subscription.updated", "livemode": false, "created": 1, "pending_webhooks": 1,
        "data": { "object": { "object": "subscription", "customer": "cus_1" } },
    })
}

async fn ring(portal: &Portal, body: &str, signature: Option<&str>) -> Answer {
    let mut request = Request::post("/webhooks/stripe").header("content-type", "application/json");
    if let Some(signature) = signature {
        request = request.header("stripe-signature", signature);
    }
    portal.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn signed(body: &str, secret: &str) -> String {
    Webhook::generate_test_header(body, secret, None)
}

#[tokio::test]
async fn a_signed_event_is_stored_once_whichever_active_secret_signs() {
    let portal = portal().await;
    let (first, second) = (event("evt_1").to_string(), event("evt_2").to_string());
    for (body, secret) in [(&first, SECRET), (&first, SECRET), (&first, OLD_SECRET), (&second, OLD_SECRET)] {
        let answer = ring(&portal, body, Some(&signed(body, secret))).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    assert_eq!(portal.count("billing_events").await, 2);
    // While a secret is replaced, Stripe signs with both, in any order.
    let third = event("evt_3").to_string();
    let (new, old) = (signed(&third, SECRET), signed(&third, "whsec_unknown"));
    let both = format!("{new},{}", old.split_once(',').unwrap().1);
    assert_eq!(ring(&portal, &third, Some(&both)).await.status, 200);
}

#[tokio::test]
async fn what_is_forged_stale_or_foreign_is_refused_and_not_stored() {
    let portal = portal().await;
    let body = event("evt_1").to_string();
    let good = signed(&body, SECRET);
    let stale = Webhook::generate_test_header(&body, SECRET, Some(1_700_000_000));
    for (text, signature) in [
        (body.clone(), None),
        (body.clone(), Some("")),
        (body.clone(), Some("t=1,v1=00")),
        (body.clone(), Some(stale.as_str())),
        (body.replace("cus_1", "cus_2"), Some(good.as_str())),
        (body.clone(), Some(&*signed(&body, "whsec_unknown"))),
        ("\u{0}".to_owned(), Some(good.as_str())),
    ] {
        let answer = ring(&portal, &text, signature).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "bad_signature"), "{signature:?}");
    }
    for (change, code) in [(json!({ "livemode": true }), "wrong_mode"), (json!({ "account": "acct_other" }), "wrong_mode")] {
        let mut other = event("evt_1");
        other.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let other = other.to_string();
        let answer = ring(&portal, &other, Some(&signed(&other, SECRET))).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code));
    }
    let no_event = json!({ "object": "charge" }).to_string();
    assert_eq!(ring(&portal, &no_event, Some(&signed(&no_event, SECRET))).await.code(), "invalid_request");
    let huge = format!("{{\"x\":\"{}\"}}", "a".repeat(2 << 20));
    assert_eq!(ring(&portal, &huge, Some(&signed(&huge, SECRET))).await.status, 413);
    assert_eq!(portal.count("billing_events").await, 0);
    assert_eq!(portal.send(Request::get("/webhooks/stripe").body(Body::empty()).unwrap()).await.status, 405);
}

#[tokio::test]
async fn large_events_pass_and_without_a_provider_there_is_no_bell() {
    let portal = portal().await;
    let mut large = event("evt_1");
    large["data"]["object"]["description"] = json!("x".repeat(300_000));
    let large = large.to_string();
    assert_eq!(ring(&portal, &large, Some(&signed(&large, SECRET))).await.status, 200);
    let without = Portal::start().await;
    let body = event("evt_1").to_string();
    assert_eq!(ring(&without, &body, Some(&signed(&body, SECRET))).await.status, 404);
}
