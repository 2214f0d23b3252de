//! Seats through the use-cases: what PostgreSQL owns reaches Redis, and what Redis loses comes back.

use crate::people::{acquire, as_user, heartbeat};
use crate::world::{BASE_URL, World, code, problem};
use domain::policy::{self, ChoicesForm, PolicyChange, PolicyForm};
use domain::{identity, jobs, licenses, sessions, support};
use std::sync::atomic::Ordering;
use store::OpCtx;
use time::Duration;
use tokio::task::JoinSet;
use types::licenses::{FingerprintTolerance, HeartbeatState};
use types::{Code, Role};

fn operator() -> OpCtx {
    OpCtx::system("operator")
}

#[tokio::test]
async fn a_cold_redis_is_given_what_it_lacks() {
    let world = World::new().await;
    let org = world.org("Firm", 2).await;
    let device = world.device(&org, &org.owner).await;
    world.flush_redis().await;
    let (new, held) = sessions::acquire(&device, &world.svc, &acquire("laptop")).await.unwrap();
    assert!(new);
    assert_eq!((held.license.id, held.license.max_seats, held.license.active), (org.license, 2, 1));
    assert_eq!((held.heartbeat_interval_seconds, held.license.features.clone()), (300, vec!["core".to_owned()]));
    assert!((350..=360).contains(&held.expires_in), "{}", held.expires_in);
    let (new, again) = sessions::acquire(&device, &world.svc, &acquire("laptop")).await.unwrap();
    assert!(!new, "the same device keeps its seat");
    assert_ne!(again.session_id, held.session_id);
    let told = problem(world.beat(&device, &held).await);
    assert_eq!((told.code, told.status), (Code::SessionSuperseded, 410));
    let beat = world.beat(&device, &again).await.unwrap();
    assert_eq!((beat.state, beat.heartbeat_interval_seconds), (HeartbeatState::Active, 300));
    assert_eq!(world.active(&org).await, 1);
}

#[tokio::test]
async fn a_crowd_that_meets_a_cold_redis_loads_a_few_at_a_time() {
    let world = World::with_connections(2).await;
    let org = world.org("Firm", 300).await;
    let mut devices = vec![world.device(&org, &org.owner).await];
    for i in 0..9 {
        let member = world.member(&org, &format!("Member {i}"), Role::Member).await;
        devices.push(world.device(&org, &member).await);
    }
    world.flush_redis().await;
    let before = world.seats.calls("put_entitlement");
    let mut starts = JoinSet::new();
    for i in 0..300 {
        let (device, svc) = (devices[i % devices.len()].clone(), world.svc.clone());
        starts.spawn(async move { sessions::acquire(&device, &svc, &acquire(&format!("laptop {i}"))).await.unwrap() });
    }
    assert!(starts.join_all().await.iter().all(|(new, _)| *new));
    assert_eq!(world.active(&org).await, 300);
    let loaded = world.seats.calls("put_entitlement") - before;
    assert!((1..=8).contains(&loaded), "300 people were brought the same copy {loaded} times");
}

#[tokio::test]
async fn a_refusal_says_what_helps() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let member = world.member(&org, "Member", Role::Member).await;
    let held = world.seat(&world.device(&org, &org.owner).await, "laptop").await;
    let device = world.device(&org, &member).await;
    let full = problem(sessions::acquire(&device, &world.svc, &acquire("desktop")).await);
    assert_eq!((full.code, full.status), (Code::SeatsExhausted, 429));
    assert!((1..=360).contains(&full.retry_after.unwrap()), "{:?}", full.retry_after);
    assert_eq!((full.extra["active"].as_u64(), full.extra["max_seats"].as_u64()), (Some(1), Some(1)));
    assert_eq!(full.holders.as_ref().unwrap()[0].name, "Owner of Firm");
    assert_eq!(full.holders.as_ref().unwrap()[0].device, "host-laptop");
    assert!(full.extra["next_free_at"].as_str().unwrap().contains('T'));
    let pages = format!("{BASE_URL}/orgs/{}", org.id);
    assert!(!full.extra.contains_key("buy_url"), "nothing is sold here");
    assert_eq!(full.own_sessions, Some(Vec::new()), "the owner's session is not his");
    let own = problem(sessions::acquire(&world.device(&org, &org.owner).await, &world.svc, &acquire("tablet")).await);
    let mine = &own.own_sessions.unwrap()[0];
    assert_eq!((mine.device.as_str(), mine.session_id), ("host-laptop", held.session_id));
    assert_eq!(mine.end_url, format!("{pages}/sessions?revoke={}", held.session_id));
    // The links lead to those who belong there, and to nobody else.
    let by_id = identity::enter(&as_user(&member), &world.svc, &org.id.to_string()).await.unwrap();
    assert_eq!((by_id.0.tenant, by_id.1.slug), (Some(org.id), org.slug.clone()));
    let stranger = world.person("Stranger").await;
    assert_eq!(code(identity::enter(&as_user(&stranger), &world.svc, &org.id.to_string()).await), Code::NotFound);
    let owner = world.device(&org, &org.owner).await;
    for _ in 0..2 {
        sessions::release(&owner, &world.svc, &held.session_id.to_string()).await.unwrap();
    }
    world.seat(&device, "desktop").await;
    world.run("UPDATE licenses SET show_holders = false; UPDATE tenants SET entitlement_version = entitlement_version + 1").await;
    world.forget_key("*:ent").await;
    let full = problem(sessions::acquire(&owner, &world.svc, &acquire("laptop")).await);
    assert_eq!(full.holders, Some(Vec::new()), "the policy shows no names");
}

