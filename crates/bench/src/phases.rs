//! What is measured.

use crate::http::Request;
use crate::load::{Load, Outcome};
use crate::portal::Portal;
use crate::seats::Organization;
use crate::{Options, machine, row};
use anyhow::{Result, ensure};
use serde_json::json;
use std::time::Duration;

/// Requests are made before the clock runs: making them is not the portal's work.
fn all(n: usize, make: impl Fn(usize) -> Request) -> Vec<Request> {
    (0..n).map(make).collect()
}

/// Requests of a pool, again and again.
fn cycle(pool: &[Request]) -> impl Fn(usize) -> Request + '_ {
    |i| pool[i % pool.len()].clone()
}

fn only(outcome: &Outcome, statuses: &[u16]) -> Result<()> {
    ensure!(outcome.statuses.keys().all(|status| statuses.contains(status)), "unexpected answers: {:?}", outcome.statuses);
    Ok(())
}

/// Acquire, heartbeat and release, as fast as they go and at a fixed rate.
pub async fn basics(options: &Options, portal: &Portal) -> Result<()> {
    let load = Load { portal, connections: options.connections };
    let per_phase = Duration::from_secs(options.seconds);
    let mut bench = Organization::found(portal, "Bench", options.devices).await?;
    row("acquire, new seat", &bench.start_all(&load).await?);

    let beats = all(options.devices, |i| bench.beat(i));
    let saturated = load.for_duration(per_phase, cycle(&beats)).await?;
    only(&saturated, &[200])?;
    row(&format!("heartbeat, {} connections", options.connections), &saturated);
    for rate in [500, 5_000] {
        row(&format!("heartbeat, open loop {rate}/s"), &load.open_loop(rate, per_phase, cycle(&beats)).await?);
    }

    let starts = all(options.devices, |i| bench.start(i));
    let saturated = load.for_duration(per_phase, cycle(&starts)).await?;
    only(&saturated, &[200])?;
    row(&format!("acquire, held seat, {} connections", options.connections), &saturated);
    portal.settle().await?;
    row("acquire, open loop 100/s", &load.open_loop(100, per_phase, cycle(&starts)).await?);

    bench.log_in(portal).await?;
    bench.start_all(&load).await?;
    portal.settle().await?;
    let releases = all(options.devices, |i| bench.release(i));
    let released = load.each(releases.len(), cycle(&releases)).await?;
    only(&released, &[204])?;
    row(&format!("release, {} connections", options.connections), &released);
    portal.settle().await
}

/// All at once for a tenth of the seats: exactly that many win.
pub async fn stampede(options: &Options, portal: &Portal) -> Result<()> {
    let seats = options.stampede / 10;
    let rush = Organization::found(portal, "Rush", seats).await?;
    let load = Load { portal, connections: options.stampede };
    let starts = all(options.stampede, |i| rush.start_of(&format!("rush-{i}")));
    let outcome = load.each(options.stampede, cycle(&starts)).await?;
    row(&format!("stampede: {} for {seats} seats", options.stampede), &outcome);
    let won = outcome.statuses.get(&201).copied().unwrap_or_default();
    ensure!(won == seats, "{won} won instead of {seats}");
    println!("  all answered within {:.0} ms; exactly {won} won", outcome.took.as_secs_f64() * 1000.0);
    portal.settle().await
}

/// As many connections as the plan speaks of, each checking at once: first a start, then a heartbeat.
pub async fn crowd(options: &Options, portal: &Portal) -> Result<()> {
    let mut crowd = Organization::found(portal, "Crowd", options.crowd).await?;
    let load = Load { portal, connections: options.crowd };
    row(&format!("{} connections, one start each", options.crowd), &crowd.start_all(&load).await?);
    portal.settle().await?;
    let beats = all(options.crowd, |i| crowd.beat(i));
    let outcome = load.each(options.crowd, cycle(&beats)).await?;
    only(&outcome, &[200])?;
    row(&format!("{} connections, one heartbeat each", options.crowd), &outcome);
    Ok(())
}

