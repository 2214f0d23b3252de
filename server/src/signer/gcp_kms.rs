//! Signs with a key in Google Cloud KMS (`RSA_SIGN_PKCS1_4096_SHA256`), which never lets the private half go.
//!
//! Two calls of its REST API are all that is needed; the official crate would bring a gRPC stack for them. Checksums go both ways, as
//! Google asks for: a signature that was damaged on its way must not reach a client.

use super::key::PublicKey;
use crate::config;
use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crc::{CRC_32_ISCSI, Crc};
use domain::ports::signer::{Algorithm, SignError, Signer};
use reqwest::header::HeaderValue;
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// Google's own address.
const ENDPOINT: &str = "https://cloudkms.googleapis.com";

/// How often a call is tried.
const ATTEMPTS: u32 = 4;

/// How long a call may take with all its tries.
const DEADLINE: Duration = Duration::from_secs(9);

/// How long one try may take; a signature usually takes some 50 ms.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The pause after the first try. It doubles, and half of it is chance, so that not all come back at once.
const PAUSE: Duration = Duration::from_millis(100);

/// An access token is renewed so long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(60);

/// The signer in the vault.
pub struct GcpKms {
    http: Client,
    endpoint: String,
    /// Absent with an emulator.
    tokens: Option<AccessTokens>,
    /// The first one signs; they are published in this order.
    versions: Vec<Version>,
}

struct Version {
    name: String,
    key: PublicKey,
}

/// Why a try gave nothing.
#[derive(Debug)]
enum Failure {
    /// The next one may succeed.
    Again(String),
    /// The next one may succeed with a new access token.
    Unauthorized(String),
    Final(String),
}

impl GcpKms {
    /// Reads the public halves of all key versions. The error is one sentence.
    pub async fn connect(config: &config::GcpKms) -> anyhow::Result<Self> {
        let http = client(!config.is_emulator())?;
        let tokens = if config.is_emulator() { None } else { Some(AccessTokens::new(&config.metadata_host)?) };
        let endpoint = config.endpoint.as_ref().map_or(ENDPOINT, url::Url::as_str).trim_end_matches('/').to_owned();
        let mut kms = Self { http, endpoint, tokens, versions: Vec::new() };
        for name in &config.versions {
            let key = kms.public_key(name).await.map_err(|e| anyhow::anyhow!("SIGNER: the key {name} cannot be used: {e}."))?;
            kms.versions.push(Version { name: name.clone(), key });
        }
        anyhow::ensure!(!kms.versions.is_empty(), "SIGNER names no key of Google Cloud KMS.");
        Ok(kms)
    }

    async fn public_key(&self, name: &str) -> Result<PublicKey, String> {
        let url = format!("{}/v1/{name}/publicKey", self.endpoint);
        self.call(|| self.http.get(&url), |shown: ShownKey| shown.check(name)).await
    }

    async fn signature(&self, version: &Version, message: &[u8]) -> Result<Vec<u8>, String> {
        let url = format!("{}/v1/{}:asymmetricSign", self.endpoint, version.name);
        let digest = Sha256::digest(message);
        let body = json!({ "digest": { "sha256": STANDARD.encode(digest) }, "digestCrc32c": crc32c(&digest).to_string() });
        self.call(|| self.http.post(&url).json(&body), |signed: Signed| signed.check(&version.name)).await
    }

    /// Makes a call until its answer passes `check`, at most [`ATTEMPTS`] times. Signing twice does no harm.
    async fn call<T: DeserializeOwned, R>(
        &self,
        request: impl Fn() -> RequestBuilder,
        check: impl Fn(T) -> Result<R, Failure>,
    ) -> Result<R, String> {
        let answer = tokio::time::timeout(DEADLINE, self.attempts(request, check)).await;
        answer.unwrap_or_else(|_| Err(format!("no good answer within {} s", DEADLINE.as_secs())))
    }

    async fn attempts<T: DeserializeOwned, R>(
        &self,
        request: impl Fn() -> RequestBuilder,
        check: impl Fn(T) -> Result<R, Failure>,
    ) -> Result<R, String> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            match self.attempt(request()).await.and_then(&check) {
                Ok(answer) => return Ok(answer),
                Err(Failure::Again(why) | Failure::Unauthorized(why)) if attempt < ATTEMPTS => {
                    tracing::warn!(attempt, why, "Google Cloud KMS is asked again");
                    tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await;
                    pause *= 2;
                }
                Err(Failure::Again(why) | Failure::Unauthorized(why) | Failure::Final(why)) => return Err(why),
            }
        }
        Err("it was never asked".to_owned())
    }

    async fn attempt<T: DeserializeOwned>(&self, mut request: RequestBuilder) -> Result<T, Failure> {
        if let Some(tokens) = &self.tokens {
            request = request.header(reqwest::header::AUTHORIZATION, tokens.current().await?);
        }
        let answer = send(request).await;
        if let (Err(Failure::Unauthorized(_)), Some(tokens)) = (&answer, &self.tokens) {
            tokens.forget().await;
        }
        answer
    }
}

fn client(proxy: bool) -> anyhow::Result<Client> {
    let builder = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none());
    let builder = if proxy { builder } else { builder.no_proxy() };
    builder.build().map_err(|e| anyhow::anyhow!("SIGNER: no HTTP client can be made: {e}."))
}

