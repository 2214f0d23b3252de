//! Idempotency keys, and outages that a test asks for.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Bench, id};

/// Creates a customer with a key: the status, the body, whether it is a replay. None for a dropped connection.
async fn create(bench: &Bench, key: &str, name: &str) -> Option<(u16, Value, bool)> {
    let request = bench.request("POST", "customers").header("Idempotency-Key", key).form(&[("name", name)]);
    let answer = request.send().await.ok()?;
    let replayed = answer.headers().get("idempotent-replayed").is_some_and(|value| value == "true");
    assert!(answer.headers().contains_key("request-id"));
    Some((answer.status().as_u16(), answer.json().await.unwrap(), replayed))
}

async fn customers(bench: &Bench) -> usize {
    bench.get("customers").await["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn a_key_gives_the_first_answer_again() {
    let bench = Bench::start().await;
    let (_, first, replayed) = create(&bench, "key-1", "Acme").await.unwrap();
    assert!(!replayed);
    let (status, second, replayed) = create(&bench, "key-1", "Acme").await.unwrap();
    assert_eq!((status, replayed, second), (200, true, first));
    let (status, error, _) = create(&bench, "key-1", "Other").await.unwrap();
    assert_eq!((status, &error["error"]["type"]), (400, &json!("idempotency_error")));
    bench.advance(25 * 3600).await;
    assert!(create(&bench, "key-1", "Acme").await.unwrap().2);
    assert_eq!(customers(&bench).await, 1);
    let events = bench.events("customer.created").await;
    assert_eq!(events[0]["request"]["idempotency_key"], "key-1");
}

#[tokio::test]
async fn a_500_after_the_commit_is_kept() {
    let bench = Bench::start().await;
    bench.control("fail", json!({"times": 1, "path": "/v1/customers", "method": "POST", "status_after_commit": 500})).await;
    assert_eq!(create(&bench, "key-1", "Acme").await.unwrap().0, 500);
    let (status, error, replayed) = create(&bench, "key-1", "Acme").await.unwrap();
    assert_eq!((status, &error["error"]["type"], replayed), (500, &json!("api_error"), true));
    assert_eq!(customers(&bench).await, 1);
}

#[tokio::test]
async fn a_dropped_connection_can_be_asked_again() {
    let bench = Bench::start().await;
    bench.control("fail", json!({"times": 1, "drop_after_commit": true})).await;
    assert!(create(&bench, "key-1", "Acme").await.is_none());
    let (status, customer, replayed) = create(&bench, "key-1", "Acme").await.unwrap();
    assert_eq!((status, replayed), (200, true));
    assert_eq!(id(&bench.get("customers").await["data"][0]), id(&customer));
    assert_eq!(customers(&bench).await, 1);
}

#[tokio::test]
async fn an_outage_before_the_execution_changes_nothing() {
    let bench = Bench::start().await;
    bench.control("fail", json!({"times": 2, "path": "/v1/customers", "method": "POST", "status": 503})).await;
    bench.control("fail", json!({"retry_after": 7, "path": "/v1/customers", "method": "POST"})).await;
    bench.control("fail", json!({"timeout_ms": 30, "path": "/v1/customers", "method": "POST"})).await;
    assert_eq!(customers(&bench).await, 0);
    assert_eq!(create(&bench, "key-1", "Acme").await.unwrap().0, 503);
    assert_eq!(create(&bench, "key-1", "Acme").await.unwrap().0, 503);
    let answer = bench.request("POST", "customers").form(&[("name", "Acme")]).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert!(create(&bench, "key-1", "Acme").await.is_none());
    assert_eq!(create(&bench, "key-1", "Acme").await.unwrap().0, 200);
    assert_eq!(customers(&bench).await, 1);
}

#[tokio::test]
async fn held_calls_wait_and_their_key_is_in_use() {
    let bench = Bench::start().await;
    bench.control("hold", json!({"on": true, "path": "/v1/customers"})).await;
    let request = || bench.request("POST", "customers").header("Idempotency-Key", "key-1").form(&[("name", "Acme")]).send();
    let first = tokio::spawn(request());
    while bench.state().await["keys_in_use"] != json!(["key-1"]) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = request().await.unwrap();
    assert_eq!(second.status().as_u16(), 409);
    // Other paths are not held.
    bench.get("prices").await;
    assert!(!first.is_finished());
    bench.control("hold", json!({"on": false})).await;
    assert_eq!(first.await.unwrap().unwrap().status().as_u16(), 200);
    assert_eq!(customers(&bench).await, 1);
}

#[tokio::test]
async fn refused_requests_do_not_use_up_their_key() {
    let bench = Bench::start().await;
    let request = |name: &'static str| bench.request("POST", "products").header("Idempotency-Key", "key-1").form(&[(name, "Team")]);
    assert_eq!(request("nmae").send().await.unwrap().status().as_u16(), 400);
    assert_eq!(request("name").send().await.unwrap().status().as_u16(), 200);
}
