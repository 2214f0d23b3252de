//! What people and programs send by mistake or on purpose: a clear error that names the field, and nothing half stored.

use crate::support::{PASSWORD, Portal};
use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

#[tokio::test]
async fn registration_names_every_wrong_field() {
    let portal = Portal::start().await;
    let right = json!({ "organization_name": "Fjordline", "name": "Ingrid", "email": "i@fjordline.example", "password": PASSWORD });
    let with = |field: &str, value: Value| {
        let mut body = right.clone();
        body[field] = value;
        body
    };
    let cases: Vec<(&str, Value)> = vec![
        ("organization_name", json!("")),
        ("organization_name", json!("x".repeat(101))),
        ("organization_name", json!("a\u{0}b")),
        ("organization_name", json!(7)),
        ("organization_name", json!(null)),
        ("name", json!("  ")),
        ("name", json!("a\u{202e}b")),
        ("email", json!("ingrid")),
        ("email", json!("a@b@c.example")),
        ("email", json!(["a@b.example"])),
        ("email", json!(format!("{}@example.com", "a".repeat(250)))),
        ("password", json!("short")),
        ("password", json!("x".repeat(257))),
        ("password", json!("password1234")),
        ("is_staff", json!(true)),
        ("role", json!("OWNER")),
    ];
    for (field, value) in cases {
        let answer = portal.post("/api/v1/auth/register", None, with(field, value.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid_request"), "{field} {value}");
        assert_eq!(answer.json()["pointer"], format!("/{field}"), "{value}");
    }
    let several =
        portal.post("/api/v1/auth/register", None, json!({ "organization_name": "", "name": "", "email": "", "password": "" })).await;
    assert_eq!(several.json()["errors"].as_array().unwrap().len(), 4, "all at once");
    let login = portal.post("/api/v1/auth/login", None, json!({ "email": "i@fjordline.example", "password": PASSWORD })).await;
    assert_eq!(login.code(), "invalid_credentials", "nothing was stored");
}

#[tokio::test]
async fn seat_calls_check_what_devices_say() {
    let portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    for (field, value) in [
        ("hardware_id", json!("")),
        ("hardware_id", json!("x".repeat(129))),
        ("hardware_id", json!("a\nb")),
        ("hardware_id", json!(5)),
        ("hardware_id", json!(null)),
        ("instance_id", json!("")),
        ("instance_id", json!("x".repeat(129))),
        ("nonce", json!("x".repeat(257))),
        ("client_version", json!({})),
        ("hostname", json!("x".repeat(256))),
        ("license_key", json!("CODITECT-AAAA-AAAA-AAAA")),
    ] {
        let mut body = json!({ "hardware_id": "h" });
        body[field] = value.clone();
        let answer = portal.post("/api/v1/licenses/acquire", Some(&owner.access), body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid_request"), "{field} {value}");
        assert_eq!(answer.json()["pointer"], format!("/{field}"), "{value}");
    }
    let newer = json!({ "hardware_id": "{}:h'; --", "gpu": "x", "nested": { "a": [1] } });
    assert_eq!(
        portal.post("/api/v1/licenses/acquire", Some(&owner.access), newer).await.status,
        201,
        "odd ids and unknown fields are fine"
    );
    for id in ["", "x", "0", "00000000-0000-0000-0000-00000000000g"] {
        let answer = portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&owner.access), Some(json!({ "session_id": id }))).await;
        assert_eq!(answer.json()["pointer"], "/session_id", "{id}");
    }
}

#[tokio::test]
async fn what_no_check_of_ours_sees_is_the_callers_mistake_too() {
    let portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    let login = portal.post("/api/v1/auth/login", None, json!({ "email": "a\u{0}b@c.example", "password": PASSWORD })).await;
    assert_eq!((login.status.as_u16(), login.code().as_str()), (401, "invalid_credentials"));
    for query in ["limit=many", "before=x", "before=99999999999999999999", "q=a%00b", "action=%00"] {
        let answer = portal.call(Method::GET, &format!("/api/v1/audit?{query}"), Some(&owner.access), None).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid_request"), "{query}");
    }
    for path in ["/api/v1/licenses/%00", "/api/v1/licenses/release/%00", "/api/v1/licenses/%ff"] {
        let answer = portal.call(Method::GET, path, Some(&owner.access), None).await;
        assert!(answer.status.is_client_error(), "{path} {answer:?}");
        answer.code();
    }
}

#[tokio::test]
async fn bodies_that_are_no_json_or_too_large() {
    let portal = Portal::start().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let request = Request::post("/api/v1/auth/login").header("content-type", kind).body(Body::from(body)).unwrap();
        portal.send(request).await
    };
    for body in ["", "{", "[]", "null", "\"x\"", "{\"email\":\"a\",}", "\u{feff}{}"] {
        let answer = send("application/json", body.into()).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (422, "invalid_request"), "{body:?}");
    }
    assert_eq!(send("application/json", b"{\"email\":\"\xff\"}".to_vec()).await.status, 422);
    assert_eq!(send("application/json", "[".repeat(60_000).into()).await.status, 422);
    let right = json!({ "email": "a@b.example", "password": "x" }).to_string();
    assert_eq!(send("text/plain", right.clone().into()).await.status, 422);
    assert_eq!(send("application/x-www-form-urlencoded", right.into()).await.status, 422);
    let large = send("application/json", vec![b' '; 1 << 20]).await;
    assert_eq!((large.status.as_u16(), large.code().as_str()), (413, "payload_too_large"));
    let stream = Body::from_stream(futures::stream::iter((0..32).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1 << 15]))));
    let request = Request::post("/api/v1/auth/login").header("content-type", "application/json").body(stream).unwrap();
    assert_eq!(portal.send(request).await.code(), "payload_too_large", "also when it does not say so before");
}

