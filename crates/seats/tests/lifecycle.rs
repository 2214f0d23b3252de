//! What keeps a seat, what ends it, what brings it back.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::*;
use domain::ports::seats::*;
use seats::keys::id;
use std::time::Duration;
use types::LicenseId;
use types::licenses::LicenseStatus;
use uuid::Uuid;

/// Sets the moment at which a lease ends.
async fn ends_at(world: &World, request: &Acquire, ms: i64) {
    let code = "redis.call('ZADD', redis.call('KEYS', '*:leases:*')[1], 'XX', ARGV[2], ARGV[1])";
    let () = world.lua(code, &[&id(request.session.0), &ms.to_string()]).await;
}

#[tokio::test]
async fn a_beat_counts_until_the_millisecond_at_which_the_lease_ends() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 1).await;
    let request = tenant.acquire(0, "d");
    let (mut lived, mut ended, mut on_the_dot) = (0, 0, 0);
    // The beat arrives about when the lease ends; the answer's own time says on which side.
    for round in 0..4000 {
        world.grant(&request).await;
        let end = world.now().await + round % 3;
        ends_at(&world, &request, end).await;
        match world.beat(&request).await {
            HeartbeatAnswer::Extended { now_ms, expires_at_ms, .. } => {
                assert!(now_ms < end, "extended at {now_ms}, ended at {end}");
                assert_eq!(expires_at_ms, now_ms + LEASE);
                on_the_dot += i32::from(now_ms == end - 1);
                lived += 1;
            }
            HeartbeatAnswer::NotLive => {
                assert!(world.now().await >= end, "ended before its time");
                ended += 1;
            }
            other => panic!("{other:?}"),
        }
        assert!(matches!(world.release(&request).await, ReleaseAnswer::Released | ReleaseAnswer::AlreadyEnded));
        let () = world.lua("redis.call('FLUSHALL')", &[]).await;
        world.seats.put_entitlement(&tenant.entitlement).await.unwrap();
        world.seats.put_member(&tenant.member(0)).await.unwrap();
    }
    assert!(lived > 0 && ended > 0 && on_the_dot > 0, "{lived} {ended} {on_the_dot}");
}

#[tokio::test]
async fn a_free_seat_can_be_had_at_the_millisecond_at_which_it_is_free() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 2).await;
    let (mut granted, mut refused) = (0, 0);
    for round in 0..2000 {
        let first = tenant.acquire(0, "a");
        let second = tenant.acquire(1, "b");
        world.grant(&first).await;
        let end = world.now().await + round % 3;
        ends_at(&world, &first, end).await;
        match world.acquire(&second).await {
            AcquireAnswer::Granted(grant) => {
                granted += 1;
                assert!(grant.now_ms >= end && grant.active == 1);
            }
            AcquireAnswer::Refused(Refusal::Exhausted(facts)) => {
                refused += 1;
                assert!(facts.now_ms < end, "refused at {}, free since {end}", facts.now_ms);
                assert_eq!(facts.next_free_at_ms, end);
            }
            other => panic!("{other:?}"),
        }
        world.release(&second).await;
        world.release(&first).await;
    }
    assert!(granted > 0 && refused > 0, "{granted} {refused}");
}

#[tokio::test]
async fn what_is_shown_ends_at_the_millisecond_at_which_the_lease_ends() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 1).await;
    let request = tenant.acquire(0, "a");
    world.grant(&request).await;
    let (mut just_live, mut just_ended) = (0, 0);
    for round in 0..20_000 {
        let end = world.now().await + round % 3;
        ends_at(&world, &request, end).await;
        let snapshot = world.seats.snapshot(tenant.id).await.unwrap();
        assert_eq!(snapshot.holders.len(), usize::from(snapshot.now_ms < end), "ends at {end}, shown at {}", snapshot.now_ms);
        just_live += i32::from(snapshot.now_ms == end - 1);
        just_ended += i32::from(snapshot.now_ms == end);
        if round > 500 && just_live > 5 && just_ended > 5 {
            return;
        }
    }
    panic!("never on the dot: {just_live} {just_ended}");
}

