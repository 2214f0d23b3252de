//! Redis or PostgreSQL away: 503 with `Retry-After`, and recovery without a restart.

use crate::support::Portal;
use axum::http::Method;
use serde_json::json;

#[tokio::test]
async fn redis_away_and_back() {
    let mut portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    let held = portal.acquire(&owner, "dev").await.json();
    assert_eq!(portal.call(Method::GET, "/readyz", None, None).await.status, 200);
    portal.redis.kill();
    let refused = portal.acquire(&owner, "dev").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "seats_unavailable"));
    assert!(refused.headers.contains_key("retry-after"));
    let body = json!({ "session_id": held["session_id"], "token": held["token"] });
    let beat = portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&owner.access), Some(body.clone())).await;
    assert_eq!(beat.code(), "seats_unavailable", "retryable, so running clients keep running");
    let ready = portal.call(Method::GET, "/readyz", None, None).await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reasons"], json!(["Redis does not answer"]));
    assert_eq!(portal.call(Method::GET, "/healthz", None, None).await.status, 200);
    // What needs no seats goes on, and what shows them shows the rest.
    assert_eq!(portal.get("/api/v1/auth/me", &owner.access).await.status, 200);
    let licenses = portal.get("/api/v1/licenses", &owner.access).await;
    assert_eq!(licenses.status, 200);
    assert!(licenses.json()["licenses"][0].get("active").is_none());

    portal.redis.restart();
    let mut beat = None;
    for _ in 0..100 {
        let answer = portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&owner.access), Some(body.clone())).await;
        if answer.status == 200 {
            beat = Some(answer);
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(beat.expect("it answers again").json()["state"], "reacquired", "it came back empty, and the client healed");
    assert_eq!(portal.call(Method::GET, "/readyz", None, None).await.status, 200);
}

#[tokio::test]
async fn a_page_says_that_the_database_is_away() {
    use axum::body::Body;
    use axum::http::Request;
    // Nobody listens there.
    let portal =
        Portal::start_with(|services| services.store = store::Store::connect("postgres://nobody:x@127.0.0.1:9/none", 1).unwrap()).await;
    let request = Request::get("/orgs/alpha").header("cookie", "__Host-portal=AAAAAAAAAAAAAAAAAAAAAA").header("accept", "text/html");
    let answer = portal.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["retry-after"], "5");
    for part in ["<title>Back in a moment · CODITECT</title>", "<h1", "We will be back in a moment"] {
        assert!(answer.text.contains(part), "{part} is not in {}", answer.text);
    }
}
