//! Who gets a seat, under which session, and what a refusal says.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::*;
use domain::ports::seats::*;
use seats::RedisSeats;
use seats::keys::id;
use types::licenses::LicenseStatus;
use types::{LicenseId, SessionId};
use uuid::Uuid;

#[tokio::test]
async fn a_grant_says_everything() {
    let world = World::new().await;
    let mut tenant = world.tenant(7, 3, 2).await;
    let request = tenant.acquire(0, "laptop");
    let before = world.now().await;
    let grant = world.grant(&request).await;
    assert!(grant.now_ms >= before && grant.now_ms <= world.now().await);
    assert_eq!(grant.session, request.session);
    assert!(grant.new_seat);
    let limits = tenant.license();
    assert_eq!(
        grant.license,
        GrantedLicense {
            id: limits.id,
            tier: limits.tier,
            features: limits.features.clone(),
            max_seats: limits.max_seats,
            heartbeat_seconds: limits.heartbeat_seconds,
            fingerprint_tolerance: limits.fingerprint_tolerance,
        }
    );
    assert_eq!(grant.active, 1);
    assert_eq!(grant.expires_at_ms, grant.now_ms + LEASE);
    assert_eq!(grant.valid_until_ms, grant.now_ms + 72 * 3_600_000);

    let holder = world.seats.find(tenant.id, request.session).await.unwrap().unwrap();
    assert_eq!(
        holder,
        SeatHolder {
            session: request.session,
            license: grant.license.id,
            user: request.user,
            user_name: "User 0".into(),
            user_email: "user0@example.com".into(),
            hardware_id: "laptop".into(),
            instance_id: "default".into(),
            hostname: Some("host of laptop".into()),
            client_version: Some("1.2.3".into()),
            started_at_ms: grant.now_ms,
            last_beat_ms: grant.now_ms,
            expires_at_ms: grant.expires_at_ms,
        }
    );
    let events = world.events().await;
    assert_eq!(
        events,
        [SeatEvent {
            kind: SeatEventKind::Acquired,
            at_ms: grant.now_ms,
            tenant: tenant.id,
            license: grant.license.id,
            user: request.user,
            session: request.session,
            started_at_ms: grant.now_ms,
            fence: grant.fence,
            hardware_id: "laptop".into(),
            instance_id: "default".into(),
            hostname: Some("host of laptop".into()),
            client_version: Some("1.2.3".into()),
            active: 1,
            max_seats: 3,
            reason: None,
        }]
    );
}