#[tokio::test]
async fn an_expired_lease_is_not_extended_and_blocks_nobody() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 2).await;
    let crashed = tenant.acquire(0, "a");
    let grant = world.grant(&crashed).await;
    world.pass(LEASE).await;
    // Nobody has swept.
    assert_eq!(world.beat(&crashed).await, HeartbeatAnswer::NotLive);
    assert_eq!(world.active(&tenant).await, [0]);
    assert!(world.seats.snapshot(tenant.id).await.unwrap().holders.is_empty());
    assert_eq!(world.seats.find(tenant.id, crashed.session).await.unwrap(), None);
    let next = tenant.acquire(1, "b");
    assert!(world.grant(&next).await.new_seat);
    assert_eq!(world.beat(&crashed).await, HeartbeatAnswer::NotLive);
    assert_eq!(world.seats.sweep().await.unwrap(), 0, "acquire has closed it");
    let events = world.events().await;
    assert_eq!(
        events.iter().map(|e| e.kind).collect::<Vec<_>>(),
        [SeatEventKind::Acquired, SeatEventKind::Expired, SeatEventKind::Acquired]
    );
    assert_eq!((events[1].session, events[1].fence, events[1].at_ms), (crashed.session, grant.fence, grant.expires_at_ms - LEASE));
    assert_eq!(world.beat(&Acquire { session: session(), ..next }).await, HeartbeatAnswer::NotLive, "never heard of");
}

#[tokio::test]
async fn the_last_beat_lies_between_the_start_and_now() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 1, 1).await;
    let request = tenant.acquire(0, "d");
    let grant = world.grant(&request).await;
    let last_beat = async || world.seats.find(tenant.id, request.session).await.unwrap().unwrap().last_beat_ms;
    assert_eq!(last_beat().await, grant.now_ms);
    let (beaten, _) = extended(world.beat(&request).await);
    assert_eq!(last_beat().await, beaten);
    // A minute later, seen from the lease.
    world.pass(60_000).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    assert_eq!(last_beat().await, grant.now_ms, "it would be before the session");
    for lease_seconds in [1, 86_400] {
        let mut other = Tenant { id: tenant.id, entitlement: tenant.entitlement.clone() };
        other.license().lease_seconds = lease_seconds;
        tenant.entitlement.version += 1;
        other.entitlement.version = tenant.entitlement.version;
        world.seats.put_entitlement(&other.entitlement).await.unwrap();
        let shown = last_beat().await;
        assert!((grant.now_ms..=world.now().await).contains(&shown), "leases of {lease_seconds} s: {shown}");
    }
}

#[tokio::test]
async fn a_beat_has_the_current_terms() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 1, 1).await;
    let request = tenant.acquire(0, "d");
    world.grant(&request).await;
    tenant.license().lease_seconds = 10;
    tenant.license().heartbeat_seconds = 4;
    world.put(&mut tenant).await;
    let HeartbeatAnswer::Extended { now_ms, expires_at_ms, heartbeat_seconds } = world.beat(&request).await else { panic!() };
    assert_eq!((expires_at_ms - now_ms, heartbeat_seconds), (10_000, 4));
    let holder = world.seats.find(tenant.id, request.session).await.unwrap().unwrap();
    assert_eq!((holder.last_beat_ms, holder.expires_at_ms), (now_ms, expires_at_ms));
    // A shorter lease is also swept sooner.
    world.pass(10_000).await;
    assert_eq!(world.seats.sweep().await.unwrap(), 1);
}

#[tokio::test]
async fn what_the_licence_allows_a_running_client() {
    use LicenseStatus::{Active, Expired, PastDue, Restricted, Suspended};
    for (status, suspended, ended, expected) in [
        (Active, false, false, None),
        (PastDue, false, false, None),
        (Restricted, false, false, None),
        (Suspended, false, false, Some(Refusal::LicenseSuspended)),
        (Expired, false, false, Some(Refusal::LicenseExpired)),
        (Active, true, false, Some(Refusal::TenantSuspended)),
        (Active, false, true, Some(Refusal::LicenseExpired)),
        (Restricted, false, true, Some(Refusal::LicenseExpired)),
    ] {
        let world = World::new().await;
        let mut tenant = world.tenant(1, 1, 1).await;
        let request = tenant.acquire(0, "d");
        let grant = world.grant(&request).await;
        tenant.license().status = status;
        tenant.entitlement.suspended = suspended;
        tenant.license().expires_at_ms = ended.then_some(grant.now_ms);
        world.put(&mut tenant).await;
        let Some(refusal) = expected else {
            extended(world.beat(&request).await);
            assert_eq!(regranted(world.reacquire(&reacquire(&request, &grant)).await).fence, grant.fence, "live: extends");
            world.pass(LEASE).await;
            let answer = world.reacquire(&reacquire(&request, &grant)).await;
            if status == Restricted {
                assert_eq!(answer, ReacquireAnswer::Refused(Refusal::LicenseSuspended));
            } else {
                regranted(answer);
            }
            continue;
        };
        for _ in 0..2 {
            assert_eq!(world.beat(&request).await, HeartbeatAnswer::Refused(refusal.clone()), "and again");
        }
        assert_eq!(world.active(&tenant).await, [0], "the lease is closed");
        // To one who does not hold a seat, unpaid comes before over.
        let again = if status == Restricted { Refusal::LicenseSuspended } else { refusal.clone() };
        assert_eq!(world.reacquire(&reacquire(&request, &grant)).await, ReacquireAnswer::Refused(again));
        world.seats.sweep().await.unwrap();
        let events = world.events().await;
        let code = match refusal {
            Refusal::LicenseSuspended => Some("license_suspended"),
            Refusal::TenantSuspended => Some("tenant_suspended"),
            _ => None,
        };
        assert_eq!(events.len(), 2);
        assert_eq!(
            (events[1].kind, events[1].reason.as_deref()),
            (if code.is_some() { SeatEventKind::Revoked } else { SeatEventKind::Expired }, code)
        );
        // When the licence works again, so does the client's token.
        tenant.license().status = Active;
        tenant.entitlement.suspended = false;
        tenant.license().expires_at_ms = None;
        world.put(&mut tenant).await;
        assert_eq!(world.beat(&request).await, HeartbeatAnswer::NotLive);
        regranted(world.reacquire(&reacquire(&request, &grant)).await);
    }
}

