//! Who uses the portal: devices that start, run, crash and stop, and administrators who interfere.

use crate::history::{Answer, Kind};
use crate::stage::{Caller, Held, Stage};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::time::Duration;

/// Ended sessions that a device tries again now and then.
const DEAD: usize = 4;

async fn pause(rng: &mut StdRng, millis: std::ops::Range<u64>) {
    tokio::time::sleep(Duration::from_millis(rng.random_range(millis))).await;
}

/// A simulated device.
pub struct Device {
    stage: Arc<Stage>,
    tenant: usize,
    number: usize,
    rng: StdRng,
    /// Revoked sessions.
    dead: Vec<Held>,
}

impl Device {
    /// One that has not begun to live yet.
    pub fn new(stage: Arc<Stage>, tenant: usize, number: usize, seed: u64) -> Self {
        Self { stage, tenant, number, rng: StdRng::seed_from_u64(seed.wrapping_add(number as u64)), dead: Vec::new() }
    }

    /// Through any of the servers, as a load balancer would.
    fn caller(&mut self) -> Caller {
        Caller { tenant: self.tenant, device: Some(self.number), server: self.rng.random_range(0..2) }
    }

    /// Lives until the run is over.
    pub async fn live(mut self) {
        while !self.stage.is_over() {
            let caller = self.caller();
            match self.stage.acquire(caller).await {
                (_, Some(held)) => self.run(held).await,
                (answer, None) if answer.status == Some(429) => pause(&mut self.rng, 200..1200).await,
                _ => pause(&mut self.rng, 50..400).await,
            }
            self.disturb().await;
        }
    }

    /// From the start of the application to its end, whatever that is.
    async fn run(&mut self, mut held: Held) {
        let lease = u64::try_from(self.stage.tenants[self.tenant].lease / 1000).unwrap_or_default();
        while !self.stage.is_over() {
            // Now and then it calls when its lease is about to run out, or just has.
            let asleep = self.rng.random_bool(0.04);
            pause(&mut self.rng, if asleep { lease * 9 / 10..lease * 5 / 4 } else { 50..lease / 4 }).await;
            let caller = self.caller();
            match self.rng.random_range(0..100) {
                // Stops in order; the second time may be the lost answer's repetition.
                0..6 => {
                    self.stage.delete(caller, Kind::Release, &held.session).await;
                    if self.rng.random() {
                        let caller = self.caller();
                        self.stage.delete(caller, Kind::Release, &held.session).await;
                    }
                    return pause(&mut self.rng, 100..lease).await;
                }
                // Crashes.
                6..10 => return pause(&mut self.rng, 100..lease).await,
                // Crashes and is started again at once.
                10..16 => match self.stage.acquire(caller).await.1 {
                    Some(new) => {
                        let caller = self.caller();
                        self.stage.heartbeat(caller, Kind::Heartbeat, &held, false).await;
                        held = new;
                    }
                    None => return,
                },
                16..20 => self.disturb().await,
                _ => {
                    let answer = self.stage.heartbeat(caller, Kind::Heartbeat, &held, true).await;
                    if self.has_ended(&answer, &held) {
                        return pause(&mut self.rng, 20..600).await;
                    }
                }
            }
        }
    }

    fn has_ended(&mut self, answer: &Answer, held: &Held) -> bool {
        if answer.code == "session_revoked" {
            self.dead.insert(0, held.clone());
            self.dead.truncate(DEAD);
        }
        matches!(answer.status, Some(404 | 410 | 429))
    }

    /// Tries what must not work: a session that was revoked, and one of somebody else.
    async fn disturb(&mut self) {
        let caller = self.caller();
        if self.rng.random_bool(0.3)
            && let Some(dead) = self.dead.get(self.rng.random_range(0..DEAD)).cloned()
        {
            self.stage.heartbeat(caller, Kind::Heartbeat, &dead, true).await;
        }
        let others = self.stage.tenants.len();
        let other = (self.tenant + self.rng.random_range(1..others)) % others;
        let Some(foreign) = self.stage.some_session(other, self.rng.random_range(0..8)) else { return };
        match self.rng.random_range(0..3) {
            0 => drop(self.stage.heartbeat(caller, Kind::ForeignHeartbeat, &foreign, true).await),
            1 => drop(self.stage.delete(caller, Kind::ForeignRelease, &foreign.session).await),
            _ => drop(self.stage.delete(caller, Kind::ForeignRevoke, &foreign.session).await),
        }
    }
}

/// Ends sessions of the tenant, and now and then changes its seats.
pub async fn administer(stage: Arc<Stage>, tenant: usize, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed.wrapping_mul(31).wrapping_add(tenant as u64));
    let usual = stage.tenants[tenant].seats;
    let (mut last, mut before_last) = (usual, usual);
    while !stage.is_over() {
        for _ in 0..5 {
            pause(&mut rng, 200..1500).await;
            if let Some(held) = stage.some_session(tenant, rng.random_range(0..10)) {
                let caller = Caller { tenant, device: None, server: rng.random_range(0..2) };
                stage.delete(caller, Kind::Revoke, &held.session).await;
            }
        }
        // Another number than the last two, so that answers tell which of them is in force.
        let seats = loop {
            let seats = rng.random_range(usual / 2..=usual + usual / 2);
            if ![last, before_last].contains(&seats) {
                break seats;
            }
        };
        (before_last, last) = (last, seats);
        stage.set_seats(tenant, seats).await;
    }
}

/// Renews the tenants' logins long before they end, also by a clock that is wrong.
pub async fn stay_logged_in(stage: Arc<Stage>) {
    loop {
        tokio::time::sleep(Duration::from_secs(200)).await;
        for tenant in 0..stage.tenants.len() {
            while stage.log_in(tenant).await.is_err() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
    }
}
