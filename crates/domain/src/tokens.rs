//! Secrets that travel: links in mails, refresh tokens, access tokens, licence tokens.

use crate::error::{Error, Result};
use crate::ports::signer::Signer;
use crate::services::Services;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use sha2::{Digest, Sha256};
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

/// The header of every access token, `{"typ":"JWT","alg":"HS256"}`, and the dot behind it.
const ACCESS_HEADER: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.";

/// The claims of a token of ours whose time is not over. No leeway, the clock is ours.
///
/// Not by the library's `decode`, which reads headers and claims for every algorithm and rule that there could be, twice: every call of the
/// application comes through here.
pub(crate) fn verify_access(svc: &Services, token: &str) -> Result<AccessClaims> {
    let invalid = || unauthenticated("The access token is not valid. Log in again.");
    let (input, signature) = token.rsplit_once('.').ok_or_else(invalid)?;
    let payload = input.strip_prefix(ACCESS_HEADER).ok_or_else(invalid)?;
    let key = DecodingKey::from_secret(&svc.settings.access_key);
    if !jsonwebtoken::crypto::verify(signature, input.as_bytes(), &key, Algorithm::HS256).unwrap_or(false) {
        return Err(invalid());
    }
    let claims = URL_SAFE_NO_PAD.decode(payload).ok().and_then(|json| serde_json::from_slice::<AccessClaims>(&json).ok());
    let claims = claims.ok_or_else(invalid)?;
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
    #[derive(serde::Serialize)]
    struct Header<'a> {
        alg: &'a str,
        typ: &'a str,
        kid: &'a str,
    }
    let kid = signer.kid();
    let header = Header { alg: signer.algorithm().as_str(), typ: LICENSE_TYPE, kid: &kid };
    let part = |json: serde_json::Result<Vec<u8>>| json.map(|j| URL_SAFE_NO_PAD.encode(j)).map_err(|e| Error::Internal(e.to_string()));
    let input = format!("{}.{}", part(serde_json::to_vec(&header))?, part(serde_json::to_vec(claims))?);
    let signature = signer.sign(&kid, input.as_bytes()).await?;
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
