//! Passwords: argon2id at OWASP strength, on threads of their own that yield to everything else.
//!
//! A flood of logins would otherwise take the cores from the seats: hashing is meant to be slow. It runs on as many threads as it may
//! use cores, with the lowest priority (`nice 19`), so it gets all of the time that nobody else wants.

use crate::error::{Error, Result};
use crate::ports::time::Random;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::Arc;
use tokio::sync::oneshot;

/// OWASP's row m = 46 MiB, t = 1, p = 1 (Password Storage Cheat Sheet); ASVS 5.0 11.4.2.
const MEMORY_KIB: u32 = 47_104;

/// Hashes and verifies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    threads: Arc<ThreadPool>,
    /// Verified against when there is no account, so that answer and time are alike.
    dummy: Arc<str>,
}

fn argon2() -> Argon2<'static> {
    // The parameters are constants within argon2's bounds.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY_KIB, 1, 1, None).unwrap_or_default())
}

fn hash_now(password: &[u8], salt: [u8; 16]) -> Result<String> {
    let salt = SaltString::encode_b64(&salt).map_err(|e| Error::Internal(e.to_string()))?;
    Ok(argon2().hash_password(password, &salt).map_err(|e| Error::Internal(e.to_string()))?.to_string())
}

impl Passwords {
    /// At most `at_once` hashes run at the same time; 46 MiB each.
    pub fn new(at_once: usize) -> Result<Self> {
        let dummy = hash_now(b"nobody has this password", [7; 16])?;
        let threads = ThreadPoolBuilder::new()
            .num_threads(at_once.max(1))
            .thread_name(|n| format!("passwords-{n}"))
            .start_handler(|_| {
                // On Linux a thread has a priority of its own. One that cannot be lowered still works.
                if let Err(error) = rustix::process::nice(19) {
                    tracing::warn!(%error, "password hashing runs with the priority of everything else");
                }
            })
            // Logged by the process's own hook; whoever waits gets an error.
            .panic_handler(|_| {})
            .build()
            .map_err(|e| Error::Internal(e.to_string()))?;
        Ok(Self { threads: Arc::new(threads), dummy: dummy.into() })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (done, result) = oneshot::channel();
        self.threads.spawn_fifo(move || {
            // Whoever has gone away no longer wants to know.
            if !done.is_closed() {
                let _ = done.send(work());
            }
        });
        result.await.map_err(|_| Error::Internal("the hashing of a password panicked".into()))
    }

    /// A PHC string to store.
    pub async fn hash(&self, random: &dyn Random, password: &str) -> Result<String> {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let password = password.as_bytes().to_vec();
        self.run(move || hash_now(&password, salt)).await?
    }

    /// Whether the password is the one of that hash. Without a hash the same work is done and the answer is no.
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.dummy).to_owned();
        let password = password.as_bytes().to_vec();
        self.run(move || {
            let parsed = PasswordHash::new(&hash).map_err(|_| Error::Internal("unreadable password hash".into()))?;
            // The parameters come from the hash, so older strengths still verify.
            Ok(Argon2::default().verify_password(&password, &parsed).is_ok() && known)
        })
        .await?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::time::SystemRandom;

    #[tokio::test]
    async fn only_the_exact_password_verifies() {
        let passwords = Passwords::new(2).unwrap();
        let hash = passwords.hash(&SystemRandom, "The ferry leaves at nine ").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"));
        assert!(passwords.verify("The ferry leaves at nine ", Some(&hash)).await.unwrap());
        for wrong in ["The ferry leaves at nine", "the ferry leaves at nine ", "The ferry leaves at nine  ", ""] {
            assert!(!passwords.verify(wrong, Some(&hash)).await.unwrap(), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn the_dummy_never_verifies() {
        let passwords = Passwords::new(1).unwrap();
        assert!(!passwords.verify("nobody has this password", None).await.unwrap());
    }
}