#[tokio::test]
async fn copies_epoch_role_tenant_and_licence_are_checked_in_this_order() {
    let world = World::new().await;
    let mut tenant = Tenant::new(1, 1);
    let mut request = tenant.acquire(0, "d");
    assert_eq!(world.seats.acquire(&request).await.unwrap(), Err(Missing { entitlement: true, member: true }));
    world.seats.put_member(&tenant.member(0)).await.unwrap();
    assert_eq!(world.seats.acquire(&request).await.unwrap(), Err(Missing { entitlement: true, member: false }));

    // Everything is wrong at once; then it is put right from front to back.
    tenant.entitlement.suspended = true;
    tenant.license().status = LicenseStatus::Suspended;
    tenant.license().max_seats = 0;
    world.put(&mut tenant).await;
    world.seats.put_member(&MemberCopy { epoch: 2, holds_seat: false, ..tenant.member(0) }).await.unwrap();
    assert_eq!(world.refusal(&request).await, Refusal::StaleEpoch);
    request.epoch = 3;
    assert_eq!(world.refusal(&request).await, Refusal::StaleEpoch);
    request.epoch = 2;
    assert_eq!(world.refusal(&request).await, Refusal::RoleHoldsNoSeat);
    world.seats.put_member(&MemberCopy { epoch: 2, ..tenant.member(0) }).await.unwrap();
    assert_eq!(world.refusal(&request).await, Refusal::TenantSuspended);
    tenant.entitlement.suspended = false;
    world.put(&mut tenant).await;
    request.license = LicenseChoice::Id(LicenseId(Uuid::from_u128(99)));
    assert_eq!(world.refusal(&request).await, Refusal::LicenseNotFound);
    request.license = LicenseChoice::Key("CODITECT-no".into());
    assert_eq!(world.refusal(&request).await, Refusal::LicenseNotFound);
    request.license = LicenseChoice::Key(tenant.license().key.clone());
    assert_eq!(world.refusal(&request).await, Refusal::LicenseSuspended);
    for (status, expected) in [
        (LicenseStatus::Restricted, Some(Refusal::LicenseSuspended)),
        (LicenseStatus::Expired, Some(Refusal::LicenseExpired)),
        (LicenseStatus::PastDue, None),
        (LicenseStatus::Active, None),
    ] {
        tenant.license().status = status;
        world.put(&mut tenant).await;
        match expected {
            Some(expected) => assert_eq!(world.refusal(&request).await, expected),
            None => drop(exhausted(world.refusal(&request).await)),
        }
    }
    tenant.license().expires_at_ms = Some(world.now().await);
    world.put(&mut tenant).await;
    assert_eq!(world.refusal(&request).await, Refusal::LicenseExpired);
    tenant.license().expires_at_ms = None;
    tenant.license().max_seats = 1;
    world.put(&mut tenant).await;
    assert!(world.grant(&request).await.new_seat);

    tenant.entitlement.licenses.clear();
    world.put(&mut tenant).await;
    for choice in [LicenseChoice::Any, request.license.clone()] {
        assert_eq!(world.refusal(&Acquire { license: choice, ..request.clone() }).await, Refusal::LicenseNotFound);
    }
}

#[tokio::test]
async fn only_a_higher_version_replaces_the_entitlement() {
    let world = World::new().await;
    let mut tenant = Tenant::new(1, 5);
    world.seats.put_member(&tenant.member(0)).await.unwrap();
    let request = tenant.acquire(0, "d");
    for (version, max_seats, expected) in [(5, 5, 5), (4, 4, 5), (5, 3, 5), (6, 2, 2), (-1, 9, 2), (7, 7, 7)] {
        tenant.entitlement.version = version;
        tenant.license().max_seats = max_seats;
        world.seats.put_entitlement(&tenant.entitlement).await.unwrap();
        assert_eq!(world.grant(&Acquire { session: session(), ..request.clone() }).await.license.max_seats, expected, "version {version}");
    }
    // Every copy ends by itself.
    for key in world.keys("*").await.iter().filter(|k| k.ends_with(":ent") || k.contains(":limits:") || k.contains(":u:")) {
        let ttl: i64 = redis::cmd("PTTL").arg(key).query_async(&mut world.raw.clone()).await.unwrap();
        assert!((1..=3_600_000).contains(&ttl), "{key}: {ttl}");
    }
}

#[tokio::test]
async fn a_copy_that_lost_a_part_is_loaded_again() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 1, 1).await;
    let request = tenant.acquire(0, "d");
    world.grant(&request).await;
    let () = world.lua("redis.call('DEL', unpack(redis.call('KEYS', '*:limits:*')))", &[]).await;
    let missing = Missing { entitlement: true, member: false };
    assert_eq!(world.seats.heartbeat(&heartbeat(&request)).await.unwrap(), Err(missing));
    let () = world.lua("redis.call('DEL', unpack(redis.call('KEYS', '*:u:*')))", &[]).await;
    assert_eq!(world.seats.heartbeat(&heartbeat(&request)).await.unwrap(), Err(Missing { member: true, ..missing }));
    world.seats.put_entitlement(&tenant.entitlement).await.unwrap();
    world.seats.put_member(&tenant.member(0)).await.unwrap();
    extended(world.beat(&request).await);
    // A licence that is gone ends its leases at their next beat.
    tenant.entitlement.licenses = vec![license(4, 4)];
    world.put(&mut tenant).await;
    for _ in 0..2 {
        assert_eq!(world.beat(&request).await, HeartbeatAnswer::Refused(Refusal::LicenseNotFound));
    }
    assert!(world.seats.snapshot(tenant.id).await.unwrap().holders.is_empty());
}

