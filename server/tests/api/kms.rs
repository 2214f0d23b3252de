//! The whole portal with its key in a vault: starts, refusals and readers of the token when the vault is slow, busy or away.

use crate::emulator::{Emulator, Fault, NAME};
use crate::support::Portal;
use crate::third_parties::{verifies_by_jwks, verifies_by_openssl};
use http::Method;
use server::config;
use server::signer::GcpKms;
use std::sync::Arc;
use std::time::Duration;

async fn portal() -> (Portal, Arc<Emulator>) {
    let (emulator, address) = Emulator::start().await;
    let endpoint = Some(format!("http://{address}").parse().unwrap());
    let settings = config::GcpKms { versions: vec![NAME.to_owned()], endpoint, metadata_host: "unused.invalid".to_owned() };
    let kms = Arc::new(GcpKms::connect(&settings).await.unwrap());
    (Portal::start_with(|services| services.signer = kms).await, emulator)
}

#[tokio::test]
async fn tokens_of_the_vault_are_verified_with_the_published_keys_alone() {
    let (portal, emulator) = portal().await;
    let owner = portal.founder("Vault").await;
    *emulator.latency.lock().unwrap() = Duration::from_millis(50);
    let held = portal.acquire(&owner, "laptop").await;
    assert_eq!(held.status, 201, "{}", held.text);
    let jwks = portal.call(Method::GET, "/.well-known/jwks.json", None, None).await.json();
    let json = held.json();
    let token = json["token"].as_str().unwrap();
    assert!(verifies_by_jwks(&jwks, token));
    assert!(verifies_by_openssl(&jwks, token));
    let (rest, last) = token.split_at(token.len() - 8);
    assert!(!verifies_by_jwks(&jwks, &format!("{rest}{}", last.chars().rev().collect::<String>())));

    // A heartbeat signs nothing, so it does not ask the vault; the token heals an empty Redis.
    emulator.misbehave([]);
    let beat = serde_json::json!({ "session_id": json["session_id"], "token": token });
    assert_eq!(portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&owner.access), Some(beat.clone())).await.status, 200);
    portal.empty_redis().await;
    let again = portal.call(Method::PUT, "/api/v1/licenses/heartbeat", Some(&owner.access), Some(beat)).await;
    assert_eq!((again.status.as_u16(), again.json()["state"].as_str()), (200, Some("reacquired")), "{}", again.text);
    assert_eq!(emulator.calls(), 0);
}

#[tokio::test]
async fn a_vault_that_is_away_takes_and_ends_no_seat() {
    let (portal, emulator) = portal().await;
    let owner = portal.founder("Vault").await;
    emulator.misbehave([Fault::Status(503), Fault::Status(429)]);
    assert_eq!(portal.acquire(&owner, "laptop").await.status, 201, "what passes is waited for");
    let away = async |device: &str| {
        emulator.misbehave((0..20).map(|_| Fault::Status(503)));
        let refused = portal.acquire(&owner, device).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (503, "seats_unavailable".to_owned()));
        assert!(refused.headers.contains_key("retry-after"));
        emulator.misbehave([]);
    };
    // A restart that gets no token: the seat stays the device's own.
    away("laptop").await;
    assert_eq!(portal.acquire(&owner, "desktop").await.status, 429);
    let held = portal.acquire(&owner, "laptop").await;
    assert_eq!(held.status, 200);
    let release = format!("/api/v1/licenses/release/{}", held.json()["session_id"].as_str().unwrap());
    assert_eq!(portal.call(Method::DELETE, &release, Some(&owner.access), None).await.status, 204);
    // The licence has one seat: had the refused start kept it, another device could not have it.
    away("laptop").await;
    assert_eq!(portal.acquire(&owner, "desktop").await.status, 201);
}
