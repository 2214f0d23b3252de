//! The main job, from registration to a revoked session.

use crate::support::{BASE, Login, PASSWORD, Portal};
use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

async fn beat(portal: &Portal, login: &Login, session: &str, token: &str) -> crate::support::Answer {
    let body = json!({ "session_id": session, "token": token, "nonce": "n" });
    portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&login.access), Some(body)).await
}

#[tokio::test]
async fn from_registration_to_a_seat_and_back() {
    let portal = Portal::start().await;
    let register = json!({ "organization_name": "Fjordline", "name": "Ingrid", "email": "ingrid@fjordline.example", "password": PASSWORD });
    let answer = portal.post("/api/v1/auth/register", None, register.clone()).await;
    assert_eq!(answer.status, 201);
    let unverified = portal.post("/api/v1/auth/login", None, json!({ "email": "ingrid@fjordline.example", "password": PASSWORD })).await;
    assert_eq!((unverified.status.as_u16(), unverified.code().as_str()), (403, "email_unverified"));

    let owner = portal.founder("Meridian").await;
    let me = portal.get("/api/v1/auth/me", &owner.access).await.json();
    assert_eq!(me["role"], "OWNER");
    assert_eq!(me["tenant"]["slug"], "meridian");
    assert!(me["permissions"].as_array().unwrap().contains(&json!("members.manage")));

    let licenses = portal.get("/api/v1/licenses", &owner.access).await.json();
    let license = &licenses["licenses"][0];
    assert_eq!((license["tier"].as_str(), license["max_seats"].as_u64(), license["active"].as_u64()), (Some("FREE"), Some(1), Some(0)));
    let key = license["key"].as_str().unwrap();
    assert!(key.starts_with("CODITECT-") && key.len() == 23, "{key}");

    let body = json!({ "hardware_id": "dev-a", "nonce": "once", "client_version": "1.2", "hostname": "laptop", "license_key": key });
    let acquired = portal.post("/api/v1/licenses/acquire", Some(&owner.access), body.clone()).await;
    assert_eq!(acquired.status, 201, "{}", acquired.text);
    let first = acquired.json();
    let expected = json!({
        "id": license["id"], "tier": "FREE", "features": ["core"], "max_seats": 1, "active": 1, "fingerprint_tolerance": "most",
    });
    assert_eq!(first["license"], expected);
    assert_eq!(first["heartbeat_interval_seconds"], 300);
    let token = claims(first["token"].as_str().unwrap());
    assert_eq!(
        (token["iss"].as_str(), token["aud"].as_str(), token["nonce"].as_str()),
        (Some(BASE), Some("coditect-license"), Some("once"))
    );
    assert_eq!((token["hardware_id"].as_str(), token["sid"].as_str()), (Some("dev-a"), first["session_id"].as_str()));

    // The same device again: the same seat, a new session, a higher fence.
    let again = portal.post("/api/v1/licenses/acquire", Some(&owner.access), body).await;
    assert_eq!(again.status, 200);
    let second = again.json();
    assert_ne!(first["session_id"], second["session_id"]);
    assert!(claims(second["token"].as_str().unwrap())["fence"].as_i64() > token["fence"].as_i64());
    let old = beat(&portal, &owner, first["session_id"].as_str().unwrap(), first["token"].as_str().unwrap()).await;
    assert_eq!((old.status.as_u16(), old.code().as_str()), (410, "session_superseded"));

    // Another device: refused, with the facts.
    let refused = portal.acquire(&owner, "dev-b").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "seats_exhausted"));
    let facts = refused.json();
    assert_eq!((facts["active"].as_u64(), facts["max_seats"].as_u64()), (Some(1), Some(1)));
    assert!(facts["next_free_at"].is_string());
    assert_eq!(facts["holders"][0]["device"], "laptop");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 360);

    // Valid or not, by asking.
    let validate = portal.post("/api/v1/licenses/validate", Some(&owner.access), json!({})).await.json();
    assert_eq!((validate["valid"].as_bool(), validate["code"].as_str()), (Some(false), Some("SEATS_EXHAUSTED")));
    let mine = portal.post("/api/v1/licenses/validate", Some(&owner.access), json!({ "hardware_id": "dev-a" })).await.json();
    assert_eq!(mine["code"], "VALID");

    let (session, token) = (second["session_id"].as_str().unwrap(), second["token"].as_str().unwrap());
    let active = beat(&portal, &owner, session, token).await;
    assert_eq!(active.json()["state"], "active");
    let holders = portal.get(&format!("/api/v1/licenses/{}/sessions", license["id"].as_str().unwrap()), &owner.access).await.json();
    assert_eq!(holders["sessions"][0]["id"], second["session_id"]);

    // Given back, twice; the seat is free at once.
    for _ in 0..2 {
        let released = portal.call(Method::DELETE, &format!("/api/v1/licenses/release/{session}"), Some(&owner.access), None).await;
        assert_eq!(released.status, 204);
    }
    let third = portal.acquire(&owner, "dev-b").await;
    assert_eq!(third.status, 201);
    let third = third.json();
    let (session, token) = (third["session_id"].as_str().unwrap(), third["token"].as_str().unwrap());
    let revoked = portal.call(Method::DELETE, &format!("/api/v1/sessions/{session}"), Some(&owner.access), None).await;
    assert_eq!(revoked.status, 204);
    let told = beat(&portal, &owner, session, token).await;
    assert_eq!((told.status.as_u16(), told.code().as_str()), (410, "session_revoked"));
    assert_eq!(portal.acquire(&owner, "dev-a").await.status, 201, "the seat is free at once");
    let audit = portal.get("/api/v1/audit", &owner.access).await.json();
    assert_eq!(audit["entries"][0]["action"], "session.revoked");
}

