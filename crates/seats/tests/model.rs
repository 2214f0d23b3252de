//! Random calls, compared with a model of the rules that has no Redis, no Lua and no clock of its own.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::history::holds;
use common::*;
use domain::ports::seats::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use types::SessionId;
use types::licenses::LicenseStatus::{self, *};

/// Time passes in steps of a minute; the test itself takes far less, so what is live at a step is certain.
const STEP: i64 = 60_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Ran out, or was closed by the licence's state: a token may bring it back.
    Lapsed,
    Released,
    Superseded,
    Revoked,
}

#[derive(Clone, Debug)]
struct Session {
    request: Acquire,
    token: Reacquire,
    /// `Some` once it has ended.
    end: Option<End>,
    expires: i64,
}

#[derive(Default)]
struct Model {
    now: i64,
    limit: usize,
    sessions: HashMap<SessionId, Session>,
    /// Last session and fence of each device.
    last: HashMap<String, (SessionId, i64)>,
}

impl Model {
    fn lapse(&mut self) {
        for session in self.sessions.values_mut() {
            if session.end.is_none() && session.expires <= self.now {
                session.end = Some(End::Lapsed);
            }
        }
    }

    fn live(&self) -> usize {
        self.sessions.values().filter(|s| s.end.is_none()).count()
    }

    fn end(&mut self, session: SessionId, end: End) {
        self.sessions.get_mut(&session).unwrap().end = Some(end);
    }

    fn open(&mut self, request: &Acquire, grant: &Grant) {
        let expires = self.now + LEASE;
        let token = reacquire(request, grant);
        self.last.insert(request.hardware_id.clone(), (grant.session, grant.fence));
        self.sessions.insert(grant.session, Session { request: request.clone(), token, end: None, expires });
    }
}

fn barred(status: LicenseStatus, running: bool) -> Option<Refusal> {
    match status {
        Suspended => Some(Refusal::LicenseSuspended),
        Restricted if !running => Some(Refusal::LicenseSuspended),
        Expired => Some(Refusal::LicenseExpired),
        _ => None,
    }
}

#[tokio::test]
async fn redis_does_what_the_rules_say() {
    for _ in 0..6 {
        let seed = rand::random();
        eprintln!("seed {seed}");
        run(seed).await;
    }
}