#[tokio::test]
async fn a_member_who_may_no_longer_hold_a_seat_loses_it_at_the_next_beat() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 1).await;
    let mut request = tenant.acquire(0, "d");
    let grant = world.grant(&request).await;
    world.seats.put_member(&MemberCopy { epoch: 2, holds_seat: false, ..tenant.member(0) }).await.unwrap();
    assert_eq!(world.beat(&request).await, HeartbeatAnswer::Refused(Refusal::StaleEpoch));
    assert_eq!(world.active(&tenant).await, [1], "a stale token ends nothing");
    request.epoch = 2;
    assert_eq!(world.beat(&request).await, HeartbeatAnswer::Refused(Refusal::RoleHoldsNoSeat));
    assert_eq!(world.active(&tenant).await, [0]);
    assert_eq!(world.reacquire(&reacquire(&request, &grant)).await, ReacquireAnswer::Refused(Refusal::RoleHoldsNoSeat));
    assert_eq!(world.events().await[1].reason.as_deref(), Some("role_holds_no_seat"));
}

#[tokio::test]
async fn release_frees_that_seat_once_and_no_other() {
    let world = World::new().await;
    let tenant = world.tenant(1, 2, 3).await;
    let a = tenant.acquire(0, "a");
    let b = tenant.acquire(1, "b");
    let grant = world.grant(&a).await;
    world.grant(&b).await;
    assert_eq!(world.release(&a).await, ReleaseAnswer::Released);
    let c = tenant.acquire(2, "c");
    world.grant(&c).await;
    for _ in 0..5 {
        assert_eq!(world.release(&a).await, ReleaseAnswer::AlreadyEnded);
    }
    assert_eq!(world.active(&tenant).await, [2], "a second release frees nobody");
    exhausted(world.refusal(&tenant.acquire(0, "a")).await);
    // Another user of the tenant has no session of that id, live or not.
    for session in [a.session, b.session, session()] {
        assert_eq!(world.release(&Acquire { session, ..c.clone() }).await, ReleaseAnswer::Unknown);
    }
    assert_eq!(world.active(&tenant).await, [2]);
    assert_eq!(world.beat(&a).await, HeartbeatAnswer::NotLive);
    assert_eq!(world.reacquire(&reacquire(&a, &grant)).await, ReacquireAnswer::Superseded, "given back is given back");
    assert_eq!(world.kinds().await.iter().filter(|k| **k == SeatEventKind::Released).count(), 1);
}

#[tokio::test]
async fn another_user_of_the_tenant_keeps_and_learns_nothing() {
    let world = World::new().await;
    let tenant = world.tenant(1, 2, 2).await;
    let live = tenant.acquire(0, "a");
    world.grant(&live).await;
    let revoked = tenant.acquire(0, "b");
    world.grant(&revoked).await;
    world.revoke(&revoked).await;
    let before = world.seats.find(tenant.id, live.session).await.unwrap().unwrap();
    for request in [&live, &revoked] {
        let other = Acquire { session: request.session, ..tenant.acquire(1, "a") };
        assert_eq!(world.beat(&other).await, HeartbeatAnswer::NotLive);
    }
    assert_eq!(world.seats.find(tenant.id, live.session).await.unwrap().unwrap(), before, "not extended");
    // What is left of the revoked one names nobody.
    let left: Vec<String> =
        world.lua("return {cmsgpack.unpack(redis.call('GET', redis.call('KEYS', '*:s:' .. ARGV[1])[1]))}", &[&id(revoked.session.0)]).await;
    assert_eq!(left, ["revoked", &id(revoked.user.0), "by hand"]);
}

