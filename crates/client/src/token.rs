//! Checks a licence token. Needs public keys only, so it works without the server.

use crate::keys::Keys;
use jsonwebtoken::Validation;
use time::OffsetDateTime;
use types::licenses::{LICENSE_AUDIENCE, LICENSE_TYPE, LicenseClaims};
use types::{TenantId, UserId};

/// Why a token is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is not a licence token")]
    Malformed,
    #[error("the token is signed with the key {0:?}, which the server does not publish")]
    UnknownKey(String),
    #[error("the token's algorithm is not that of its key")]
    Algorithm,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("the token is meant for something else")]
    Audience,
    #[error("the token belongs to another device")]
    HardwareId,
    #[error("the token belongs to another person or organization")]
    Holder,
    #[error("the token answers another request")]
    Nonce,
    #[error("the token ended at {0}")]
    Expired(OffsetDateTime),
    #[error("this computer's clock is {0} min behind the license server's last answer; set the clock right or connect to the network")]
    ClockTurnedBack(i64),
    #[error("it is not known what time the license server had; connect to the network once")]
    TimeUnknown,
    #[error(transparent)]
    Keys(#[from] crate::KeyError),
}

/// What a token must say to be accepted.
#[derive(Clone, Debug)]
pub struct Expected<'a> {
    pub hardware_id: &'a str,
    /// Sent with the request that the token answers.
    pub nonce: &'a str,
    pub user: UserId,
    pub tenant: TenantId,
    pub now: OffsetDateTime,
}

/// Checks form, key, algorithm, signature, audience, device, holder, nonce and end, and returns what the token says.
pub fn verify(token: &str, keys: &Keys, expected: &Expected<'_>) -> Result<LicenseClaims, TokenError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    // RFC 7515 §4.1.11: a critical extension that one does not know makes the token invalid. We know none.
    if header.typ.as_deref() != Some(LICENSE_TYPE) || header.crit.is_some() {
        return Err(TokenError::Malformed);
    }
    let kid = header.kid.ok_or(TokenError::Malformed)?;
    let key = keys.get(&kid).ok_or(TokenError::UnknownKey(kid))?;
    if header.alg != key.algorithm() {
        return Err(TokenError::Algorithm);
    }
    let mut rules = Validation::new(key.algorithm());
    rules.set_audience(&[LICENSE_AUDIENCE]);
    rules.set_required_spec_claims(&["exp", "aud"]);
    // The end is judged below, by a clock that cannot be turned back.
    rules.validate_exp = false;
    let decoding = key.decoding().ok_or(TokenError::Algorithm)?;
    let claims = jsonwebtoken::decode::<LicenseClaims>(token, &decoding, &rules)
        .map_err(|e| match e.kind() {
            jsonwebtoken::errors::ErrorKind::InvalidAudience => TokenError::Audience,
            jsonwebtoken::errors::ErrorKind::InvalidSignature => TokenError::Signature,
            _ => TokenError::Malformed,
        })?
        .claims;
    if claims.hardware_id != expected.hardware_id {
        return Err(TokenError::HardwareId);
    }
    if claims.sub != expected.user || claims.tenant != expected.tenant {
        return Err(TokenError::Holder);
    }
    if claims.nonce.as_deref() != Some(expected.nonce) {
        return Err(TokenError::Nonce);
    }
    let end = OffsetDateTime::from_unix_timestamp(claims.exp).map_err(|_| TokenError::Malformed)?;
    if end <= expected.now {
        return Err(TokenError::Expired(end));
    }
    Ok(claims)
}
