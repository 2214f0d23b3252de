//! `portal admin …`: what an operator does from the shell. Each command is one use-case.

use crate::signer::LocalKeys;
use clap::{Subcommand, ValueEnum};
use domain::policy::{self, PolicyChange};
use domain::ports::signer::Algorithm;
use domain::ports::time::{Clock, SystemClock};
use domain::{Services, billing, support};
use std::path::{Path, PathBuf};
use store::OpCtx;
use types::StaffRole;
use types::licenses::{FingerprintTolerance, offline_cap};

/// Commands of the operator.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set how many seats an organization owns. Nobody who is running is cut off.
    SetSeats {
        /// The organization's address: the SLUG in /orgs/SLUG
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        seats: u32,
        /// Which license; the first (best tier, then oldest) if absent
        #[arg(long)]
        license_key: Option<String>,
    },
    /// Set what a license allows and how: times, offline rights, what goes beyond the seats, and what refusals say. It counts at the next
    /// call.
    SetPolicy {
        /// The organization's address: the SLUG in /orgs/SLUG
        #[arg(long)]
        tenant: String,
        #[arg(long)]
        lease_seconds: Option<u32>,
        #[arg(long)]
        heartbeat_seconds: Option<u32>,
        #[arg(long)]
        offline_hours: Option<u32>,
        /// Most devices that may hold offline rights at once: a number, or `default` for twice the seats
        #[arg(long, value_parser = parse_cap)]
        offline_cap: Option<Cap>,
        /// What may be used beyond the seats: 0 (a hard stop), 25, 50 or 100 percent
        #[arg(long)]
        overage_percent: Option<u32>,
        /// Whether refusals name who holds the seats: true or false
        #[arg(long)]
        show_holders: Option<bool>,
        /// How much of a device may change before it is another one: exact, most or any_two
        #[arg(long)]
        fingerprint_tolerance: Option<FingerprintTolerance>,
        /// Which license; the first (best tier, then oldest) if absent
        #[arg(long)]
        license_key: Option<String>,
    },
    /// Make somebody a member of the support staff, and print a link that works once to set the password.
    CreateStaff {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: Option<String>,
        /// SUPPORT or STAFF_ADMIN
        #[arg(long, default_value = "STAFF_ADMIN")]
        role: String,
    },
    /// Create at Stripe the products and prices of the catalogue that are not there yet. Repeatable.
    SyncCatalogue,
    /// Read at Stripe what every organization, or one, has bought and paid.
    ReconcileBilling {
        /// The organization's address: the SLUG in /orgs/SLUG
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Make a file of keys that sign license tokens, encrypted under PORTAL_SECRET.
    NewKey {
        /// The file to write; it must not exist
        path: PathBuf,
        /// What SIGNER will use it for: local-ed25519, or local-rsa (RSA-4096)
        #[arg(long, value_enum, default_value_t = KeyAlgorithm::Ed25519)]
        algorithm: KeyAlgorithm,
    },
    /// Make the next key that signs license tokens. It is published at once and signs ten minutes later. Tokens of the keys before stay
    /// valid.
    RotateKey {
        /// Let it sign at once. A cache may still hold the list of keys without it, for five minutes
        #[arg(long)]
        now: bool,
    },
}

/// `--offline-cap`: a number, or twice the seats.
#[derive(Clone, Copy, Debug)]
pub struct Cap(Option<u32>);

fn parse_cap(text: &str) -> Result<Cap, String> {
    match text {
        "default" => Ok(Cap(None)),
        number => number.parse().map(|n| Cap(Some(n))).map_err(|_| "a number, or `default` for twice the seats".to_owned()),
    }
}

/// What `new-key` can make.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum KeyAlgorithm {
    Ed25519,
    Rsa,
}