#[tokio::test]
async fn revoked_is_final_and_frees_the_seat_at_once() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 2).await;
    let request = tenant.acquire(0, "a");
    let grant = world.grant(&request).await;
    let was = world.revoke(&request).await.unwrap();
    assert_eq!((was.session, was.user, was.expires_at_ms), (request.session, request.user, grant.expires_at_ms));
    let other = tenant.acquire(1, "b");
    world.grant(&other).await;
    world.release(&other).await;
    let revoked = |reason: &str| HeartbeatAnswer::Revoked { reason: reason.into() };
    for epoch in [1, 7] {
        // Whatever else there is to say.
        let request = Acquire { epoch, ..request.clone() };
        assert_eq!(world.beat(&request).await, revoked("by hand"));
        assert_eq!(world.reacquire(&reacquire(&request, &grant)).await, ReacquireAnswer::Revoked { reason: "by hand".into() });
        assert_eq!(world.release(&request).await, ReleaseAnswer::AlreadyEnded);
    }
    assert_eq!(world.revoke(&request).await, None);
    assert_eq!(world.beat(&request).await, revoked("by hand"));
    world.seats.revoke(tenant.id, request.session, "another reason", 1).await.unwrap();
    assert_eq!(world.beat(&request).await, revoked("another reason"));
    let key = &world.keys(&format!("*:s:{}", id(request.session.0))).await[0];
    let ttl: i64 = redis::cmd("PTTL").arg(key).query_async(&mut world.raw.clone()).await.unwrap();
    assert!(ttl > 3_500_000, "a shorter memory does not shorten a longer one: {ttl}");
    // The person may start again.
    world.grant(&tenant.acquire(0, "a")).await;
    assert_eq!(world.beat(&request).await, revoked("another reason"));
    let events = world.events().await;
    let of_it: Vec<_> = events.iter().filter(|e| e.session == request.session).map(|e| (e.kind, e.reason.as_deref(), e.active)).collect();
    assert_eq!(of_it, [(SeatEventKind::Acquired, None, 1), (SeatEventKind::Revoked, Some("by hand"), 0)]);
}

#[tokio::test]
async fn a_reason_may_have_lines() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 1).await;
    let request = tenant.acquire(0, "a");
    let grant = world.grant(&request).await;
    let reason = "The laptop was lost.\n\nAsk the help desk for another one.\n";
    world.seats.revoke(tenant.id, request.session, reason, 3600).await.unwrap().unwrap();
    assert_eq!(world.beat(&request).await, HeartbeatAnswer::Revoked { reason: reason.into() });
    assert_eq!(world.reacquire(&reacquire(&request, &grant)).await, ReacquireAnswer::Revoked { reason: reason.into() });
    assert_eq!(world.events().await.last().unwrap().reason.as_deref(), Some(reason));
}

#[tokio::test]
async fn a_revocation_holds_for_sessions_that_have_ended_or_are_unknown() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 1).await;
    let known = tenant.acquire(0, "a");
    let grant = world.grant(&known).await;
    let unknown = tenant.acquire(0, "a");
    world.pass(LEASE).await;
    for request in [&known, &unknown] {
        assert_eq!(world.revoke(request).await, None);
        assert_eq!(world.beat(request).await, HeartbeatAnswer::Revoked { reason: "by hand".into() });
        let token = Reacquire { session: request.session, ..reacquire(&known, &grant) };
        assert_eq!(world.reacquire(&token).await, ReacquireAnswer::Revoked { reason: "by hand".into() });
        assert_eq!(world.release(request).await, ReleaseAnswer::AlreadyEnded);
    }
    assert_eq!(world.kinds().await, [SeatEventKind::Acquired, SeatEventKind::Expired]);
    // The mark ends when it was said to.
    world.seats.revoke(tenant.id, session(), "brief", 0).await.unwrap();
    world.seats.revoke(tenant.id, session(), "for ever", u64::MAX).await.unwrap();
    let longest: i64 = world
        .lua(
            "local longest = 0
             for _, key in ipairs(redis.call('KEYS', '*:s:*')) do
                 local ttl = redis.call('PTTL', key)
                 if ttl < 0 then return -1 end
                 longest = math.max(longest, ttl)
             end
             return longest",
            &[],
        )
        .await;
    assert!((1..=366 * 24 * 3_600_000).contains(&longest), "{longest}");
}

