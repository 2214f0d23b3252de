//! What the machine itself can do, and how much CPU processes have used.

use aws_lc_rs::signature::Ed25519KeyPair;
use std::time::{Duration, Instant};

/// Signatures per second on one core.
pub fn ed25519_per_second() -> f64 {
    let Ok(key) = Ed25519KeyPair::generate() else { return 0.0 };
    let message = [7_u8; 600];
    let begun = Instant::now();
    let mut n = 0_u32;
    while begun.elapsed() < Duration::from_millis(500) {
        std::hint::black_box(key.sign(&message));
        n += 1;
    }
    f64::from(n) / begun.elapsed().as_secs_f64()
}

/// User and system time that these processes have used so far (`proc(5)`, fields 14 and 15 of `stat`).
pub fn cpu_time(pids: &[u32]) -> Duration {
    let ticks = rustix::param::clock_ticks_per_second();
    let used: u64 = pids
        .iter()
        .filter_map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name in parentheses may contain spaces.
            let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
            Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
        })
        .sum();
    Duration::from_secs_f64(used as f64 / ticks as f64)
}

/// The process and all its descendants.
pub fn family(root: u32) -> Vec<u32> {
    let mut parents = Vec::new();
    if let Ok(entries) = std::fs::read_dir("/proc") {
        for entry in entries.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
            let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
            let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse::<u32>().ok());
            parents.extend(parent.map(|p| (pid, p)));
        }
    }
    let mut found = vec![root];
    let mut i = 0;
    while i < found.len() {
        let parent = found[i];
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        i += 1;
    }
    found
}
