//! The file of local keys, which all processes of a portal share.
//!
//! It is JSON: per key the public half as a JWK, the moment from which it signs, and the private half, encrypted. A file with one
//! private key in PEM is read as well, and becomes JSON at its first rotation. It is only ever replaced as a whole, by `rename`,
//! under a lock, so a reader sees the old or the new file, and no key gets lost between two writers.

use super::key::{Jwk, PrivateKey, PublicKey};
use super::seal::Sealer;
use anyhow::{Context, anyhow, bail};
use domain::ports::signer::{Algorithm, NewKey};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use time::{Duration, OffsetDateTime};

/// How long a public key is published after its successor took over: longer than the longest token is valid (8,760 hours offline).
const PUBLIC_FOR: Duration = Duration::days(366);

/// How long a private key stays in the file then: other processes may still be about to sign with it.
const PRIVATE_FOR: Duration = Duration::hours(1);

/// One key of the file.
pub(super) struct Key {
    pub(super) public: PublicKey,
    /// Gone once its successor signs everywhere.
    pub(super) private: Option<PrivateKey>,
    pub(super) signs_from: OffsetDateTime,
}

/// All keys of the file, in the order in which they sign.
pub(super) struct KeyRing(Vec<Arc<Key>>);

#[derive(Serialize, Deserialize)]
struct Stored {
    jwk: Jwk,
    #[serde(with = "time::serde::rfc3339")]
    signs_from: OffsetDateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    private: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct StoredKeys {
    keys: Vec<Stored>,
}

impl KeyRing {
    /// Reads the file. Its newest key must have the algorithm that is expected; the error is one sentence.
    pub(super) fn read(path: &Path, algorithm: Algorithm, sealer: &Sealer) -> anyhow::Result<Self> {
        let name = path.display();
        let text = fs::read_to_string(path).map_err(|e| {
            anyhow!(
                "SIGNER: the key file {name} cannot be read: {e}; `portal admin new-key PATH` makes one for Ed25519, with `--algorithm rsa` for RSA."
            )
        })?;
        let keys = if text.trim_start().starts_with('{') { Self::from_json(&text, sealer) } else { Self::from_pem(&text, path) };
        let keys = keys.map_err(|e| anyhow!("SIGNER: the key file {name} cannot be used: {e:#}."))?;
        match keys.0.last() {
            Some(newest) if newest.public.algorithm == algorithm => Ok(keys),
            Some(newest) => {
                bail!(
                    "SIGNER: {name} holds a key for {}, but one for {} is configured.",
                    newest.public.algorithm.as_str(),
                    algorithm.as_str()
                )
            }
            None => bail!("SIGNER: the key file {name} holds no key."),
        }
    }

    fn from_pem(text: &str, path: &Path) -> anyhow::Result<Self> {
        let block = pem::parse(text).map_err(|_| anyhow!("it is neither a private key in PEM nor a file of the portal"))?;
        let private = PrivateKey::from_pkcs8(block.contents())?;
        let public = PublicKey::from_jwk(private.jwk())?;
        // A key in PEM does not say how old it is.
        let signs_from = fs::metadata(path).and_then(|m| m.modified()).map(OffsetDateTime::from)?;
        Ok(Self(vec![Arc::new(Key { public, private: Some(private), signs_from })]))
    }

    fn from_json(text: &str, sealer: &Sealer) -> anyhow::Result<Self> {
        let stored: StoredKeys = serde_json::from_str(text).map_err(|e| anyhow!("it is damaged ({e})"))?;
        let read = |stored: Stored| {
            let public = PublicKey::from_jwk(stored.jwk)?;
            let private = match &stored.private {
                Some(sealed) => Some(open(&public, sealed, sealer)?),
                None => None,
            };
            Ok(Arc::new(Key { public, private, signs_from: stored.signs_from }))
        };
        let mut keys = stored.keys.into_iter().map(read).collect::<anyhow::Result<Vec<_>>>()?;
        keys.sort_by_key(|key| key.signs_from);
        if keys.iter().all(|key| key.private.is_none()) {
            bail!("it holds no private key");
        }
        Ok(Self(keys))
    }

    /// The key that signs at `now`. Before the first key's time (a clock is wrong), the first one.
    pub(super) fn current(&self, now: OffsetDateTime) -> Option<&Arc<Key>> {
        let mut signing = self.0.iter().filter(|key| key.private.is_some());
        signing.clone().rfind(|key| key.signs_from <= now).or_else(|| signing.next())
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.iter().find(|key| key.public.jwk.kid == kid)
    }

    /// The public halves, newest first.
    pub(super) fn jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": self.0.iter().rev().map(|key| &key.public.jwk).collect::<Vec<_>>() })
    }

    /// Whether the successor of the key at this place has been signing for so long at `now`.
    fn is_over(&self, at: usize, kept: Duration, now: OffsetDateTime) -> bool {
        self.0.get(at + 1).is_some_and(|successor| successor.signs_from + kept <= now)
    }

