//! Calls that go together: each is answered as if it had come alone, after the ones before it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::*;
use domain::ports::seats::*;
use futures::FutureExt;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use types::{LicenseId, SessionId, UserId};

/// How many functions a Redis has run.
async fn functions_run(world: &World) -> u64 {
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(&mut world.raw.clone()).await.unwrap();
    let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_fcall:calls=")).unwrap();
    line.split(',').next().unwrap().parse().unwrap()
}

/// One side of the comparison: its Redis, what the clients know, and where the fences of seats began, which is the time.
struct Side {
    world: World,
    tokens: HashMap<SessionId, Reacquire>,
    fences: HashMap<(UserId, String, LicenseId), i64>,
}

impl Side {
    async fn new() -> Self {
        Self { world: World::new().await, tokens: HashMap::new(), fences: HashMap::new() }
    }

    /// What a client can tell apart, without times.
    fn grant(&mut self, request: &Acquire, grant: &Grant) -> String {
        self.tokens.insert(grant.session, reacquire(request, grant));
        let seat = (request.user, request.hardware_id.clone(), grant.license.id);
        let began = *self.fences.entry(seat).or_insert(grant.fence);
        let offline = grant.valid_until_ms > grant.expires_at_ms;
        format!("{:?} {} {} {:?} offline {offline}", grant.session, grant.fence - began, grant.new_seat, (grant.active, &grant.license))
    }

    fn refusal(refusal: Refusal) -> String {
        match refusal {
            // Who holds seats is asked for apart, when all calls of the batch are done.
            Refusal::Exhausted(facts) => format!("exhausted {} {}", facts.active, facts.max_seats),
            other => format!("{other:?}"),
        }
    }

    fn acquired(&mut self, request: &Acquire, answer: AcquireAnswer) -> String {
        match answer {
            AcquireAnswer::Granted(grant) => self.grant(request, &grant),
            AcquireAnswer::Refused(refusal) => Self::refusal(refusal),
            other => format!("{other:?}"),
        }
    }

    fn beaten(answer: HeartbeatAnswer) -> String {
        match answer {
            HeartbeatAnswer::Extended { now_ms, expires_at_ms, .. } => format!("extended by {}", expires_at_ms - now_ms),
            other => format!("{other:?}"),
        }
    }

    fn reacquired(&mut self, request: &Acquire, answer: ReacquireAnswer) -> String {
        match answer {
            ReacquireAnswer::Granted(grant) => self.grant(request, &grant),
            ReacquireAnswer::Refused(refusal) => Self::refusal(refusal),
            other => format!("{other:?}"),
        }
    }

    /// The calls of one kind, at once or one after the other.
    async fn call(&mut self, kind: usize, requests: &[Acquire], at_once: bool) -> Vec<String> {
        macro_rules! all {
            ($calls:expr) => {{
                let calls = $calls;
                let mut answers = Vec::new();
                if at_once {
                    answers = join_all(calls).await;
                } else {
                    for call in calls {
                        answers.push(call.await);
                    }
                }
                answers
            }};
        }
        let seats = self.world.seats.clone();
        match kind {
            0 => {
                let answers = all!(requests.iter().map(|r| seats.acquire(r)));
                requests.iter().zip(answers).map(|(r, a)| self.acquired(r, a.unwrap().unwrap())).collect()
            }
            1 => {
                let beats: Vec<_> = requests.iter().map(heartbeat).collect();
                all!(beats.iter().map(|b| seats.heartbeat(b))).into_iter().map(|a| Self::beaten(a.unwrap().unwrap())).collect()
            }
            2 => {
                let answers = all!(requests.iter().map(|r| seats.release(r.tenant, r.user, r.session)));
                answers.into_iter().map(|a| format!("{:?}", a.unwrap())).collect()
            }
            _ => {
                let known: Vec<_> = requests.iter().filter_map(|r| Some((r, self.tokens.get(&r.session)?.clone()))).collect();
                let answers = all!(known.iter().map(|(_, token)| seats.reacquire(token)));
                known.iter().zip(answers).map(|((r, _), a)| self.reacquired(r, a.unwrap().unwrap())).collect()
            }
        }
    }