#[tokio::test]
async fn the_next_acquire_sees_a_new_limit() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    world.seat(&device, "one").await;
    assert_eq!(code(sessions::acquire(&device, &world.svc, &acquire("two")).await), Code::SeatsExhausted);
    world.set_seats(&org, 2).await;
    world.seat(&device, "two").await;
    world.set_seats(&org, 1).await;
    assert_eq!(world.active(&org).await, 2, "a lower limit ends nobody");
    assert_eq!(code(sessions::acquire(&device, &world.svc, &acquire("three")).await), Code::SeatsExhausted);
    let change = PolicyChange { lease_seconds: Some(60), heartbeat_seconds: Some(20), offline_hours: Some(0), ..Default::default() };
    policy::set(&operator(), &world.svc, &org.slug, Some(&org.key.to_lowercase()), &change).await.unwrap();
    let held = world.seat(&device, "two").await;
    assert!(held.expires_in <= 60);
    assert_eq!(held.heartbeat_interval_seconds, 20);
    assert_eq!(world.count("seat_outbox").await, 0);
}

#[tokio::test]
async fn a_policy_that_makes_no_sense_changes_nothing() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let before = world.column("SELECT t::text FROM licenses t").await;
    let set =
        async |slug: &str, key: Option<&str>, change: PolicyChange| problem(policy::set(&operator(), &world.svc, slug, key, &change).await);
    let policy = PolicyChange::default;
    for (field, change) in [
        ("max_seats", PolicyChange { max_seats: Some(1_000_001), ..policy() }),
        ("lease_seconds", PolicyChange { lease_seconds: Some(1), ..policy() }),
        ("heartbeat_seconds", PolicyChange { heartbeat_seconds: Some(360), ..policy() }),
        ("heartbeat_seconds", PolicyChange { lease_seconds: Some(300), ..policy() }),
        ("offline_hours", PolicyChange { offline_hours: Some(8_761), ..policy() }),
    ] {
        assert!(set(&org.slug, None, change).await.field(field).is_some(), "{field}");
    }
    let more = PolicyChange { max_seats: Some(99), ..policy() };
    assert_eq!(set("no-such-firm", None, more.clone()).await.code, Code::NotFound);
    assert_eq!(
        set(&org.slug, Some("CODITECT-2222-2222-2222"), more.clone()).await.code,
        Code::LicenseNotFound,
        "not a key: not another licence instead"
    );
    assert_eq!(set(&org.slug, Some(&world.org("Other", 1).await.key), more).await.code, Code::LicenseNotFound);
    assert_eq!(world.column(&format!("SELECT t::text FROM licenses t WHERE id = '{}'", org.license)).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_changes_at_once_both_hold() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let mut lock = world.pg().await;
    sqlx::raw_sql("BEGIN; SELECT 1 FROM tenants FOR UPDATE").execute(&mut lock).await.unwrap();
    let mut tasks = JoinSet::new();
    for change in [PolicyChange { max_seats: Some(5), ..Default::default() }, PolicyChange { offline_hours: Some(1), ..Default::default() }]
    {
        let (svc, slug) = (world.svc.clone(), org.slug.clone());
        tasks.spawn(async move { policy::set(&operator(), &svc, &slug, None, &change).await.unwrap() });
    }
    world.until_blocked(2).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    tasks.join_all().await;
    assert_eq!(world.count("licenses WHERE max_seats = 5 AND offline_hours = 1").await, 1);
}

