//! Recognises the device: one hash over what stays the same for the life of a machine.
//!
//! Serial numbers themselves never leave this module. The hash is salted with the product's name, so it cannot be matched with
//! what other software derives from the same numbers. Container runtimes show the host's processor, board and disks; what they
//! change at every start (host name, virtual network cards) is not used.

use crate::clock::{Random, hex};
use crate::folder::Folder;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use types::licenses::FingerprintTolerance;

/// What is looked at, in this order.
pub const COMPONENTS: [&str; 5] = ["machine", "product", "processor", "disk", "network"];

/// The device's name on the wire, and what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// 32 hexadecimal digits, or what the settings say.
    pub id: String,
    pub source: Source,
}

/// Where a fingerprint came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// `CODITECT_HARDWARE_ID` or [`crate::Config::hardware_id`].
    Settings,
    /// Names of the components that were found.
    Device(Vec<&'static str>),
}

/// Components that two machines of one model do not share.
const OWN: [&str; 4] = ["machine", "disk", "network", INSTALLATION];
const INSTALLATION: &str = "installation";

/// What the machine shows of itself. The values never leave the process.
#[derive(Clone)]
pub(crate) struct Components(Vec<(&'static str, String)>);

impl Components {
    /// Reads the machine that the process runs on. `installation` stands in where the machine shows nothing that tells it from
    /// others of the same model.
    pub(crate) fn read(root: &Path, installation: impl FnOnce() -> Option<String>) -> Self {
        let probe = Probe { root: root.to_owned() };
        let values = [probe.machine(), probe.product(), probe.processor(), probe.disk(), probe.network()];
        let mut found: Vec<_> = COMPONENTS.into_iter().zip(values).filter_map(|(name, value)| Some((name, value?))).collect();
        if !found.iter().any(|(name, _)| OWN.contains(name)) {
            found.extend(installation().map(|value| (INSTALLATION, value)));
        }
        Self(found)
    }

    #[cfg(test)]
    pub(crate) fn of(found: &[(&'static str, &str)]) -> Self {
        Self(found.iter().map(|(name, value)| (*name, (*value).to_owned())).collect())
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|(name, _)| *name).collect()
    }

    /// The device's name on the wire as long as nothing else is known of it: 32 hexadecimal digits.
    pub(crate) fn hardware_id(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"coditect-license fingerprint 1\0");
        hash.update(text(&self.0));
        hex(&hash.finalize())[..32].to_owned()
    }

    /// The values of these components; `None` where one is missing.
    pub(crate) fn values(&self, names: &[String]) -> Option<String> {
        let find = |name: &String| self.0.iter().find(|(known, _)| known == name).cloned();
        Some(text(&names.iter().map(find).collect::<Option<Vec<_>>>()?))
    }

    /// The smallest combinations that stand for the device under this tolerance, and all components together. Each holds
    /// something of the machine's own: product and processor alone are those of every machine of the model.
    pub(crate) fn sufficient(&self, tolerance: FingerprintTolerance) -> Vec<Vec<String>> {
        let names = self.names();
        let enough = match tolerance {
            FingerprintTolerance::Exact => names.len(),
            FingerprintTolerance::Most => names.len() / 2 + 1,
            FingerprintTolerance::AnyTwo => 2,
        };
        let chosen = |mask: u32| (0..names.len()).filter(move |i| mask & (1 << i) != 0).map(|i| names[i]);
        let whole = (1_u32 << names.len()) - 1;
        (0..=whole)
            .filter(|mask| *mask == whole || (mask.count_ones() as usize == enough && chosen(*mask).any(|name| OWN.contains(&name))))
            .map(|mask| chosen(mask).map(str::to_owned).collect())
            .collect()
    }
}

fn text(components: &[(&'static str, String)]) -> String {
    components.iter().map(|(name, value)| format!("{name}={value}\0")).collect()
}

/// A random number that lives in the state folder. `None`: the folder does not work, which the next write reports.
pub(crate) fn installation(folder: &Folder, random: &dyn Random) -> Option<String> {
    const NAME: &str = "installation.json";
    if let Ok(Some(id)) = folder.read::<String>(NAME) {
        return Some(id);
    }
    let id = random.hex(16);
    folder.write(NAME, &id).inspect_err(|error| tracing::warn!("{error}")).ok()?;
    Some(id)
}

struct Probe {
    root: PathBuf,
}

impl Probe {
    fn text(&self, path: &str) -> Option<String> {
        let bytes = std::fs::read(self.root.join(path)).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        // Boards whose maker left the fields as they were say so in these words.
        let empty = ["", "none", "default string", "to be filled by o.e.m.", "not specified", "system product name", "uninitialized"];
        if empty.contains(&text.to_lowercase().as_str()) { None } else { Some(text.to_owned()) }
    }

    fn entries(&self, path: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.root.join(path)) else { return Vec::new() };
        let mut names: Vec<String> = entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// machine-id(5)
    fn machine(&self) -> Option<String> {
        ["etc/machine-id", "var/lib/dbus/machine-id"].into_iter().find_map(|p| self.text(p)).filter(|id| id.len() == 32)
    }

    /// Maker and model. The product's UUID is for root alone to read, so it would differ between users of one machine.
    fn product(&self) -> Option<String> {
        let dmi = ["sys_vendor", "product_name", "product_family", "board_vendor", "board_name"];
        let parts: Vec<String> = dmi.into_iter().filter_map(|f| self.text(&format!("sys/class/dmi/id/{f}"))).collect();
        if !parts.is_empty() {
            return Some(parts.join("/"));
        }
        let tree = ["model", "serial-number"];
        let parts: Vec<String> = tree.into_iter().filter_map(|f| self.text(&format!("proc/device-tree/{f}"))).collect();
        if parts.is_empty() { None } else { Some(parts.join("/")) }
    }

    /// The processor's make; not its clock or its microcode, which change.
    fn processor(&self) -> Option<String> {
        const FIELDS: [&str; 9] = [
            "vendor_id",
            "cpu family",
            "model",
            "model name",
            "stepping",
            "CPU implementer",
            "CPU architecture",
            "CPU variant",
            "CPU part",
        ];
        let info = self.text("proc/cpuinfo")?;
        let first = info.split("\n\n").next()?;
        let parts: Vec<String> = first
            .lines()
            .filter_map(|line| line.split_once(':'))
            .filter(|(name, _)| FIELDS.contains(&name.trim()))
            .map(|(name, value)| format!("{}={}", name.trim(), value.trim()))
            .collect();
        if parts.is_empty() { None } else { Some(parts.join("/")) }
    }

    /// The first built-in disk that has a number of its own.
    fn disk(&self) -> Option<String> {
        let names = self
            .entries("sys/block")
            .into_iter()
            .filter(|n| !["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd"].iter().any(|p| n.starts_with(p)));
        // Most disks on USB do not call themselves removable.
        let built_in = names.filter(|n| {
            let disk = format!("sys/block/{n}");
            self.text(&format!("{disk}/removable")).as_deref() != Some("1") && !is_on_usb(&self.root.join(disk))
        });
        let numbers = built_in.filter_map(|n| {
            ["wwid", "device/wwid", "serial", "device/serial"].iter().find_map(|f| self.text(&format!("sys/block/{n}/{f}")))
        });
        numbers.min()
    }

    /// The lowest permanent address of a built-in network card; virtual cards and adapters on USB come and go.
    fn network(&self) -> Option<String> {
        let cards = self.entries("sys/class/net").into_iter().filter(|n| {
            let device = self.root.join(format!("sys/class/net/{n}/device"));
            device.exists() && !is_on_usb(&device) && self.text(&format!("sys/class/net/{n}/addr_assign_type")).as_deref() == Some("0")
        });
        cards.filter_map(|n| self.text(&format!("sys/class/net/{n}/address"))).filter(|a| a != "00:00:00:00:00:00").min()
    }
}

/// The links of sysfs lead to where a device hangs, such as `/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/…`.
fn is_on_usb(link: &Path) -> bool {
    std::fs::canonicalize(link).is_ok_and(|p| p.components().any(|c| c.as_os_str().to_string_lossy().starts_with("usb")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn machine() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "etc/machine-id", "3d1219c7c4c5404aaa1f6d2a48adfda4\n");
        put(dir.path(), "sys/class/dmi/id/sys_vendor", "Fjord Computers\n");
        put(dir.path(), "sys/class/dmi/id/board_name", "Default string\n");
        put(dir.path(), "proc/cpuinfo", "vendor_id\t: A\nmodel\t\t: 17\ncpu MHz\t\t: 2000.1\n\nvendor_id\t: A\n");
        put(dir.path(), "sys/block/nvme0n1/wwid", "eui.SERIAL-1\n");
        put(dir.path(), "sys/block/loop0/serial", "no\n");
        for (card, kind) in [("eth0", "0"), ("veth1", "3")] {
            put(dir.path(), &format!("sys/class/net/{card}/device/vendor"), "x");
            put(dir.path(), &format!("sys/class/net/{card}/addr_assign_type"), kind);
        }
        put(dir.path(), "sys/class/net/eth0/address", "aa:aa:aa:aa:aa:aa\n");
        put(dir.path(), "sys/class/net/veth1/address", "02:00:00:00:00:01\n");
        dir
    }

    fn id(dir: &tempfile::TempDir) -> String {
        read(dir).hardware_id()
    }

    fn read(dir: &tempfile::TempDir) -> Components {
        Components::read(dir.path(), || Some("installation-1".into()))
    }

    #[test]
    fn all_five_components_count_and_none_shows() {
        let dir = machine();
        let before = id(&dir);
        assert_eq!(read(&dir).names(), COMPONENTS);
        assert_eq!(before.len(), 32);
        for (path, text) in [
            ("etc/machine-id", "ffffffffffffffffffffffffffffffff"),
            ("sys/class/dmi/id/sys_vendor", "Other"),
            ("proc/cpuinfo", "vendor_id: B"),
            ("sys/block/nvme0n1/wwid", "eui.2"),
            ("sys/class/net/eth0/address", "aa:aa:aa:aa:aa:ab"),
        ] {
            let dir = machine();
            put(dir.path(), path, text);
            assert_ne!(id(&dir), before, "{path}");
        }
    }

    #[test]
    fn what_changes_at_every_start_does_not_count() {
        let dir = machine();
        let before = id(&dir);
        put(dir.path(), "proc/cpuinfo", "vendor_id\t: A\nmodel\t\t: 17\ncpu MHz\t\t: 3999.9\n\nvendor_id\t: A\n\nvendor_id\t: A\n");
        put(dir.path(), "sys/class/net/veth1/address", "02:00:00:00:00:99\n");
        put(dir.path(), "etc/hostname", "a1b2c3d4");
        put(dir.path(), "sys/block/sr0/serial", "aaa");
        put(dir.path(), "sys/class/dmi/id/product_uuid", "only root reads this");
        assert_eq!(id(&dir), before);
    }

    #[test]
    fn a_usb_disk_plugged_in_changes_nothing() {
        let dir = machine();
        let before = id(&dir);
        for (name, place) in [("sda", "usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0"), ("sdb", "ata1/host0/target0:0:0/0:0:0:0")] {
            let disk = format!("devices/pci0000:00/0000:00:14.0/{place}/block/{name}");
            put(dir.path(), &format!("sys/{disk}/removable"), "0\n");
            // Lower than the built-in disk's.
            put(dir.path(), &format!("sys/{disk}/serial"), "AAA\n");
            std::os::unix::fs::symlink(format!("../{disk}"), dir.path().join(format!("sys/block/{name}"))).unwrap();
            assert_eq!(id(&dir) == before, name == "sda", "{name}");
        }
    }

    #[test]
    fn machines_of_one_model_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        put(dir.path(), "proc/cpuinfo", "vendor_id: A");
        put(dir.path(), "etc/machine-id", "uninitialized\n");
        assert_eq!(read(&dir).names(), ["processor", "installation"]);
        let two = Components::read(dir.path(), || Some("installation-2".into()));
        assert_ne!(id(&dir), two.hardware_id());
    }

    #[test]
    fn a_tolerance_says_how_many_components_are_enough() {
        use FingerprintTolerance::{AnyTwo, Exact, Most};
        let all = Components::of(&COMPONENTS.map(|name| (name, "x")));
        // Five components: any three hold something of the machine's own, and of the ten pairs one does not.
        for (tolerance, count) in [(Exact, 1), (Most, 10 + 1), (AnyTwo, 9 + 1)] {
            assert_eq!(all.sufficient(tolerance).len(), count, "{tolerance:?}");
        }
        let container = Components::of(&[("processor", "x"), ("installation", "y")]);
        for tolerance in [Exact, Most, AnyTwo] {
            assert_eq!(container.sufficient(tolerance), [["processor", "installation"]], "{tolerance:?}");
        }
    }
}