#[tokio::test]
async fn a_lost_store_is_healed_by_the_next_heartbeat() {
    let portal = Portal::start().await;
    let owner = portal.founder("Meridian").await;
    let held = portal.acquire(&owner, "dev-a").await.json();
    let (session, token) = (held["session_id"].as_str().unwrap(), held["token"].as_str().unwrap());
    portal.empty_redis().await;
    let healed = beat(&portal, &owner, session, token).await;
    assert_eq!((healed.status.as_u16(), healed.json()["state"].as_str()), (200, Some("reacquired")));
    assert_eq!(portal.acquire(&owner, "dev-b").await.status, 429, "and the seat counts");
    // Without the token nobody is taken back.
    portal.empty_redis().await;
    let body = json!({ "session_id": session });
    let unknown = portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&owner.access), Some(body)).await;
    assert_eq!(unknown.code(), "session_not_found");
    // One changed bit in the token is enough to be nobody.
    let mut bytes = token.as_bytes().to_vec();
    let last = bytes.len() - 10;
    bytes[last] = if bytes[last] == b'A' { b'B' } else { b'A' };
    let forged = beat(&portal, &owner, session, &String::from_utf8(bytes).unwrap()).await;
    assert_eq!(forged.code(), "session_not_found");
}

#[tokio::test]
async fn jwks_verify_the_token() {
    let portal = Portal::start().await;
    let owner = portal.founder("Meridian").await;
    let held = portal.acquire(&owner, "dev-a").await.json();
    let jwks = portal.call(Method::GET, "/.well-known/jwks.json", None, None).await;
    assert_eq!(jwks.status, 200);
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks.text).unwrap();
    let token = held["token"].as_str().unwrap();
    let header = jsonwebtoken::decode_header(token).unwrap();
    assert_eq!(header.typ.as_deref(), Some("license+jwt"));
    let key = jsonwebtoken::DecodingKey::from_jwk(set.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    rules.set_audience(&["coditect-license"]);
    jsonwebtoken::decode::<Value>(token, &key, &rules).unwrap();
}

#[tokio::test]
async fn tokens_rotate_and_a_copy_ends_the_login() {
    let portal = Portal::start().await;
    let owner = portal.founder("Meridian").await;
    let refresh = async |token: &str| portal.post("/api/v1/auth/refresh", None, json!({ "refresh_token": token })).await;
    let second = refresh(&owner.refresh).await.json()["refresh_token"].as_str().unwrap().to_owned();
    // The answer was lost: the same token again, and again another successor.
    let third = refresh(&owner.refresh).await.json()["refresh_token"].as_str().unwrap().to_owned();
    assert_ne!(second, third);
    assert_eq!(refresh(&second).await.code(), "refresh_invalid", "the lost successor is void");
    let fourth = refresh(&third).await.json()["refresh_token"].as_str().unwrap().to_owned();
    // The first is used although its successor has been: somebody has a copy.
    assert_eq!(refresh(&owner.refresh).await.code(), "refresh_reused");
    assert_eq!(refresh(&fourth).await.code(), "refresh_invalid", "and the newest is dead too");
    assert_eq!(portal.get("/api/v1/auth/me", &owner.access).await.code(), "unauthenticated", "as is the access token");
}

#[tokio::test]
async fn logging_out_ends_the_login() {
    let portal = Portal::start().await;
    let owner = portal.founder("Meridian").await;
    let out = portal.post("/api/v1/auth/logout", Some(&owner.access), json!({ "refresh_token": owner.refresh })).await;
    assert_eq!(out.status, 204);
    assert_eq!(portal.post("/api/v1/auth/refresh", None, json!({ "refresh_token": owner.refresh })).await.code(), "refresh_invalid");
    assert_eq!(portal.get("/api/v1/auth/me", &owner.access).await.status, 401);
}
