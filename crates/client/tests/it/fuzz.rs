//! Tokens and key sets that nobody would make on purpose: nothing may panic, and nothing forged may be taken.

use crate::portal::{TokenKey, claims};
use crate::tokens::{NOW, expected};
use client::{Keys, verify};
use serde_json::json;
use test_support::fuzz::{damage, damaged, forged, rounds, spoiled};

#[test]
fn fuzz_tokens() {
    let key = TokenKey::new("k");
    let jwks = json!({ "keys": [key.jwk()] }).to_string();
    let keys = Keys::from_jwks(jwks.as_bytes()).unwrap();
    let good = claims("019a0000-0000-4000-8000-000000000009", "hw", "nonce", 1, NOW - 60, NOW + 3600);
    let token = key.sign(&good);
    assert!(verify(&token, &keys, &expected()).is_ok());
    let header = json!({"alg": "EdDSA", "typ": "license+jwt", "kid": "k", "crit": [], "jwk": {}});
    rounds(|random| {
        let text = damaged(random, &token);
        assert!(text == token || verify(&text, &keys, &expected()).is_err(), "{text}");
        let text = forged(random, &header, &good);
        assert!(verify(&text, &keys, &expected()).is_err(), "{text}");
        // Odd, and signed: what is taken must still say what is expected.
        if let Ok(taken) = verify(&key.sign(&spoiled(random, &good)), &keys, &expected()) {
            assert_eq!((taken.aud.as_str(), taken.hardware_id.as_str(), taken.nonce.as_deref()), ("coditect-license", "hw", Some("nonce")));
            assert!(taken.exp > NOW && taken.sub == expected().user && taken.tenant == expected().tenant);
        }
        let mut bytes = jwks.clone().into_bytes();
        damage(random, &mut bytes);
        if let Ok(odd_keys) = Keys::from_jwks(&bytes) {
            // Whether it is taken depends on the damage.
            let _ = verify(&token, &odd_keys, &expected());
        }
    });
}
