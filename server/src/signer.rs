//! Signs licence tokens with an Ed25519 key from a file (RFC 8032, RFC 8037).

use async_trait::async_trait;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ports::signer::{Algorithm, SignError, Signer};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// One key, held in memory.
pub struct LocalEd25519 {
    key: Ed25519KeyPair,
    kid: String,
}

impl std::fmt::Debug for LocalEd25519 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalEd25519").field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// RFC 7638: the hash of the key's required members in order of their names.
fn thumbprint(public: &[u8]) -> String {
    let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
    URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()))
}

impl LocalEd25519 {
    /// Reads the key: PKCS #8 (RFC 8410) in PEM.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).map_err(|e| anyhow::anyhow!("SIGNER: the key {} cannot be read: {e}.", path.display()))?;
        let key = pem::parse(&text).ok().and_then(|block| Ed25519KeyPair::from_pkcs8(block.contents()).ok()).ok_or_else(|| {
            anyhow::anyhow!("SIGNER: {} holds no Ed25519 key in PKCS #8; make one with `portal admin new-key PATH`.", path.display())
        })?;
        let kid = thumbprint(key.public_key().as_ref());
        Ok(Self { key, kid })
    }

    /// Makes a new key, readable by its owner only. Never replaces a file.
    pub fn create(path: &Path) -> anyhow::Result<()> {
        let key = Ed25519KeyPair::generate().map_err(|_| anyhow::anyhow!("No Ed25519 key could be generated."))?;
        let der = key.to_pkcs8v1().map_err(|_| anyhow::anyhow!("The new key could not be encoded."))?;
        let text = pem::encode(&pem::Pem::new("PRIVATE KEY", der.as_ref()));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|e| anyhow::anyhow!("The key {} cannot be written: {e}.", path.display()))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(())
    }
}

#[async_trait]
impl Signer for LocalEd25519 {
    fn kid(&self) -> String {
        self.kid.clone()
    }

    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        Ok(self.key.sign(message).as_ref().to_vec())
    }

    fn jwks(&self) -> serde_json::Value {
        let x = URL_SAFE_NO_PAD.encode(self.key.public_key().as_ref());
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": self.kid, "x": x }] })
    }

    fn verify(&self, kid: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        kid == self.kid
            && algorithm == Algorithm::EdDSA.as_str()
            && UnparsedPublicKey::new(&ED25519, self.key.public_key().as_ref()).verify(message, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn signs_what_only_its_own_key_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        LocalEd25519::create(&a).unwrap();
        LocalEd25519::create(&b).unwrap();
        assert!(LocalEd25519::create(&a).is_err(), "a key is never replaced");
        let (a, b) = (LocalEd25519::read(&a).unwrap(), LocalEd25519::read(&b).unwrap());
        let signature = a.sign(b"message").await.unwrap();
        assert!(a.verify(&a.kid(), "EdDSA", b"message", &signature));
        assert!(!a.verify(&a.kid(), "EdDSA", b"messagf", &signature));
        assert!(!a.verify(&a.kid(), "HS256", b"message", &signature));
        assert!(!a.verify(&b.kid(), "EdDSA", b"message", &signature));
        assert!(!b.verify(&b.kid(), "EdDSA", b"message", &signature));
    }
}