#[tokio::test]
async fn a_change_while_redis_is_away_is_repeated_when_it_is_back() {
    let mut world = World::that_remembers().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    world.seat(&device, "one").await;
    world.redis.kill();
    world.set_seats(&org, 2).await;
    assert_eq!(world.count("seat_outbox").await, 1);
    world.fail_to_carry_copies().await;
    assert_eq!(world.count("seat_outbox").await, 1, "what did not work is tried again");
    world.restart_redis().await;
    assert_eq!(code(sessions::acquire(&device, &world.svc, &acquire("two")).await), Code::SeatsExhausted, "Redis still has the old copy");
    assert_eq!(world.carry_copies().await, 1);
    world.seat(&device, "two").await;
    assert_eq!(jobs::flush_copies(&world.svc).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_copy_does_not_replace_a_newer_one() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    // Changes and their copies overlap; whichever comes last to Redis, the highest version wins.
    let mut tasks = JoinSet::new();
    for seats in 2..12 {
        let (svc, slug) = (world.svc.clone(), org.slug.clone());
        tasks.spawn(async move {
            let change = PolicyChange { max_seats: Some(seats), ..Default::default() };
            policy::set(&operator(), &svc, &slug, None, &change).await.unwrap();
        });
    }
    tasks.join_all().await;
    jobs::flush_copies(&world.svc).await.unwrap();
    let stored = world.column("SELECT max_seats FROM licenses").await.remove(0).unwrap();
    assert_eq!(world.seat(&device, "one").await.license.max_seats.to_string(), stored);
    assert_eq!(world.column("SELECT entitlement_version FROM tenants").await, [Some("12".to_owned())], "each change has its version");
}

#[tokio::test]
async fn a_running_client_comes_back_after_a_total_loss_of_redis() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    world.flush_redis().await;

    let without = sessions::heartbeat(&device, &world.svc, &types::licenses::HeartbeatRequest { token: None, ..heartbeat(&held) }).await;
    assert_eq!(code(without), Code::SessionNotFound, "only the token proves that there was a session");
    for broken in [String::new(), format!("{}x", held.token), held.token.replace('.', ""), held.token[..held.token.len() - 4].to_owned()] {
        let request = types::licenses::HeartbeatRequest { token: Some(broken), ..heartbeat(&held) };
        assert_eq!(code(sessions::heartbeat(&device, &world.svc, &request).await), Code::SessionNotFound);
    }
    assert_eq!(world.active(&org).await, 0);

    assert_eq!(world.beat(&device, &held).await.unwrap().state, HeartbeatState::Reacquired);
    assert_eq!(world.beat(&device, &held).await.unwrap().state, HeartbeatState::Active, "under the same session id");
    assert_eq!(world.active(&org).await, 1);
}

#[tokio::test]
async fn an_expired_lease_comes_back_only_if_a_seat_is_free() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let member = world.member(&org, "Member", Role::Member).await;
    let (one, two) = (world.device(&org, &org.owner).await, world.device(&org, &member).await);
    let first = world.seat(&one, "one").await;
    world.pass(361).await;
    assert_eq!(world.beat(&one, &first).await.unwrap().state, HeartbeatState::Reacquired);
    world.pass(361).await;
    let second = world.seat(&two, "two").await;
    let full = problem(world.beat(&one, &first).await);
    assert_eq!((full.code, full.status), (Code::SeatsExhausted, 429));
    sessions::release(&two, &world.svc, &second.session_id.to_string()).await.unwrap();
    assert_eq!(world.beat(&one, &first).await.unwrap().state, HeartbeatState::Reacquired);
    assert_eq!(code(world.beat(&two, &second).await), Code::SessionSuperseded, "what was given back does not come back");
}

#[tokio::test]
async fn a_token_whose_time_is_over_brings_nothing_back() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    assert!(held.valid_until > world.now() + Duration::hours(71));
    world.flush_redis().await;
    world.clock.advance(Duration::hours(73));
    assert_eq!(code(world.beat(&device, &held).await), Code::SessionNotFound);
    assert_eq!(world.active(&org).await, 0);
}