#[tokio::test]
async fn members_are_replaced_by_the_same_or_a_higher_epoch() {
    let world = World::new().await;
    let tenant = world.tenant(1, 5, 0).await;
    let request = tenant.acquire(0, "d");
    for (epoch, name, expected) in [(1, "a", "a"), (1, "b", "b"), (0, "c", "b")] {
        world.seats.put_member(&MemberCopy { epoch, name: name.into(), ..tenant.member(0) }).await.unwrap();
        let again = Acquire { session: session(), ..request.clone() };
        world.grant(&again).await;
        assert_eq!(world.seats.find(tenant.id, again.session).await.unwrap().unwrap().user_name, expected);
    }
}

#[tokio::test]
async fn one_device_restarts_a_thousand_times_on_one_seat() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 1).await;
    let mut last: Option<(Acquire, Grant)> = None;
    for round in 0..1000 {
        let request = tenant.acquire(0, "laptop");
        let grant = world.grant(&request).await;
        assert_eq!(grant.active, 1);
        assert_eq!(grant.new_seat, round == 0);
        assert_eq!(grant.license.max_seats, 1);
        if let Some((old, before)) = last {
            assert_eq!(grant.fence, before.fence + 1);
            assert_eq!(world.beat(&old).await, HeartbeatAnswer::Superseded);
            assert_eq!(world.release(&old).await, ReleaseAnswer::AlreadyEnded);
            assert_eq!(world.reacquire(&reacquire(&old, &before)).await, ReacquireAnswer::Superseded);
        }
        extended(world.beat(&request).await);
        last = Some((request, grant));
    }
    let events = world.events().await;
    let count = |kind| events.iter().filter(|e| e.kind == kind).count();
    assert_eq!((count(SeatEventKind::Acquired), events.len()), (1, 1), "a restart changes nothing that is counted");
    assert!(events.iter().all(|e| e.active == 1));
    assert_eq!(world.seats.snapshot(tenant.id).await.unwrap().holders.len(), 1);
}

#[tokio::test]
async fn the_same_request_twice_is_one_grant() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 1).await;
    let request = tenant.acquire(0, "laptop");
    let first = world.grant(&request).await;
    let second = world.grant(&request).await;
    assert_eq!((second.session, second.fence, second.new_seat), (first.session, first.fence, false));
    extended(world.beat(&request).await);
    assert_eq!(world.kinds().await, [SeatEventKind::Acquired]);
}

#[tokio::test]
async fn a_seat_is_one_user_on_one_device_and_instance() {
    let world = World::new().await;
    let tenant = world.tenant(1, 4, 2).await;
    let base = tenant.acquire(0, "device");
    world.grant(&base).await;
    world.grant(&tenant.acquire(1, "device")).await;
    world.grant(&tenant.acquire(0, "device 2")).await;
    let fourth = world.grant(&Acquire { instance_id: "second".into(), session: session(), ..base.clone() }).await;
    assert_eq!(fourth.active, 4);
    exhausted(world.refusal(&tenant.acquire(1, "device 2")).await);
    assert!(!world.grant(&tenant.acquire(0, "device")).await.new_seat);
}

