//! What is measured.

use crate::http::Request;
use crate::load::{Load, Outcome};
use crate::portal::Portal;
use crate::report::Report;
use crate::seats::Organization;
use crate::{Options, machine};
use anyhow::{Result, ensure};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};
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
pub async fn basics(options: &Options, portal: &Portal, report: &mut Report) -> Result<()> {
    let load = Load { portal, connections: options.connections };
    let per_phase = Duration::from_secs(options.seconds);
    let mut bench = Organization::found(portal, "Bench", options.devices).await?;
    report.row("acquire, new seat", &bench.start_all(&load).await?);

    let beats = all(options.devices, |i| bench.beat(i));
    let saturated = load.for_duration(per_phase, cycle(&beats)).await?;
    only(&saturated, &[200])?;
    report.row(&format!("heartbeat, {} connections", options.connections), &saturated);
    report.work("heartbeat", &saturated, 30_000.0, 45.0);
    for (rate, p99) in [(500, 1.5), (5_000, 5.0)] {
        let outcome = load.open_loop(rate, per_phase, cycle(&beats)).await?;
        report.row(&format!("heartbeat, open loop {rate}/s"), &outcome);
        report.time(&format!("heartbeat, {rate}/s: p99 ms"), outcome.millis(0.99), p99);
    }

    let starts = all(options.devices, |i| bench.start(i));
    let saturated = load.for_duration(per_phase, cycle(&starts)).await?;
    only(&saturated, &[200])?;
    report.row(&format!("acquire, held seat, {} connections", options.connections), &saturated);
    report.work("acquire", &saturated, 18_000.0, 80.0);
    portal.settle().await?;
    let outcome = load.open_loop(100, per_phase, cycle(&starts)).await?;
    report.row("acquire, open loop 100/s", &outcome);
    report.time("acquire, 100/s: p99 ms", outcome.millis(0.99), 2.0);

    bench.log_in(portal).await?;
    let released = release_all(&mut bench, &load).await?;
    report.row(&format!("release, {} connections", options.connections), &released);
    report.work("release", &released, 30_000.0, 45.0);
    Ok(())
}

/// Releases of all devices' seats, several times, since once takes less than a second.
async fn release_all(bench: &mut Organization, load: &Load<'_>) -> Result<Outcome> {
    const ROUNDS: usize = 5;
    let mut runs = Vec::new();
    for _ in 0..ROUNDS {
        bench.start_all(load).await?;
        load.portal.settle().await?;
        let releases = all(bench.devices, |i| bench.release(i));
        let released = load.each(releases.len(), cycle(&releases)).await?;
        only(&released, &[204])?;
        load.portal.settle().await?;
        runs.push(released);
    }
    Outcome::sum(runs)
}

/// All at once for a tenth of the seats: exactly that many win.
pub async fn stampede(options: &Options, portal: &Portal, report: &mut Report) -> Result<()> {
    let seats = options.stampede / 10;
    let rush = Organization::found(portal, "Rush", seats).await?;
    let load = Load { portal, connections: options.stampede };
    let starts = all(options.stampede, |i| rush.start_of(&format!("rush-{i}")));
    let outcome = load.each(options.stampede, cycle(&starts)).await?;
    report.row(&format!("stampede: {} for {seats} seats", options.stampede), &outcome);
    let won = outcome.statuses.get(&201).copied().unwrap_or_default();
    ensure!(won == seats, "{won} won instead of {seats}");
    println!("  exactly {won} won");
    report.time("stampede: all answered within ms", outcome.took.as_secs_f64() * 1000.0, 80.0);
    portal.settle().await
}

/// As many connections as the plan speaks of, each checking at once: first a start, then a heartbeat.
pub async fn crowd(options: &Options, portal: &Portal, report: &mut Report) -> Result<()> {
    let mut crowd = Organization::found(portal, "Crowd", options.crowd).await?;
    let load = Load { portal, connections: options.crowd };
    let outcome = crowd.start_all(&load).await?;
    report.row(&format!("{} connections, one start each", options.crowd), &outcome);
    report.time("all connections start at once: p99 ms", outcome.millis(0.99), 1_000.0);
    portal.settle().await?;
    let beats = all(options.crowd, |i| crowd.beat(i));
    let outcome = load.each(options.crowd, cycle(&beats)).await?;
    only(&outcome, &[200])?;
    report.row(&format!("{} connections, one heartbeat each", options.crowd), &outcome);
    report.time("all connections beat at once: p99 ms", outcome.millis(0.99), 1_000.0);
    Ok(())
}