#[tokio::test]
async fn a_suspended_organisation_stops_and_a_restored_one_goes_on() {
    let world = World::new().await;
    let org = world.org("Firm", 2).await;
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    let staff = world.support("Helper").await;
    support::set_suspended(&staff, &world.svc, org.id, true, "unpaid for months").await.unwrap();
    let refused = problem(sessions::acquire(&device, &world.svc, &acquire("desktop")).await);
    assert_eq!((refused.code, refused.status), (Code::TenantSuspended, 403));
    for _ in 0..2 {
        let stopped = problem(world.beat(&device, &held).await);
        assert_eq!((stopped.code, stopped.status), (Code::TenantSuspended, 410));
    }
    world.flush_redis().await;
    assert_eq!(problem(world.beat(&device, &held).await).status, 410, "also for a Redis that has to ask first");
    assert_eq!(world.active(&org).await, 0);

    support::set_suspended(&staff, &world.svc, org.id, false, "has paid").await.unwrap();
    assert_eq!(world.beat(&device, &held).await.unwrap().state, HeartbeatState::Reacquired);
    world.seat(&device, "desktop").await;
    assert_eq!(world.active(&org).await, 2);
}

#[tokio::test]
async fn after_a_loss_of_redis_seats_are_kept_for_those_who_held_them() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    jobs::drain_events(&world.svc).await.unwrap();
    world.flush_redis().await;
    let refused = problem(sessions::acquire(&device, &world.svc, &acquire("newcomer")).await);
    assert_eq!((refused.code, refused.status), (Code::SeatsUnavailable, 503), "to be tried again, no final word");
    assert!(refused.retry_after.is_some_and(|s| (1..=30).contains(&s)));
    assert_eq!(world.beat(&device, &held).await.unwrap().state, HeartbeatState::Reacquired);
    assert_eq!(problem(sessions::acquire(&device, &world.svc, &acquire("newcomer")).await).code, Code::SeatsExhausted);
}

#[tokio::test]
async fn what_the_licences_standing_allows() {
    let world = World::new().await;
    let org = world.org("Firm", 5).await;
    let device = world.device(&org, &org.owner).await;
    let set = async |assignment: &str| {
        world.run(&format!("UPDATE licenses SET {assignment}; UPDATE tenants SET entitlement_version = entitlement_version + 1")).await;
        world.forget_key("*:ent").await;
        world.forget_key("*:limits:*").await;
    };
    for (assignment, new, running) in [
        ("status = 'PAST_DUE'", None, None),
        ("status = 'RESTRICTED'", Some((Code::LicenseSuspended, 403)), None),
        ("status = 'SUSPENDED'", Some((Code::LicenseSuspended, 403)), Some((Code::LicenseSuspended, 410))),
        ("status = 'EXPIRED'", Some((Code::LicenseExpired, 403)), Some((Code::LicenseExpired, 410))),
        ("status = 'ACTIVE', expiry = now() - interval '1 second'", Some((Code::LicenseExpired, 403)), Some((Code::LicenseExpired, 410))),
    ] {
        set("status = 'ACTIVE', expiry = NULL").await;
        let held = world.seat(&device, "running").await;
        set(assignment).await;
        let told = |result: domain::Result<()>| result.err().map(|e| e.into_problem()).map(|p| (p.code, p.status));
        assert_eq!(told(world.beat(&device, &held).await.map(drop)), running, "heartbeat: {assignment}");
        assert_eq!(told(sessions::acquire(&device, &world.svc, &acquire("new")).await.map(drop)), new, "acquire: {assignment}");
    }
}

#[tokio::test]
async fn a_seat_without_a_token_is_given_back() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    world.signer.broken.store(true, Ordering::Relaxed);
    let refused = problem(sessions::acquire(&device, &world.svc, &acquire("laptop")).await);
    assert_eq!((refused.code, refused.status, refused.retry_after), (Code::SeatsUnavailable, 503, Some(5)));
    assert_eq!(world.active(&org).await, 0);
    world.signer.broken.store(false, Ordering::Relaxed);
    world.seat(&device, "laptop").await;
}

#[tokio::test]
async fn a_held_seat_is_not_lost_for_want_of_a_newer_token() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    world.seat(&device, "laptop").await;
    world.signer.broken.store(true, Ordering::Relaxed);
    let refused = problem(sessions::acquire(&device, &world.svc, &acquire("laptop")).await);
    assert_eq!(refused.code, Code::SeatsUnavailable);
    assert_eq!(world.active(&org).await, 1);
    world.signer.broken.store(false, Ordering::Relaxed);
    assert_eq!(code(sessions::acquire(&device, &world.svc, &acquire("desktop")).await), Code::SeatsExhausted);
    world.seat(&device, "laptop").await;
}

