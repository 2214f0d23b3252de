//! Against the emulator.

use super::emulator::{Emulator, Fault, NAME, PREVIOUS, plain_crc32c};
use super::*;
use crate::signer::testing::{token, verifies, verifies_by_jwks, verifies_by_openssl};
use std::sync::Arc;
use std::sync::atomic::Ordering;

async fn connect(address: &str, versions: &[&str]) -> anyhow::Result<GcpKms> {
    let versions = versions.iter().map(|&name| name.to_owned()).collect();
    let endpoint = Some(format!("http://{address}").parse().unwrap());
    GcpKms::connect(&config::GcpKms { versions, endpoint, metadata_host: "unused.invalid".to_owned() }).await
}

#[tokio::test]
async fn whoever_has_the_list_of_keys_can_verify() {
    let (_emulator, address) = Emulator::start().await;
    let before = connect(&address, &[PREVIOUS]).await.unwrap();
    let old = token(&before).await;
    let kms = connect(&address, &[NAME, PREVIOUS]).await.unwrap();
    let young = token(&kms).await;
    assert_ne!(kms.kid(), before.kid());
    let jwks = kms.jwks();
    for token in [&old, &young] {
        assert!(verifies(&kms, token) && verifies_by_jwks(&jwks, token));
        assert!(verifies_by_openssl(&jwks, token));
    }
    assert!(!verifies(&before, &young), "a key that is not published is unknown");
    let (input, signature) = young.rsplit_once('.').unwrap();
    let signature = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert!(kms.verify(&kms.kid(), "RS256", input.as_bytes(), &signature));
    for (kid, algorithm) in [(kms.kid(), "EdDSA"), (kms.kid(), "PS256"), (before.kid(), "RS256"), (String::new(), "RS256")] {
        assert!(!kms.verify(&kid, algorithm, input.as_bytes(), &signature), "{kid} {algorithm}");
    }
    assert_eq!(Arc::new(kms).rotate(None, time::Duration::ZERO).await.unwrap(), None);
}

#[tokio::test]
async fn what_passes_is_waited_for_and_what_is_damaged_is_asked_for_again() {
    let (emulator, address) = Emulator::start().await;
    let kms = connect(&address, &[NAME]).await.unwrap();
    for faults in [
        vec![Fault::Status(429)],
        vec![Fault::Status(503), Fault::Status(429), Fault::Status(500)],
        vec![Fault::WrongCrc],
        vec![Fault::DigestUnverified],
        vec![Fault::NoJson],
        vec![Fault::Late(TIMEOUT * 2)],
    ] {
        let expected = faults.len() + 1;
        emulator.misbehave(faults);
        let token = token(&kms).await;
        assert!(verifies(&kms, &token));
        assert_eq!(emulator.calls(), expected);
    }
    emulator.misbehave([Fault::WrongCrc, Fault::Status(503), Fault::NoJson]);
    assert!(connect(&address, &[NAME]).await.is_ok());
}

#[tokio::test]
async fn what_does_not_pass_is_told() {
    let (emulator, address) = Emulator::start().await;
    let kms = connect(&address, &[NAME]).await.unwrap();
    let (kid, attempts) = (kms.kid(), usize::try_from(ATTEMPTS).unwrap());
    let repeated = |fault: fn() -> Fault| (0..10).map(move |_| fault());
    for (fault, calls, says) in [
        ((|| Fault::Status(503)) as fn() -> Fault, attempts, "503 Service Unavailable The emulator was told to."),
        (|| Fault::Status(429), attempts, "429 Too Many Requests"),
        (|| Fault::WrongCrc, attempts, "the signature came damaged"),
        (|| Fault::DigestUnverified, attempts, "without its checksum"),
        (|| Fault::Status(403), 1, "403 Forbidden"),
        (|| Fault::OtherName, 1, "another key has signed"),
        // A redirect is not followed, so that no signature comes from elsewhere.
        (|| Fault::Status(307), 1, "307"),
    ] {
        emulator.misbehave(repeated(fault));
        let error = kms.sign(&kid, b"message").await.unwrap_err().to_string();
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
        assert_eq!(emulator.calls(), calls, "{says}");
    }
    for (fault, says) in [
        ((|| Fault::WrongCrc) as fn() -> Fault, "came damaged"),
        (|| Fault::OtherName, "another key"),
        (|| Fault::OtherAlgorithm, "not for RSA_SIGN_PKCS1_4096_SHA256"),
    ] {
        emulator.misbehave(repeated(fault));
        let error = connect(&address, &[NAME]).await.err().unwrap().to_string();
        assert!(error.starts_with("SIGNER: ") && error.contains(NAME) && error.contains(says) && error.ends_with('.'), "{error}");
    }
    emulator.misbehave([]);
    let missing = connect(&address, &[&NAME.replace("/2", "/9")]).await.err().unwrap().to_string();
    assert!(missing.contains("404 Not Found"), "{missing}");
    // Nobody listens there any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(connect(&gone.to_string(), &[NAME]).await.err().unwrap().to_string().contains("does not answer"));
}

