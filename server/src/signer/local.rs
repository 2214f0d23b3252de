//! Signs with keys in a file. The keys are held in memory; a changed file is noticed within seconds.

use super::key::PrivateKey;
use super::key_file::{self, Key, KeyRing};
use super::seal::Sealer;
use async_trait::async_trait;
use domain::ports::signer::{Algorithm, NewKey, SignError, Signer};
use domain::ports::time::Clock;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use time::{Duration, OffsetDateTime};
use tokio::sync::oneshot;

/// How often the file is looked at.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_secs(2);

/// Tells one version of a file from another: device, number, length, time of change in seconds and nanoseconds.
type Version = (u64, u64, u64, i64, i64);

/// The keys of one file.
pub struct LocalKeys {
    path: PathBuf,
    algorithm: Algorithm,
    sealer: Sealer,
    clock: Arc<dyn Clock>,
    ring: RwLock<Arc<KeyRing>>,
    version: Mutex<Version>,
    /// RSA occupies a core for milliseconds, so it has threads of its own: as many as there are cores, each of which takes the next job as
    /// soon as it is done with one.
    rsa: ThreadPool,
    wanted: Arc<Mutex<VecDeque<Wanted>>>,
}

/// An RSA signature that somebody waits for.
struct Wanted {
    key: Arc<Key>,
    message: Vec<u8>,
    done: oneshot::Sender<Option<Vec<u8>>>,
}

/// Most signatures that a thread hands over together.
const TOGETHER: usize = 16;

/// Makes the signature that is wanted longest; where many are, some at once: those who wait, and Redis after them, are then woken less often,
/// which saves a tenth of the machine for signing.
fn sign_some(wanted: &Mutex<VecDeque<Wanted>>) {
    let some: Vec<Wanted> = {
        let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
        // Few leave everybody else something to do.
        let some = (wanted.len() / rayon::current_num_threads()).clamp(1, TOGETHER).min(wanted.len());
        wanted.drain(..some).collect()
    };
    // Whoever has gone away no longer wants it.
    let waiting = some.into_iter().filter(|one| !one.done.is_closed());
    let signed: Vec<_> = waiting.map(|one| (one.key.private.as_ref().and_then(|private| private.sign(&one.message)), one.done)).collect();
    for (signature, done) in signed {
        let _ = done.send(signature);
    }
}

impl std::fmt::Debug for LocalKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalKeys").field("path", &self.path).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl LocalKeys {
    /// Makes the file with a first key, encrypted under `secret` (`PORTAL_SECRET`). Never replaces a file. RSA takes about a second.
    pub fn create(path: &Path, algorithm: Algorithm, secret: &str, now: OffsetDateTime) -> anyhow::Result<()> {
        key_file::create(path, algorithm, &Sealer::new(secret), now)
    }

    /// Reads the file; it must hold keys for `algorithm`, encrypted under `secret` or one in PEM. The error is one sentence.
    pub fn open(path: &Path, algorithm: Algorithm, secret: &str, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let sealer = Sealer::new(secret);
        let version = version(path);
        let ring = KeyRing::read(path, algorithm, &sealer)?;
        // One that has nothing to do costs nothing but its existence.
        let threads = if algorithm == Algorithm::RS256 { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 };
        Ok(Self {
            path: path.to_owned(),
            algorithm,
            sealer,
            clock,
            ring: RwLock::new(Arc::new(ring)),
            version: Mutex::new(version),
            rsa: ThreadPoolBuilder::new().num_threads(threads).thread_name(|n| format!("rsa-{n}")).panic_handler(|_| {}).build()?,
            wanted: Arc::default(),
        })
    }

    /// Looks for changes of the file from now on, until these keys are dropped.
    pub fn follow(self: &Arc<Self>) {
        let keys = Arc::downgrade(self);
        tokio::spawn(async move {
            let mut told = String::new();
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let Some(keys) = keys.upgrade() else { break };
                match tokio::task::spawn_blocking(move || keys.reload()).await {
                    Ok(Err(error)) if error.to_string() != told => {
                        tracing::error!(%error, "the keys of the license tokens stay as they were");
                        told = error.to_string();
                    }
                    Ok(Ok(())) => told.clear(),
                    _ => {}
                }
            }
        });
    }

    /// Reads the file again if it has changed. If it cannot be used, the keys in memory stay, and the next look tries again.
    fn reload(&self) -> anyhow::Result<()> {
        let mut known = self.version.lock().unwrap_or_else(PoisonError::into_inner);
        // Before the file is read: a change in between is then seen at the next look.
        let found = version(&self.path);
        if *known == found {
            return Ok(());
        }
        let ring = Arc::new(KeyRing::read(&self.path, self.algorithm, &self.sealer)?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = ring;
        *known = found;
        tracing::info!(path = %self.path.display(), "read the keys of the license tokens again");
        Ok(())
    }

    fn ring(&self) -> Arc<KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Zeros for a file that is not there.
fn version(path: &Path) -> Version {
    std::fs::metadata(path).map_or_else(|_| Version::default(), |m| (m.dev(), m.ino(), m.len(), m.mtime(), m.mtime_nsec()))
}

#[async_trait]
impl Signer for LocalKeys {
    fn kid(&self) -> String {
        self.ring().current(self.clock.now()).map(|key| key.public.jwk.kid.clone()).unwrap_or_default()
    }

    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    async fn sign(&self, kid: &str, message: &[u8]) -> Result<Vec<u8>, SignError> {
        // Not simply the current key: it may have become another one since the header was written.
        let key = self.ring().get(kid).cloned().ok_or_else(|| SignError("the header names no key that signs".to_owned()))?;
        let failed = || SignError(format!("the key {} did not sign", key.public.jwk.kid));
        match &key.private {
            Some(private @ PrivateKey::Ed25519(_)) => private.sign(message).ok_or_else(failed),
            Some(PrivateKey::Rsa(_)) => {
                let (done, signature) = oneshot::channel();
                let one = Wanted { key: key.clone(), message: message.to_vec(), done };
                self.wanted.lock().unwrap_or_else(PoisonError::into_inner).push_back(one);
                let wanted = self.wanted.clone();
                self.rsa.spawn_fifo(move || sign_some(&wanted));
                signature.await.ok().flatten().ok_or_else(failed)
            }
            None => Err(failed()),
        }
    }

    fn jwks(&self) -> serde_json::Value {
        self.ring().jwks()
    }

    fn verify(&self, kid: &str, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        self.ring().get(kid).is_some_and(|key| key.public.verify(algorithm, message, signature))
    }

    async fn rotate(self: Arc<Self>, older_than: Option<Duration>, ahead: Duration) -> Result<Option<NewKey>, SignError> {
        let turning = tokio::task::spawn_blocking(move || {
            let new = key_file::rotate(&self.path, self.algorithm, &self.sealer, self.clock.now(), older_than, ahead)?;
            self.reload()?;
            anyhow::Ok(new)
        });
        turning.await.map_err(|e| SignError(e.to_string()))?.map_err(|e| SignError(format!("{e:#}")))
    }
}

#[cfg(test)]
mod tests;
