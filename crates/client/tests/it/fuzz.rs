//! Tokens and key sets that nobody would make on purpose: nothing may panic, and nothing forged may be taken.

use crate::portal::{TokenKey, claims};
use crate::tokens::{NOW, expected};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::{Keys, verify};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// One small damage to the text.
fn damage(random: &mut StdRng, bytes: &mut Vec<u8>) {
    const TELLING: &[u8] = b".={}[]\":,\\-0eE\x00\xff";
    let at = random.random_range(0..=bytes.len());
    let end = random.random_range(at..=bytes.len());
    match random.random_range(0..6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
        1 => bytes.insert(at, random.random()),
        2 => bytes.insert(at, TELLING[random.random_range(0..TELLING.len())]),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        _ => bytes.truncate(at),
    }
}

/// A value that a claim or a header field might hold, but should not.
fn oddity(random: &mut StdRng) -> Value {
    match random.random_range(0..9) {
        0 => json!(i64::MAX),
        1 => json!(i64::MIN),
        2 => json!(u64::MAX),
        3 => json!(random.random::<f64>() * 1e300),
        4 => Value::Null,
        5 => json!("x".repeat(random.random_range(0..5000))),
        6 => json!([["\u{0}", {}], random.random::<i64>()]),
        7 => (0..random.random_range(0..200)).fold(Value::Null, |inner, _| json!([inner])),
        _ => json!({"a": "\u{10ffff}"}),
    }
}

fn spoil(random: &mut StdRng, object: &mut Value) {
    let fields = object.as_object_mut().unwrap();
    let names: Vec<String> = fields.keys().cloned().collect();
    let name = names[random.random_range(0..names.len())].clone();
    let value = oddity(random);
    fields.insert(name, value);
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// `FUZZ_SECONDS` says for how long, `FUZZ_SEED` repeats a run.
#[test]
fn fuzz_tokens() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("FUZZ_SEED").unwrap_or_else(rand::random);
    let until = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(2));
    eprintln!("FUZZ_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let key = TokenKey::new("k");
    let jwks = json!({ "keys": [key.jwk()] }).to_string();
    let keys = Keys::from_jwks(jwks.as_bytes()).unwrap();
    let good = claims("019a0000-0000-4000-8000-000000000009", "hw", "nonce", 1, NOW - 60, NOW + 3600);
    let token = key.sign(&good);
    assert!(verify(&token, &keys, &expected()).is_ok());
    let header = json!({"alg": "EdDSA", "typ": "license+jwt", "kid": "k", "crit": [], "jwk": {}});

    let mut rounds = 0_u64;
    while rounds < 1000 || Instant::now() < until {
        rounds += 1;
        // Damaged on the way.
        let mut bytes = token.clone().into_bytes();
        for _ in 0..random.random_range(1..4) {
            damage(&mut random, &mut bytes);
        }
        let text = String::from_utf8_lossy(&bytes);
        assert!(text == token || verify(&text, &keys, &expected()).is_err(), "{text}");

        // Well-formed outside, odd inside, without a good signature.
        let (mut odd_header, mut odd_claims) = (header.clone(), good.clone());
        spoil(&mut random, &mut odd_header);
        spoil(&mut random, &mut odd_claims);
        let signature = URL_SAFE_NO_PAD.encode(vec![random.random::<u8>(); random.random_range(0..600)]);
        let forged = format!("{}.{}.{signature}", encode(&odd_header), encode(&odd_claims));
        assert!(verify(&forged, &keys, &expected()).is_err(), "{forged}");

        // Odd, and signed: what is taken must still say what is expected.
        if let Ok(taken) = verify(&key.sign(&odd_claims), &keys, &expected()) {
            assert_eq!((taken.aud.as_str(), taken.hardware_id.as_str(), taken.nonce.as_deref()), ("coditect-license", "hw", Some("nonce")));
            assert!(taken.exp > NOW && taken.sub == expected().user && taken.tenant == expected().tenant);
        }

        let mut bytes = jwks.clone().into_bytes();
        damage(&mut random, &mut bytes);
        if let Ok(odd_keys) = Keys::from_jwks(&bytes) {
            // Whether it is taken depends on the damage.
            let _ = verify(&token, &odd_keys, &expected());
        }
    }
    eprintln!("{rounds} rounds");
}