/// Heartbeats while passwords are tried from everywhere.
pub async fn flood(options: &Options, portal: &Portal) -> Result<()> {
    const RATE: u32 = 500;
    let per_phase = Duration::from_secs(options.seconds);
    let steady = Load { portal, connections: options.connections };
    let mut calm = Organization::found(portal, "Calm", 500).await?;
    calm.start_all(&steady).await?;
    portal.settle().await?;
    let beats = all(500, |i| calm.beat(i));
    // The portal leaves one to everything else.
    let cores = machine::cores().saturating_sub(1).max(1);
    let argon2 = machine::argon2_per_second(cores)?;
    let before = steady.open_loop(RATE, per_phase, cycle(&beats)).await?;
    row(&format!("heartbeat, open loop {RATE}/s, calm"), &before);
    let attempt = |i: usize| {
        let body = json!({ "email": format!("nobody-{i}@flood.example"), "password": "not the password of anybody" });
        let [_, a, b, c] = u32::try_from(i).unwrap_or_default().to_be_bytes();
        Request::post_from(&format!("100.{a}.{b}.{c}"), "/api/v1/auth/login", &body)
    };
    let attackers = Load { portal, connections: 32 };
    let (during, logins) = tokio::join!(steady.open_loop(RATE, per_phase, cycle(&beats)), attackers.for_duration(per_phase, attempt));
    let (during, logins) = (during?, logins?);
    only(&logins, &[401])?;
    row(&format!("heartbeat, open loop {RATE}/s, flood"), &during);
    row("logins of the flood, 32 connections", &logins);
    println!(
        "  heartbeats' p99 is {:.2} times what it was; logins at {:.0} % of argon2's own {argon2:.0}/s on the {cores} core(s) that they may use",
        during.millis(0.99) / before.millis(0.99),
        logins.rate() / argon2 * 100.0
    );
    Ok(())
}

/// One organisation with very many live sessions, beside one with few.
pub async fn large(options: &Options, portal: &Portal) -> Result<()> {
    let per_phase = Duration::from_secs(options.seconds);
    let load = Load { portal, connections: options.connections };
    let mut small = Organization::found(portal, "Small", 10).await?;
    small.start_all(&load).await?;
    let mut large = Organization::found(portal, "Large", options.sessions).await?;
    portal.settle().await?;
    let (empty, _) = portal.redis_use()?;
    row(&format!("acquire, {} new seats of one tenant", options.sessions), &large.start_all(&load).await?);
    portal.settle().await?;
    let (full, _) = portal.redis_use()?;
    println!("  {} bytes of Redis for a live session", (full - empty) / options.sessions as u64);

    large.log_in(portal).await?;
    let rate = u32::try_from(options.sessions / 300)?.max(1);
    let beats = all(options.sessions, |i| large.beat(i.wrapping_mul(7_919)));
    let outcome = load.open_loop(rate, per_phase, cycle(&beats)).await?;
    only(&outcome, &[200])?;
    row(&format!("heartbeats of {} sessions, {rate}/s", options.sessions), &outcome);

    // In turn, so that neither has the warmer machine.
    let (starts_small, starts_large) = (all(10, |i| small.start(i)), all(options.sessions, |i| large.start(i.wrapping_mul(7_919))));
    let mut cost = [0.0; 2];
    for _ in 0..2 {
        for (total, starts, whose) in [(0, &starts_small, "10"), (1, &starts_large, "many")] {
            let outcome = load.for_duration(per_phase / 2, cycle(starts)).await?;
            only(&outcome, &[200])?;
            row(&format!("acquire, tenant with {whose} live sessions"), &outcome);
            cost[total] += outcome.cpu_per_request();
            portal.settle().await?;
        }
    }
    println!("  an acquire of the large tenant costs {:+.0} %", (cost[1] / cost[0] - 1.0) * 100.0);
    Ok(())
}

/// Acquires with RSA-4096 against what the machine signs when it does nothing else.
pub async fn rsa(options: &Options, portal: &Portal) -> Result<()> {
    let before = machine::rsa_per_second()?;
    let load = Load { portal, connections: options.connections };
    let mut bench = Organization::found(portal, "Bench", 1_000).await?;
    bench.start_all(&load).await?;
    portal.settle().await?;
    let starts = all(1_000, |i| bench.start(i));
    let outcome = load.for_duration(Duration::from_secs(options.seconds), cycle(&starts)).await?;
    only(&outcome, &[200])?;
    row("acquire with RSA-4096", &outcome);
    // Some machines are a sixth slower some seconds later.
    let signs = (before + machine::rsa_per_second()?) / 2.0;
    println!("  {:.0} % of the {signs:.0} RSA-4096 signatures/s of this machine's cores, before and after", outcome.rate() / signs * 100.0);
    Ok(())
}
