//! Which tokens are taken, and which keys.

use crate::device::Device;
use crate::portal::{Portal, TokenKey, claims};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use client::{Expected, Keys, TokenError, verify};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use time::OffsetDateTime;

const SESSION: &str = "019a0000-0000-4000-8000-000000000009";
pub(crate) const NOW: i64 = 1_900_000_000;

pub(crate) fn expected() -> Expected<'static> {
    Expected {
        hardware_id: "hw",
        nonce: "nonce",
        user: "019a0000-0000-7000-8000-0000000000aa".parse().unwrap(),
        tenant: "019a0000-0000-7000-8000-000000000001".parse().unwrap(),
        now: OffsetDateTime::from_unix_timestamp(NOW).unwrap(),
    }
}

fn good() -> Value {
    claims(SESSION, "hw", "nonce", 1, NOW - 60, NOW + 3600)
}

fn keys(jwks: &[Value]) -> Keys {
    Keys::from_jwks(json!({ "keys": jwks }).to_string().as_bytes()).unwrap()
}

fn encode(header: &Header, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, &good(), key).unwrap()
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    let mut header = Header::new(algorithm);
    header.typ = Some("license+jwt".into());
    header.kid = Some(kid.into());
    header
}

#[test]
fn any_one_bit_changed_is_refused() {
    let key = TokenKey::new("k");
    let keys = keys(&[key.jwk()]);
    let token = key.sign(&good());
    assert!(verify(&token, &keys, &expected()).is_ok());
    for position in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[position] ^= 1 << bit;
            // What is not text cannot even be stored.
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(verify(&changed, &keys, &expected()).is_err(), "bit {bit} of byte {position}");
        }
    }
    for cut in 0..token.len() {
        assert!(verify(&token[..cut], &keys, &expected()).is_err());
    }
}

#[test]
fn every_claim_that_is_checked_is_checked() {
    let key = TokenKey::new("k");
    let keys = keys(&[key.jwk()]);
    let with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        verify(&key.sign(&claims), &keys, &expected()).unwrap_err()
    };
    assert_eq!(with("aud", json!("another-product")), TokenError::Audience);
    assert_eq!(with("hardware_id", json!("hw2")), TokenError::HardwareId);
    assert_eq!(with("nonce", json!("older")), TokenError::Nonce);
    assert_eq!(with("nonce", Value::Null), TokenError::Nonce);
    assert_eq!(with("sub", json!(SESSION)), TokenError::Holder);
    assert_eq!(with("tenant", json!(SESSION)), TokenError::Holder);
    assert_eq!(with("exp", json!(NOW)), TokenError::Expired(OffsetDateTime::from_unix_timestamp(NOW).unwrap()));
    assert_eq!(with("exp", json!(i64::MAX)), TokenError::Malformed);
    assert_eq!(with("exp", Value::Null), TokenError::Malformed);
}