#[tokio::test]
async fn a_token_brings_its_session_back_if_a_seat_is_free() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 2).await;
    let request = tenant.acquire(0, "a");
    let grant = world.grant(&request).await;
    let token = reacquire(&request, &grant);
    for round in 1..4 {
        world.pass(LEASE).await;
        if round == 2 {
            world.seats.sweep().await.unwrap();
        }
        assert_eq!(world.beat(&request).await, HeartbeatAnswer::NotLive);
        let again = regranted(world.reacquire(&token).await);
        assert_eq!((again.session, again.new_seat, again.active), (request.session, true, 1));
        assert_eq!(again.fence, grant.fence + round);
        assert_eq!(again.expires_at_ms, again.now_ms + LEASE);
        // A second call finds it live and takes no second seat.
        let twice = regranted(world.reacquire(&token).await);
        assert_eq!((twice.fence, twice.new_seat, twice.active), (again.fence, false, 1));
        extended(world.beat(&request).await);
    }
    let holder = world.seats.find(tenant.id, request.session).await.unwrap().unwrap();
    assert_eq!((holder.started_at_ms, holder.hostname.as_deref()), (grant.now_ms, Some("host of a")));
    let events = world.events().await;
    let names: std::collections::HashSet<_> = events.iter().map(|e| (e.session, e.fence, e.kind)).collect();
    assert_eq!((events.len(), names.len()), (7, 7), "each event has its own name");

    world.pass(LEASE).await;
    let other = tenant.acquire(1, "b");
    world.grant(&other).await;
    let ReacquireAnswer::Refused(Refusal::Exhausted(facts)) = world.reacquire(&token).await else { panic!() };
    assert_eq!((facts.active, facts.holders.len()), (1, 1));
    world.reacquire(&token).await;
    let events = world.events().await;
    assert_eq!(events.iter().map(|e| e.kind).collect::<Vec<_>>(), [SeatEventKind::Expired, SeatEventKind::Acquired, SeatEventKind::Denied]);
    assert!(![request.session, other.session].contains(&events[2].session), "a denial has an id of its own");
    world.release(&other).await;
    regranted(world.reacquire(&token).await);
}

#[tokio::test]
async fn a_newer_session_of_the_device_wins_over_an_old_token() {
    let world = World::new().await;
    let tenant = world.tenant(1, 2, 1).await;
    let old = tenant.acquire(0, "a");
    let grant = world.grant(&old).await;
    world.pass(LEASE).await;
    let new = tenant.acquire(0, "a");
    let newer = world.grant(&new).await;
    assert_eq!((newer.new_seat, newer.fence), (true, grant.fence + 1));
    assert_eq!(world.beat(&old).await, HeartbeatAnswer::NotLive, "it ran out before the device started again");
    assert_eq!(world.reacquire(&reacquire(&old, &grant)).await, ReacquireAnswer::Superseded);
    // Also when the newer one has ended.
    world.release(&new).await;
    assert_eq!(world.reacquire(&reacquire(&old, &grant)).await, ReacquireAnswer::Superseded);
    assert_eq!(world.active(&tenant).await, [0]);
}

#[tokio::test]
async fn tokens_heal_an_empty_store() {
    let world = World::new().await;
    let tenant = world.tenant(1, 2, 3).await;
    let mut held = Vec::new();
    for user in 0..2 {
        let request = tenant.acquire(user, "d");
        let grant = world.grant(&request).await;
        held.push((request, grant));
    }
    let () = world.lua("redis.call('FLUSHALL')", &[]).await;
    let token = reacquire(&held[0].0, &held[0].1);
    assert_eq!(world.beat(&held[0].0).await, HeartbeatAnswer::NotLive);
    assert_eq!(world.seats.reacquire(&token).await.unwrap(), Err(Missing { entitlement: true, member: true }));
    world.seats.put_entitlement(&tenant.entitlement).await.unwrap();
    for user in 0..3 {
        world.seats.put_member(&tenant.member(user)).await.unwrap();
    }
    for (request, grant) in &held {
        let again = regranted(world.reacquire(&reacquire(request, grant)).await);
        assert!(again.fence > grant.fence && again.session == grant.session && again.new_seat);
        extended(world.beat(request).await);
    }
    exhausted(world.refusal(&tenant.acquire(2, "new")).await);
    assert_eq!(world.kinds().await, [SeatEventKind::Reacquired, SeatEventKind::Reacquired, SeatEventKind::Denied]);
    // Lost again: the next fence is above every earlier one, with a token or without.
    let () = world.lua("redis.call('FLUSHALL')", &[]).await;
    world.seats.put_entitlement(&tenant.entitlement).await.unwrap();
    world.seats.put_member(&tenant.member(0)).await.unwrap();
    let newer = world.grant(&tenant.acquire(0, "d")).await;
    assert!(newer.fence > held[0].1.fence + 1);
    assert_eq!(world.reacquire(&token).await, ReacquireAnswer::Superseded);
}