/// What is packed says how long each text is, in one, two, three or five bytes.
#[tokio::test]
async fn texts_of_any_length_come_back() {
    let world = World::new().await;
    let tenant = world.tenant(1, 300, 1).await;
    for length in (0..40).chain(180..260).chain(65_440..65_540) {
        let text = "x".repeat(length);
        let request = Acquire { hostname: Some(text.clone()), ..tenant.acquire(0, &format!("device {length}")) };
        world.grant(&request).await;
        let holder = world.seats.find(tenant.id, request.session).await.unwrap().unwrap();
        assert_eq!((holder.hostname.as_ref(), &holder.hardware_id), (Some(&text), &request.hardware_id), "{length}");
        world.seats.revoke(tenant.id, request.session, &text, 60).await.unwrap();
        assert_eq!(world.beat(&request).await, HeartbeatAnswer::Revoked { reason: text }, "{length}");
    }
}

#[tokio::test]
async fn odd_names_stay_apart_and_in_their_slot() {
    let world = World::new().await;
    let long = "x".repeat(128);
    let odd = [
        "{",
        "}",
        "{}",
        "{s1}:",
        "}:t:{",
        ":",
        "::",
        "*",
        "a:b",
        "a\nb",
        "a\r\nb",
        " ",
        "\0",
        "ß",
        "漢字",
        "👩‍💻",
        "e\u{301}",
        "é",
        &long,
        "a|b",
        "'; DROP",
    ];
    let tenant = world.tenant(17, odd.len() as u32 * 2, 1).await;
    let mut all = Vec::new();
    for name in odd {
        let by_device = tenant.acquire(0, name);
        let by_instance = Acquire { instance_id: name.into(), ..tenant.acquire(0, "device") };
        for request in [by_device, by_instance] {
            assert!(world.grant(&request).await.new_seat, "{name:?}");
            extended(world.beat(&request).await);
            let holder = world.seats.find(tenant.id, request.session).await.unwrap().unwrap();
            assert_eq!((&holder.hardware_id, &holder.instance_id), (&request.hardware_id, &request.instance_id));
            all.push(request);
        }
    }
    // Each is its own seat, kept at a restart.
    for request in &mut all {
        request.session = session();
        assert!(!world.grant(request).await.new_seat);
    }
    let prefix = format!("{{s{}}}:", seats::keys::shard_of(tenant.id));
    for key in world.keys("*").await {
        assert!(key.starts_with(&prefix) && key.is_ascii() && !key[prefix.len()..].contains(['{', '}', ' ', '\n']), "{key:?}");
    }
    for request in &all {
        assert_eq!(world.release(request).await, ReleaseAnswer::Released);
    }
    let mut events = world.events().await;
    events.retain(|e| e.kind == SeatEventKind::Released);
    let texts = |e: &SeatEvent| (e.hardware_id.clone(), e.instance_id.clone());
    assert_eq!(
        events.iter().map(texts).collect::<Vec<_>>(),
        all.iter().map(|r| (r.hardware_id.clone(), r.instance_id.clone())).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn without_a_name_the_first_licence_with_a_free_seat_is_taken() {
    let world = World::new().await;
    let mut tenant = Tenant::new(1, 1);
    tenant.entitlement.licenses = vec![license(30, 1), license(10, 1), license(20, 1)];
    world.put(&mut tenant).await;
    for user in 0..5 {
        world.seats.put_member(&tenant.member(user)).await.unwrap();
    }
    let ids: Vec<_> = tenant.entitlement.licenses.iter().map(|l| l.id).collect();
    let a = tenant.acquire(0, "a");
    let b = tenant.acquire(1, "b");
    assert_eq!(world.grant(&a).await.license.id, ids[0]);
    assert_eq!(world.grant(&b).await.license.id, ids[1]);
    // A device stays where it is, even when a seat before it is free.
    assert_eq!(world.release(&a).await, ReleaseAnswer::Released);
    let again = world.grant(&tenant.acquire(1, "b")).await;
    assert_eq!((again.license.id, again.new_seat), (ids[1], false));
    // By name: a seat of its own on another licence.
    let c = Acquire { license: LicenseChoice::Id(ids[2]), ..tenant.acquire(1, "b") };
    assert!(world.grant(&c).await.new_seat);
    // The first in order on which the device holds one.
    assert_eq!(world.grant(&tenant.acquire(1, "b")).await.license.id, ids[1]);
    assert_eq!(world.grant(&tenant.acquire(2, "c")).await.license.id, ids[0]);
    assert_eq!(world.active(&tenant).await, [1, 1, 1]);
    // None free: the facts of the first that could be used.
    assert_eq!(exhausted(world.refusal(&tenant.acquire(3, "d")).await).license, ids[0]);
    tenant.license().status = LicenseStatus::Suspended;
    world.put(&mut tenant).await;
    assert_eq!(exhausted(world.refusal(&tenant.acquire(4, "d")).await).license, ids[1]);
    // None usable: what a payment or a call can change is said before what is over.
    for license in &mut tenant.entitlement.licenses[1..] {
        license.status = LicenseStatus::Expired;
    }
    world.put(&mut tenant).await;
    assert_eq!(world.refusal(&tenant.acquire(3, "d")).await, Refusal::LicenseSuspended);
    tenant.license().status = LicenseStatus::Expired;
    world.put(&mut tenant).await;
    assert_eq!(world.refusal(&tenant.acquire(3, "d")).await, Refusal::LicenseExpired);
}

/// As if the session had begun at another moment (in ms) and its lease ended so many ms earlier.
async fn set_back(world: &World, request: &Acquire, start_ms: u128, earlier_ms: u128) {
    let () = world
        .lua(
            "local session = redis.call('KEYS', '*:s:' .. ARGV[1])[1]
             local facts = {cmsgpack.unpack(redis.call('GET', session))}
             facts[6] = ARGV[2]
             redis.call('SET', session, cmsgpack.pack(unpack(facts)))
             for _, key in ipairs(redis.call('KEYS', '*:leases:*')) do redis.call('ZINCRBY', key, -ARGV[3], ARGV[1]) end",
            &[&id(request.session.0), &start_ms.to_string(), &earlier_ms.to_string()],
        )
        .await;
}

#[tokio::test]
async fn of_many_holders_the_longest_among_those_whose_leases_end_first_are_named() {
    let world = World::new().await;
    let tenant = world.tenant(1, 70, 2).await;
    for device in 0..70 {
        let request = tenant.acquire(0, &device.to_string());
        world.grant(&request).await;
        set_back(&world, &request, 1000 + device, device * 1000).await;
    }
    let facts = exhausted(world.refusal(&tenant.acquire(1, "late")).await);
    let starts: Vec<_> = facts.holders.iter().map(|holder| holder.started_at_ms).collect();
    assert_eq!(starts, (1006..1016).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_refusal_has_the_facts_and_counts_once_a_minute() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 25, 26).await;
    let mut grants = Vec::new();
    for user in 0..25 {
        let request = tenant.acquire(user, "d");
        let grant = world.grant(&request).await;
        // Who came first is held longest, whatever the order of expiry.
        set_back(&world, &request, 1000 + user, user * 1000).await;
        grants.push((request, grant));
    }
    world.events().await;
    let late = tenant.acquire(25, "late");
    let facts = exhausted(world.refusal(&late).await);
    assert_eq!((facts.active, facts.max_seats, facts.license), (25, 25, tenant.license().id));
    assert_eq!(facts.next_free_at_ms, grants[24].1.expires_at_ms - 24_000);
    assert_eq!(facts.holders.len(), 10);
    for (holder, (request, grant)) in facts.holders.iter().zip(&grants) {
        assert_eq!(holder.session, request.session);
        assert_eq!(holder.expires_at_ms, grant.expires_at_ms - (holder.started_at_ms - 1000) * 1000);
    }
    let mut again = late.clone();
    again.session = session();
    world.refusal(&again).await;
    world.refusal(&tenant.acquire(25, "another")).await;
    let events = world.events().await;
    assert_eq!(events.len(), 2, "one per device");
    assert_eq!((events[0].kind, events[0].session, events[0].active, events[0].max_seats), (SeatEventKind::Denied, late.session, 25, 25));
    assert_eq!(events[1].hardware_id, "another");
    // A minute later it counts again.
    let deleted: u64 = world.lua("return redis.call('DEL', unpack(redis.call('KEYS', '*:denied:*')))", &[]).await;
    assert_eq!(deleted, 2);
    world.refusal(&again).await;
    assert_eq!(world.kinds().await, [SeatEventKind::Denied]);
    // Where the licence hides its holders, nobody is named, from the next refusal on.
    tenant.license().show_holders = false;
    world.put(&mut tenant).await;
    let facts = exhausted(world.refusal(&again).await);
    assert_eq!((facts.active, facts.holders.len()), (25, 0));
}

#[tokio::test]
async fn a_refusal_names_the_seats_that_one_holds_oneself() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 3, 3).await;
    tenant.license().show_holders = false;
    world.put(&mut tenant).await;
    let mut laptop = tenant.acquire(0, "laptop");
    let (desktop, other) = (tenant.acquire(0, "desktop"), tenant.acquire(1, "theirs"));
    for request in [&laptop, &desktop, &other] {
        world.grant(request).await;
    }
    // A restart is the same seat.
    laptop.session = session();
    world.grant(&laptop).await;
    let own = async || {
        let facts = exhausted(world.refusal(&tenant.acquire(0, "tablet")).await);
        let mut own: Vec<_> = facts.own.iter().map(|h| h.session).collect();
        own.sort_unstable();
        own
    };
    let sorted = |mut sessions: Vec<SessionId>| {
        sessions.sort_unstable();
        sessions
    };
    assert_eq!(own().await, sorted(vec![laptop.session, desktop.session]));
    let held = world.seats.of_user(tenant.id, laptop.user).await.unwrap();
    assert_eq!(sorted(held.iter().map(|h| h.session).collect()), sorted(vec![laptop.session, desktop.session]));
    assert!(held[0].started_at_ms >= held[1].started_at_ms, "latest first");
    assert!(world.seats.of_user(Tenant::new(2, 1).id, laptop.user).await.unwrap().is_empty());
    assert!(exhausted(world.refusal(&tenant.acquire(2, "d")).await).own.is_empty(), "somebody else's seats are not his");
    // What ended is not there any more, however it ended.
    world.revoke(&desktop).await;
    world.grant(&tenant.acquire(2, "d")).await;
    assert_eq!(own().await, [laptop.session]);
    world.release(&laptop).await;
    world.grant(&tenant.acquire(2, "e")).await;
    assert!(own().await.is_empty());
    assert_eq!(
        world.keys(&format!("*:own:*:{}", id(laptop.user.0))).await,
        Vec::<String>::new(),
        "nothing is left of one who holds nothing"
    );
    // What is not true goes away when it is noticed.
    let theirs = world.keys(&format!("*:own:*:{}", id(other.user.0))).await;
    let () = world.lua("redis.call('RENAME', ARGV[1], (string.gsub(ARGV[1], '[^:]*$', ARGV[2])))", &[&theirs[0], &id(laptop.user.0)]).await;
    let () = world
        .lua("for _, key in ipairs(redis.call('KEYS', '*:leases:*')) do redis.call('ZREM', key, ARGV[1]) end", &[&id(other.session.0)])
        .await;
    world.grant(&tenant.acquire(2, "f")).await;
    assert!(own().await.is_empty());
    assert_eq!(world.keys(&format!("*:own:*:{}", id(laptop.user.0))).await, Vec::<String>::new());
}

