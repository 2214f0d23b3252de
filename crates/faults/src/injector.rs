//! Breaks things, each kind in turn, in an order and for times that the seed decides.

use crate::history::{Fault, FaultKind, Line, Micros};
use crate::proxy::Mode;
use crate::stage::Stage;
use crate::world::{CLOCK_SERVER, Part, SERVERS};
use anyhow::Result;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rustix::process::Signal;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Longest that Redis is away; what was sent to it may be carried out when it is back.
pub const LONGEST_HANG: Duration = Duration::from_secs(3);
/// Longest that a loss waits for PostgreSQL to know everything.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);
/// How far the clock jumps, in seconds. Forward not farther than a login is good for.
const JUMPS: [i64; 6] = [-86_400, -3_600, -30, 5, 60, 240];

/// Says of a loss of Redis that PostgreSQL knew everything.
const ALL_WRITTEN: &str = "all written";

/// What one injector breaks.
pub const PROCESSES: [FaultKind; 3] = [FaultKind::KillServer, FaultKind::KillWorker, FaultKind::ClockJump];
/// What the other breaks at the same time.
pub const REDIS: [FaultKind; 6] =
    [FaultKind::KillRedis, FaultKind::LoseRedis, FaultKind::SlowRedis, FaultKind::StopRedis, FaultKind::HangRedis, FaultKind::CutRedis];

/// Breaks these things one after the other until `end`, and mends each.
pub async fn inject(stage: Arc<Stage>, kinds: &'static [FaultKind], seed: u64, end: Instant) -> Result<()> {
    let mut injector =
        Injector { from: stage.recorder.now(), stage, rng: StdRng::seed_from_u64(seed.wrapping_mul(17).wrapping_add(kinds.len() as u64)) };
    let mut bag = Vec::new();
    while Instant::now() < end {
        injector.wait(300..2000).await;
        if bag.is_empty() {
            bag = kinds.to_vec();
            bag.shuffle(&mut injector.rng);
        }
        let Some(kind) = bag.pop() else { continue };
        injector.from = injector.stage.recorder.now();
        if let Some(what) = injector.fault(kind).await? {
            let (from, to) = (injector.from, injector.stage.recorder.now());
            injector.stage.recorder.add(Line::Fault(Fault { from, to, kind, all_written: what == ALL_WRITTEN, what }));
        }
    }
    Ok(())
}

struct Injector {
    /// When the present fault began.
    from: Micros,
    stage: Arc<Stage>,
    rng: StdRng,
}

impl Injector {
    async fn wait(&mut self, millis: std::ops::Range<u64>) {
        tokio::time::sleep(Duration::from_millis(self.rng.random_range(millis))).await;
    }

    /// The words say what exactly it was; none if it cannot be done here.
    async fn fault(&mut self, kind: FaultKind) -> Result<Option<String>> {
        let world = self.stage.world.clone();
        let mut what = String::new();
        match kind {
            FaultKind::KillServer | FaultKind::KillWorker => {
                let part = if kind == FaultKind::KillWorker { Part::Worker } else { Part::Server(self.rng.random_range(0..SERVERS)) };
                what = format!("{part:?}");
                world.kill(part)?;
                self.wait(0..1500).await;
                world.bring_up(part).await?;
            }
            FaultKind::ClockJump => {
                if !world.can_fake_time() {
                    return Ok(None);
                }
                let seconds = JUMPS[self.rng.random_range(0..JUMPS.len())];
                what = format!("{seconds:+} s at server {CLOCK_SERVER}");
                world.set_clock(seconds)?;
                self.wait(2500..5000).await;
                world.set_clock(0)?;
            }
            FaultKind::KillRedis => {
                world.kill_redis()?;
                self.wait(0..1500).await;
                let again = world.clone();
                tokio::task::spawn_blocking(move || again.restart_redis()).await??;
            }
            FaultKind::LoseRedis => {
                // Half of them suddenly; the others where nothing excuses that a running device does not come back.
                let gives_up = Instant::now() + if self.rng.random() { WRITTEN_WITHIN } else { Duration::ZERO };
                while what.is_empty() && Instant::now() < gives_up {
                    self.wait(5..20).await;
                    self.from = self.stage.recorder.now();
                    let again = world.clone();
                    if tokio::task::spawn_blocking(move || again.lose_redis_when_all_is_written()).await? {
                        ALL_WRITTEN.clone_into(&mut what);
                    }
                }
                if what.is_empty() {
                    self.from = self.stage.recorder.now();
                    world.lose_redis()?;
                }
            }
            FaultKind::SlowRedis => {
                let delay = Duration::from_millis(self.rng.random_range(100..800));
                what = format!("{delay:?}");
                world.proxy.set(Mode::Slow(delay));
                self.wait(1500..4000).await;
                world.proxy.set(Mode::Pass);
            }
            FaultKind::StopRedis => {
                world.signal_redis(Signal::STOP)?;
                self.hang().await;
                world.signal_redis(Signal::CONT)?;
            }
            FaultKind::HangRedis => {
                world.proxy.set(Mode::Hang);
                self.hang().await;
                world.proxy.set(Mode::Pass);
            }
            FaultKind::CutRedis => {
                for _ in 0..self.rng.random_range(5..20) {
                    world.proxy.cut();
                    self.wait(0..150).await;
                }
            }
        }
        Ok(Some(what))
    }

    async fn hang(&mut self) {
        let longest = u64::try_from(LONGEST_HANG.as_millis()).unwrap_or(u64::MAX);
        self.wait(300..longest).await;
    }
}
