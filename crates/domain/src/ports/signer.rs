//! Signs licence tokens. The key may be a file or a vault that never lets it go.

use ::time::{Duration, OffsetDateTime};
use async_trait::async_trait;
use std::sync::Arc;

/// Signature algorithms of licence tokens, by their JOSE names (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    EdDSA,
    RS256,
}

impl Algorithm {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EdDSA => "EdDSA",
            Self::RS256 => "RS256",
        }
    }
}

/// The signer cannot sign now.
#[derive(Debug, thiserror::Error)]
#[error("signing failed: {0}")]
pub struct SignError(pub String);

/// A key that [`Signer::rotate`] has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    pub kid: String,
    /// From then on it is the current one. It is published at once.
    pub signs_from: OffsetDateTime,
}

/// One current key, and the public halves of all keys whose tokens may still be valid.
#[async_trait]
pub trait Signer: Send + Sync {
    /// Names the current key in the token's header.
    fn kid(&self) -> String;
    fn algorithm(&self) -> Algorithm;
    /// Signs the JWS signing input (RFC 7515 §5.1) with the key that its header names, `kid`: the current one, or the one before if they
    /// have just changed.
    async fn sign(&self, kid: &str, message: &[u8]) -> Result<Vec<u8>, SignError>;
    /// JWK Set (RFC 7517) of the current and the previous keys.
    fn jwks(&self) -> serde_json::Value;
    /// Checks a signature made by any of the keys in [`Signer::jwks`]; an unknown `kid` is never valid.
    fn verify(&self, kid: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> bool;
    /// Makes a new key, which becomes the current one after `ahead`; with `older_than` only if the newest key is older than that. `None`
    /// if there was nothing to do, always so where the keys are kept by somebody else.
    async fn rotate(self: Arc<Self>, older_than: Option<Duration>, ahead: Duration) -> Result<Option<NewKey>, SignError> {
        let _ = (older_than, ahead);
        Ok(None)
    }
}
