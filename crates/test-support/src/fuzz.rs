//! Damaged and odd tokens, for tests of those who read them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Calls `round` again and again: as long as `FUZZ_SECONDS` says, or for two seconds. `FUZZ_SEED` repeats a run.
pub fn rounds(mut round: impl FnMut(&mut StdRng)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("FUZZ_SEED").unwrap_or_else(rand::random);
    let until = Instant::now() + Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(2));
    eprintln!("FUZZ_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut count = 0_u64;
    while count < 100 || Instant::now() < until {
        count += 1;
        round(&mut random);
    }
    eprintln!("{count} rounds");
}

/// One small damage to the text.
pub fn damage(random: &mut StdRng, bytes: &mut Vec<u8>) {
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

/// A token, damaged on the way in one to three places.
pub fn damaged(random: &mut StdRng, token: &str) -> String {
    let mut bytes = token.as_bytes().to_vec();
    for _ in 0..random.random_range(1..4) {
        damage(random, &mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
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

/// The same object with one field that holds something odd.
#[must_use]
pub fn spoiled(random: &mut StdRng, object: &Value) -> Value {
    let mut object = object.clone();
    let fields = object.as_object_mut().unwrap();
    let names: Vec<String> = fields.keys().cloned().collect();
    let name = names[random.random_range(0..names.len())].clone();
    fields.insert(name, oddity(random));
    object
}

/// A part of a token.
pub fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Well-formed outside, odd inside, under what is no signature.
pub fn forged(random: &mut StdRng, header: &Value, claims: &Value) -> String {
    let signature = URL_SAFE_NO_PAD.encode(vec![random.random::<u8>(); random.random_range(0..600)]);
    format!("{}.{}.{signature}", encode(&spoiled(random, header)), encode(&spoiled(random, claims)))
}
