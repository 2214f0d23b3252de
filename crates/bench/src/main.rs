//! `make bench`: the licence API of a release build under load, beside what the same machine signs and hashes and what its Redis does in the
//! same run.
#![allow(clippy::print_stdout, reason = "the table is the product")]

mod http;
mod load;
mod machine;
mod phases;
mod portal;
mod seats;

use anyhow::Result;
use clap::Parser;
use load::Outcome;
use portal::Portal;
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
    #[arg(long, default_value_t = 5_000)]
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
}

fn main() -> Result<()> {
    let options = Options::parse();
    machine::raise_open_files();
    // One thread: the generator must not take more of the machine than it has to.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(options))
}

async fn run(options: Options) -> Result<()> {
    println!("Machine: {} cores. Server, Redis, PostgreSQL and generator share them.", machine::cores());
    println!("One core signs {:.0} Ed25519/s.", machine::ed25519_per_second()?);
    let portal = Portal::start(&options.portal, "local-ed25519").await?;
    match portal.redis_script_rate() {
        Ok(rate) => println!("Redis: {rate:.0} script calls/s without pipelining (redis-benchmark, 64 connections)."),
        Err(error) => println!("Redis: not measured ({error:#})."),
    }
    header();
    let outcome = ed25519(&options, &portal).await;
    portal.stop()?;
    outcome?;
    if !options.short {
        let portal = Portal::start(&options.portal, "local-rsa").await?;
        let outcome = phases::rsa(&options, &portal).await;
        portal.stop()?;
        outcome?;
    }
    Ok(())
}

async fn ed25519(options: &Options, portal: &Portal) -> Result<()> {
    phases::basics(options, portal).await?;
    phases::stampede(options, portal).await?;
    if options.short {
        return Ok(());
    }
    phases::crowd(options, portal).await?;
    phases::flood(options, portal).await?;
    phases::large(options, portal).await
}

fn header() {
    println!("\n{:<38} {:>10} {:>9} {:>9} {:>9} {:>12}  answers", "phase", "rate/s", "p50 ms", "p99 ms", "max ms", "CPU µs/req");
}

fn row(name: &str, o: &Outcome) {
    let answers: Vec<String> = o.statuses.iter().map(|(status, n)| format!("{n}×{status}")).collect();
    println!(
        "{name:<38} {:>10.0} {:>9.2} {:>9.2} {:>9.2} {:>12.1}  {}",
        o.rate(),
        o.millis(0.5),
        o.millis(0.99),
        o.millis(1.0),
        o.cpu_per_request(),
        answers.join(" ")
    );
}