#[tokio::test]
async fn after_a_loss_those_who_ran_come_before_newcomers() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 3, 4).await;
    let mut held = Vec::new();
    for user in 0..2 {
        let request = tenant.acquire(user, "d");
        let grant = world.grant(&request).await;
        held.push((request, grant));
    }
    let lost = async |tenant: &Tenant| {
        let () = world.lua("redis.call('FLUSHALL')", &[]).await;
        world.seats.put_entitlement(&tenant.entitlement).await.unwrap();
        for user in 0..4 {
            world.seats.put_member(&tenant.member(user)).await.unwrap();
        }
    };
    let in_use = |tenant: &mut Tenant, seats| {
        tenant.entitlement.in_use.insert(tenant.entitlement.licenses[0].id, seats);
    };

    in_use(&mut tenant, 2);
    lost(&tenant).await;
    // One seat was free before; two are kept.
    world.grant(&tenant.acquire(2, "new")).await;
    let AcquireAnswer::Recovering { now_ms, until_ms } = world.acquire(&tenant.acquire(3, "new")).await else { panic!("not kept") };
    assert!(until_ms > now_ms && until_ms <= now_ms + LEASE);
    for (request, grant) in &held {
        assert!(regranted(world.reacquire(&reacquire(request, grant)).await).new_seat);
    }
    exhausted(world.refusal(&tenant.acquire(3, "new")).await);
    assert_eq!(world.active(&tenant).await, [3]);
    // All are back, so a seat that is given back is free for anybody.
    world.release(&held[0].0).await;
    world.grant(&tenant.acquire(3, "new")).await;

    // Whoever does not come back within a lease time has lost his seat.
    in_use(&mut tenant, 3);
    lost(&tenant).await;
    assert!(matches!(world.acquire(&tenant.acquire(2, "new")).await, AcquireAnswer::Recovering { .. }));
    let ttl: i64 = world.lua("return redis.call('PTTL', redis.call('KEYS', '*:expected:*')[1])", &[]).await;
    assert!(ttl > 0 && ttl <= LEASE, "{ttl}");
    let () = world.lua("redis.call('DEL', unpack(redis.call('KEYS', '*:expected:*')))", &[]).await;
    world.grant(&tenant.acquire(2, "new")).await;

    // A change of what the tenant owns keeps nothing back.
    in_use(&mut tenant, 3);
    world.put(&mut tenant).await;
    world.grant(&tenant.acquire(3, "new")).await;
}

#[tokio::test]
async fn a_grant_that_the_store_lost_replaces_the_older_one_it_kept() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 1).await;
    let old = tenant.acquire(0, "a");
    let grant = world.grant(&old).await;
    // The renewal was acknowledged and then lost with a failed master: the store still has the old session.
    let lost = Acquire { session: session(), ..old.clone() };
    let token = Reacquire { session: lost.session, fence: grant.fence + 1, ..reacquire(&old, &grant) };
    let again = regranted(world.reacquire(&token).await);
    assert_eq!((again.session, again.new_seat, again.active), (lost.session, false, 1));
    assert_eq!(world.beat(&old).await, HeartbeatAnswer::Superseded);
    extended(world.beat(&lost).await);
}

