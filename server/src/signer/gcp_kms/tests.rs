//! Against an emulator of the two calls, which signs with a real key and can be told to misbehave.

use super::*;
use crate::signer::testing::{token, verifies, verifies_by_jwks, verifies_by_openssl};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

const NAME: &str = "projects/p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2";
const PREVIOUS: &str = "projects/p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";

/// What the emulator does instead of what it should.
enum Fault {
    Status(u16),
    Late(Duration),
    WrongCrc,
    OtherName,
    DigestUnverified,
    OtherAlgorithm,
    NoJson,
}

#[derive(Default)]
struct Emulator {
    faults: std::sync::Mutex<VecDeque<Fault>>,
    latency: std::sync::Mutex<Duration>,
    calls: AtomicUsize,
    /// The only access token that is good; the metadata server hands out the next one each time.
    access: std::sync::Mutex<Option<String>>,
    handed_out: AtomicUsize,
}

/// Of version 2 and version 1. Making them takes seconds in a debug build.
fn key(name: &str) -> &'static KeyPair {
    static KEYS: OnceLock<[KeyPair; 2]> = OnceLock::new();
    let keys = KEYS.get_or_init(|| [(); 2].map(|()| KeyPair::generate(KeySize::Rsa4096).unwrap()));
    if name == NAME { &keys[0] } else { &keys[1] }
}

/// Bit by bit, so that it owes nothing to the code under test.
fn plain_crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 })
    })
}

impl Emulator {
    async fn start() -> (Arc<Self>, String) {
        let emulator = Arc::new(Self::default());
        let router = Router::new()
            .route("/v1/{*rest}", get(public_key).post(sign))
            .route("/computeMetadata/v1/instance/service-accounts/default/token", get(access_token))
            .with_state(emulator.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, router).await });
        (emulator, address)
    }

    fn misbehave(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.faults.lock().unwrap() = faults.into_iter().collect();
        self.calls.store(0, Ordering::SeqCst);
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The next fault, and a refusal if there is one.
    async fn enter(&self, headers: &HeaderMap) -> Result<Option<Fault>, Response> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let access = self.access.lock().unwrap().clone();
        if let Some(token) = access
            && headers.get("authorization").is_none_or(|given| given.as_bytes() != format!("Bearer {token}").as_bytes())
        {
            return Err(refuse(401, "Request had invalid authentication credentials."));
        }
        let latency = *self.latency.lock().unwrap();
        tokio::time::sleep(latency).await;
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            Some(Fault::Status(status)) => Err(refuse(status, "The emulator was told to.")),
            Some(Fault::NoJson) => Err("<html>".into_response()),
            Some(Fault::Late(time)) => {
                tokio::time::sleep(time).await;
                Ok(None)
            }
            fault => Ok(fault),
        }
    }
}

fn refuse(status: u16, message: &str) -> Response {
    let body = json!({ "error": { "code": status, "message": message, "status": "SOMETHING" } });
    (axum::http::StatusCode::from_u16(status).unwrap(), Json(body)).into_response()
}

async fn public_key(State(emulator): State<Arc<Emulator>>, Path(rest): Path<String>, headers: HeaderMap) -> Response {
    let fault = match emulator.enter(&headers).await {
        Ok(fault) => fault,
        Err(response) => return response,
    };
    let Some(name) = rest.strip_suffix("/publicKey").filter(|name| [NAME, PREVIOUS].contains(name)) else {
        return refuse(404, "CryptoKeyVersion not found.");
    };
    let der: PublicKeyX509Der<'_> = key(name).public_key().as_der().unwrap();
    let pem = pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref()));
    let crc = plain_crc32c(pem.as_bytes()) ^ u32::from(matches!(fault, Some(Fault::WrongCrc)));
    let algorithm = if matches!(fault, Some(Fault::OtherAlgorithm)) { "EC_SIGN_P256_SHA256" } else { "RSA_SIGN_PKCS1_4096_SHA256" };
    let name = if matches!(fault, Some(Fault::OtherName)) { "projects/other" } else { name };
    Json(json!({ "pem": pem, "pemCrc32c": crc.to_string(), "algorithm": algorithm, "name": name, "protectionLevel": "HSM" }))
        .into_response()
}

async fn sign(State(emulator): State<Arc<Emulator>>, Path(rest): Path<String>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let fault = match emulator.enter(&headers).await {
        Ok(fault) => fault,
        Err(response) => return response,
    };
    let Some(name) = rest.strip_suffix(":asymmetricSign").filter(|name| [NAME, PREVIOUS].contains(name)) else {
        return refuse(404, "CryptoKeyVersion not found.");
    };
    let name = name.to_owned();
    let digest = STANDARD.decode(body["digest"]["sha256"].as_str().unwrap()).unwrap();
    if body["digestCrc32c"].as_str() != Some(plain_crc32c(&digest).to_string().as_str()) {
        return refuse(400, "The checksum does not match.");
    }
    let key = key(&name);
    let signature = tokio::task::spawn_blocking(move || {
        let digest = aws_lc_rs::digest::Digest::import_less_safe(&digest, &aws_lc_rs::digest::SHA256).unwrap();
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature).unwrap();
        signature
    });
    let signature = signature.await.unwrap();
    let crc = plain_crc32c(&signature) ^ u32::from(matches!(fault, Some(Fault::WrongCrc)));
    let name = if matches!(fault, Some(Fault::OtherName)) { PREVIOUS.to_owned() } else { name };
    let mut answer = json!({
        "signature": STANDARD.encode(signature), "signatureCrc32c": crc.to_string(), "name": name, "protectionLevel": "HSM",
    });
    // Proto3 leaves out what is false.
    if !matches!(fault, Some(Fault::DigestUnverified)) {
        answer["verifiedDigestCrc32c"] = true.into();
    }
    Json(answer).into_response()
}

async fn access_token(State(emulator): State<Arc<Emulator>>, headers: HeaderMap) -> Response {
    if headers.get("metadata-flavor").is_none_or(|flavor| flavor != "Google") {
        return refuse(403, "Missing Metadata-Flavor:Google header.");
    }
    let token = format!("token-{}", emulator.handed_out.fetch_add(1, Ordering::SeqCst));
    *emulator.access.lock().unwrap() = Some(token.clone());
    Json(json!({ "access_token": token, "expires_in": 3599, "token_type": "Bearer" })).into_response()
}

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
        assert!(verifies_by_openssl(&jwks, token).unwrap_or(true));
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
    let attempts = usize::try_from(ATTEMPTS).unwrap();
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
        let error = kms.sign(b"message").await.unwrap_err().to_string();
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
    assert!(kms.sign(b"message").await.unwrap_err().to_string().contains("the metadata server gives no access token"));
    // One who does not answer at all: those who wait for each other do not wait for ever.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    kms.tokens = Some(AccessTokens::new(&silent.local_addr().unwrap().to_string()).unwrap());
    let started = Instant::now();
    for outcome in futures::future::join_all((0..10).map(|_| kms.sign(b"message"))).await {
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
