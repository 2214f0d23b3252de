//! Ways to put load on the portal, and what came of it.

use crate::http::{Client, Request};
use crate::machine;
use crate::portal::Portal;
use anyhow::{Context, Result};
use bytes::Bytes;
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// Who sends, and how many at once.
pub struct Load<'a> {
    pub portal: &'a Portal,
    pub connections: usize,
}

/// What came of it. Latencies in µs.
pub struct Outcome {
    pub latency: Histogram<u64>,
    pub statuses: BTreeMap<u16, usize>,
    pub bodies: Vec<Bytes>,
    pub took: Duration,
    cpu: Duration,
}

impl Outcome {
    fn count(&self) -> usize {
        self.statuses.values().sum()
    }

    pub fn rate(&self) -> f64 {
        self.count() as f64 / self.took.as_secs_f64()
    }

    /// A quantile of the latency, in milliseconds.
    pub fn millis(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// Of several runs of the same phase, without the bodies.
    pub fn sum(runs: Vec<Self>) -> Result<Self> {
        let mut runs = runs.into_iter();
        let mut sum = runs.next().context("no run")?;
        sum.bodies.clear();
        for run in runs {
            sum.latency.add(run.latency)?;
            for (status, n) in run.statuses {
                *sum.statuses.entry(status).or_default() += n;
            }
            sum.took += run.took;
            sum.cpu += run.cpu;
        }
        Ok(sum)
    }

    /// CPU time of server, Redis and PostgreSQL for one request, in µs.
    pub fn cpu_per_request(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.count().max(1) as f64
    }
}

/// What all connections note together. They run in one task, so nobody waits for it.
struct Notes {
    latency: Histogram<u64>,
    statuses: BTreeMap<u16, usize>,
    bodies: Vec<(usize, Bytes)>,
}

impl Notes {
    fn new() -> Result<RefCell<Self>> {
        let latency = Histogram::new_with_bounds(1, 60_000_000, 3)?;
        Ok(RefCell::new(Self { latency, statuses: BTreeMap::new(), bodies: Vec::new() }))
    }

    fn outcome(mut self, spent: Spent) -> Outcome {
        self.bodies.sort_by_key(|(i, _)| *i);
        let bodies = self.bodies.into_iter().map(|(_, body)| body).collect();
        Outcome { latency: self.latency, statuses: self.statuses, bodies, took: spent.took, cpu: spent.cpu }
    }

    fn note(&mut self, begun: Instant, status: u16) -> Result<()> {
        self.latency.record(u64::try_from(begun.elapsed().as_micros())?.max(1))?;
        *self.statuses.entry(status).or_default() += 1;
        Ok(())
    }
}

/// Time on the clock, and CPU time of server, Redis and PostgreSQL.
struct Spent {
    took: Duration,
    cpu: Duration,
}

impl Load<'_> {
    async fn clients(&self, n: usize) -> Result<Vec<Client>> {
        let mut clients = Vec::with_capacity(n);
        for _ in 0..n {
            clients.push(Client::connect(self.portal.address()).await?);
        }
        Ok(clients)
    }

    /// Runs one future per connection, until the last has ended.
    async fn gather(&self, clients: Vec<Client>, lane: impl AsyncFn(Client) -> Result<()>) -> Result<Spent> {
        let pids = self.portal.processes();
        let cpu = machine::cpu_time(&pids);
        let begun = Instant::now();
        try_join_all(clients.into_iter().map(|client| lane(client))).await?;
        let took = begun.elapsed();
        Ok(Spent { took, cpu: machine::cpu_time(&pids).saturating_sub(cpu) })
    }

    /// Each of `0..n` once, as fast as the connections go; keeps the answers in order.
    pub async fn each(&self, n: usize, make: impl Fn(usize) -> Request) -> Result<Outcome> {
        let clients = self.clients(self.connections.min(n)).await?;
        let (notes, next) = (Notes::new()?, AtomicUsize::new(0));
        let lane = async |mut client: Client| loop {
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= n {
                return Ok(());
            }
            let begun = Instant::now();
            let (status, body) = client.send(&make(i)).await?;
            let mut notes = notes.borrow_mut();
            notes.note(begun, status)?;
            notes.bodies.push((i, body));
        };
        let spent = self.gather(clients, lane).await?;
        Ok(notes.into_inner().outcome(spent))
    }

    /// Every connection sends without pause for so long.
    pub async fn for_duration(&self, duration: Duration, make: impl Fn(usize) -> Request) -> Result<Outcome> {
        let clients = self.clients(self.connections).await?;
        let (notes, next) = (Notes::new()?, AtomicUsize::new(0));
        let end = Instant::now() + duration;
        let lane = async |mut client: Client| {
            while Instant::now() < end {
                let begun = Instant::now();
                let (status, _) = client.send(&make(next.fetch_add(1, Ordering::Relaxed))).await?;
                notes.borrow_mut().note(begun, status)?;
            }
            Ok(())
        };
        let spent = self.gather(clients, lane).await?;
        Ok(notes.into_inner().outcome(spent))
    }

    /// Sends at a fixed rate whatever the answers do; latency counts from when a request was due, so waiting in line is seen.
    pub async fn open_loop(&self, per_second: u32, duration: Duration, make: impl Fn(usize) -> Request) -> Result<Outcome> {
        let clients = self.clients(self.connections).await?;
        let begun = Instant::now();
        let due = move |i: usize| begun + Duration::from_secs_f64(i as f64 / f64::from(per_second));
        let last = (duration.as_secs_f64() * f64::from(per_second)) as usize;
        let tickets = metronome((0..last).map(due), clients.len());
        let (notes, next) = (Notes::new()?, AtomicUsize::new(0));
        let lane = async |mut client: Client| loop {
            tickets.acquire().await?.forget();
            let i = next.fetch_add(1, Ordering::Relaxed);
            if i >= last {
                return Ok(());
            }
            let (status, _) = client.send(&make(i)).await?;
            notes.borrow_mut().note(due(i), status)?;
        };
        let spent = self.gather(clients, lane).await?;
        Ok(notes.into_inner().outcome(spent))
    }
}

/// One ticket at each of these times, then one for each lane to go home. On a thread of its own, since the runtime's timer knows whole
/// milliseconds only, which would be most of what is measured.
fn metronome(times: impl Iterator<Item = Instant> + Send + 'static, lanes: usize) -> Arc<Semaphore> {
    let tickets = Arc::new(Semaphore::new(0));
    let given = tickets.clone();
    std::thread::spawn(move || {
        for due in times {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            given.add_permits(1);
        }
        given.add_permits(lanes);
    });
    tickets
}