    /// What happened, in order, and the positions of it, which must be so, too.
    async fn events(&self) -> Vec<String> {
        let read = self.world.seats.read_events(10_000).await.unwrap();
        assert!(read.is_sorted_by_key(|(position, _)| position.emitted().unwrap()));
        let positions: Vec<_> = read.iter().map(|(position, _)| position.clone()).collect();
        self.world.seats.acknowledge(&positions).await.unwrap();
        assert_eq!(self.world.seats.read_events(10).await.unwrap(), []);
        let mut events: Vec<_> = read.into_iter().map(|(_, event)| event).collect();
        // What ran out on one side at one moment may have done so at two on the other.
        for ended in events.chunk_by_mut(|a, b| (a.kind, a.license, b.kind) == (SeatEventKind::Expired, b.license, SeatEventKind::Expired))
        {
            ended.sort_by_key(|event| event.session);
        }
        let text = |e: SeatEvent| {
            // The refusal of a session that wants to come back has an id of its own.
            let session = (e.kind != SeatEventKind::Denied).then_some(e.session);
            format!("{:?} {session:?} {} {} {} {:?}", e.kind, e.hardware_id, e.active, e.max_seats, e.reason)
        };
        events.into_iter().map(text).collect()
    }
}

#[tokio::test]
async fn a_batch_is_answered_as_the_same_calls_one_after_the_other() {
    for _ in 0..4 {
        let seed = rand::random();
        eprintln!("seed {seed}");
        compare(seed).await;
    }
}

async fn compare(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut together, mut alone) = (Side::new().await, Side::new().await);
    // Both of one shard; the second has two licences, and names also those of the first.
    let mut tenants = [Tenant::new(1, 3), Tenant::new(65, 2)];
    tenants[1].entitlement.licenses.push(license(65_001, 1));
    // Of three seats, two may be used offline.
    tenants[0].license().offline_cap = 2;
    for side in [&together, &alone] {
        for tenant in &tenants {
            side.world.seats.put_entitlement(&tenant.entitlement).await.unwrap();
            for user in 0..2 {
                side.world.seats.put_member(&tenant.member(user)).await.unwrap();
            }
        }
    }
    let mut known: Vec<Acquire> = Vec::new();
    for step in 0..120 {
        let kind = random.random_range(0..4);
        let mut requests = Vec::new();
        for _ in 0..random.random_range(1..14) {
            if kind > 0 {
                // Mostly of late, and some several times.
                let back = random.random_range(0..known.len().clamp(1, 20));
                requests.extend(known.iter().rev().nth(back).cloned());
                continue;
            }
            let tenant = &tenants[random.random_range(0..2)];
            let mut request = tenant.acquire(random.random_range(0..2), &format!("device {}", random.random_range(0..3)));
            match random.random_range(0..6) {
                0 => request.license = LicenseChoice::Id(tenants[random.random_range(0..2)].entitlement.licenses[0].id),
                1 => request.license = LicenseChoice::Key(tenants[1].entitlement.licenses[random.random_range(0..2)].key.clone()),
                2 => request.epoch = random.random_range(0..2),
                _ => {}
            }
            requests.push(request);
        }
        if kind == 0 {
            known.extend(requests.iter().cloned());
        }
        let (answers, expected) = (together.call(kind, &requests, true).await, alone.call(kind, &requests, false).await);
        for (number, (answer, expected)) in answers.iter().zip(&expected).enumerate() {
            assert_eq!(answer, expected, "step {step}, kind {kind}, call {number}");
        }
        if random.random_ratio(1, 6) {
            // Within the hour of the test, or not.
            let ms = 60_000 * [1, 4, 7, 5000][random.random_range(0..4)];
            for side in [&together, &alone] {
                side.world.pass(ms).await;
            }
        }
        if random.random_ratio(1, 12) {
            tenants[0].license().max_seats = random.random_range(1..4);
            tenants[0].entitlement.version += 1;
            for side in [&together, &alone] {
                side.world.seats.put_entitlement(&tenants[0].entitlement).await.unwrap();
            }
        }
        for tenant in &tenants {
            let (mut holders, mut expected) = (Vec::new(), Vec::new());
            for (side, list) in [(&together, &mut holders), (&alone, &mut expected)] {
                list.extend(side.world.seats.snapshot(tenant.id).await.unwrap().holders.iter().map(|h| (h.session, h.license, h.user)));
                list.sort();
            }
            assert_eq!(holders, expected, "step {step}, kind {kind}");
            assert_eq!(together.world.active(tenant).await, alone.world.active(tenant).await, "step {step}, kind {kind}");
        }
        assert_eq!(together.events().await, alone.events().await, "step {step}, kind {kind}");
    }
    let mut rights = Vec::new();
    for side in [&together, &alone] {
        let code = "local n = 0
            for _, key in ipairs(redis.call('KEYS', '*:rights:*')) do
                n = n + redis.call('ZCOUNT', key, ARGV[1], '+inf')
                if redis.call('PTTL', key) < 0 then return -1 end
            end
            return n";
        rights.push(side.world.lua::<i64>(code, &[&side.world.now().await.to_string()]).await);
    }
    assert!(rights[0] == rights[1] && rights[0] >= 0, "{rights:?}");
    let (batches, calls) = (functions_run(&together.world).await, functions_run(&alone.world).await);
    assert!(batches + 400 < calls, "they went together: {batches} calls instead of {calls}");
}

