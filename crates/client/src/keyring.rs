//! What ties the state folder to the machine.
//!
//! One random key seals every file. It is kept locked, together with the hardware id, once for each combination of components that
//! may stand for the device: who has enough of the machine has the key, and a copy of the folder on another machine is useless.
//! So a component that is replaced, within the tolerance, changes neither the hardware id nor what is kept. Each machine has a
//! folder of its own below the state folder, since home folders are shared between machines.

use crate::Error;
use crate::clock::Random;
use crate::fingerprint::Components;
use crate::folder::Folder;
use crate::seal::SealKey;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use types::licenses::FingerprintTolerance;

const RECORD: &str = "device.json";
const LOCK: &str = "device.lock";
const PURPOSE: &str = "coditect-license device 1";

/// The key, and what is locked away with it.
pub(crate) struct Keyring {
    folder: Folder,
    components: Components,
    secret: Mutex<Secret>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Secret {
    key: String,
    hardware_id: String,
    tolerance: FingerprintTolerance,
}

/// The file's content.
#[derive(Serialize, Deserialize)]
struct Record {
    salt: String,
    locks: Vec<Lock>,
}

#[derive(Serialize, Deserialize)]
struct Lock {
    /// Names of the components that open it.
    of: Vec<String>,
    sealed: String,
}

impl Keyring {
    /// The machine's keyring below `home`; a new one where there is none that this machine can open. A folder that cannot be
    /// written is left to whoever writes next to report.
    pub(crate) fn open(home: &Folder, components: Components, random: &dyn Random) -> Result<Self, Error> {
        if let Some(found) = Self::find(home, &components) {
            return Ok(found);
        }
        // Another process may be making it right now.
        let lock = home.lock_now(LOCK);
        if let Some(found) = Self::find(home, &components) {
            return Ok(found);
        }
        let broken = || Error::Config("This machine's cryptography does not work.".into());
        let key = SealKey::random(random).ok_or_else(broken)?;
        let secret = Secret { key: key.to_text(), hardware_id: components.hardware_id(), tolerance: FingerprintTolerance::default() };
        let folder = home.below(&format!("device-{}", random.hex(4)), Arc::new(key));
        let keyring = Self { folder, components, secret: Mutex::new(secret) };
        if let Err(error) = lock.and_then(|_lock| keyring.save().and_then(|()| keyring.take_over(home))) {
            tracing::warn!("{error}");
        }
        Ok(keyring)
    }

    fn find(home: &Folder, components: &Components) -> Option<Self> {
        let opened = home.folders("device-").into_iter().filter_map(|name| {
            let record: Record = home.read(&format!("{name}/{RECORD}")).ok()??;
            let (secret, whole) = record.open(components)?;
            Some((name, secret, whole))
        });
        let (name, secret, whole) = opened.max_by_key(|(_, _, whole)| *whole)?;
        let folder = home.below(&name, Arc::new(SealKey::from_text(&secret.key)?));
        let keyring = Self { folder, components: components.clone(), secret: Mutex::new(secret) };
        if !whole {
            tracing::info!("the hardware has changed within the tolerance");
            if let Err(error) = keyring.save() {
                tracing::warn!("{error}");
            }
        }
        Some(keyring)
    }

    /// Earlier versions kept everything unsealed in the state folder itself. The login goes on; the rest is had anew from the server.
    fn take_over(&self, home: &Folder) -> Result<(), Error> {
        const LOGIN: &str = "login.json";
        if let Some(login) = home.read::<serde_json::Value>(LOGIN)? {
            self.folder.write(LOGIN, &login)?;
        }
        for name in home.files().into_iter().filter(|n| n == LOGIN || ["seat-", "time-", "keys-"].iter().any(|p| n.starts_with(p))) {
            home.remove(&name)?;
        }
        Ok(())
    }

    /// Where this machine's files lie, sealed with the key.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(crate) fn hardware_id(&self) -> String {
        self.secret().hardware_id
    }

    pub(crate) fn tolerance(&self) -> FingerprintTolerance {
        self.secret().tolerance
    }

    fn secret(&self) -> Secret {
        self.secret.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From the licence's policy.
    pub(crate) fn set_tolerance(&self, tolerance: FingerprintTolerance) -> Result<(), Error> {
        if self.tolerance() == tolerance {
            return Ok(());
        }
        self.secret.lock().unwrap_or_else(PoisonError::into_inner).tolerance = tolerance;
        self.save()
    }

    fn save(&self) -> Result<(), Error> {
        let secret = self.secret();
        let failed = || Error::Config("The device's key cannot be stored.".into());
        let record = Record::new(&secret, &self.components, self.folder.random()).ok_or_else(failed)?;
        self.folder.write_unsealed(RECORD, &record)
    }
}

impl Record {
    fn new(secret: &Secret, components: &Components, random: &dyn Random) -> Option<Self> {
        let salt = random.hex(16);
        let plain = serde_json::to_vec(secret).ok()?;
        let locks = components.sufficient(secret.tolerance).into_iter().map(|of| {
            let sealed = key_of(&salt, &components.values(&of)?)?.seal(PURPOSE, &plain)?;
            Some(Lock { of, sealed })
        });
        Some(Self { locks: locks.collect::<Option<_>>()?, salt })
    }

