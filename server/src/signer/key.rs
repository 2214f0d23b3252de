//! One key: a pair that signs, and the public half that verifies and is published.

use anyhow::{anyhow, bail};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ports::signer::Algorithm;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of an RSA-4096 modulus.
const RSA_BYTES: usize = 512;

/// What a public key consists of, by the names of RFC 7517, RFC 7518 §6.3 and RFC 8037 §2.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
enum Numbers {
    #[serde(rename = "OKP")]
    Ed25519 { crv: String, x: String },
    #[serde(rename = "RSA")]
    Rsa { n: String, e: String },
}

/// A public key as it is published (RFC 7517). Its name follows from its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Jwk {
    #[serde(flatten)]
    numbers: Numbers,
    alg: String,
    #[serde(rename = "use")]
    usage: String,
    pub(super) kid: String,
}

impl Jwk {
    fn new(numbers: Numbers) -> Self {
        // RFC 7638: the hash of the key's required members in order of their names.
        let (alg, canonical) = match &numbers {
            Numbers::Ed25519 { crv, x } => (Algorithm::EdDSA, format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#)),
            Numbers::Rsa { n, e } => (Algorithm::RS256, format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)),
        };
        let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(canonical.as_bytes()));
        Self { numbers, alg: alg.as_str().to_owned(), usage: "sig".to_owned(), kid }
    }

    fn ed25519(x: &[u8]) -> Self {
        Self::new(Numbers::Ed25519 { crv: "Ed25519".to_owned(), x: URL_SAFE_NO_PAD.encode(x) })
    }

    fn rsa(key: &rsa::PublicKey) -> Self {
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Self::new(Numbers::Rsa {
            n: number(key.modulus().big_endian_without_leading_zero()),
            e: number(key.exponent().big_endian_without_leading_zero()),
        })
    }
}

/// Checks signatures of one key by its one algorithm (RFC 8725 §3.1).
#[derive(Debug)]
pub(super) struct PublicKey {
    pub(super) jwk: Jwk,
    pub(super) algorithm: Algorithm,
    verifier: ParsedPublicKey,
}

impl PublicKey {
    /// Refuses a JWK whose name, algorithm or use is not that of its numbers.
    pub(super) fn from_jwk(jwk: Jwk) -> anyhow::Result<Self> {
        if Jwk::new(jwk.numbers.clone()) != jwk {
            bail!("the public key {} is damaged", jwk.kid);
        }
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let (algorithm, verifier) = match &jwk.numbers {
            Numbers::Ed25519 { x, .. } => (Algorithm::EdDSA, ParsedPublicKey::new(&ED25519, bytes(x)).ok()),
            Numbers::Rsa { n, e } => {
                let parts = RsaPublicKeyComponents { n: bytes(n), e: bytes(e) };
                (Algorithm::RS256, parts.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok())
            }
        };
        let verifier = verifier.ok_or_else(|| anyhow!("{} is no public key", jwk.kid))?;
        Ok(Self { jwk, algorithm, verifier })
    }

    /// An RSA-4096 key in PEM (SubjectPublicKeyInfo), which is what a vault shows of its keys.
    pub(super) fn from_rsa_pem(text: &str) -> anyhow::Result<Self> {
        let block = pem::parse(text).map_err(|_| anyhow!("the public key is not in PEM"))?;
        let key = rsa::PublicKey::from_der(block.contents()).map_err(|_| anyhow!("the public key is no RSA key"))?;
        check_size(key.modulus_len())?;
        Self::from_jwk(Jwk::rsa(&key))
    }

    pub(super) fn verify(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        algorithm == self.algorithm.as_str() && self.verifier.verify_sig(message, signature).is_ok()
    }
}

fn check_size(modulus: usize) -> anyhow::Result<()> {
    if modulus == RSA_BYTES { Ok(()) } else { Err(anyhow!("the RSA key has {} bits instead of 4096", modulus * 8)) }
}

/// A key pair in memory.
pub(super) enum PrivateKey {
    Ed25519(Ed25519KeyPair),
    Rsa(rsa::KeyPair),
}

impl PrivateKey {
    /// A new one. RSA takes about a second.
    pub(super) fn generate(algorithm: Algorithm) -> anyhow::Result<Self> {
        match algorithm {
            Algorithm::EdDSA => Ed25519KeyPair::generate().map(Self::Ed25519).ok(),
            Algorithm::RS256 => rsa::KeyPair::generate(KeySize::Rsa4096).map(Self::Rsa).ok(),
        }
        .ok_or_else(|| anyhow!("no key could be generated"))
    }

    /// From PKCS #8: an Ed25519 key (RFC 8410) or an RSA key of 4096 bits.
    pub(super) fn from_pkcs8(der: &[u8]) -> anyhow::Result<Self> {
        if let Ok(key) = Ed25519KeyPair::from_pkcs8(der) {
            return Ok(Self::Ed25519(key));
        }
        let key = rsa::KeyPair::from_pkcs8(der).map_err(|_| anyhow!("there is no Ed25519 or RSA key in PKCS #8 in it"))?;
        check_size(key.public_modulus_len())?;
        Ok(Self::Rsa(key))
    }

    pub(super) fn to_pkcs8(&self) -> anyhow::Result<Vec<u8>> {
        match self {
            Self::Ed25519(key) => key.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
            Self::Rsa(key) => AsDer::<Pkcs8V1Der<'_>>::as_der(key).map(|der| der.as_ref().to_vec()),
        }
        .map_err(|_| anyhow!("the key could not be encoded"))
    }

    pub(super) fn jwk(&self) -> Jwk {
        match self {
            Self::Ed25519(key) => Jwk::ed25519(key.public_key().as_ref()),
            Self::Rsa(key) => Jwk::rsa(key.public_key()),
        }
    }

    /// Ed25519 takes microseconds, RSA milliseconds: call it where nobody waits for the thread.
    pub(super) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519(key) => Some(key.sign(message).as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).ok()?;
                Some(signature)
            }
        }
    }
}
