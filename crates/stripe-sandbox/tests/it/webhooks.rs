//! Events on their way to an endpoint.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use stripe_webhook::{Webhook, WebhookError};

use crate::support::{Bench, GOOD};

const SECRET: &str = "whsec_test";

#[derive(Default)]
struct Received {
    /// Body and signature of each attempt.
    attempts: Vec<(String, String)>,
    /// How many attempts are answered with 500 from now on.
    failing: usize,
}

struct Receiver(Arc<Mutex<Received>>);

impl Receiver {
    /// An endpoint, and a sandbox that sends to it.
    async fn start() -> (Self, Bench) {
        let received = Arc::new(Mutex::new(Received::default()));
        let shared = received.clone();
        let take = move |headers: HeaderMap, body: String| async move {
            let mut received = shared.lock().unwrap();
            let signature = headers["stripe-signature"].to_str().unwrap().to_owned();
            received.attempts.push((body, signature));
            if received.failing > 0 {
                received.failing -= 1;
                return StatusCode::INTERNAL_SERVER_ERROR;
            }
            StatusCode::OK
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/hook", post(take))).await });
        let bench = Bench::start().await;
        bench.sandbox.set_webhook(&url, SECRET);
        (Self(received), bench)
    }

    fn fail(&self, times: usize) {
        self.0.lock().unwrap().failing = times;
    }

    /// Waits until a condition holds for what was received.
    async fn until(&self, condition: impl Fn(&[(String, String)]) -> bool) -> Vec<(String, String)> {
        for _ in 0..2000 {
            let attempts = self.0.lock().unwrap().attempts.clone();
            if condition(&attempts) {
                return attempts;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not received: {:?}", self.kinds());
    }

    fn kinds(&self) -> Vec<String> {
        self.0.lock().unwrap().attempts.iter().map(|(body, _)| kind(body)).collect()
    }
}

fn kind(body: &str) -> String {
    serde_json::from_str::<Value>(body).unwrap()["type"].as_str().unwrap().to_owned()
}

fn has(wanted: &str) -> impl Fn(&[(String, String)]) -> bool {
    move |attempts| attempts.iter().any(|(body, _)| kind(body) == wanted)
}

#[tokio::test]
async fn a_purchase_is_told_in_signed_events() {
    let (receiver, bench) = Receiver::start().await;
    // The signature has real time, whatever the sandbox's time is.
    bench.advance(40 * 86_400).await;
    bench.buy("7", GOOD).await;
    let attempts = receiver.until(has("checkout.session.completed")).await;
    let mut kinds = receiver.kinds();
    kinds.dedup();
    for wanted in ["customer.created", "customer.subscription.created", "invoice.created", "invoice.finalized", "invoice.paid"] {
        assert!(kinds.iter().any(|kind| kind == wanted), "{wanted} in {kinds:?}");
    }
    for (body, signature) in &attempts {
        Webhook::construct_event(body, signature, SECRET).unwrap_or_else(|error| panic!("{error}: {body}"));
        assert!(matches!(Webhook::construct_event(body, signature, "whsec_other"), Err(WebhookError::BadSignature)));
    }
}

#[tokio::test]
async fn a_500_is_tried_again() {
    let (receiver, bench) = Receiver::start().await;
    receiver.fail(1);
    bench.customer().await;
    let attempts = receiver.until(|attempts| attempts.len() == 2).await;
    assert_eq!(attempts[0].0, attempts[1].0, "the same event, unchanged");
    Webhook::construct_event(&attempts[1].0, &attempts[1].1, SECRET).unwrap();
}

#[tokio::test]
async fn held_events_wait() {
    let (receiver, bench) = Receiver::start().await;
    bench.control("webhooks", json!({"mode": "hold"})).await;
    let customer = bench.customer().await;
    bench.post(&format!("customers/{customer}"), &[("name", "Other")]).await;
    assert_eq!(receiver.kinds().len(), 0);
    bench.control("webhooks", json!({"mode": "deliver"})).await;
    receiver.until(has("customer.updated")).await;
    assert_eq!(receiver.kinds(), ["customer.created", "customer.updated"]);
}

#[tokio::test]
async fn lost_events_can_be_sent_again_and_twice() {
    let (receiver, bench) = Receiver::start().await;
    bench.control("webhooks", json!({"mode": "lose"})).await;
    bench.customer().await;
    bench.control("webhooks", json!({"mode": "duplicate"})).await;
    let event = bench.events("customer.created").await.remove(0);
    bench.control("replay", json!({"event_id": event["id"]})).await;
    let attempts = receiver.until(|attempts| attempts.len() == 2).await;
    for (body, _) in &attempts {
        assert_eq!(serde_json::from_str::<Value>(body).unwrap()["id"], event["id"]);
    }
    bench.control("webhooks", json!({"mode": "deliver"})).await;
    bench.control("replay", json!({"all": true})).await;
    receiver.until(has("price.created")).await;
}

#[tokio::test]
async fn reordered_events_all_arrive() {
    let (receiver, bench) = Receiver::start().await;
    bench.control("webhooks", json!({"mode": "hold"})).await;
    for _ in 0..4 {
        bench.customer().await;
    }
    bench.control("webhooks", json!({"mode": "reorder"})).await;
    let attempts = receiver.until(|attempts| attempts.len() == 4).await;
    let sent: Vec<Value> = bench.events("customer.created").await.iter().map(|event| event["id"].clone()).collect();
    let arrived: Vec<Value> = attempts.iter().map(|(body, _)| serde_json::from_str::<Value>(body).unwrap()["id"].clone()).collect();
    assert!(sent.iter().rev().eq(&arrived), "{sent:?} {arrived:?}");
}

#[tokio::test]
async fn two_secrets_sign_while_they_are_exchanged() {
    let (receiver, bench) = Receiver::start().await;
    for (first, count) in [(false, 1), (true, 2)] {
        bench.control("webhooks", json!({"mode": "deliver", "second_secret": "whsec_next", "second_first": first})).await;
        bench.customer().await;
        let attempts = receiver.until(|attempts| attempts.len() == count).await;
        let (body, signature) = attempts.last().unwrap();
        for secret in [SECRET, "whsec_next"] {
            Webhook::construct_event(body, signature, secret).unwrap();
        }
        assert_eq!(signature.matches("v1=").count(), 2);
    }
}

#[tokio::test]
async fn endpoints_choose_their_events() {
    let (receiver, bench) = Receiver::start().await;
    let url = bench.get("webhook_endpoints/we_sandbox").await["url"].as_str().unwrap().to_owned();
    bench.post("webhook_endpoints/we_sandbox", &[("disabled", "true")]).await;
    let made = bench.post("webhook_endpoints", &[("url", &url), ("enabled_events[]", "customer.updated")]).await;
    let customer = bench.customer().await;
    bench.post(&format!("customers/{customer}"), &[("name", "Other")]).await;
    let attempts = receiver.until(|attempts| attempts.len() == 1).await;
    assert_eq!(receiver.kinds(), ["customer.updated"]);
    Webhook::construct_event(&attempts[0].0, &attempts[0].1, made["secret"].as_str().unwrap()).unwrap();
    let path = format!("webhook_endpoints/{}", made["id"].as_str().unwrap());
    assert_eq!(bench.get(&path).await["secret"], json!(null));
    assert_eq!(bench.delete(&path).await["deleted"], true);
}
