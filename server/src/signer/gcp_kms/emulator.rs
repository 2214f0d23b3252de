//! An emulator of the two calls and of the metadata server, for tests: it signs with a real key and can be told to misbehave.
#![allow(clippy::unwrap_used, dead_code, unreachable_pub, reason = "shared by test programs, each of which uses a part")]

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

pub const NAME: &str = "projects/p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/2";
pub const PREVIOUS: &str = "projects/p/locations/eu/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1";

/// What the emulator does instead of what it should.
pub enum Fault {
    Status(u16),
    Late(Duration),
    WrongCrc,
    OtherName,
    DigestUnverified,
    OtherAlgorithm,
    NoJson,
}

#[derive(Default)]
pub struct Emulator {
    pub faults: std::sync::Mutex<VecDeque<Fault>>,
    pub latency: std::sync::Mutex<Duration>,
    pub calls: AtomicUsize,
    /// The only access token that is good; the metadata server hands out the next one each time.
    pub access: std::sync::Mutex<Option<String>>,
    pub handed_out: AtomicUsize,
}

/// Of version 2 and version 1. Making them takes seconds in a debug build.
fn key(name: &str) -> &'static KeyPair {
    static KEYS: OnceLock<[KeyPair; 2]> = OnceLock::new();
    let keys = KEYS.get_or_init(|| [(); 2].map(|()| KeyPair::generate(KeySize::Rsa4096).unwrap()));
    if name == NAME { &keys[0] } else { &keys[1] }
}

/// Bit by bit, so that it owes nothing to the code under test.
pub fn plain_crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0x82F6_3B78 } else { crc >> 1 })
    })
}

impl Emulator {
    pub async fn start() -> (Arc<Self>, String) {
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

    pub fn misbehave(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.faults.lock().unwrap() = faults.into_iter().collect();
        self.calls.store(0, Ordering::SeqCst);
    }

    pub fn calls(&self) -> usize {
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