#[tokio::test]
async fn a_token_for_another_licence_or_user_brings_nothing_back() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 1, 2).await;
    tenant.entitlement.licenses.push(license(50, 1));
    world.put(&mut tenant).await;
    let request = tenant.acquire(0, "a");
    let token = reacquire(&request, &world.grant(&request).await);
    let wrong_licence = Reacquire { license: tenant.entitlement.licenses[1].id, ..token.clone() };
    assert_eq!(world.reacquire(&wrong_licence).await, ReacquireAnswer::Superseded);
    let wrong_user = Reacquire { user: tenant.user(1), license: tenant.entitlement.licenses[1].id, ..token.clone() };
    assert_eq!(world.reacquire(&wrong_user).await, ReacquireAnswer::Superseded);
    let gone = Reacquire { license: LicenseId(Uuid::from_u128(77)), session: session(), ..token };
    assert_eq!(world.reacquire(&gone).await, ReacquireAnswer::Refused(Refusal::LicenseNotFound));
    assert_eq!(world.active(&tenant).await, [1, 0]);
    extended(world.beat(&request).await);
}

#[tokio::test]
async fn another_tenants_ids_are_like_ids_that_never_were() {
    let world = World::new().await;
    // The same shard, so that only the tenant keeps them apart; and another.
    for other in [1 + 64, 2] {
        let mine = world.tenant(1, 2, 1).await;
        let theirs = world.tenant(other, 2, 1).await;
        let live = theirs.acquire(0, "d");
        let grant = world.grant(&live).await;
        let ended = theirs.acquire(0, "e");
        world.grant(&ended).await;
        world.revoke(&ended).await;
        let before = world.seats.snapshot(theirs.id).await.unwrap().holders;
        let never = session();
        world.events().await;
        for session in [never, live.session, ended.session] {
            let foreign = Acquire { session, ..mine.acquire(0, "d") };
            assert_eq!(world.beat(&foreign).await, HeartbeatAnswer::NotLive);
            assert_eq!(world.release(&foreign).await, ReleaseAnswer::Unknown);
            assert_eq!(world.seats.find(mine.id, session).await.unwrap(), None);
            for license in [LicenseChoice::Id(grant.license.id), LicenseChoice::Key(theirs.entitlement.licenses[0].key.clone())] {
                assert_eq!(
                    world.refusal(&Acquire { license, session: common::session(), ..foreign.clone() }).await,
                    Refusal::LicenseNotFound
                );
            }
            let token = Reacquire { tenant: mine.id, user: mine.user(0), session, ..reacquire(&live, &grant) };
            assert_eq!(world.reacquire(&token).await, ReacquireAnswer::Refused(Refusal::LicenseNotFound));
            assert_eq!(world.revoke(&foreign).await, None);
            // The mark is the tenant's own.
            assert_eq!(world.beat(&foreign).await, HeartbeatAnswer::Revoked { reason: "by hand".into() });
        }
        // Even as one's own: the ids of both tenants' users may be the same person's.
        let same_person = Acquire { tenant: mine.id, ..live.clone() };
        assert_eq!(world.release(&same_person).await, ReleaseAnswer::AlreadyEnded, "the tenant's own mark");
        assert_eq!(world.seats.active(mine.id, &[grant.license.id]).await.unwrap(), [0]);
        assert!(world.seats.snapshot(mine.id).await.unwrap().holders.is_empty());
        assert_eq!(world.seats.snapshot(theirs.id).await.unwrap().holders, before);
        assert!(world.events().await.is_empty());
        extended(world.beat(&live).await);
        let () = world.lua("redis.call('FLUSHALL')", &[]).await;
    }
}

#[tokio::test]
async fn nothing_is_kept_for_ever_and_nothing_live_ends_by_itself() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 2).await;
    let lasting = async |pattern: &str| {
        let code = "local lasting = {}
            for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
                if redis.call('PTTL', key) < 0 then lasting[#lasting + 1] = key end
            end
            return lasting";
        world.lua::<Vec<String>>(code, &[pattern]).await
    };
    let request = tenant.acquire(0, "d");
    let token = reacquire(&request, &world.grant(&request).await);
    for round in 0..4 {
        // A seat that was lost and taken again is as lasting as one that was just taken.
        assert_eq!(lasting("*:seat:*").await.len(), 1, "round {round}");
        assert_eq!(lasting("*:s:*").await.len(), 1, "round {round}");
        match round {
            0 => drop(world.grant(&Acquire { hostname: None, ..request.clone() }).await),
            1 => {
                world.pass(LEASE).await;
                regranted(world.reacquire(&token).await);
            }
            2 => {
                world.pass(LEASE).await;
                world.seats.sweep().await.unwrap();
                assert_eq!(lasting("*:seat:*").await.len() + lasting("*:s:*").await.len(), 0);
                world.grant(&tenant.acquire(0, "d")).await;
            }
            _ => drop(world.grant(&tenant.acquire(0, "d")).await),
        }
    }
    world.refusal(&tenant.acquire(1, "e")).await;
    world.revoke(&tenant.acquire(1, "e")).await;
    world.pass(LEASE).await;
    world.seats.sweep().await.unwrap();
    world.events().await;
    let mut left = lasting("*").await;
    left.retain(|key| *key != format!("{}events", seats::keys::shard_prefix(1)));
    assert_eq!(left, [] as [&str; 0]);
}