#[tokio::test]
async fn one_list_of_holders_is_shown_for_a_moment() {
    let world = World::new().await;
    let tenant = world.tenant(1, 1, 3).await;
    let (a, b, late) = (tenant.acquire(0, "a"), tenant.acquire(1, "b"), tenant.acquire(2, "late"));
    world.grant(&a).await;
    let shown = async || exhausted(world.refusal(&late).await).holders.iter().map(|h| h.session).collect::<Vec<_>>();
    assert_eq!(shown().await, [a.session]);
    world.release(&a).await;
    world.grant(&b).await;
    assert_eq!(shown().await, [b.session]);
    // As long as a list may be shown, the next one is shown the same.
    let seats = RedisSeats::connect_with_deadline(&world.redis.url(), PATIENCE).await.unwrap().showing_for(PATIENCE);
    let kept = async || match seats.acquire(&late).await.unwrap().unwrap() {
        AcquireAnswer::Refused(refusal) => exhausted(refusal).holders.iter().map(|h| h.session).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(kept().await, [b.session]);
    world.release(&b).await;
    world.grant(&a).await;
    assert_eq!(kept().await, [b.session], "the list of before");
    assert_eq!(shown().await, [a.session]);
}

#[tokio::test]
async fn a_lower_limit_ends_nobody_and_admits_nobody() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 3, 5).await;
    let mut requests = Vec::new();
    for user in 0..3 {
        let request = tenant.acquire(user, "d");
        requests.push((world.grant(&request).await.expires_at_ms, request));
    }
    tenant.license().max_seats = 1;
    world.put(&mut tenant).await;
    for (_, request) in &mut requests {
        extended(world.beat(request).await);
        request.session = session();
        let grant = world.grant(request).await;
        assert_eq!((grant.active, grant.new_seat), (3, false), "a restart keeps the seat");
    }
    let facts = exhausted(world.refusal(&tenant.acquire(3, "new")).await);
    assert_eq!((facts.active, facts.max_seats), (3, 1));
    let last = world.seats.snapshot(tenant.id).await.unwrap().holders.iter().map(|h| h.expires_at_ms).max().unwrap();
    assert_eq!(facts.next_free_at_ms, last, "a seat is free when the third lease has ended, not the first");
    for (_, request) in &requests[..2] {
        assert_eq!(world.release(request).await, ReleaseAnswer::Released);
        exhausted(world.refusal(&tenant.acquire(4, "newer")).await);
    }
    assert_eq!(world.release(&requests[2].1).await, ReleaseAnswer::Released);
    assert_eq!(world.grant(&tenant.acquire(3, "new")).await.active, 1);
    exhausted(world.refusal(&tenant.acquire(4, "newer")).await);
    // Raised again: at once.
    tenant.license().max_seats = 2;
    world.put(&mut tenant).await;
    world.grant(&tenant.acquire(4, "newer")).await;
}