#[tokio::test]
async fn paths_and_methods_that_do_not_exist() {
    let portal = Portal::start().await;
    for path in ["/api/v1/nothing", "/api", "/api/v2/auth/login", "/.well-known/nothing"] {
        let answer = portal.call(Method::GET, path, None, None).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not_found"), "{path}");
    }
    let answer = portal.call(Method::PUT, "/api/v1/auth/login", None, None).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "method_not_allowed"));
    assert_eq!(answer.headers["allow"], "POST");
}

#[tokio::test]
async fn guessing_is_slow() {
    let portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    let wrong = json!({ "email": owner.email, "password": "wrong password" });
    let mut refused = None;
    for _ in 0..15 {
        let answer = portal.post("/api/v1/auth/login", None, wrong.clone()).await;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
        assert_eq!(answer.code(), "invalid_credentials");
    }
    let refused = refused.expect("limited after some attempts");
    assert_eq!(refused.code(), "rate_limited");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
}

#[tokio::test]
async fn known_and_unknown_addresses_answer_alike() {
    let portal = Portal::start().await;
    let owner = portal.founder("Alpha").await;
    let register = |email: &str| json!({ "organization_name": "Beta", "name": "Eve", "email": email, "password": PASSWORD });
    let known = portal.post("/api/v1/auth/register", None, register(&owner.email)).await;
    let unknown = portal.post("/api/v1/auth/register", None, register("nobody@beta.example")).await;
    assert_eq!((known.status, known.json().as_object().unwrap().len()), (unknown.status, unknown.json().as_object().unwrap().len()));
    portal.link(&owner.email, "/login").await;
    let login = |email: &str| json!({ "email": email, "password": "not the password" });
    let known = portal.post("/api/v1/auth/login", None, login(&owner.email)).await;
    let unknown = portal.post("/api/v1/auth/login", None, login("stranger@beta.example")).await;
    assert_eq!(known.json()["detail"], unknown.json()["detail"]);
    assert_eq!(known.status, unknown.status);
}