async fn run(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let world = World::new().await;
    let mut tenant = world.tenant(random.random_range(0..64), 3, 1).await;
    let mut model = Model { limit: 3, ..Model::default() };
    let mut largest = 3;
    let mut events = Vec::new();
    for step in 0..400 {
        let status = tenant.license().status;
        let known = |model: &Model, random: &mut StdRng| {
            let mut ids: Vec<_> = model.sessions.keys().copied().collect();
            ids.sort();
            (!ids.is_empty()).then(|| model.sessions[&ids[random.random_range(0..ids.len())]].clone())
        };
        match random.random_range(0..12) {
            0..=2 => {
                let request = tenant.acquire(0, &format!("device {}", random.random_range(0..7)));
                let held = model.last.get(&request.hardware_id).copied();
                let live = held.filter(|(session, _)| model.sessions[session].end.is_none());
                let answer = world.acquire(&request).await;
                if let Some(refusal) = barred(status, false) {
                    assert_eq!(answer, AcquireAnswer::Refused(refusal), "step {step}");
                } else if live.is_none() && model.live() >= model.limit {
                    assert_eq!(
                        exhausted(match answer {
                            AcquireAnswer::Refused(r) => r,
                            other => panic!("step {step}: {other:?}"),
                        })
                        .active as usize,
                        model.live()
                    );
                } else {
                    let AcquireAnswer::Granted(grant) = answer else { panic!("step {step}: {answer:?}") };
                    assert_eq!(grant.new_seat, live.is_none(), "step {step}");
                    if let Some((_, fence)) = held {
                        assert_eq!(grant.fence, fence + 1);
                    }
                    if let Some((session, _)) = live {
                        model.end(session, End::Superseded);
                    }
                    model.open(&request, &grant);
                }
            }
            3..=4 => {
                let Some(known) = known(&model, &mut random) else { continue };
                let answer = world.beat(&known.request).await;
                let expected = match known.end {
                    Some(End::Revoked) => HeartbeatAnswer::Revoked { reason: "by hand".into() },
                    Some(End::Superseded) => HeartbeatAnswer::Superseded,
                    Some(End::Released) => HeartbeatAnswer::NotLive,
                    Some(End::Lapsed) => barred(status, true).map_or(HeartbeatAnswer::NotLive, HeartbeatAnswer::Refused),
                    None => match barred(status, true) {
                        Some(refusal) => {
                            model.end(known.request.session, End::Lapsed);
                            HeartbeatAnswer::Refused(refusal)
                        }
                        None => {
                            model.sessions.get_mut(&known.request.session).unwrap().expires = model.now + LEASE;
                            let (now, expires) = extended(answer.clone());
                            assert_eq!(expires, now + LEASE);
                            answer.clone()
                        }
                    },
                };
                assert_eq!(answer, expected, "step {step}");
            }
            5 => {
                let Some(known) = known(&model, &mut random) else { continue };
                let expected = if known.end.is_none() { ReleaseAnswer::Released } else { ReleaseAnswer::AlreadyEnded };
                assert_eq!(world.release(&known.request).await, expected, "step {step}");
                if matches!(known.end, None | Some(End::Lapsed)) {
                    model.end(known.request.session, End::Released);
                }
            }
            6 if random.random_ratio(1, 2) => {
                let Some(known) = known(&model, &mut random) else { continue };
                assert_eq!(world.revoke(&known.request).await.is_some(), known.end.is_none(), "step {step}");
                model.end(known.request.session, End::Revoked);
            }
            7..=8 => {
                let Some(known) = known(&model, &mut random) else { continue };
                let session = known.request.session;
                let answer = world.reacquire(&known.token).await;
                let (last, fence) = model.last[&known.request.hardware_id];
                let expected = match known.end {
                    Some(End::Revoked) => ReacquireAnswer::Revoked { reason: "by hand".into() },
                    Some(End::Superseded | End::Released) => ReacquireAnswer::Superseded,
                    end => match barred(status, end.is_none()) {
                        Some(refusal) => ReacquireAnswer::Refused(refusal),
                        None if last != session => ReacquireAnswer::Superseded,
                        None if end.is_some() && model.live() >= model.limit => {
                            assert!(matches!(answer, ReacquireAnswer::Refused(Refusal::Exhausted(_))), "step {step}: {answer:?}");
                            continue;
                        }
                        None => {
                            let grant = regranted(answer.clone());
                            assert_eq!((grant.session, grant.new_seat), (session, end.is_some()));
                            assert_eq!(grant.fence, if end.is_some() { fence + 1 } else { fence });
                            model.last.insert(known.request.hardware_id.clone(), (session, grant.fence));
                            let expires = model.now + LEASE;
                            let session = model.sessions.get_mut(&session).unwrap();
                            (session.end, session.expires) = (None, expires);
                            answer.clone()
                        }
                    },
                };
                assert_eq!(answer, expected, "step {step}");
            }
            9 => {
                model.limit = random.random_range(0..6);
                largest = largest.max(model.limit);
                tenant.license().max_seats = model.limit as u32;
                tenant.license().status = [Active, Active, PastDue, Restricted, Suspended, Expired][random.random_range(0..6)];
                world.put(&mut tenant).await;
            }
            10 => {
                let ms = STEP * random.random_range(1..=4);
                world.pass(ms).await;
                model.now += ms;
                model.lapse();
            }
            _ => drop(world.seats.sweep().await.unwrap()),
        }
        assert_eq!(world.active(&tenant).await, [model.live() as u32], "step {step}");
        let snapshot = world.seats.snapshot(tenant.id).await.unwrap();
        let mut live: Vec<_> = snapshot.holders.iter().map(|h| h.session).collect();
        let mut expected: Vec<_> = model.sessions.iter().filter(|(_, s)| s.end.is_none()).map(|(id, _)| *id).collect();
        live.sort();
        expected.sort();
        assert_eq!(live, expected, "step {step}");
        events.extend(world.events().await);
    }
    // The times in the events are of two clocks here, so only their order is looked at.
    for event in &mut events {
        event.at_ms = 0;
    }
    holds(&events, largest);
    let names: std::collections::HashSet<_> = events.iter().map(|e| (e.session, e.fence, e.kind)).collect();
    assert_eq!(names.len(), events.len());
}
