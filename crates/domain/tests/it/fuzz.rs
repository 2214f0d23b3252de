//! Tokens that nobody would make on purpose, before the portal: nothing may panic, and nothing forged may be taken.

use crate::people::{heartbeat, nobody};
use crate::world::{ACCESS_KEY, World, code};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ports::signer::Signer;
use domain::{identity, sessions};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use test_support::fuzz::{damaged, encode, forged, rounds, spoiled};
use types::Code;
use types::licenses::HeartbeatRequest;

fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn fuzz_access_tokens() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let good = world.login(&org, &org.owner).await.access_token;
    let claims = claims_of(&good);
    let whose = identity::device(&nobody(), &world.svc, &good).unwrap();
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": "k", "crit": []});
    let take = |token: &str| identity::device(&nobody(), &world.svc, token);
    rounds(|random| {
        let text = damaged(random, &good);
        assert!(text == good || take(&text).is_err(), "{text}");
        let text = forged(random, &header, &claims);
        assert!(take(&text).is_err(), "{text}");
        let odd = spoiled(random, &claims);
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &odd, &EncodingKey::from_secret(ACCESS_KEY)).unwrap();
        if let Ok(taken) = take(&signed) {
            assert_eq!((taken.user_id(), taken.tenant), (whose.user_id(), whose.tenant), "{odd}");
        }
    });
}

/// A licence token brings a lost session back, so this is what a thief would forge.
#[tokio::test(flavor = "multi_thread")]
async fn fuzz_license_tokens() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    let claims = claims_of(&held.token);
    let header = json!({"alg": "EdDSA", "typ": "license+jwt", "kid": "test", "crit": [], "jwk": {}});
    let runtime = tokio::runtime::Handle::current();
    let beat = |token: String| {
        let request = HeartbeatRequest { token: Some(token), ..heartbeat(&held) };
        runtime.block_on(sessions::heartbeat(&device, &world.svc, &request))
    };
    let lost = || runtime.block_on(world.flush_redis());
    tokio::task::block_in_place(|| {
        lost();
        rounds(|random| {
            for text in [damaged(random, &held.token), forged(random, &header, &claims)] {
                if text != held.token {
                    assert_eq!(code(beat(text.clone())), Code::SessionNotFound, "{text}");
                }
            }
            let odd = spoiled(random, &claims);
            let head = json!({"alg": "EdDSA", "typ": "license+jwt", "kid": "test"});
            let input = format!("{}.{}", encode(&head), encode(&odd));
            let signature = runtime.block_on(world.signer.sign("test", input.as_bytes())).unwrap();
            match beat(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))) {
                // Only what matters not for the seat was odd.
                Ok(_) => {
                    for field in ["iss", "aud", "sub", "tenant", "license", "sid"] {
                        assert_eq!(odd[field], claims[field], "{odd}");
                    }
                    lost();
                }
                Err(error) => {
                    let code = error.into_problem().code;
                    assert!(matches!(code, Code::SessionNotFound | Code::LicenseNotFound), "{code}: {odd}");
                }
            }
        });
        assert!(beat(held.token.clone()).is_ok(), "the true one works");
    });
}