async fn send<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Failure> {
    #[derive(Deserialize, Default)]
    struct Refusal {
        error: Reason,
    }
    #[derive(Deserialize, Default)]
    struct Reason {
        message: String,
    }
    let answer = request.send().await.map_err(|e| Failure::Again(format!("it does not answer ({})", e.without_url())))?;
    let status = answer.status();
    let bytes = answer.bytes().await.map_err(|e| Failure::Again(format!("its answer broke off ({})", e.without_url())))?;
    if status == StatusCode::OK {
        return serde_json::from_slice(&bytes).map_err(|e| Failure::Again(format!("its answer cannot be read ({e})")));
    }
    let refusal: Refusal = serde_json::from_slice(&bytes).unwrap_or_default();
    let why = format!("{status} {}", refusal.error.message.chars().take(300).collect::<String>()).trim_end().to_owned();
    Err(match status {
        StatusCode::UNAUTHORIZED => Failure::Unauthorized(why),
        StatusCode::TOO_MANY_REQUESTS => Failure::Again(why),
        _ if status.is_server_error() => Failure::Again(why),
        _ => Failure::Final(why),
    })
}

/// CRC-32C (Castagnoli).
fn crc32c(bytes: &[u8]) -> u32 {
    const CASTAGNOLI: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
    CASTAGNOLI.checksum(bytes)
}

/// Google writes 64-bit numbers as text.
fn is_checksum_of(text: &str, bytes: &[u8]) -> bool {
    text.parse() == Ok(crc32c(bytes))
}

/// `PublicKey`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownKey {
    pem: String,
    pem_crc32c: String,
    algorithm: String,
    name: String,
}

impl ShownKey {
    fn check(self, name: &str) -> Result<PublicKey, Failure> {
        if !is_checksum_of(&self.pem_crc32c, self.pem.as_bytes()) {
            return Err(Failure::Again("its public key came damaged".to_owned()));
        }
        if self.name != name {
            return Err(Failure::Final("another key was shown".to_owned()));
        }
        if self.algorithm != "RSA_SIGN_PKCS1_4096_SHA256" {
            return Err(Failure::Final(format!("it is for {}, not for RSA_SIGN_PKCS1_4096_SHA256", self.algorithm)));
        }
        PublicKey::from_rsa_pem(&self.pem).map_err(|e| Failure::Final(e.to_string()))
    }
}

/// `AsymmetricSignResponse`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Signed {
    signature: String,
    signature_crc32c: String,
    #[serde(default)]
    verified_digest_crc32c: bool,
    name: String,
}

impl Signed {
    fn check(self, name: &str) -> Result<Vec<u8>, Failure> {
        if self.name != name {
            return Err(Failure::Final("another key has signed".to_owned()));
        }
        if !self.verified_digest_crc32c {
            return Err(Failure::Again("what was to be signed arrived without its checksum".to_owned()));
        }
        match STANDARD.decode(&self.signature) {
            Ok(signature) if is_checksum_of(&self.signature_crc32c, &signature) => Ok(signature),
            _ => Err(Failure::Again("the signature came damaged".to_owned())),
        }
    }
}

/// Access tokens of the machine's service account, from the metadata server.
struct AccessTokens {
    http: Client,
    url: String,
    kept: Mutex<Option<(HeaderValue, Instant)>>,
}

impl AccessTokens {
    fn new(host: &str) -> anyhow::Result<Self> {
        let url = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/token");
        Ok(Self { http: client(false)?, url, kept: Mutex::new(None) })
    }

    /// One that is still valid for a while. Those who ask at the same time wait for the same one.
    async fn current(&self) -> Result<HeaderValue, Failure> {
        #[derive(Deserialize)]
        struct Token {
            access_token: String,
            expires_in: u64,
        }
        let mut kept = self.kept.lock().await;
        if let Some((header, end)) = &*kept
            && Instant::now() + TOKEN_MARGIN < *end
        {
            return Ok(header.clone());
        }
        let of_metadata = |e| match e {
            Failure::Again(why) | Failure::Unauthorized(why) | Failure::Final(why) => {
                Failure::Again(format!("the metadata server gives no access token: {why}"))
            }
        };
        let asked = Instant::now();
        let token: Token = send(self.http.get(&self.url).header("Metadata-Flavor", "Google")).await.map_err(of_metadata)?;
        let header = HeaderValue::from_str(&format!("Bearer {}", token.access_token));
        let mut header = header.map_err(|_| Failure::Final("the metadata server's access token is none".to_owned()))?;
        header.set_sensitive(true);
        *kept = Some((header.clone(), asked + Duration::from_secs(token.expires_in.min(86_400))));
        Ok(header)
    }

    async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}

#[async_trait]
impl Signer for GcpKms {
    fn kid(&self) -> String {
        self.versions.first().map(|version| version.key.jwk.kid.clone()).unwrap_or_default()
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }

    async fn sign(&self, kid: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let named = |version: &&Version| version.key.jwk.kid == kid;
        let version = self.versions.iter().find(named).ok_or_else(|| SignError("the header names no key".to_owned()))?;
        self.signature(version, message).await.map_err(|why| SignError(format!("Google Cloud KMS: {why}")))
    }

    fn jwks(&self) -> serde_json::Value {
        json!({ "keys": self.versions.iter().map(|version| &version.key.jwk).collect::<Vec<_>>() })
    }

    fn verify(&self, kid: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let key = self.versions.iter().map(|version| &version.key).find(|key| key.jwk.kid == kid);
        key.is_some_and(|key| key.verify(algorithm, message, signature))
    }
}

#[cfg(test)]
mod emulator;
#[cfg(test)]
mod tests;
