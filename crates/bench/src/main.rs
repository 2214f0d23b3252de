//! `make bench`: the licence API of a release build under load, beside what the same machine signs and hashes and what its Redis does in the
//! same run.
#![allow(clippy::print_stdout, reason = "the table is the product")]

mod empty;
mod http;
mod load;
mod machine;
mod phases;
mod portal;
mod report;
mod seats;

use anyhow::Result;
use clap::Parser;
use portal::Portal;
use report::Report;
use std::path::PathBuf;

/// Measures the licence API.
#[derive(Debug, Parser)]
struct Options {
    /// The portal to measure
    #[arg(long)]
    portal: PathBuf,
    /// Connections that send without pause
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Devices that hold a seat
    #[arg(long, default_value_t = 10_000)]
    devices: usize,
    /// Seconds of each phase
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Starts at once for the stampede, for a tenth as many seats
    #[arg(long, default_value_t = 1_000)]
    stampede: usize,
    /// Connections that all check at once
    #[arg(long, default_value_t = 10_000)]
    crowd: usize,
    /// Live sessions of the large organization
    #[arg(long, default_value_t = 100_000)]
    sessions: usize,
    /// Leave out what takes longest: the crowd, the flood of logins, the large organization, RSA
    #[arg(long)]
    short: bool,
    /// Only this
    #[arg(long, value_enum)]
    only: Option<Phase>,
}

/// What can be measured by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Phase {
    Basics,
    Stampede,
    Crowd,
    Flood,
    Large,
    Rsa,
}

impl Options {
    fn wants(&self, phase: Phase) -> bool {
        match self.only {
            Some(only) => only == phase,
            None => !self.short || matches!(phase, Phase::Basics | Phase::Stampede),
        }
    }
}

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some(empty::FLAG) {
        return tokio::runtime::Runtime::new()?.block_on(empty::serve());
    }
    let options = Options::parse();
    machine::raise_open_files();
    // One thread: the generator must not take more of the machine than it has to.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(options))
}

async fn run(options: Options) -> Result<()> {
    println!("Machine: {} cores. Server, Redis, PostgreSQL and generator share them.", machine::cores());
    let signs = machine::ed25519_per_second(machine::SECOND)?;
    println!("One core signs {signs:.0} Ed25519/s.");
    println!("An empty HTTP answer costs {:.1} µs of CPU.", empty::cpu_per_answer(options.connections).await?);
    let portal = Portal::start(&options.portal, "local-ed25519").await?;
    match portal.redis_script_rate() {
        Ok(rate) => println!("Redis: {rate:.0} script calls/s without pipelining (redis-benchmark, 64 connections)."),
        Err(error) => println!("Redis: not measured ({error:#})."),
    }
    let mut report = Report::begin(signs);
    let outcome = ed25519(&options, &portal, &mut report).await;
    portal.stop()?;
    outcome?;
    if options.wants(Phase::Rsa) {
        let portal = Portal::start(&options.portal, "local-rsa").await?;
        let outcome = phases::rsa(&options, &portal, &mut report).await;
        portal.stop()?;
        outcome?;
    }
    report.end();
    Ok(())
}

async fn ed25519(options: &Options, portal: &Portal, report: &mut Report) -> Result<()> {
    if options.wants(Phase::Basics) {
        phases::basics(options, portal, report).await?;
    }
    if options.wants(Phase::Stampede) {
        phases::stampede(options, portal, report).await?;
    }
    if options.wants(Phase::Crowd) {
        phases::crowd(options, portal, report).await?;
    }
    if options.wants(Phase::Flood) {
        phases::flood(options, portal, report).await?;
    }
    if options.wants(Phase::Large) {
        phases::large(options, portal, report).await?;
    }
    Ok(())
}