#[tokio::test]
async fn many_sign_at_the_same_time() {
    let (emulator, address) = Emulator::start().await;
    let kms = connect(&address, &[NAME]).await.unwrap();
    *emulator.latency.lock().unwrap() = Duration::from_millis(300);
    let started = Instant::now();
    let tokens = futures::future::join_all((0..20).map(|_| token(&kms))).await;
    // One after the other they would take six seconds.
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    assert!(tokens.iter().all(|token| verifies(&kms, token)));
}

#[tokio::test]
async fn an_access_token_is_kept_while_it_is_good() {
    let (emulator, address) = Emulator::start().await;
    let tokens = AccessTokens::new(&address).unwrap();
    let mut kms = GcpKms { http: client(false).unwrap(), endpoint: format!("http://{address}"), tokens: Some(tokens), versions: vec![] };
    let key = kms.public_key(NAME).await.unwrap();
    let kid = key.jwk.kid.clone();
    kms.versions.push(Version { name: NAME.to_owned(), key });
    futures::future::join_all((0..5).map(|_| token(&kms))).await;
    assert_eq!(emulator.handed_out.load(Ordering::SeqCst), 1);
    // Taken back before its time: one call is refused, the next one has a new token.
    *emulator.access.lock().unwrap() = Some("another".to_owned());
    emulator.misbehave([]);
    assert!(verifies(&kms, &token(&kms).await));
    assert_eq!((emulator.calls(), emulator.handed_out.load(Ordering::SeqCst)), (2, 2));
    // About to end.
    *kms.tokens.as_ref().unwrap().kept.lock().await = Some((HeaderValue::from_static("Bearer token-1"), Instant::now() + TOKEN_MARGIN / 2));
    assert!(verifies(&kms, &token(&kms).await));
    assert_eq!(emulator.handed_out.load(Ordering::SeqCst), 3);
    // Nobody to ask for one.
    let lost = AccessTokens::new("127.0.0.1:9").unwrap();
    kms.tokens = Some(lost);
    assert!(kms.sign(&kid, b"message").await.unwrap_err().to_string().contains("the metadata server gives no access token"));
    // One who does not answer at all: those who wait for each other do not wait for ever.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    kms.tokens = Some(AccessTokens::new(&silent.local_addr().unwrap().to_string()).unwrap());
    let started = Instant::now();
    for outcome in futures::future::join_all((0..10).map(|_| kms.sign(&kid, b"message"))).await {
        assert!(outcome.is_err());
    }
    assert!(started.elapsed() < DEADLINE + Duration::from_secs(1), "{:?}", started.elapsed());
}

#[test]
fn checksums_are_castagnoli_s() {
    for crc in [crc32c, plain_crc32c] {
        assert_eq!(crc(b"123456789"), 0xE306_9283);
        assert_eq!(crc(b""), 0);
    }
    assert!(is_checksum_of("3808858755", b"123456789"));
    for wrong in ["3808858756", "-3808858755", "", "e3069283"] {
        assert!(!is_checksum_of(wrong, b"123456789"), "{wrong}");
    }
}
