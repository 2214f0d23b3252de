//! Private keys at rest: AES-256-GCM under a key that is derived from `PORTAL_SECRET`.

use anyhow::anyhow;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Separates this use of the secret from the others.
const PURPOSE: &[u8] = b"portal: private signing keys at rest, v1";

/// Encrypts and decrypts private keys. Which key it is is authenticated too, so that none can take another's place.
pub(super) struct Sealer(Option<LessSafeKey>);

impl Sealer {
    /// An empty secret seals and opens nothing.
    pub(super) fn new(secret: &str) -> Self {
        let derive = || {
            let secret = Salt::new(HKDF_SHA256, &[]).extract(secret.as_bytes());
            let key = UnboundKey::from(secret.expand(&[PURPOSE], &AES_256_GCM).ok()?);
            Some(LessSafeKey::new(key))
        };
        Self(if secret.is_empty() { None } else { derive() })
    }

    /// Nonce, ciphertext and tag, in base64.
    pub(super) fn seal(&self, kid: &str, private: &[u8]) -> anyhow::Result<String> {
        let key = self.0.as_ref().ok_or_else(|| anyhow!("without PORTAL_SECRET no key can be stored"))?;
        // Random nonces may repeat after 2^32 of them; there is one every 90 days.
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| anyhow!("no random bytes"))?;
        let mut sealed = private.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(kid), &mut sealed)
            .map_err(|_| anyhow!("the key could not be encrypted"))?;
        Ok(STANDARD.encode([nonce.as_slice(), sealed.as_slice()].concat()))
    }

    /// The reverse. `None` if it was sealed with another secret, for another key, or is damaged.
    pub(super) fn open(&self, kid: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = STANDARD.decode(sealed).ok()?;
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut rest = rest.to_vec();
        let private = self.0.as_ref()?.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(kid), &mut rest).ok()?;
        Some(private.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_secret_for_the_same_key() {
        let sealer = Sealer::new("0123456789abcdef0123456789abcdef");
        let sealed = sealer.seal("a", b"private").unwrap();
        assert_eq!(sealer.open("a", &sealed).unwrap(), b"private");
        assert!(sealer.open("b", &sealed).is_none());
        assert!(Sealer::new("another secret of thirty-two char").open("a", &sealed).is_none());
        assert!(Sealer::new("").open("a", &sealed).is_none() && Sealer::new("").seal("a", b"private").is_err());
        for (at, _) in sealed.char_indices().step_by(5) {
            let mut damaged = sealed.clone().into_bytes();
            damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
            assert!(sealer.open("a", std::str::from_utf8(&damaged).unwrap()).is_none(), "byte {at}");
        }
        assert_ne!(sealed, sealer.seal("a", b"private").unwrap(), "a nonce is used once");
    }
}
