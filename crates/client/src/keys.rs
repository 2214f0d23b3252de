//! The public keys that licence tokens are checked with: fetched once, kept, and pinned.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Smallest RSA modulus that is accepted, in bytes (2048 bits; NIST SP 800-131A).
const RSA_MIN_BYTES: usize = 256;

/// Why a set of keys is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the server's key list is not a JSON Web Key Set")]
    Malformed,
    #[error("the server's key list names {0} twice")]
    Ambiguous(String),
    #[error("the server's key {0} is not the one that this device knows under that name; sign in again if the portal was set up anew")]
    Changed(String),
}

/// One public key, tied to one algorithm (RFC 8725 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "alg")]
pub(crate) enum Key {
    #[serde(rename = "EdDSA")]
    Ed25519 { x: String },
    #[serde(rename = "RS256")]
    Rsa { n: String, e: String },
}

impl Key {
    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519 { .. } => Algorithm::EdDSA,
            Self::Rsa { .. } => Algorithm::RS256,
        }
    }

    pub(crate) fn decoding(&self) -> Option<DecodingKey> {
        match self {
            Self::Ed25519 { x } => DecodingKey::from_ed_components(x).ok(),
            Self::Rsa { n, e } => DecodingKey::from_rsa_components(n, e).ok(),
        }
    }
}

/// Keys by their name (`kid`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys(BTreeMap<String, Key>);

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: Option<String>,
    kty: String,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

impl Jwk {
    /// `None` for keys of other kinds and for other purposes, which a set may well hold (RFC 7517 §5).
    fn key(self) -> Option<(String, Key)> {
        if self.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let length =
            |text: &str| base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text).map_or(0, |bytes| bytes.len());
        let key = match self.kty.as_str() {
            "OKP" if self.crv.as_deref() == Some("Ed25519") => Key::Ed25519 { x: self.x.filter(|x| length(x) == 32)? },
            "RSA" => Key::Rsa { n: self.n.filter(|n| length(n) >= RSA_MIN_BYTES)?, e: self.e.filter(|e| length(e) > 0)? },
            _ => return None,
        };
        let named = match key {
            Key::Ed25519 { .. } => ["EdDSA", "Ed25519"].as_slice(),
            Key::Rsa { .. } => &["RS256"],
        };
        if self.alg.is_none_or(|alg| named.contains(&alg.as_str())) { Some((self.kid?, key)) } else { None }
    }
}

impl Keys {
    /// Reads a JSON Web Key Set (RFC 7517). Keys that are not for licence tokens are passed over.
    pub fn from_jwks(bytes: &[u8]) -> Result<Self, KeyError> {
        let set: KeySet = serde_json::from_slice(bytes).map_err(|_| KeyError::Malformed)?;
        let mut keys = BTreeMap::new();
        for (kid, key) in set.keys.into_iter().filter_map(|value| serde_json::from_value::<Jwk>(value).ok()?.key()) {
            if keys.contains_key(&kid) {
                return Err(KeyError::Ambiguous(kid));
            }
            keys.insert(kid, key);
        }
        Ok(Self(keys))
    }

    /// Whether `newer` may take the place of this set: a name that is known keeps its key.
    pub(crate) fn accepts(&self, newer: &Self) -> Result<(), KeyError> {
        match newer.0.iter().find(|(kid, key)| self.0.get(*kid).is_some_and(|known| known != *key)) {
            Some((kid, _)) => Err(KeyError::Changed(kid.clone())),
            None => Ok(()),
        }
    }

    pub(crate) fn get(&self, kid: &str) -> Option<&Key> {
        self.0.get(kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn parse(keys: serde_json::Value) -> Result<Keys, KeyError> {
        Keys::from_jwks(json!({ "keys": keys }).to_string().as_bytes())
    }

    #[test]
    fn only_signing_keys_of_the_two_kinds_are_taken() {
        let n = "A".repeat(342);
        let keys = parse(json!([
            {"kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": X, "alg": "EdDSA", "use": "sig"},
            {"kid": "rsa", "kty": "RSA", "n": n, "e": "AQAB"},
            {"kid": "short", "kty": "RSA", "n": "AAAA", "e": "AQAB"},
            {"kid": "secret", "kty": "oct", "k": "AAAA"},
            {"kid": "enc", "kty": "OKP", "crv": "Ed25519", "x": X, "use": "enc"},
            {"kid": "lies", "kty": "OKP", "crv": "Ed25519", "x": X, "alg": "HS256"},
            {"kid": "x", "kty": "OKP", "crv": "X25519", "x": X},
            {"kty": "OKP", "crv": "Ed25519", "x": X},
            "nonsense"
        ]))
        .unwrap();
        assert_eq!(keys.0.keys().collect::<Vec<_>>(), ["ed", "rsa"]);
    }

    #[test]
    fn a_set_with_two_keys_of_one_name_is_refused() {
        let key = json!({"kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": X});
        assert_eq!(parse(json!([key, key])), Err(KeyError::Ambiguous("ed".into())));
        assert_eq!(Keys::from_jwks(b"<html>"), Err(KeyError::Malformed));
    }

    #[test]
    fn a_known_name_keeps_its_key() {
        let set = |x: &str| parse(json!([{"kid": "ed", "kty": "OKP", "crv": "Ed25519", "x": x}])).unwrap();
        let other = X.replace("11q", "22q");
        assert_eq!(set(X).accepts(&set(&other)), Err(KeyError::Changed("ed".into())));
        assert_eq!(set(X).accepts(&Keys::default()), Ok(()));
        assert_eq!(Keys::default().accepts(&set(X)), Ok(()));
    }
}