#[test]
fn one_key_one_algorithm() {
    let key = TokenKey::new("k");
    let public = URL_SAFE_NO_PAD.decode(&key.x).unwrap();
    let rsa = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let rsa_private = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&rsa).unwrap().as_ref().to_vec();
    let rsa_public = aws_lc_rs::signature::KeyPair::public_key(&rsa);
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({"kty": "RSA", "kid": "r", "alg": "RS256", "n": part(rsa_public.modulus().big_endian_without_leading_zero()),
                     "e": part(rsa_public.exponent().big_endian_without_leading_zero())});
    let keys = keys(&[key.jwk(), jwk]);
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        base64::engine::general_purpose::STANDARD.encode(&rsa_private)
    );
    let rsa_key = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();

    assert!(verify(&encode(&header(Algorithm::RS256, "r"), &rsa_key), &keys, &expected()).is_ok());
    let refused = |token: &str| verify(token, &keys, &expected()).unwrap_err();
    // The public key as a shared secret.
    assert_eq!(refused(&encode(&header(Algorithm::HS256, "k"), &EncodingKey::from_secret(&public))), TokenError::Algorithm);
    // A good signature of another key's kind, under this key's name, and the other way round.
    assert_eq!(refused(&encode(&header(Algorithm::RS256, "k"), &rsa_key)), TokenError::Algorithm);
    assert_eq!(refused(&encode(&header(Algorithm::EdDSA, "r"), &EncodingKey::from_ed_der(&key.pkcs8))), TokenError::Algorithm);
    // The same RSA key with other hash functions.
    assert_eq!(refused(&encode(&header(Algorithm::RS512, "r"), &rsa_key)), TokenError::Algorithm);
    assert_eq!(refused(&encode(&header(Algorithm::PS256, "r"), &rsa_key)), TokenError::Algorithm);
    // No signature at all.
    let none = format!("{}.{}.", part(br#"{"alg":"none","typ":"license+jwt","kid":"k"}"#), part(good().to_string().as_bytes()));
    assert!(verify(&none, &keys, &expected()).is_err());
}

#[test]
fn the_header_must_say_what_it_is() {
    let key = TokenKey::new("k");
    let keys = keys(&[key.jwk()]);
    let signing = EncodingKey::from_ed_der(&key.pkcs8);
    let with = |change: fn(&mut Header)| {
        let mut header = header(Algorithm::EdDSA, "k");
        change(&mut header);
        verify(&encode(&header, &signing), &keys, &expected())
    };
    assert!(with(|_| {}).is_ok());
    assert_eq!(with(|h| h.typ = Some("JWT".into())).unwrap_err(), TokenError::Malformed);
    assert_eq!(with(|h| h.typ = None).unwrap_err(), TokenError::Malformed);
    assert_eq!(with(|h| h.kid = None).unwrap_err(), TokenError::Malformed);
    assert_eq!(with(|h| h.kid = Some("other".into())).unwrap_err(), TokenError::UnknownKey("other".into()));
    assert_eq!(with(|h| h.crit = Some(vec!["exp".into()])).unwrap_err(), TokenError::Malformed);
    // A key that the token brings along is not asked.
    let stranger = TokenKey::new("k");
    let mut own = header(Algorithm::EdDSA, "k");
    own.jwk = serde_json::from_value(stranger.jwk()).ok();
    assert!(own.jwk.is_some());
    let token = encode(&own, &EncodingKey::from_ed_der(&stranger.pkcs8));
    assert_eq!(verify(&token, &keys, &expected()).unwrap_err(), TokenError::Signature);
}

#[test]
fn an_answer_that_cannot_be_verified_starts_nothing_and_leaves_no_seat() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    portal.world().mangle = |token| token.replacen(".e", ".f", 1);
    let proof = device.home().join("started");
    let done = device.run(&["run", "--", "touch", proof.to_str().unwrap()]);
    assert_eq!(done.code, 6, "{}", done.err);
    assert!(done.err.contains("could not be verified"), "{}", done.err);
    assert!(!proof.exists());
    assert_eq!(portal.world().live(), 0);
}

#[test]
fn a_new_key_is_fetched_and_a_swapped_one_is_not_taken() {
    let portal = Portal::start();
    let device = Device::signed_in(&portal);
    assert_eq!(device.run(&["run", "--", "true"]).code, 0);
    {
        // Rotation: both are published for a while.
        let mut world = portal.world();
        world.key = TokenKey::new("key-2");
        let new = world.key.jwk();
        world.jwks.push(new);
    }
    assert_eq!(device.run(&["run", "--", "true"]).code, 0);
    assert_eq!(portal.world().calls("GET /.well-known"), 2, "kept while they do");
    portal.world().key = TokenKey::new("key-9");
    let done = device.run(&["run", "--", "true"]);
    assert_eq!(done.code, 6);
    assert!(done.err.contains("does not publish"), "{}", done.err);
    {
        // Another key under a name that is known.
        let mut world = portal.world();
        world.key = TokenKey::new("key-3");
        let swapped = TokenKey::new("key-1").jwk();
        world.jwks = vec![world.key.jwk(), swapped];
    }
    let done = device.run(&["run", "--", "true"]);
    assert_eq!(done.code, 6);
    assert!(done.err.contains("not the one that this device knows"), "{}", done.err);
    // Signing in anew is how one says that the portal was set up again.
    assert_eq!(device.login().code, 0);
    assert_eq!(device.run(&["run", "--", "true"]).code, 0);
    assert_eq!(portal.world().live(), 0);
}
