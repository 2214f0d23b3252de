//! `make bench`: acquire, heartbeat, release and a stampede against a release build, beside what the same machine signs and what its
//! Redis does in the same run.
#![allow(clippy::print_stdout, reason = "the table is the product")]

mod http;
mod load;
mod machine;
mod portal;

use anyhow::{Result, ensure};
use clap::Parser;
use http::{Client, Request};
use load::{Load, Outcome};
use portal::Portal;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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
}

fn main() -> Result<()> {
    let options = Options::parse();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(run(options))
}

fn header() {
    println!("{:<34} {:>10} {:>9} {:>9} {:>9} {:>12}  answers", "phase", "rate/s", "p50 ms", "p99 ms", "max ms", "CPU µs/req");
}

fn row(name: &str, o: &Outcome) {
    let ms = |q: f64| o.latency.value_at_quantile(q) as f64 / 1000.0;
    let answers: Vec<String> = o.statuses.iter().map(|(status, n)| format!("{n}×{status}")).collect();
    println!(
        "{name:<34} {:>10.0} {:>9.2} {:>9.2} {:>9.2} {:>12.1}  {}",
        o.rate(),
        ms(0.5),
        ms(0.99),
        o.latency.max() as f64 / 1000.0,
        o.cpu_per_request(),
        answers.join(" ")
    );
}

async fn run(options: Options) -> Result<()> {
    let portal = Portal::start(&options.portal).await?;
    let outcome = measure(&options, &portal).await;
    portal.stop()?;
    outcome
}

async fn measure(options: &Options, portal: &Portal) -> Result<()> {
    let login = portal.founder("Bench").await?;
    let seats = u32::try_from(options.devices * 2)?;
    portal.admin(&["set-seats", "--tenant", "bench", "--seats", &seats.to_string()])?;
    let load = Load { portal, connections: options.connections };
    let per_phase = Duration::from_secs(options.seconds);
    let token = Arc::new(login);

    println!("Machine: {} cores. Server, Redis, PostgreSQL and generator share them.", std::thread::available_parallelism()?);
    println!("One core signs {:.0} Ed25519/s.", machine::ed25519_per_second());
    match portal.redis_script_rate() {
        Ok(rate) => println!("Redis: {rate:.0} script calls/s without pipelining (redis-benchmark, 64 connections)."),
        Err(error) => println!("Redis: not measured ({error:#})."),
    }
    println!();
    header();

    let acquire = |device: usize| Request::post("/api/v1/licenses/acquire", &token, json!({ "hardware_id": format!("device-{device}") }));
    let first = load.each(options.devices, acquire).await?;
    row("acquire, new seat", &first);
    ensure!(first.statuses.keys().eq([&201]), "every acquire must succeed");
    let sessions: Vec<String> =
        first.bodies.iter().filter_map(|b| Some(serde_json::from_slice::<Value>(b).ok()?["session_id"].as_str()?.to_owned())).collect();
    let sessions = Arc::new(sessions);
    ensure!(sessions.len() == options.devices, "every acquire must answer with a session");

    let beat = |i: usize| Request::put("/api/v1/licenses/heartbeat", &token, json!({ "session_id": sessions[i % sessions.len()] }));
    row(&format!("heartbeat, {} connections", options.connections), &load.for_duration(per_phase, beat).await?);
    for rate in [500, 5_000] {
        row(&format!("heartbeat, open loop {rate}/s"), &load.open_loop(rate, per_phase, beat).await?);
    }
    let devices = options.devices;
    let again =
        move |i: usize| Request::post("/api/v1/licenses/acquire", &token, json!({ "hardware_id": format!("device-{}", i % devices) }));
    row("acquire, seat held already", &load.for_duration(per_phase, &again).await?);
    row("acquire, open loop 100/s", &load.open_loop(100, per_phase, &again).await?);

    // New sessions since the renewals: take each device's newest, then give all back.
    let token = Arc::new(portal.login("Bench").await?);
    let renewed = load
        .each(options.devices, |device| {
            Request::post("/api/v1/licenses/acquire", &token, json!({ "hardware_id": format!("device-{device}") }))
        })
        .await?;
    let sessions: Vec<String> =
        renewed.bodies.iter().filter_map(|b| Some(serde_json::from_slice::<Value>(b).ok()?["session_id"].as_str()?.to_owned())).collect();
    let released = load.each(sessions.len(), |i| Request::delete(&format!("/api/v1/licenses/release/{}", sessions[i]), &token)).await?;
    row("release", &released);

    stampede(options, portal, &token).await
}

/// All at once for a tenth of the seats: exactly that many win.
async fn stampede(options: &Options, portal: &Portal, token: &Arc<String>) -> Result<()> {
    let seats = options.stampede / 10;
    portal.admin(&["set-seats", "--tenant", "bench", "--seats", &seats.to_string()])?;
    let load = Load { portal, connections: options.stampede };
    let warm = Client::connect(portal.address()).await?;
    drop(warm);
    let rush = load
        .each(options.stampede, |i| Request::post("/api/v1/licenses/acquire", token, json!({ "hardware_id": format!("rush-{i}") })))
        .await?;
    row(&format!("stampede: {} for {seats} seats", options.stampede), &rush);
    let won = rush.statuses.get(&201).copied().unwrap_or_default();
    ensure!(won == seats, "{won} won instead of {seats}");
    println!("\nThe stampede was answered within {:.0} ms; exactly {won} won.", rush.took.as_secs_f64() * 1000.0);
    Ok(())
}
