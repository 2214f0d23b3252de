//! Logging in by device code, as RFC 8628 has it.

use crate::support::{Answer, Portal};
use axum::body::Body;
use axum::http::{Method, Request};
use domain::device_login;
use store::{Actor, OpCtx};

const GRANT: &str = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code";

async fn form(portal: &Portal, path: &str, body: &str) -> Answer {
    let request = Request::post(format!("/api/v1/device/{path}")).header("content-type", "application/x-www-form-urlencoded");
    portal.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// The error of an OAuth answer.
fn error(answer: &Answer) -> String {
    assert_eq!((answer.status.as_u16(), answer.headers["content-type"].to_str().unwrap()), (400, "application/json"), "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.json()["error_description"].as_str().unwrap().is_empty());
    answer.json()["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn from_the_code_to_the_login() {
    let portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    let begun = form(&portal, "authorize", "client_id=coditect-license&hardware_id=hw&hostname=fjord-01&scope=unknown").await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    assert_eq!(begun.headers["cache-control"], "no-store");
    let json = begun.json();
    let text = |name: &str| json[name].as_str().unwrap().to_owned();
    assert_eq!((json["expires_in"].as_u64(), json["interval"].as_u64()), (Some(900), Some(5)));
    assert_eq!(text("verification_uri"), "http://localhost:3000/device");
    assert_eq!(text("verification_uri_complete"), format!("http://localhost:3000/device?user_code={}", text("user_code")));

    let poll = format!("grant_type={GRANT}&device_code={}&client_id=coditect-license", text("device_code"));
    assert_eq!(error(&form(&portal, "token", &poll).await), "authorization_pending");
    assert_eq!(error(&form(&portal, "token", &poll).await), "slow_down");
    let actor = Actor::User { id: owner.user.parse().unwrap(), name: "Olga Owner".into() };
    let ctx = OpCtx { actor, ..OpCtx::anonymous("test") };
    device_login::approve(&ctx, &portal.services, &text("user_code"), "alpha").await.unwrap();
    let tokens = form(&portal, "token", &poll).await;
    assert_eq!(tokens.status, 200, "{}", tokens.text);
    let keys = |answer: &serde_json::Value| answer.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let by_password =
        portal.post("/api/v1/auth/login", None, serde_json::json!({ "email": owner.email, "password": crate::support::PASSWORD })).await;
    assert_eq!(keys(&tokens.json()), keys(&by_password.json()), "the same answer as after a password");
    assert_eq!(portal.get("/api/v1/auth/me", tokens.json()["access_token"].as_str().unwrap()).await.status, 200);
    assert_eq!(error(&form(&portal, "token", &poll).await), "invalid_grant");
}

#[tokio::test]
async fn a_denied_device_is_told() {
    let portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    // Nothing needs to be said.
    let begun = form(&portal, "authorize", "").await.json();
    let actor = Actor::User { id: owner.user.parse().unwrap(), name: "Olga Owner".into() };
    let ctx = OpCtx { actor, ..OpCtx::anonymous("test") };
    device_login::deny(&ctx, &portal.services, begun["user_code"].as_str().unwrap()).await.unwrap();
    let poll = format!("grant_type={GRANT}&device_code={}", begun["device_code"].as_str().unwrap());
    assert_eq!(error(&form(&portal, "token", &poll).await), "access_denied");
}

#[tokio::test]
async fn mistakes_are_told_in_the_words_of_oauth() {
    let portal = Portal::start().await;
    for (path, body, expected) in [
        ("token", String::new(), "invalid_request"),
        ("token", format!("grant_type={GRANT}"), "invalid_request"),
        ("token", format!("grant_type={GRANT}&device_code="), "invalid_request"),
        ("token", "device_code=x".to_owned(), "invalid_request"),
        ("token", format!("grant_type={GRANT}&device_code=x&device_code=y"), "invalid_request"),
        ("token", "grant_type=password&device_code=x".to_owned(), "unsupported_grant_type"),
        ("token", format!("grant_type={GRANT}&device_code=x"), "invalid_grant"),
        ("token", format!("grant_type={GRANT}&device_code=%00"), "invalid_grant"),
        ("authorize", "hostname=a%0Ab".to_owned(), "invalid_request"),
        ("authorize", format!("hardware_id={}", "x".repeat(129)), "invalid_request"),
        ("authorize", "hostname=a&hostname=b".to_owned(), "invalid_request"),
    ] {
        assert_eq!(error(&form(&portal, path, &body).await), expected, "{path} {body}");
    }
    let json = portal.post("/api/v1/device/token", None, serde_json::json!({ "device_code": "x" })).await;
    assert_eq!(error(&json), "invalid_request");
    let large = form(&portal, "token", &format!("device_code={}", "x".repeat(1 << 17))).await;
    assert_eq!((large.status.as_u16(), large.code().as_str()), (413, "payload_too_large"));
    assert_eq!(portal.call(Method::GET, "/api/v1/device/token", None, None).await.status, 405);
}

#[tokio::test]
async fn beginning_is_limited_by_address() {
    let portal = Portal::start().await;
    let mut refused = None;
    for _ in 0..120 {
        let answer = form(&portal, "authorize", "").await;
        if answer.status != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "rate_limited"));
    assert!(refused.headers.contains_key("retry-after"));
}
