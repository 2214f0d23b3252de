//! Passwords: argon2id at OWASP strength, on threads of their own that yield to everything else.
//!
//! A flood of logins would otherwise take the cores from the seats: hashing is meant to be slow. It runs on as many threads as it may
//! use cores, with the lowest priority (`nice 19`), so it gets all of the time of these that nobody else wants. One core is not for it: a
//! thread that becomes ready may have to wait for the kernel's next tick, some milliseconds, until it takes over from one of low priority.

use crate::error::{Error, Result};
use crate::ports::time::Random;
use argon2::password_hash::{Output, ParamsString, PasswordHash, SaltString};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::RefCell;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// OWASP's row m = 46 MiB, t = 1, p = 1 (Password Storage Cheat Sheet); ASVS 5.0 11.4.2.
const MEMORY_KIB: u32 = 47_104;

/// Hashes and verifies. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    threads: Arc<ThreadPool>,
    turns: Arc<Semaphore>,
    /// Verified against when there is no account, so that answer and time are alike.
    dummy: Arc<str>,
}

fn argon2() -> Argon2<'static> {
    // The parameters are constants within argon2's bounds.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(MEMORY_KIB, 1, 1, None).unwrap_or_default())
}

thread_local! {
    /// What a hash works in. Getting 46 MiB from the system and giving them back at each hash would cost as much as the hash, and hold up the
    /// whole process.
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

fn digest(argon2: &Argon2<'_>, password: &[u8], salt: &[u8], length: usize) -> argon2::password_hash::Result<Output> {
    MEMORY.with_borrow_mut(|memory| {
        let blocks = argon2.params().block_count();
        if memory.len() < blocks {
            memory.resize(blocks, Block::default());
        }
        // Longer than that is only what an older, larger hash left.
        let memory = memory.get_mut(..blocks).unwrap_or_default();
        Output::init_with(length, |out| Ok(argon2.hash_password_into_with_memory(password, salt, out, memory)?))
    })
}

/// The PHC string of argon2's own `hash_password`.
fn hash_now(password: &[u8], salt: [u8; 16]) -> Result<String> {
    let internal = |e: argon2::password_hash::Error| Error::Internal(format!("password hash: {e}"));
    let (argon2, text) = (argon2(), SaltString::encode_b64(&salt).map_err(internal)?);
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(argon2.params()).map_err(internal)?,
        salt: Some(text.as_salt()),
        hash: Some(digest(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN).map_err(internal)?),
    };
    Ok(hash.to_string())
}

/// Whether it is the password of that hash. The parameters come from the hash, so older strengths still verify.
fn verify_now(password: &[u8], hash: &str) -> argon2::password_hash::Result<bool> {
    use argon2::password_hash::Error;
    let hash = PasswordHash::new(hash)?;
    let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else { return Err(Error::PhcStringField) };
    let version = hash.version.map_or(Ok(Version::default()), Version::try_from)?;
    let argon2 = Argon2::new(Algorithm::try_from(hash.algorithm)?, version, Params::try_from(&hash)?);
    let mut bytes = [0; 64];
    let salt = salt.decode_b64(&mut bytes)?;
    // Compares in constant time.
    Ok(digest(&argon2, password, salt, expected.len())? == expected)
}

impl Passwords {
    /// At most `at_once` hashes run at the same time; 46 MiB each, which the threads keep.
    pub fn new(at_once: usize) -> Result<Self> {
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
        let dummy = threads.install(|| hash_now(b"nobody has this password", [7; 16]))?;
        // While one is hashed, the next is made ready.
        let turns = Semaphore::new(2 * threads.current_num_threads());
        Ok(Self { threads: Arc::new(threads), turns: Arc::new(turns), dummy: dummy.into() })
    }

    /// The turn of somebody who signs in, for as long as he keeps what is returned. To be waited for before the database is asked who he is:
    /// else all of a flood of logins would ask it at once, only to wait for their hashes afterwards.
    pub async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        self.turns.clone().acquire_owned().await.map_err(|_| Error::Internal("no turns are given any more".into()))
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
            let fits = verify_now(&password, &hash).map_err(|_| Error::Internal("unreadable password hash".into()))?;
            Ok(fits && known)
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

    #[test]
    fn it_is_what_the_library_says() {
        use argon2::{PasswordHasher, PasswordVerifier};
        let ours = hash_now(b"the ferry leaves at nine", [9; 16]).unwrap();
        let salt = SaltString::encode_b64(&[9; 16]).unwrap();
        assert_eq!(ours, argon2().hash_password(b"the ferry leaves at nine", &salt).unwrap().to_string());
        assert!(Argon2::default().verify_password(b"the ferry leaves at nine", &PasswordHash::new(&ours).unwrap()).is_ok());
        // Another strength, salt and length, after a larger one on the same thread.
        let weaker = Argon2::new(Algorithm::Argon2i, Version::V0x10, Params::new(64, 3, 1, Some(48)).unwrap());
        let theirs = weaker.hash_password(b"older", &SaltString::encode_b64(&[3; 24]).unwrap()).unwrap().to_string();
        assert!(verify_now(b"older", &theirs).unwrap());
        assert!(!verify_now(b"Older", &theirs).unwrap());
        assert!(verify_now(b"older", "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ").is_err(), "no hash, no match");
        assert!(verify_now(b"older", "nonsense").is_err());
    }

    #[tokio::test]
    async fn the_dummy_never_verifies() {
        let passwords = Passwords::new(1).unwrap();
        assert!(!passwords.verify("nobody has this password", None).await.unwrap());
    }
}