#[tokio::test]
async fn an_overage_raises_the_limit_by_its_percentage() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 5, 10).await;
    tenant.license().overage_percent = 50;
    world.put(&mut tenant).await;
    for user in 0..7 {
        world.grant(&tenant.acquire(user, "d")).await;
    }
    let facts = exhausted(world.refusal(&tenant.acquire(7, "d")).await);
    assert_eq!((facts.active, facts.max_seats), (7, 5));
    assert_eq!(world.events().await.last().map(|e| (e.active, e.max_seats)), Some((7, 5)), "over-use can be told from the event");
}

#[tokio::test]
async fn offline_rights_are_counted_and_given_back() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 10, 10).await;
    tenant.license().offline_cap = 2;
    world.put(&mut tenant).await;
    let offline = |g: &Grant| g.valid_until_ms == g.now_ms + 72 * 3_600_000;
    let bounded = |g: &Grant| g.valid_until_ms == g.expires_at_ms;
    let a = tenant.acquire(0, "a");
    let b = tenant.acquire(1, "b");
    let c = tenant.acquire(2, "c");
    assert!(offline(&world.grant(&a).await));
    assert!(offline(&world.grant(&b).await));
    assert!(bounded(&world.grant(&c).await), "above the cap");
    // A renewal gives the right back and takes it again.
    let a2 = tenant.acquire(0, "a");
    assert!(offline(&world.grant(&a2).await));
    // Late calls on the old session give back nothing.
    world.release(&a).await;
    assert!(bounded(&world.grant(&tenant.acquire(2, "c")).await));
    // A release does.
    assert_eq!(world.release(&a2).await, ReleaseAnswer::Released);
    let c2 = tenant.acquire(2, "c");
    assert!(offline(&world.grant(&c2).await));
    // A crash does not: the device may only be out of reach. It ends with the hour in which the token does.
    world.pass(LEASE).await;
    assert_eq!(world.seats.sweep().await.unwrap(), 2);
    assert!(bounded(&world.grant(&tenant.acquire(3, "d")).await));
    world.pass(72 * 3_600_000 - LEASE - 60_000).await;
    assert!(bounded(&world.grant(&tenant.acquire(3, "d")).await));
    world.pass(3_600_000 + 60_000).await;
    assert!(offline(&world.grant(&tenant.acquire(4, "e")).await));
    // Nor does a revocation. A release after the lease has run out does.
    let b2 = tenant.acquire(1, "b");
    assert!(offline(&world.grant(&b2).await));
    world.revoke(&b2).await;
    assert!(bounded(&world.grant(&tenant.acquire(5, "f")).await));
}