    /// Whether the newest key is older than that; always, if no age is given.
    fn is_due(&self, older_than: Option<Duration>, now: OffsetDateTime) -> bool {
        older_than.is_none_or(|age| self.0.last().is_some_and(|newest| newest.signs_from + age <= now))
    }

    /// Whether there is a private key that is no longer needed.
    fn has_remains(&self, now: OffsetDateTime) -> bool {
        self.0.iter().enumerate().any(|(at, key)| key.private.is_some() && self.is_over(at, PRIVATE_FOR, now))
    }

    /// What is to be stored of these keys at `now`: without what is no longer needed.
    fn stored(&self, sealer: &Sealer, now: OffsetDateTime) -> anyhow::Result<Vec<Stored>> {
        let mut stored = Vec::new();
        for (at, key) in self.0.iter().enumerate() {
            if self.is_over(at, PUBLIC_FOR, now) {
                continue;
            }
            let private = match &key.private {
                Some(private) if !self.is_over(at, PRIVATE_FOR, now) => Some(sealer.seal(&key.public.jwk.kid, &private.to_pkcs8()?)?),
                _ => None,
            };
            stored.push(Stored { jwk: key.public.jwk.clone(), signs_from: key.signs_from, private });
        }
        Ok(stored)
    }
}

fn open(public: &PublicKey, sealed: &str, sealer: &Sealer) -> anyhow::Result<PrivateKey> {
    let kid = &public.jwk.kid;
    let der = sealer.open(kid, sealed).ok_or_else(|| anyhow!("its key {kid} is damaged or was stored with another PORTAL_SECRET"))?;
    let private = PrivateKey::from_pkcs8(&der)?;
    if private.jwk() == public.jwk { Ok(private) } else { Err(anyhow!("the two halves of its key {kid} do not fit")) }
}

/// Makes the file with a first key, encrypted. Never replaces a file.
pub(super) fn create(path: &Path, algorithm: Algorithm, sealer: &Sealer, now: OffsetDateTime) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("The folder {} cannot be made", folder.display()))?;
    }
    let _lock = lock(path)?;
    if path.exists() {
        bail!("{} exists already.", path.display());
    }
    write(path, &[new_key(algorithm, sealer, now)?])
}

/// Makes the next key, which signs after `ahead`; with `older_than` only if the newest is older than that. Forgets what is no longer
/// needed.
pub(super) fn rotate(
    path: &Path,
    algorithm: Algorithm,
    sealer: &Sealer,
    now: OffsetDateTime,
    older_than: Option<Duration>,
    ahead: Duration,
) -> anyhow::Result<Option<NewKey>> {
    let idle = |ring: &KeyRing| !ring.is_due(older_than, now) && !ring.has_remains(now);
    // The usual case, in which nothing needs to be writable.
    if idle(&KeyRing::read(path, algorithm, sealer)?) {
        return Ok(None);
    }
    // Where the file really is: renaming over a link would replace the link, and other machines would keep the old file.
    let path = &fs::canonicalize(path).with_context(|| format!("The key file {} is not there", path.display()))?;
    let _lock = lock(path)?;
    let ring = KeyRing::read(path, algorithm, sealer)?;
    // Somebody else was quicker.
    if idle(&ring) {
        return Ok(None);
    }
    let mut stored = ring.stored(sealer, now)?;
    let mut made = None;
    if ring.is_due(older_than, now) {
        let key = new_key(algorithm, sealer, now + ahead)?;
        made = Some(NewKey { kid: key.jwk.kid.clone(), signs_from: key.signs_from });
        stored.push(key);
    }
    write(path, &stored)?;
    Ok(made)
}

fn new_key(algorithm: Algorithm, sealer: &Sealer, signs_from: OffsetDateTime) -> anyhow::Result<Stored> {
    let key = PrivateKey::generate(algorithm)?;
    let jwk = key.jwk();
    let private = Some(sealer.seal(&jwk.kid, &key.to_pkcs8()?)?);
    Ok(Stored { jwk, signs_from, private })
}

/// `PATH` with something after its name.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Held until it is dropped. A file of its own, because the key file is replaced.
fn lock(path: &Path) -> anyhow::Result<File> {
    let path = beside(path, ".lock");
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    open.and_then(|file| file.lock().map(|()| file)).with_context(|| format!("The lock {} cannot be taken", path.display()))
}

fn write(path: &Path, keys: &[Stored]) -> anyhow::Result<()> {
    #[derive(Serialize)]
    struct Out<'a> {
        keys: &'a [Stored],
    }
    let text = serde_json::to_string_pretty(&Out { keys })? + "\n";
    let new = beside(path, ".new");
    let replace = || {
        // From a process that died in between; nobody else writes while we hold the lock.
        fs::remove_file(&new).or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) })?;
        write_new(&new, text.as_bytes())?;
        fs::rename(&new, path)?;
        // The name is on disk only once its folder is.
        path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    };
    replace().with_context(|| format!("The key file {} cannot be written", path.display()))
}

/// Readable by its owner only.
fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
