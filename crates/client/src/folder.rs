//! The state folder: small JSON files that are replaced whole, and locks that processes hold against each other.

use crate::Error;
use crate::clock::Random;
use crate::seal::SealKey;
use serde::{Serialize, de::DeserializeOwned};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Longer than any call that is made under a lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(45);
const LOCK_POLL: Duration = Duration::from_millis(50);
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// The state folder. Made for this user alone on first use.
#[derive(Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    random: Arc<dyn Random>,
    /// What is written is sealed with it.
    key: Option<Arc<SealKey>>,
}

/// Held until dropped; the operating system drops it for a process that is killed.
pub(crate) struct Lock(#[allow(dead_code, reason = "closing the file is what releases the lock")] File);

impl Folder {
    pub(crate) fn new(path: PathBuf, random: Arc<dyn Random>) -> Self {
        Self { path, random, key: None }
    }

    /// A folder in this one whose files are sealed.
    pub(crate) fn below(&self, name: &str, key: Arc<SealKey>) -> Self {
        Self { path: self.path.join(name), random: self.random.clone(), key: Some(key) }
    }

    pub(crate) fn random(&self) -> &dyn Random {
        self.random.as_ref()
    }

    /// Names of the folders in it that begin so, in order.
    pub(crate) fn folders(&self, begin: &str) -> Vec<String> {
        self.names(|entry| entry.path().is_dir()).into_iter().filter(|name| name.starts_with(begin)).collect()
    }

    /// Names of the files in it, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        self.names(|entry| entry.path().is_file())
    }

    fn names(&self, wanted: impl Fn(&std::fs::DirEntry) -> bool) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten().filter_map(Result::ok).filter(wanted);
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, name: &str) -> impl Fn(std::io::Error) -> Error + use<> {
        let path = self.path.join(name);
        move |source| Error::Folder { path: path.clone(), source }
    }

    fn make(&self) -> Result<(), Error> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.path).map_err(self.failed(""))
    }

    /// `None` when there is no such file, or what it holds makes no sense: a half-written or foreign file must not stop anybody.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let bytes = match std::fs::read(self.path.join(name)) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(self.failed(name)(e)),
        };
        let opened = match &self.key {
            Some(key) => std::str::from_utf8(&bytes).ok().and_then(|sealed| key.open(name, sealed)),
            None => Some(bytes),
        };
        let value = opened.and_then(|json| serde_json::from_slice(&json).ok());
        if value.is_none() {
            tracing::warn!(name, "ignoring a state file that cannot be read");
        }
        Ok(value)
    }

    /// Replaces the file as a whole, readable by this user alone. After an answer it survives a power cut.
    pub(crate) fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Error> {
        let failed = self.failed(name);
        let json = serde_json::to_vec(value).map_err(|e| failed(e.into()))?;
        let bytes = match &self.key {
            Some(key) => key.seal(name, &json).ok_or_else(|| failed(std::io::Error::other("cannot be sealed")))?.into_bytes(),
            None => json,
        };
        self.replace(name, &bytes)
    }

    /// The same for what must be read before there is a key.
    pub(crate) fn write_unsealed<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Error> {
        let json = serde_json::to_vec_pretty(value).map_err(|e| self.failed(name)(e.into()))?;
        self.replace(name, &json)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let failed = self.failed(name);
        self.make()?;
        let new = self.path.join(format!("{name}.{}.new", self.random.hex(6)));
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            std::fs::rename(&new, self.path.join(name))?;
            File::open(&self.path)?.sync_all()
        })();
        if written.is_err() {
            // Best effort: the write's own error is what the caller must hear of.
            let _ = std::fs::remove_file(&new);
        }
        written.map_err(failed)
    }

    /// Removes the file; that it is not there is fine.
    pub(crate) fn remove(&self, name: &str) -> Result<(), Error> {
        match std::fs::remove_file(self.path.join(name)) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(self.failed(name)(e)),
            _ => Ok(()),
        }
    }

    fn lock_file(&self, name: &str) -> Result<File, Error> {
        self.make()?;
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path.join(name))
            .map_err(self.failed(name))
    }

    /// Waits until this process alone holds the lock. Polls, so that the wait can be dropped.
    pub(crate) async fn lock(&self, name: &str) -> Result<Lock, Error> {
        self.lock_within(name, LOCK_PATIENCE).await
    }

    /// The same with another patience.
    pub(crate) async fn lock_within(&self, name: &str, patience: Duration) -> Result<Lock, Error> {
        let file = self.lock_file(name)?;
        let deadline = tokio::time::Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) if tokio::time::Instant::now() < deadline => tokio::time::sleep(LOCK_POLL).await,
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Locked { path: self.path.join(name), seconds: patience.as_secs() });
                }
                Err(TryLockError::Error(e)) => return Err(self.failed(name)(e)),
            }
        }
    }

    /// The same for a start that is not asynchronous. What is done under such a lock takes milliseconds.
    pub(crate) fn lock_now(&self, name: &str) -> Result<Lock, Error> {
        let file = self.lock_file(name)?;
        for _ in 0..SHORT_PATIENCE.as_millis() / LOCK_POLL.as_millis() {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_POLL),
                Err(TryLockError::Error(e)) => return Err(self.failed(name)(e)),
            }
        }
        Err(Error::Locked { path: self.path.join(name), seconds: SHORT_PATIENCE.as_secs() })
    }

    /// Makes a file and holds its lock: the sign that this process lives. It goes with the process, however that ends.
    pub(crate) fn sign_of_life(&self, name: &str) -> Result<Lock, Error> {
        let file = self.lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Lock(file)),
            Err(TryLockError::WouldBlock) => Err(self.failed(name)(std::io::ErrorKind::AlreadyExists.into())),
            Err(TryLockError::Error(e)) => Err(self.failed(name)(e)),
        }
    }

    /// Whether the process that made this sign still lives.
    pub(crate) fn is_alive(&self, name: &str) -> bool {
        match File::open(self.path.join(name)) {
            Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
            Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRandom;
    use std::os::unix::fs::PermissionsExt;

    fn folder(dir: &tempfile::TempDir) -> Folder {
        Folder::new(dir.path().join("state"), Arc::new(SystemRandom))
    }

    #[test]
    fn files_are_the_users_alone_and_leave_nothing_beside_them() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        folder.write("a.json", &[1, 2]).unwrap();
        folder.write("a.json", &[3]).unwrap();
        assert_eq!(folder.read::<Vec<u8>>("a.json").unwrap(), Some(vec![3]));
        let mode = |p: &Path| std::fs::metadata(p).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        assert_eq!(mode(&folder.path().join("a.json")), 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_read_counts_as_absent() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        assert_eq!(folder.read::<Vec<u8>>("a.json").unwrap(), None);
        folder.write("a.json", &"text").unwrap();
        assert_eq!(folder.read::<Vec<u8>>("a.json").unwrap(), None);
        folder.remove("a.json").unwrap();
        folder.remove("a.json").unwrap();
    }

    #[test]
    fn a_sealed_file_shows_nothing_and_cannot_take_anothers_place() {
        let dir = tempfile::tempdir().unwrap();
        let sealed = folder(&dir).below("x", Arc::new(SealKey::random(&SystemRandom).unwrap()));
        sealed.write("a.json", &"legible").unwrap();
        assert_eq!(sealed.read::<String>("a.json").unwrap().as_deref(), Some("legible"));
        let path = |name: &str| sealed.path().join(name);
        assert!(!std::fs::read_to_string(path("a.json")).unwrap().contains("legible"));
        std::fs::copy(path("a.json"), path("b.json")).unwrap();
        assert_eq!(sealed.read::<String>("b.json").unwrap(), None);
        std::fs::write(path("a.json"), "\"legible\"").unwrap();
        assert_eq!(sealed.read::<String>("a.json").unwrap(), None, "what is not sealed does not count");
    }

    #[tokio::test]
    async fn a_lock_excludes_and_ends_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        let held = folder.lock("x.lock").await.unwrap();
        let second = tokio::time::timeout(Duration::from_millis(200), folder.lock("x.lock")).await;
        assert!(second.is_err(), "two held it at once");
        drop(held);
        folder.lock("x.lock").await.unwrap();
    }

    #[test]
    fn a_sign_of_life_ends_with_its_holder() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(&dir);
        assert!(!folder.is_alive("p"));
        let sign = folder.sign_of_life("p").unwrap();
        assert!(folder.is_alive("p"));
        drop(sign);
        assert!(!folder.is_alive("p"));
    }
}