#[tokio::test]
async fn after_a_loss_of_the_store_a_token_whose_time_is_over_brings_back_what_ran() {
    let world = World::new().await;
    let org = world.org("Firm", 3).await;
    let device = world.device(&org, &org.owner).await;
    // Without any right to work offline a token lasts as long as the first lease.
    let change = PolicyChange { offline_hours: Some(0), ..Default::default() };
    policy::set(&OpCtx::system("operator"), &world.svc, &org.slug, None, &change).await.unwrap();
    let held = [world.seat(&device, "one").await, world.seat(&device, "two").await];
    let left = world.seat(&device, "three").await;
    sessions::release(&device, &world.svc, &left.session_id.to_string()).await.unwrap();
    jobs::drain_events(&world.svc).await.unwrap();
    world.clock.advance(Duration::hours(5));
    assert_eq!(code(world.beat(&device, &left).await), Code::SessionSuperseded, "it is worth nothing as long as the store knows");

    world.flush_redis().await;
    for held in &held {
        assert_eq!(world.beat(&device, held).await.unwrap().state, HeartbeatState::Reacquired);
    }
    assert_eq!(code(world.beat(&device, &left).await), Code::SessionNotFound, "no more than there were");
    assert_eq!(world.active(&org).await, 2);

    // Nor for one that was revoked, or longer than that is remembered.
    let owner = world.at(&org, &org.owner).await;
    sessions::revoke(&owner, &world.svc, held[0].session_id, Some("Audit")).await.unwrap();
    jobs::drain_events(&world.svc).await.unwrap();
    world.flush_redis().await;
    assert_eq!(code(world.beat(&device, &held[0]).await), Code::SessionRevoked);
    world.clock.advance(Duration::days(366));
    assert_eq!(code(world.beat(&device, &held[1]).await), Code::SessionNotFound);
}

#[tokio::test]
async fn what_a_device_says_about_itself_is_checked() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    let mut request = acquire(" ");
    request.nonce = Some("n".repeat(257));
    request.hostname = Some("a\nb".to_owned());
    request.license_key = Some("CODITECT-1111".to_owned());
    let refused = problem(sessions::acquire(&device, &world.svc, &request).await);
    assert_eq!(refused.code, Code::InvalidRequest);
    for field in ["hardware_id", "nonce", "hostname", "license_key"] {
        assert!(refused.field(field).is_some(), "{field}");
    }
    let refused = problem(
        sessions::heartbeat(
            &device,
            &world.svc,
            &types::licenses::HeartbeatRequest { session_id: "no id".to_owned(), token: None, nonce: None },
        )
        .await,
    );
    assert!(refused.field("session_id").is_some());
}

#[tokio::test]
async fn an_allowance_beyond_the_seats_counts_at_the_next_call() {
    let world = World::new().await;
    let org = world.org("Firm", 4).await;
    let device = world.device(&org, &org.owner).await;
    for n in 0..4 {
        world.seat(&device, &format!("device-{n}")).await;
    }
    assert_eq!(code(sessions::acquire(&device, &world.svc, &acquire("fifth")).await), Code::SeatsExhausted);
    let set = async |change: PolicyChange| policy::set(&operator(), &world.svc, &org.slug, None, &change).await;
    for wrong in [1, 30, 101, 200] {
        let refused = problem(set(PolicyChange { overage_percent: Some(wrong), ..Default::default() }).await);
        assert_eq!(refused.pointer.as_deref(), Some("/overage_percent"));
    }
    let license = set(PolicyChange { overage_percent: Some(25), show_holders: Some(false), ..Default::default() }).await.unwrap();
    assert_eq!((license.hard_stop, license.max_seats, license.admits()), (false, 4, 5));
    let fifth = sessions::acquire(&device, &world.svc, &acquire("fifth")).await.unwrap().1;
    assert_eq!((fifth.license.max_seats, fifth.license.active), (4, 5), "counted and said");
    let sixth = problem(sessions::acquire(&device, &world.svc, &acquire("sixth")).await);
    assert_eq!((sixth.code, sixth.holders), (Code::SeatsExhausted, Some(Vec::new())));
    // Taking the allowance back ends nobody and admits nobody.
    let license = set(PolicyChange { overage_percent: Some(0), ..Default::default() }).await.unwrap();
    assert_eq!((license.hard_stop, license.admits()), (true, 4));
    assert!(world.beat(&device, &fifth).await.is_ok());
    assert_eq!(code(sessions::acquire(&device, &world.svc, &acquire("sixth")).await), Code::SeatsExhausted);
}