#[tokio::test]
async fn what_nobody_can_read_is_as_good_as_lost_and_holds_up_nobody_else() {
    let world = World::new().await;
    let tenant = world.tenant(1, 3, 3).await;
    let requests: Vec<_> = (0..3).map(|user| tenant.acquire(user, "d")).collect();
    for request in &requests {
        world.grant(request).await;
    }
    let spoil = async |key: &str| {
        // A byte that MessagePack does not use.
        let code = "redis.call('SET', redis.call('KEYS', ARGV[1])[1], '\\193', 'KEEPTTL')";
        let () = world.lua(code, &[key]).await;
    };

    // Of the copies; they come again.
    for (copy, entitlement, member) in [("*:ent", true, false), ("*:limits:*", true, false), ("*:u:*", false, true)] {
        let () = world.lua("for _, key in ipairs(redis.call('KEYS', '*:u:*')) do redis.call('DEL', key) end", &[]).await;
        world.seats.put_member(&tenant.member(0)).await.unwrap();
        spoil(copy).await;
        let missing = world.seats.acquire(&requests[0]).await.unwrap().unwrap_err();
        assert_eq!((missing.entitlement, missing.member), (entitlement, member), "{copy}");
        world.seats.put_entitlement(&tenant.entitlement).await.unwrap();
        world.seats.put_member(&tenant.member(0)).await.unwrap();
        extended(world.beat(&requests[0]).await);
    }

    // A session is not known any more; its seat is free again when the lease is over.
    let session = |request: &Acquire| format!("*:s:{}", id(request.session.0));
    spoil(&session(&requests[0])).await;
    assert_eq!(world.beat(&requests[0]).await, HeartbeatAnswer::NotLive);
    assert_eq!(world.release(&requests[0]).await, ReleaseAnswer::Unknown);
    world.events().await;
    world.pass(LEASE).await;
    assert_eq!(world.seats.sweep().await.unwrap(), 3);
    assert_eq!(world.kinds().await, [SeatEventKind::Expired; 2]);
    assert_eq!(world.keys("*:leases:*").await, [] as [&str; 0]);

    // A seat of which nothing is known is a new one.
    spoil("*:seat:*").await;
    for (user, request) in (0..).zip(&requests) {
        world.seats.put_member(&tenant.member(user)).await.unwrap();
        world.grant(&Acquire { session: common::session(), ..request.clone() }).await;
    }
    assert_eq!(world.active(&tenant).await, [3]);
}

#[tokio::test]
async fn a_snapshot_has_everybody_latest_first() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 3, 4).await;
    tenant.entitlement.licenses.push(license(50, 3));
    world.put(&mut tenant).await;
    let mut requests = Vec::new();
    for user in 0..4 {
        let request = Acquire { hostname: None, client_version: None, ..tenant.acquire(user, "d") };
        world.grant(&request).await;
        // Until the next millisecond, so that the order is known.
        let now = world.now().await;
        while world.now().await == now {}
        requests.push(request);
    }
    assert_eq!(world.active(&tenant).await, [3, 1]);
    let snapshot = world.seats.snapshot(tenant.id).await.unwrap();
    let sessions: Vec<_> = snapshot.holders.iter().map(|h| h.session).collect();
    assert_eq!(sessions, requests.iter().rev().map(|r| r.session).collect::<Vec<_>>());
    assert!(snapshot.holders.iter().all(|h| h.hostname.is_none() && h.client_version.is_none() && h.expires_at_ms > snapshot.now_ms));
    // A new name shows at once; without the copy, the name at the time of the grant.
    world.seats.put_member(&MemberCopy { name: "Renamed".into(), ..tenant.member(0) }).await.unwrap();
    assert_eq!(world.seats.find(tenant.id, requests[0].session).await.unwrap().unwrap().user_name, "Renamed");
    let () = world.lua("redis.call('DEL', unpack(redis.call('KEYS', '*:u:*')))", &[]).await;
    assert_eq!(world.seats.find(tenant.id, requests[0].session).await.unwrap().unwrap().user_name, "User 0");
    assert_eq!(world.seats.active(tenant.id, &[]).await.unwrap(), [] as [u32; 0]);
}
