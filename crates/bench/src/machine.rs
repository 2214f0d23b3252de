//! What the machine itself can do, and how much CPU processes have used.

use anyhow::Result;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use std::time::{Duration, Instant};

/// Long enough for a rate that is printed by itself.
pub const SECOND: Duration = Duration::from_secs(1);

/// How often a second work can be done, on so many threads at once; `worker` makes what each of them does again and again.
fn per_second<W: FnMut()>(threads: usize, during: Duration, worker: impl Fn() -> W + Sync) -> f64 {
    let begun = Instant::now();
    let done: u32 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut work = worker();
                    let mut n = 0;
                    while begun.elapsed() < during {
                        work();
                        n += 1;
                    }
                    n
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
    });
    f64::from(done) / begun.elapsed().as_secs_f64()
}

pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Ed25519 signatures per second on one core, found out in so much time.
pub fn ed25519_per_second(during: Duration) -> Result<f64> {
    let key = Ed25519KeyPair::generate()?;
    Ok(per_second(1, during, || {
        || {
            std::hint::black_box(key.sign(&[7; 600]));
        }
    }))
}

/// RSA-4096 signatures (RS256) per second on all cores.
pub fn rsa_per_second() -> Result<f64> {
    let key = RsaKeyPair::generate(KeySize::Rsa4096)?;
    let random = SystemRandom::new();
    Ok(per_second(cores(), SECOND, || {
        let mut signature = vec![0; key.public_modulus_len()];
        let (key, random) = (&key, &random);
        move || {
            let _ = key.sign(&RSA_PKCS1_SHA256, random, &[7; 600], &mut signature);
            std::hint::black_box(&signature);
        }
    }))
}

/// Passwords hashed per second on so many cores, as the portal hashes them (argon2id, 46 MiB, one pass).
pub fn argon2_per_second(cores: usize) -> Result<f64> {
    let parameters = argon2::Params::new(47_104, 1, 1, None).map_err(|e| anyhow::anyhow!("argon2: {e}"))?;
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters);
    Ok(per_second(cores, SECOND, || {
        // Once, since getting the memory from the system each time would take longer than the hash.
        let mut memory = vec![argon2::Block::default(); argon2.params().block_count()];
        let (argon2, mut hash) = (&argon2, [0; 32]);
        move || {
            let _ = argon2.hash_password_into_with_memory(b"a benchmark has no secrets", &[7; 16], &mut hash, &mut memory);
            std::hint::black_box(hash);
        }
    }))
}

/// As many open files as the system allows.
pub fn raise_open_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
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