/// Leaves of a session that it is held, but not on which licence.
async fn spoil(world: &World, request: &Acquire) {
    let [tenant, session, user] = [request.tenant.0, request.session.0, request.user.0].map(seats::keys::id);
    let key = format!("{}{tenant}:s:{session}", seats::keys::shard_prefix(1));
    let code = "assert(redis.call('EXISTS', ARGV[1]) == 1) redis.call('SET', ARGV[1], cmsgpack.pack('held', ARGV[2]))";
    let () = world.lua(code, &[&key, &user]).await;
}

#[tokio::test]
async fn a_call_that_fails_keeps_no_other_from_its_answer() {
    let world = World::new().await;
    let tenant = world.tenant(1, 5, 3).await;
    let requests: Vec<_> = (0..3).map(|user| tenant.acquire(user, "d")).collect();
    for request in &requests {
        world.grant(request).await;
    }
    spoil(&world, &requests[1]).await;
    let before = functions_run(&world).await;
    let beats: Vec<_> = requests.iter().map(heartbeat).collect();
    let answers = join_all(beats.iter().map(|beat| world.seats.heartbeat(beat))).await;
    assert_eq!(functions_run(&world).await, before + 1);
    assert!(answers[1].is_err(), "{:?}", answers[1]);
    for answer in [&answers[0], &answers[2]] {
        assert!(matches!(answer, Ok(Ok(HeartbeatAnswer::Extended { .. }))), "{answer:?}");
    }
}

#[tokio::test]
async fn whoever_goes_away_leaves_the_others_theirs() {
    let world = World::new().await;
    let tenant = world.tenant(1, 5, 3).await;
    let requests: Vec<_> = (0..3).map(|user| tenant.acquire(user, "d")).collect();
    let mut calls: Vec<_> = requests.iter().map(|request| world.seats.acquire(request)).collect();
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    // The first has begun the batch of all.
    drop(calls.remove(0));
    for answer in join_all(calls).await {
        assert!(matches!(answer, Ok(Ok(AcquireAnswer::Granted(_)))), "{answer:?}");
    }
    assert_eq!(world.active(&tenant).await, [2], "nobody holds the seat of one who is gone");
}

#[tokio::test]
async fn more_calls_than_go_together_all_come_through() {
    let world = World::new().await;
    let tenant = world.tenant(1, 150, 200).await;
    let requests: Vec<_> = (0..200).map(|user| tenant.acquire(user, "d")).collect();
    let before = functions_run(&world).await;
    let answers = join_all(requests.iter().map(|request| world.seats.acquire(request))).await;
    let granted = answers.into_iter().filter(|answer| matches!(answer, Ok(Ok(AcquireAnswer::Granted(_))))).count();
    assert_eq!((granted, world.active(&tenant).await), (150, vec![150]));
    let batches = functions_run(&world).await - before;
    // Of those who are refused, each asks for his own seats, and some for all.
    assert!(batches < 120, "{batches}");
}

