//! Many at once.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::history::holds;
use common::*;
use domain::ports::seats::*;
use futures::future::join_all;
use seats::RedisSeats;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_get_exactly_the_hundred_seats() {
    let world = World::new().await;
    let mut servers = Vec::new();
    for _ in 0..4 {
        servers.push(Arc::new(RedisSeats::connect_with_deadline(&world.redis.url(), PATIENCE).await.unwrap()));
    }
    for round in 0..8 {
        let tenant = world.tenant(round, 100, 50).await;
        let requests: Vec<_> = (0..1000).map(|i| tenant.acquire(i % 50, &format!("device {}", i / 50))).collect();
        let tasks = requests.into_iter().enumerate().map(|(i, request)| {
            let seats = servers[i % servers.len()].clone();
            tokio::spawn(async move { (seats.acquire(&request).await.unwrap().unwrap(), request) })
        });
        let mut won = Vec::new();
        let mut lost = Vec::new();
        for answer in join_all(tasks).await {
            match answer.unwrap() {
                (AcquireAnswer::Granted(grant), request) => won.push((grant, request)),
                (AcquireAnswer::Refused(refusal), request) => lost.push((exhausted(refusal), request)),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((won.len(), lost.len()), (100, 900));
        assert!(won.iter().all(|(grant, _)| grant.new_seat && grant.active <= 100));
        assert!(lost.iter().all(|(facts, _)| facts.active == 100 && facts.holders.len() == 10));
        assert_eq!(world.active(&tenant).await, [100]);

        // All leave at once, twice each, while the others try again.
        let leave = won.iter().chain(&won).map(|(_, request)| async { world.release(request).await });
        let again = lost.iter().map(|(_, request)| async { drop(world.acquire(&Acquire { session: session(), ..request.clone() }).await) });
        tokio::join!(join_all(leave), join_all(again));
        let events = world.events().await;
        assert_eq!(events.iter().filter(|e| e.kind == SeatEventKind::Released).count(), 100);
        let still = holds(&events, 100).iter().filter(|h| h.end == i64::MAX).count();
        assert_eq!(world.active(&tenant).await, [still as u32]);
        // Of the events in a shard each says how many there are after it.
        let mut live = 0;
        for event in &events {
            live += match event.kind {
                SeatEventKind::Acquired => 1,
                SeatEventKind::Released => -1,
                _ => 0,
            };
            assert_eq!(i64::from(event.active), live);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_device_a_hundred_times_at_once_has_one_seat() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 1).await;
    let requests: Vec<_> = (0..100).map(|_| tenant.acquire(0, "d")).collect();
    let grants = join_all(requests.iter().map(|r| world.grant(r))).await;
    assert_eq!(grants.iter().filter(|g| g.new_seat).count(), 1);
    let mut fences: Vec<_> = grants.iter().map(|g| g.fence).collect();
    fences.sort_unstable();
    assert!(fences.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let beats = join_all(requests.iter().map(|r| world.beat(r))).await;
    assert_eq!(beats.iter().filter(|b| **b == HeartbeatAnswer::Superseded).count(), 99);
    holds(&world.events().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_come_back_and_those_who_are_new_share_the_limit() {
    let world = World::new().await;
    let tenant = world.tenant(1, 20, 60).await;
    let old: Vec<_> = (0..20).map(|user| tenant.acquire(user, "d")).collect();
    let mut tokens = Vec::new();
    for request in &old {
        tokens.push(reacquire(request, &world.grant(request).await));
    }
    world.pass(LEASE).await;
    let new: Vec<_> = (20..60).map(|user| tenant.acquire(user, "d")).collect();
    // Each token twice, as two processes of one client may do.
    let back = join_all(tokens.iter().chain(&tokens).map(|t| world.reacquire(t)));
    let (back, fresh) = tokio::join!(back, join_all(new.iter().map(|r| world.acquire(r))));
    let back = back.iter().filter(|a| matches!(a, ReacquireAnswer::Granted(g) if g.new_seat)).count();
    let fresh = fresh.iter().filter(|a| matches!(a, AcquireAnswer::Granted(_))).count();
    assert_eq!(back + fresh, 20);
    let events = world.events().await;
    let of = |kind| events.iter().filter(|e| e.kind == kind).count();
    assert_eq!((of(SeatEventKind::Expired), of(SeatEventKind::Reacquired)), (20, back));
    assert_eq!(world.active(&tenant).await, [20]);
}

/// What one client saw: until when each of its sessions was promised, and when it was refused.
#[derive(Default)]
struct Seen {
    promised: HashMap<types::SessionId, i64>,
    refused: Vec<i64>,
}

/// Leases of one second, clients that beat, crash, restart, leave and come back; in real time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_licence_keeps_every_promise() {
    const LIMIT: usize = 10;
    let world = Arc::new(World::new().await);
    let mut tenant = world.tenant(1, LIMIT as u32, 40).await;
    tenant.license().lease_seconds = 1;
    world.put(&mut tenant).await;
    let tenant = Arc::new(tenant);
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::new(Mutex::new(Seen::default()));

    let clients = (0..40).map(|user| {
        let (world, tenant, stop, seen) = (world.clone(), tenant.clone(), stop.clone(), seen.clone());
        tokio::spawn(async move {
            let promise = |session, expires| {
                seen.lock().unwrap().promised.insert(session, expires);
            };
            while !stop.load(Ordering::Relaxed) {
                let mut request = tenant.acquire(user, "d");
                let mut grant = match world.acquire(&request).await {
                    AcquireAnswer::Granted(grant) => *grant,
                    AcquireAnswer::Refused(refusal) => {
                        seen.lock().unwrap().refused.push(exhausted(refusal).now_ms);
                        pause(20).await;
                        continue;
                    }
                    other => panic!("{other:?}"),
                };
                promise(grant.session, grant.expires_at_ms);
                for _ in 0..rand::random_range(0..6) {
                    pause(1100).await;
                    match world.beat(&request).await {
                        HeartbeatAnswer::Extended { expires_at_ms, .. } => promise(request.session, expires_at_ms),
                        HeartbeatAnswer::NotLive => match world.reacquire(&reacquire(&request, &grant)).await {
                            ReacquireAnswer::Granted(again) => promise(request.session, again.expires_at_ms),
                            ReacquireAnswer::Refused(refusal) => {
                                seen.lock().unwrap().refused.push(exhausted(refusal).now_ms);
                                break;
                            }
                            other => panic!("{other:?}"),
                        },
                        other => panic!("{other:?}"),
                    }
                    if rand::random_ratio(1, 5) {
                        // A restart never costs a seat, unless the lease had run out.
                        request = Acquire { session: session(), ..request };
                        match world.acquire(&request).await {
                            AcquireAnswer::Granted(new) => grant = *new,
                            AcquireAnswer::Refused(refusal) => {
                                let now = exhausted(refusal).now_ms;
                                let mut seen = seen.lock().unwrap();
                                assert!(seen.promised[&grant.session] <= now, "refused to a holder");
                                seen.refused.push(now);
                                break;
                            }
                            other => panic!("{other:?}"),
                        }
                        promise(grant.session, grant.expires_at_ms);
                    }
                }
                if rand::random() {
                    world.release(&request).await;
                } else {
                    pause(2000).await;
                }
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for _ in 0..40 {
        pause(200).await;
        world.seats.sweep().await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let events = world.events().await;
    let holds = holds(&events, LIMIT);
    let seen = seen.lock().unwrap();
    // Expired means: exactly when the last promise ended.
    let expired: Vec<_> = events.iter().filter(|e| e.kind == SeatEventKind::Expired).collect();
    let mut last = HashMap::new();
    for event in &expired {
        last.insert(event.session, event.at_ms);
    }
    let ended: HashMap<_, _> = events.iter().map(|e| (e.session, e.kind)).collect();
    for (session, at) in last {
        if ended[&session] == SeatEventKind::Expired {
            assert_eq!(at, seen.promised[&session], "{session}");
        }
    }
    // Refused means: every seat was taken at that moment.
    for &at in &seen.refused {
        let taken = holds.iter().filter(|h| h.start <= at && at <= h.end).count();
        assert!(taken >= LIMIT, "refused at {at} with {taken} seats taken");
    }
    assert!(expired.len() >= 5 && seen.refused.len() > 100, "{} {}", expired.len(), seen.refused.len());
}

async fn pause(most_ms: u64) {
    tokio::time::sleep(Duration::from_millis(rand::random_range(1..=most_ms))).await;
}
