//! What the tests of the signers share: tokens, and those who check them with nothing but the published keys.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "shared by test programs, each of which uses a part")]

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::ports::signer::Signer;
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output};

/// A token, made as the domain makes it.
pub async fn token(signer: &dyn Signer) -> String {
    token_as(signer, &signer.kid(), signer.algorithm().as_str()).await.unwrap()
}

/// A token whose header says this.
pub async fn token_as(signer: &dyn Signer, kid: &str, algorithm: &str) -> Result<String, String> {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = json!({ "alg": algorithm, "typ": "license+jwt", "kid": kid });
    let input = format!("{}.{}", part(header), part(json!({ "sub": "somebody" })));
    let signature = signer.sign(kid, input.as_bytes()).await.map_err(|e| e.to_string())?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn split(token: &str) -> (&str, Vec<u8>, Value) {
    let (input, signature) = token.rsplit_once('.').unwrap();
    let header = input.split_once('.').unwrap().0;
    (input, URL_SAFE_NO_PAD.decode(signature).unwrap(), serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap())
}

/// What the portal itself thinks of a token.
pub fn verifies(signer: &dyn Signer, token: &str) -> bool {
    let (input, signature, header) = split(token);
    signer.verify(header["kid"].as_str().unwrap(), header["alg"].as_str().unwrap(), input.as_bytes(), &signature)
}

/// A third party with the key list, by another library.
pub fn verifies_by_jwks(jwks: &Value, token: &str) -> bool {
    let header = jsonwebtoken::decode_header(token).unwrap();
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(jwks.clone()).unwrap();
    let Some(key) = header.kid.as_deref().and_then(|kid| set.find(kid)) else { return false };
    let mut rules = jsonwebtoken::Validation::new(header.alg);
    rules.set_required_spec_claims::<&str>(&[]);
    rules.validate_exp = false;
    rules.validate_aud = false;
    jsonwebtoken::decode::<Value>(token, &jsonwebtoken::DecodingKey::from_jwk(key).unwrap(), &rules).is_ok()
}

/// What OpenSSL says. A machine without it fails the test: nothing would have been checked there.
pub fn openssl(arguments: &[&str], folder: &Path) -> Output {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output();
    output.unwrap_or_else(|e| panic!("this test needs the command `openssl` (Debian: openssl), which cannot be run: {e}"))
}

/// A third party with the key list and OpenSSL.
pub fn verifies_by_openssl(jwks: &Value, token: &str) -> bool {
    let (input, signature, header) = split(token);
    let key = jwks["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header["kid"]).unwrap();
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let spki = match key["kty"].as_str().unwrap() {
        "OKP" => [b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".as_slice(), &number("x")].concat(),
        _ => rsa_spki(&number("n"), &number("e")),
    };
    std::fs::write(path("key.pem"), format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(spki))).unwrap();
    std::fs::write(path("input"), input).unwrap();
    std::fs::write(path("signature"), signature).unwrap();
    let arguments: &[&str] = if key["kty"] == "OKP" {
        &["pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "input", "-sigfile", "signature"]
    } else {
        &["dgst", "-sha256", "-verify", "key.pem", "-signature", "signature", "input"]
    };
    openssl(arguments, folder.path()).status.success()
}

/// SubjectPublicKeyInfo (RFC 8017 A.1.1) by hand, so that it owes nothing to the code under test.
fn rsa_spki(n: &[u8], e: &[u8]) -> Vec<u8> {
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len();
        let head = match length {
            0..0x80 => vec![tag, u8::try_from(length).unwrap()],
            0x80..0x100 => vec![tag, 0x81, u8::try_from(length).unwrap()],
            _ => vec![tag, 0x82, u8::try_from(length >> 8).unwrap(), u8::try_from(length & 0xff).unwrap()],
        };
        [head, content.to_vec()].concat()
    }
    let positive = |bytes: &[u8]| der(2, &[[0].as_slice(), bytes].concat());
    // Its high bit is not set, so it needs no zero in front.
    let key = der(0x30, &[positive(n), der(2, e)].concat());
    let algorithm = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
    der(0x30, &[algorithm.to_vec(), der(3, &[vec![0], key].concat())].concat())
}
