//! Secrets that travel: links in mails, refresh tokens, access tokens, licence tokens.

use crate::error::{Error, Result};
use crate::ports::signer::Signer;
use crate::services::Services;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use types::auth::AccessClaims;
use types::licenses::{LICENSE_AUDIENCE, LICENSE_TYPE, LicenseClaims};
use types::{Code, Problem};

/// How long an access token is valid, in seconds.
pub(crate) const ACCESS_SECONDS: i64 = 600;
/// `aud` of access tokens.
const ACCESS_AUDIENCE: &str = "coditect-portal-api";

/// An unguessable text for a link or a refresh token (256 bits), and the hash that is stored in its place.
pub(crate) fn new_secret(svc: &Services) -> (String, Vec<u8>) {
    let mut bytes = [0; 32];
    svc.random.fill(&mut bytes);
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let hash = hash_secret(&text);
    (text, hash)
}

/// What is stored of a secret. It has 256 random bits, so a fast hash is enough.
pub(crate) fn hash_secret(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// Signs an access token (HS256): only the portal itself verifies it.
pub(crate) fn sign_access(svc: &Services, claims: &AccessClaims) -> Result<String> {
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(&svc.settings.access_key))
        .map_err(|e| Error::Internal(format!("access token: {e}")))
}

/// Issuer and audience of our access tokens.
pub(crate) fn access_issuer(svc: &Services) -> (String, String) {
    (svc.settings.base_url.clone(), ACCESS_AUDIENCE.to_owned())
}

fn unauthenticated(detail: &str) -> Error {
    Problem::new(Code::Unauthenticated, detail).into()
}

/// How access tokens are decoded: one algorithm. Everything else is compared in [`verify_access`]; a claim that is missing is an error of its
/// own.
static SIGNATURE_ONLY: LazyLock<Validation> = LazyLock::new(|| {
    let mut rules = Validation::new(Algorithm::HS256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules
});

/// The claims of a token of ours whose time is not over. No leeway, the clock is ours.
pub(crate) fn verify_access(svc: &Services, token: &str) -> Result<AccessClaims> {
    let key = DecodingKey::from_secret(&svc.settings.access_key);
    let invalid = || unauthenticated("The access token is not valid. Log in again.");
    let claims = jsonwebtoken::decode::<AccessClaims>(token, &key, &SIGNATURE_ONLY).map_err(|_| invalid())?.claims;
    if claims.iss != svc.settings.base_url || claims.aud != ACCESS_AUDIENCE {
        return Err(invalid());
    }
    if claims.exp <= svc.now().unix_timestamp() {
        return Err(unauthenticated("The access token has expired. Refresh it."));
    }
    Ok(claims)
}

/// Signs a licence token: a JWS whose header names the key.
pub(crate) async fn sign_license(signer: &dyn Signer, claims: &LicenseClaims) -> Result<String> {
    let header = serde_json::json!({ "alg": signer.algorithm().as_str(), "typ": LICENSE_TYPE, "kid": signer.kid() });
    let payload = serde_json::to_vec(claims).map_err(|e| Error::Internal(e.to_string()))?;
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(payload));
    let signature = signer.sign(input.as_bytes()).await?;
    Ok(format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// The claims of a licence token that we signed, whether or not its time is over; `None` for anything else.
pub(crate) fn verify_license(svc: &Services, token: &str) -> Option<LicenseClaims> {
    let (input, signature) = token.rsplit_once('.')?;
    let (header, payload) = input.split_once('.')?;
    let header: serde_json::Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let text = |name: &str| header.get(name).and_then(|v| v.as_str());
    if text("typ")? != LICENSE_TYPE {
        return None;
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    if !svc.signer.verify(text("kid")?, text("alg")?, input.as_bytes(), &signature) {
        return None;
    }
    let claims: LicenseClaims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    (claims.aud == LICENSE_AUDIENCE && claims.iss == svc.settings.base_url).then_some(claims)
}