#[tokio::test]
async fn a_late_release_gives_the_offline_right_back() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 10, 10).await;
    tenant.license().offline_cap = 1;
    world.put(&mut tenant).await;
    for sweep in [false, true] {
        let request = tenant.acquire(0, "a");
        let grant = world.grant(&request).await;
        assert!(grant.valid_until_ms > grant.expires_at_ms);
        world.pass(LEASE).await;
        if sweep {
            world.seats.sweep().await.unwrap();
        }
        assert_eq!(world.release(&request).await, ReleaseAnswer::AlreadyEnded);
        let other = tenant.acquire(1, "b");
        let granted = world.grant(&other).await;
        assert!(granted.valid_until_ms > granted.expires_at_ms, "swept: {sweep}");
        assert_eq!(world.release(&other).await, ReleaseAnswer::Released);
        assert_eq!(world.reacquire(&reacquire(&request, &grant)).await, ReacquireAnswer::Superseded, "given back is given back");
    }
}

#[tokio::test]
async fn nothing_outlives_the_licence() {
    let world = World::new().await;
    let mut tenant = world.tenant(1, 5, 2).await;
    let end = world.now().await + 100_000;
    tenant.license().expires_at_ms = Some(end);
    world.put(&mut tenant).await;
    let request = tenant.acquire(0, "d");
    let grant = world.grant(&request).await;
    assert_eq!((grant.expires_at_ms, grant.valid_until_ms), (end, end));
    assert_eq!(extended(world.beat(&request).await).1, end);
    // Its end is moved: away, the next beat has the whole lease; near, the lease is cut at once.
    tenant.license().expires_at_ms = None;
    world.put(&mut tenant).await;
    let (now, expires) = extended(world.beat(&request).await);
    assert_eq!(expires, now + LEASE);
    let end = world.now().await + 50_000;
    tenant.license().expires_at_ms = Some(end);
    world.put(&mut tenant).await;
    assert_eq!(world.seats.find(tenant.id, request.session).await.unwrap().unwrap().expires_at_ms, end);
    tenant.license().expires_at_ms = Some(1);
    world.put(&mut tenant).await;
    assert_eq!(world.active(&tenant).await, [0]);
    assert!(world.seats.snapshot(tenant.id).await.unwrap().holders.is_empty());
    assert_eq!(world.seats.sweep().await.unwrap(), 1);
    assert_eq!(world.kinds().await, [SeatEventKind::Acquired, SeatEventKind::Expired]);
}
