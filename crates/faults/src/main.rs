//! `make faults`: devices use a portal while its processes, its clock, its network and its Redis are broken. Everything that they see goes
//! into a history, which is then checked against the rules of the seats (I1 to I8, docs/ARCHITECTURE.md).
#![allow(clippy::print_stdout, reason = "the table is the product")]

mod check;
mod device;
mod history;
mod http;
mod injector;
mod proxy;
mod report;
mod stage;
mod world;

use anyhow::{Context, Result};
use clap::Parser;
use history::{Line, Recorder, Run, Tenant};
use stage::Stage;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use world::World;

/// What a server may still try after the caller has given up and Redis is back.
const STILL_TRYING: Duration = Duration::from_secs(4);
/// At the end nothing is broken for so long, so that what has been lost for good can be told from what only comes late.
const QUIET: Duration = Duration::from_secs(16);

/// Breaks a portal while devices use it, and checks what they saw.
#[derive(Debug, Parser)]
struct Options {
    /// The portal to break
    #[arg(long, required_unless_present = "check")]
    portal: Option<PathBuf>,
    /// How long
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(40..))]
    seconds: u64,
    /// Which faults come when; chosen at random if absent
    #[arg(long)]
    seed: Option<u64>,
    /// Where the history goes
    #[arg(long, default_value = "faults.jsonl")]
    history: PathBuf,
    /// Only check a history that is there
    #[arg(long, value_name = "HISTORY")]
    check: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let outcome = match &options.check {
        Some(path) => read(path),
        None => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .context("the runtime cannot start")
            .and_then(|runtime| runtime.block_on(run(&options))),
    };
    match outcome.and_then(|lines| report::print(&lines)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("portal-faults: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// A history from its file.
fn read(path: &std::path::Path) -> Result<Vec<Line>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| format!("not a line of a history: {line}"))).collect()
}

/// One with few seats, one that may use half as many again, and one with many.
fn tenants() -> Vec<Tenant> {
    let tenant = |name: &str, seats, overage_percent, lease_seconds: i64| Tenant {
        name: name.to_owned(),
        seats,
        overage_percent,
        lease: lease_seconds * 1_000_000,
    };
    vec![tenant("few", 4, 0, 3), tenant("overage", 6, 50, 4), tenant("many", 12, 0, 4)]
}

/// Devices of each of them: more than there are seats.
const DEVICES: [usize; 3] = [9, 14, 22];

async fn run(options: &Options) -> Result<Vec<Line>> {
    let portal = options.portal.as_deref().context("--portal is missing")?;
    let portal = portal.canonicalize().with_context(|| format!("{} is not there", portal.display()))?;
    let seed = options.seed.unwrap_or_else(|| rand::random_range(0..1_000_000));
    println!("Seed {seed}, {} seconds, history in {}.", options.seconds, options.history.display());
    let world = World::start(&portal).await?;
    let outcome = tokio::select! {
        outcome = play(options, seed, world.clone()) => outcome,
        _ = tokio::signal::ctrl_c() => Err(anyhow::anyhow!("stopped")),
    };
    let stopped = tokio::task::spawn_blocking(move || world.stop()).await?;
    outcome.and_then(|lines| stopped.map(|()| lines))
}

async fn play(options: &Options, seed: u64, world: Arc<World>) -> Result<Vec<Line>> {
    if !world.can_fake_time() {
        println!("Clock jumps are left out: the library that makes them is missing or does not work (`apt-get install faketime`).");
    }
    let recorder = Recorder::create(&options.history)?;
    let late = i64::try_from((http::PATIENCE + injector::LONGEST_HANG + STILL_TRYING).as_micros())?;
    recorder.add(Line::Run(Run { seed, late, tenants: tenants() }));
    let stage = Stage::set_up(world, recorder, tenants()).await?;
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut people = tokio::task::JoinSet::new();
    let mut number = 0;
    for (tenant, devices) in DEVICES.into_iter().enumerate() {
        for _ in 0..devices {
            people.spawn(device::Device::new(stage.clone(), tenant, number, seed).live());
            number += 1;
        }
        people.spawn(device::administer(stage.clone(), tenant, seed));
    }
    let logins = tokio::spawn(device::stay_logged_in(stage.clone()));
    let broken_until = end - QUIET;
    tokio::try_join!(
        injector::inject(stage.clone(), &injector::PROCESSES, seed, broken_until),
        injector::inject(stage.clone(), &injector::REDIS, seed, broken_until),
    )?;
    tokio::time::sleep_until(end).await;
    stage.end();
    while people.join_next().await.is_some() {}
    logins.abort();
    stage.recorder.lines()
}
