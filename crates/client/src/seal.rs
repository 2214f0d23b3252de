//! Seals small texts with AES-256-GCM: nobody without the key can read them, and any change is noticed.

use crate::clock::Random;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const KEY_BYTES: usize = 32;

/// A key that seals.
pub(crate) struct SealKey {
    bytes: [u8; KEY_BYTES],
    key: RandomizedNonceKey,
}

impl SealKey {
    fn from_bytes(bytes: [u8; KEY_BYTES]) -> Option<Self> {
        Some(Self { key: RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()?, bytes })
    }

    /// A new key. `None` only where the cryptographic library itself fails.
    pub(crate) fn random(random: &dyn Random) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES];
        random.fill(&mut bytes);
        Self::from_bytes(bytes)
    }

    /// HKDF-SHA-256 (RFC 5869).
    pub(crate) fn derived(salt: &[u8], secret: &[u8], purpose: &str) -> Option<Self> {
        let mut bytes = [0; KEY_BYTES];
        let info = [purpose.as_bytes()];
        let pseudo_random = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
        pseudo_random.expand(&info, hkdf::HKDF_SHA256).ok()?.fill(&mut bytes).ok()?;
        Self::from_bytes(bytes)
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        Self::from_bytes(URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?)
    }

    pub(crate) fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.bytes)
    }

    /// `purpose` is not hidden, but [`SealKey::open`] must be called with the same.
    pub(crate) fn seal(&self, purpose: &str, plain: &[u8]) -> Option<String> {
        let mut buffer = plain.to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::from(purpose.as_bytes()), &mut buffer).ok()?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut buffer);
        Some(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// `None` for what was not sealed with this key for this purpose, or was changed since.
    pub(crate) fn open(&self, purpose: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut buffer = text.to_vec();
        self.key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut buffer).ok().map(|plain| plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRandom;

    #[test]
    fn what_is_sealed_opens_only_unchanged_with_its_key_and_for_its_purpose() {
        let key = SealKey::random(&SystemRandom).unwrap();
        let sealed = key.seal("a", b"hidden").unwrap();
        assert_eq!(key.open("a", &sealed).as_deref(), Some(b"hidden".as_slice()));
        assert_eq!(SealKey::from_text(&key.to_text()).unwrap().open("a", &sealed).as_deref(), Some(b"hidden".as_slice()));
        assert_eq!(key.open("b", &sealed), None);
        assert_eq!(SealKey::random(&SystemRandom).unwrap().open("a", &sealed), None);
        for position in 0..sealed.len() {
            for bit in 0..8 {
                let mut bytes = sealed.clone().into_bytes();
                bytes[position] ^= 1 << bit;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                assert_eq!(key.open("a", &changed), None, "bit {bit} of byte {position}");
            }
            assert_eq!(key.open("a", &sealed[..position]), None);
        }
    }

    #[test]
    fn a_derived_key_depends_on_all_that_it_is_derived_from() {
        let sealed = SealKey::derived(b"salt", b"secret", "p").unwrap().seal("a", b"x").unwrap();
        assert!(SealKey::derived(b"salt", b"secret", "p").unwrap().open("a", &sealed).is_some());
        for (salt, secret, purpose) in [("other", "secret", "p"), ("salt", "other", "p"), ("salt", "secret", "q")] {
            assert!(SealKey::derived(salt.as_bytes(), secret.as_bytes(), purpose).unwrap().open("a", &sealed).is_none());
        }
    }
}