#[tokio::test]
async fn of_an_entry_that_cannot_be_read_in_part_the_other_part_is() {
    let world = World::new().await;
    let tenant = world.tenant(1, 5, 2).await;
    let requests: Vec<_> = (0..2).map(|user| tenant.acquire(user, "d")).collect();
    join_all(requests.iter().map(|request| world.seats.acquire(request))).await;
    let stream = format!("{}events", seats::keys::shard_prefix(1));
    let code = "local entry = redis.call('XRANGE', ARGV[1], '-', '+')
        assert(#entry == 1 and #entry[1][2] == 4)
        redis.call('DEL', ARGV[1])
        redis.call('XADD', ARGV[1], '*', 'e', entry[1][2][2], 'e', 'teleported', 'e', entry[1][2][4])";
    let () = world.lua(code, &[&stream]).await;
    let count = "return {redis.call('XLEN', ARGV[1]), redis.call('XLEN', ARGV[1] .. ':unreadable')}";
    let mut read = world.seats.read_events(10).await.unwrap();
    for _ in 0..2 {
        // Until they are stored, they come again, and what is set aside is so once.
        read = world.seats.read_events(10).await.unwrap();
        assert_eq!(read.iter().map(|(p, e)| (p.part, e.session)).collect::<Vec<_>>(), [(0, requests[0].session), (1, requests[1].session)]);
        assert_eq!(world.lua::<Vec<u32>>(count, &[&stream]).await, [1, 1]);
    }
    world.seats.acknowledge(&read.into_iter().map(|(p, _)| p).collect::<Vec<_>>()).await.unwrap();
    assert_eq!(world.lua::<Vec<u32>>(count, &[&stream]).await, [0, 1]);
}

#[tokio::test]
async fn a_read_ends_soon_after_what_was_asked_for() {
    let world = World::new().await;
    // In many shards, of which each has entries of many events.
    for number in 1..=20 {
        let tenant = world.tenant(number, 70, 70).await;
        let requests: Vec<_> = (0..70).map(|user| tenant.acquire(user, "d")).collect();
        join_all(requests.iter().map(|request| world.seats.acquire(request))).await;
    }
    world.events().await;
    world.pass(LEASE).await;
    assert_eq!(world.seats.sweep().await.unwrap(), 1400);
    let read = world.seats.read_events(100).await.unwrap();
    assert!((100..164).contains(&read.len()), "{}", read.len());
    assert_eq!(world.events().await.len(), 1400);
}

#[tokio::test]
async fn a_batch_leaves_the_most_of_what_ran_out_to_the_sweeper() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1000, 1000).await;
    let requests: Vec<_> = (0..900).map(|user| tenant.acquire(user, "d")).collect();
    join_all(requests.iter().map(|request| world.seats.acquire(request))).await;
    world.pass(LEASE).await;
    let late: Vec<_> = (900..930).map(|user| tenant.acquire(user, "d")).collect();
    join_all(late.iter().map(|request| world.seats.acquire(request))).await;
    assert_eq!(world.active(&tenant).await, [30]);
    assert_eq!(world.seats.sweep().await.unwrap(), 800);
}

#[tokio::test]
async fn what_a_sweep_did_before_it_failed_is_written() {
    let world = World::new().await;
    let tenant = world.tenant(1, 10, 10).await;
    let requests: Vec<_> = (0..10).map(|user| tenant.acquire(user, "d")).collect();
    for request in &requests {
        world.grant(request).await;
    }
    world.events().await;
    world.pass(LEASE).await;
    spoil(&world, &requests[5]).await;
    assert!(world.seats.sweep().await.is_err());
    let expired = world.kinds().await.len();
    let code = "local key = redis.call('KEYS', '*:leases:*')[1] return key and redis.call('ZCARD', key) or 0";
    let leases: usize = world.lua(code, &[]).await;
    assert_eq!(expired + leases, 9, "{expired} events, {leases} leases");
    // The broken one is gone, and in nobody's way any more.
    assert_eq!(world.seats.sweep().await.unwrap(), leases as u64);
    assert_eq!(world.kinds().await.len(), leases);
}