#[tokio::test]
async fn an_organization_decides_its_own_part_of_the_policy() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let admin = world.member(&org, "Admin", Role::Admin).await;
    let member = world.member(&org, "Member", Role::Member).await;
    let license = org.license.to_string();
    let form =
        |holders: &str, tolerance: &str| ChoicesForm { show_holders: holders.to_owned(), fingerprint_tolerance: tolerance.to_owned() };
    let ctx = world.at(&org, &admin).await;
    let good = form("false", "any_two");
    assert_eq!(code(policy::choose(&world.at(&org, &member).await, &world.svc, &license, &good).await), Code::Forbidden);
    let other = world.org("Other", 1).await;
    assert_eq!(code(policy::choose(&ctx, &world.svc, &other.license.to_string(), &good).await), Code::LicenseNotFound);
    let wrong = problem(policy::choose(&ctx, &world.svc, &license, &form("perhaps", "all")).await);
    for name in ["show_holders", "fingerprint_tolerance"] {
        assert!(wrong.field(name).is_some(), "{name}");
    }
    let device = world.device(&org, &member).await;
    assert_eq!(world.seat(&device, "one").await.license.fingerprint_tolerance, FingerprintTolerance::Most);
    policy::choose(&ctx, &world.svc, &license, &good).await.unwrap();
    // At the next call.
    assert_eq!(world.seat(&device, "one").await.license.fingerprint_tolerance, FingerprintTolerance::AnyTwo);
    assert_eq!(problem(sessions::acquire(&device, &world.svc, &acquire("two")).await).holders, Some(Vec::new()));
    let seen = licenses::get(&ctx, &world.svc, &license).await.unwrap();
    assert_eq!((seen.admits(), seen.show_holders, seen.fingerprint_tolerance), (1, false, FingerprintTolerance::AnyTwo));
    assert_eq!(world.count("audit_log WHERE action = 'license.policy_changed' AND actor_kind = 'user'").await, 1);
}

#[tokio::test]
async fn staff_set_all_of_a_policy_and_say_why() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let license = org.license.to_string();
    let staff = world.support("Sven").await;
    let mut form = PolicyForm {
        max_seats: "2".to_owned(),
        lease_seconds: "60".to_owned(),
        heartbeat_seconds: "20".to_owned(),
        offline_hours: "48".to_owned(),
        offline_cap: "1".to_owned(),
        overage_percent: "30".to_owned(),
        choices: ChoicesForm { show_holders: "true".to_owned(), fingerprint_tolerance: "exact".to_owned() },
    };
    let set =
        async |ctx: &OpCtx, form: &PolicyForm, reason: &str| policy::set_as_staff(ctx, &world.svc, org.id, &license, form, reason).await;
    assert_eq!(code(set(&world.at(&org, &org.owner).await, &form, "Mine").await), Code::NotFound, "not even an owner");
    assert!(problem(set(&staff, &form, " ").await).field("reason").is_some());
    assert!(problem(set(&staff, &form, "Ticket 4710").await).field("overage_percent").is_some());
    form.overage_percent = "50".to_owned();
    set(&staff, &form, "Ticket 4711").await.unwrap();
    let seen = licenses::get(&world.at(&org, &org.owner).await, &world.svc, &license).await.unwrap();
    assert_eq!((seen.max_seats, seen.admits(), seen.offline_cap), (2, 3, Some(1)));
    let device = world.device(&org, &org.owner).await;
    let one = world.seat(&device, "one").await;
    assert_eq!((one.heartbeat_interval_seconds, one.license.fingerprint_tolerance), (20, FingerprintTolerance::Exact));
    let offline = |held: &types::licenses::AcquireResponse| held.valid_until - world.now() > Duration::hours(1);
    assert!(offline(&one), "the one offline right");
    assert!(!offline(&world.seat(&device, "two").await), "above the cap a token ends with its lease");
    // Without a cap of its own: twice the seats.
    form.offline_cap = String::new();
    set(&staff, &form, "Ticket 4712").await.unwrap();
    assert!(offline(&world.seat(&device, "two").await));
    form.offline_cap = "2000001".to_owned();
    form.heartbeat_seconds = "60".to_owned();
    let wrong = problem(set(&staff, &form, "Ticket 4713").await);
    assert!(wrong.field("offline_cap").is_some() && wrong.field("heartbeat_seconds").is_some());
    assert_eq!(world.count("audit_log WHERE reason LIKE 'Ticket 471_' AND actor_kind = 'staff'").await, 2);
}