/// Makes a key that signs licence tokens, encrypted under `PORTAL_SECRET`. Needs nothing that runs.
#[allow(clippy::print_stdout, reason = "the operator reads it")]
pub fn new_key(path: &Path, algorithm: KeyAlgorithm, secret: &str) -> anyhow::Result<()> {
    let (algorithm, name) = match algorithm {
        KeyAlgorithm::Ed25519 => (Algorithm::EdDSA, "Ed25519"),
        KeyAlgorithm::Rsa => (Algorithm::RS256, "RSA-4096"),
    };
    LocalKeys::create(path, algorithm, secret, SystemClock.now())?;
    println!("{} holds a new {name} key.", path.display());
    Ok(())
}

/// Carries a command out and prints what the operator wants to know.
#[allow(clippy::print_stdout, reason = "the answer goes to the operator's terminal")]
pub async fn run(command: Command, services: &Services) -> anyhow::Result<()> {
    let ctx = OpCtx::system("operator");
    let told = |e: domain::Error| anyhow::anyhow!("{}", e.into_problem().detail);
    match command {
        Command::SetSeats { tenant, seats, license_key } => {
            let change = PolicyChange { max_seats: Some(seats), ..PolicyChange::default() };
            let l = policy::set(&ctx, services, &tenant, license_key.as_deref(), &change).await.map_err(told)?;
            println!("{tenant}: {} has {} seats.", l.key, l.max_seats);
        }
        Command::SetPolicy {
            tenant,
            lease_seconds,
            heartbeat_seconds,
            offline_hours,
            offline_cap: cap,
            overage_percent,
            show_holders,
            fingerprint_tolerance,
            license_key,
        } => {
            let change = PolicyChange {
                max_seats: None,
                lease_seconds,
                heartbeat_seconds,
                offline_hours,
                offline_cap: cap.map(|Cap(cap)| cap),
                overage_percent,
                show_holders,
                fingerprint_tolerance,
            };
            let l = policy::set(&ctx, services, &tenant, license_key.as_deref(), &change).await.map_err(told)?;
            println!(
                "{tenant}: {} holds a seat for {} s, heartbeat every {} s, offline for {} h on up to {} devices; {} of {} seats beyond those owned; refusals {} holders; devices are compared by `{}`.",
                l.key,
                l.lease_seconds,
                l.heartbeat_seconds,
                l.offline_hours,
                offline_cap(l.offline_cap, l.max_seats),
                l.admits() - l.max_seats,
                l.max_seats,
                if l.show_holders { "name" } else { "do not name" },
                l.fingerprint_tolerance.as_str()
            );
        }
        Command::CreateStaff { email, name, role } => {
            let role: StaffRole = role.parse().map_err(|_| anyhow::anyhow!("--role is SUPPORT or STAFF_ADMIN."))?;
            let link = support::create_staff(&ctx, services, &email, name.as_deref(), role).await.map_err(told)?;
            println!("{email} is {role}. Set the password within 24 hours:\n{link}");
        }
        Command::SyncCatalogue => {
            let done = billing::plans::sync_catalogue(services).await.map_err(told)?;
            println!("{}", if done.is_empty() { "Everything is there already.".to_owned() } else { done.join("\n") });
        }
        Command::ReconcileBilling { tenant } => {
            let read = billing::reconcile(services, tenant.as_deref()).await.map_err(told)?;
            println!("{read} read.");
        }
        // It needs no services, so `main` carries it out without any.
        Command::NewKey { .. } => anyhow::bail!("new-key is not for a running portal"),
        Command::RotateKey { now } => {
            let ahead = if now { time::Duration::ZERO } else { crate::signer::PUBLISHED_AHEAD };
            match services.signer.clone().rotate(None, ahead).await? {
                Some(key) => println!("The new key {} signs from {} UTC on.", key.kid, clock_time(key.signs_from)),
                None => println!("The keys of this signer are rotated where they are kept: name the new version in SIGNER."),
            }
        }
    }
    Ok(())
}

fn clock_time(moment: time::OffsetDateTime) -> String {
    let (date, time) = (moment.date(), moment.time());
    format!("{date} {:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}
