//! The folder of the embedded mode: who runs here, and how to reach it.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::config::Env;

/// Held while a portal runs in the folder; the system lets go of it when the process ends, however it ends.
pub(super) struct RunLock {
    folder: PathBuf,
    _file: fs::File,
}

/// What `running.json` says. It holds passwords, so only its owner may read it.
#[derive(Serialize, Deserialize)]
struct Running {
    pid: u32,
    variables: Vec<(String, String)>,
}

impl RunLock {
    /// Makes the folder if it is not there and takes its lock; with the folder's full path.
    pub(super) fn take(folder: &Path) -> anyhow::Result<(PathBuf, Self)> {
        make_folder(folder, 0o711)?;
        let folder = fs::canonicalize(folder).with_context(|| format!("Cannot read {}", folder.display()))?;
        let owner = fs::metadata(&folder).with_context(|| format!("Cannot read {}", folder.display()))?.uid();
        if owner != rustix::process::geteuid().as_raw() {
            bail!(
                "{} belongs to another user (id {owner}): run as that user, or remove it as that user with `make clean-data`.",
                folder.display()
            );
        }
        let file = open_lock(&folder)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            match read_running(&folder)? {
                Some(other) => bail!(
                    "The portal is already running here (process {}{}): stop it with Ctrl-C in its terminal first.",
                    other.pid,
                    other
                        .variables
                        .iter()
                        .find(|(name, _)| name == "PORTAL_BASE_URL")
                        .map(|(_, url)| format!(", {url}"))
                        .unwrap_or_default()
                ),
                None => bail!("The portal is already starting here: wait for it, or stop it with Ctrl-C in its terminal."),
            }
        }
        for (name, mode) in [("keys", 0o700), ("mail", 0o700)] {
            make_folder(&folder.join(name), mode)?;
        }
        // Of a portal that was killed.
        let _ = fs::remove_file(running_file(&folder));
        Ok((folder.clone(), Self { folder, _file: file }))
    }

    /// Tells `portal admin` how to reach this portal.
    pub(super) fn publish(&self, variables: &[(String, String)]) -> anyhow::Result<()> {
        let running = Running { pid: std::process::id(), variables: variables.to_vec() };
        write_private(&running_file(&self.folder), &serde_json::to_string_pretty(&running)?)
    }

    pub(super) fn release(self) {
        // The lock tells whether a portal runs, so a file that stays does no harm.
        let _ = fs::remove_file(running_file(&self.folder));
    }
}

/// The variables that reach the portal that runs in the folder, or `None` if none runs there.
pub fn running(folder: &Path) -> anyhow::Result<Option<Env>> {
    if !folder.join("lock").exists() {
        return Ok(None);
    }
    let file = open_lock(folder)?;
    // Whoever gets the lock is alone.
    if flock(&file, FlockOperation::NonBlockingLockShared).is_ok() {
        return Ok(None);
    }
    match read_running(folder)? {
        Some(running) => Ok(Some(running.variables.into_iter().collect())),
        None => bail!("The portal is still starting here: try again in a moment."),
    }
}

/// Where mail is delivered.
pub fn mail_folder(folder: &Path) -> PathBuf {
    folder.join("mail")
}

fn running_file(folder: &Path) -> PathBuf {
    folder.join("running.json")
}

fn read_running(folder: &Path) -> anyhow::Result<Option<Running>> {
    let path = running_file(folder);
    match fs::read(&path) {
        Ok(text) => Ok(serde_json::from_slice(&text).ok()),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e).with_context(|| format!("Cannot read {}", path.display())),
    }
}

fn open_lock(folder: &Path) -> anyhow::Result<fs::File> {
    let path = folder.join("lock");
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(&path).with_context(|| format!("Cannot open {}", path.display()))
}

fn make_folder(path: &Path, mode: u32) -> anyhow::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(mode).create(path).with_context(|| format!("Cannot make {}", path.display()))
}

/// Writes a file that only its owner may read. It appears whole or not at all.
pub(super) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let partial = path.with_extension("partial");
    let write = || -> io::Result<()> {
        let _ = fs::remove_file(&partial);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    write().with_context(|| format!("Cannot write {}", path.display()))
}