    /// What is locked away, and whether nothing of the machine has changed.
    fn open(&self, components: &Components) -> Option<(Secret, bool)> {
        let names = components.names();
        let opened = self.locks.iter().filter_map(|lock| {
            let plain = key_of(&self.salt, &components.values(&lock.of)?)?.open(PURPOSE, &lock.sealed)?;
            let secret: Secret = serde_json::from_slice(&plain).ok()?;
            Some((secret, lock.of == names))
        });
        let (secret, whole) = opened.max_by_key(|(_, whole)| *whole)?;
        if whole || secret.tolerance != FingerprintTolerance::Exact { Some((secret, whole)) } else { None }
    }
}

fn key_of(salt: &str, values: &str) -> Option<SealKey> {
    SealKey::derived(salt.as_bytes(), values.as_bytes(), PURPOSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemRandom;
    use FingerprintTolerance::{AnyTwo, Exact, Most};

    const MACHINE: [(&str, &str); 5] = [("machine", "m"), ("product", "p"), ("processor", "c"), ("disk", "d"), ("network", "n")];

    fn home(dir: &tempfile::TempDir) -> Folder {
        Folder::new(dir.path().join("state"), Arc::new(SystemRandom))
    }

    fn open(home: &Folder, components: &[(&'static str, &str)]) -> Keyring {
        Keyring::open(home, Components::of(components), &SystemRandom).unwrap()
    }

    /// The machine with these components replaced.
    fn with_other(names: &[&str]) -> Vec<(&'static str, &'static str)> {
        MACHINE.into_iter().map(|(name, value)| (name, if names.contains(&name) { "other" } else { value })).collect()
    }

    #[test]
    fn a_change_within_the_tolerance_keeps_the_id_and_what_is_kept() {
        for (tolerance, kept, lost) in [
            (Exact, &[][..], &[&["network"][..]][..]),
            (
                Most,
                &[&["network"][..], &["disk", "network"], &["machine", "product"]],
                &[&["machine", "disk", "network"], &["machine", "product", "processor"]],
            ),
            (
                AnyTwo,
                &[&["product", "processor", "network"][..], &["product", "disk", "network"]],
                &[&["machine", "disk", "network"], &["machine", "product", "processor", "disk"]],
            ),
        ] {
            for (changed, stays) in kept.iter().map(|c| (c, true)).chain(lost.iter().map(|c| (c, false))) {
                let dir = tempfile::tempdir().unwrap();
                let home = home(&dir);
                let before = open(&home, &MACHINE);
                before.set_tolerance(tolerance).unwrap();
                before.folder().write("x.json", &"kept").unwrap();
                let after = open(&home, &with_other(changed));
                assert_eq!(after.hardware_id() == before.hardware_id(), stays, "{tolerance:?}, {changed:?}");
                assert_eq!(after.folder().read::<String>("x.json").unwrap().is_some(), stays, "{tolerance:?}, {changed:?}");
                assert_eq!(open(&home, &MACHINE).hardware_id(), before.hardware_id(), "the change is taken back");
            }
        }
    }

    #[test]
    fn parts_may_be_replaced_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let home = home(&dir);
        let id = open(&home, &MACHINE).hardware_id();
        for changed in [&["network"][..], &["network", "disk"], &["network", "disk", "machine"]] {
            assert_eq!(open(&home, &with_other(changed)).hardware_id(), id, "{changed:?}");
        }
    }

    #[test]
    fn the_same_model_is_not_the_same_machine() {
        let dir = tempfile::tempdir().unwrap();
        let home = home(&dir);
        let first = open(&home, &MACHINE);
        first.set_tolerance(AnyTwo).unwrap();
        // Product and processor are two components, but all machines of one model share them.
        assert_ne!(open(&home, &with_other(&["machine", "disk", "network"])).hardware_id(), first.hardware_id());
    }

    #[test]
    fn machines_that_share_a_home_folder_keep_apart() {
        let dir = tempfile::tempdir().unwrap();
        let home = home(&dir);
        let other = [("machine", "m2"), ("disk", "d2"), ("network", "n2")];
        open(&home, &MACHINE).folder().write("login.json", &1).unwrap();
        assert_eq!(open(&home, &other).folder().read::<i32>("login.json").unwrap(), None);
        open(&home, &other).folder().write("login.json", &2).unwrap();
        assert_eq!(open(&home, &MACHINE).folder().read::<i32>("login.json").unwrap(), Some(1));
        assert_eq!(open(&home, &other).folder().read::<i32>("login.json").unwrap(), Some(2));
    }

    #[test]
    fn a_login_of_an_earlier_version_goes_on_and_lies_open_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        let home = home(&dir);
        home.write("login.json", &"secret").unwrap();
        home.write("seat-1.json", &"token").unwrap();
        assert_eq!(open(&home, &MACHINE).folder().read::<String>("login.json").unwrap().as_deref(), Some("secret"));
        assert_eq!(home.files(), ["device.lock"]);
    }

    #[test]
    fn a_damaged_record_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let home = home(&dir);
        let first = open(&home, &MACHINE);
        std::fs::write(first.folder().path().join(RECORD), "{").unwrap();
        let second = open(&home, &MACHINE);
        assert_eq!(second.hardware_id(), first.hardware_id(), "made from the same components");
        assert_eq!(open(&home, &MACHINE).folder().path(), second.folder().path());
    }
}