/// Heartbeats while passwords are tried from everywhere.
pub async fn flood(options: &Options, portal: &Portal, report: &mut Report) -> Result<()> {
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
    let tried = AtomicU32::new(0);
    let attempt = |_| {
        let i = tried.fetch_add(1, Ordering::Relaxed);
        let body = json!({ "email": format!("nobody-{i}@flood.example"), "password": "not the password of anybody" });
        let [_, a, b, c] = i.to_be_bytes();
        Request::post_from(&format!("100.{a}.{b}.{c}"), "/api/v1/auth/login", &body)
    };
    let attackers = Load { portal, connections: 32 };
    // In turn, since one in a hundred is soon late on a machine that others use as well.
    let (mut before, mut during, mut logins) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..4 {
        before.push(steady.open_loop(RATE, per_phase / 2, cycle(&beats)).await?);
        let (beating, logging_in) =
            tokio::join!(steady.open_loop(RATE, per_phase / 2, cycle(&beats)), attackers.for_duration(per_phase / 2, &attempt));
        during.push(beating?);
        logins.push(logging_in?);
    }
    let (before, during, logins) = (Outcome::sum(before)?, Outcome::sum(during)?, Outcome::sum(logins)?);
    only(&logins, &[401])?;
    report.row(&format!("heartbeat, open loop {RATE}/s, calm"), &before);
    report.row(&format!("heartbeat, open loop {RATE}/s, flood"), &during);
    report.row("logins of the flood, 32 connections", &logins);
    report.ratio_at_most("flood of logins: heartbeats' p99, times before", during.millis(0.99) / before.millis(0.99), 2.0);
    let part = logins.rate() / argon2 * 100.0;
    report.ratio_at_least(&format!("flood of logins: % of argon2's {argon2:.0}/s on {cores} core(s)"), part, 90.0);
    Ok(())
}

/// One organisation with very many live sessions, beside one with few.
pub async fn large(options: &Options, portal: &Portal, report: &mut Report) -> Result<()> {
    let per_phase = Duration::from_secs(options.seconds);
    let load = Load { portal, connections: options.connections };
    let mut small = Organization::found(portal, "Small", 10).await?;
    small.start_all(&load).await?;
    let mut large = Organization::found(portal, "Large", options.sessions).await?;
    portal.settle().await?;
    let (empty, _) = portal.redis_use()?;
    report.row(&format!("acquire, {} new seats of one tenant", options.sessions), &large.start_all(&load).await?);
    portal.settle().await?;
    let (full, _) = portal.redis_use()?;
    println!("  {} bytes of Redis for a live session", (full - empty) / options.sessions as u64);

    large.log_in(portal).await?;
    let rate = u32::try_from(options.sessions / 300)?.max(1);
    let beats = all(options.sessions, |i| large.beat(i.wrapping_mul(7_919)));
    let outcome = load.open_loop(rate, per_phase, cycle(&beats)).await?;
    only(&outcome, &[200])?;
    report.row(&format!("heartbeats of {} sessions, {rate}/s", options.sessions), &outcome);
    report.time("heartbeats of very many sessions: p99 ms", outcome.millis(0.99), 50.0);

    // In turn, so that neither has the warmer machine.
    let (starts_small, starts_large) = (all(10, |i| small.start(i)), all(options.sessions, |i| large.start(i.wrapping_mul(7_919))));
    let mut cost = [0.0; 2];
    for _ in 0..4 {
        for (total, starts, whose) in [(0, &starts_small, "10"), (1, &starts_large, "many")] {
            let outcome = load.for_duration(per_phase / 4, cycle(starts)).await?;
            only(&outcome, &[200])?;
            report.row(&format!("acquire, tenant with {whose} live sessions"), &outcome);
            cost[total] += outcome.cpu_per_request();
            portal.settle().await?;
        }
    }
    report.ratio_at_most("acquire of the large tenant: % more CPU", (cost[1] / cost[0] - 1.0) * 100.0, 20.0);
    Ok(())
}

/// Acquires with RSA-4096 against what the machine signs when it does nothing else.
pub async fn rsa(options: &Options, portal: &Portal, report: &mut Report) -> Result<()> {
    const ROUNDS: u32 = 4;
    let load = Load { portal, connections: options.connections };
    let mut bench = Organization::found(portal, "Bench", 1_000).await?;
    bench.start_all(&load).await?;
    portal.settle().await?;
    let starts = all(1_000, |i| bench.start(i));
    // In turn, since some machines are a sixth slower some seconds later.
    let mut signs = machine::rsa_per_second()?;
    let mut runs = Vec::new();
    for _ in 0..ROUNDS {
        let outcome = load.for_duration(Duration::from_secs(options.seconds) / ROUNDS, cycle(&starts)).await?;
        only(&outcome, &[200])?;
        signs += machine::rsa_per_second()?;
        runs.push(outcome);
    }
    let outcome = Outcome::sum(runs)?;
    report.row("acquire with RSA-4096", &outcome);
    signs /= f64::from(ROUNDS + 1);
    let part = outcome.rate() / signs * 100.0;
    report.ratio_at_least(&format!("acquire with RSA-4096: % of this machine's {signs:.0}/s"), part, 90.0);
    Ok(())
}
