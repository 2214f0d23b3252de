//! What happened to seats reaches PostgreSQL exactly once, whoever dies on the way.

use crate::people::{Org, acquire};
use crate::world::{World, code};
use domain::{jobs, organizations, sessions};
use std::sync::Arc;
use store::{OpCtx, SystemTx, activity};
use types::{Code, Role};

/// Kinds of the organisation's events, in the order in which they happened.
async fn kinds(world: &World, org: &Org) -> Vec<String> {
    let select = format!("SELECT kind FROM session_events WHERE tenant_id = '{}' ORDER BY at, fence, kind", org.id);
    world.column(&select).await.into_iter().flatten().collect()
}

/// Takes a seat, renews it, is refused one, gives it back, and lets another run out: five events, since a restart is none.
async fn a_day(world: &World, org: &Org) -> OpCtx {
    let device = world.device(org, &org.owner).await;
    world.seat(&device, "laptop").await;
    let held = world.seat(&device, "laptop").await;
    assert_eq!(code(sessions::acquire(&device, &world.svc, &acquire("desktop")).await), Code::SeatsExhausted);
    sessions::release(&device, &world.svc, &held.session_id.to_string()).await.unwrap();
    world.seat(&device, "tablet").await;
    world.pass(361).await;
    assert_eq!(jobs::sweep(&world.svc).await.unwrap(), 1);
    device
}

const DAY: [&str; 5] = ["acquired", "acquired", "denied", "expired", "released"];

fn sorted(mut kinds: Vec<String>) -> Vec<String> {
    kinds.sort();
    kinds
}

#[tokio::test]
async fn each_event_is_written_down_once() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    a_day(&world, &org).await;
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 5);
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 0, "all are acknowledged");
    assert_eq!(sorted(kinds(&world, &org).await), DAY);
    let begun =
        world.column("SELECT count(*) FROM session_events WHERE started_at IS NULL OR (kind = 'released' AND started_at > at)").await;
    assert_eq!(begun, [Some("0".to_owned())], "an end says when its session began");
}

#[tokio::test]
async fn a_reader_that_dies_before_writing_loses_nothing() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    a_day(&world, &org).await;
    assert_eq!(world.svc.seats.read_events(500).await.unwrap().len(), 5);
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 5);
    assert_eq!(sorted(kinds(&world, &org).await), DAY);
}

#[tokio::test]
async fn a_reader_that_dies_between_commit_and_acknowledgement_repeats_nothing() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = a_day(&world, &org).await;
    world.seats.break_call("acknowledge");
    jobs::drain_events(&world.svc).await.unwrap_err();
    assert_eq!(sorted(kinds(&world, &org).await), DAY, "the commit was before");
    const ROWS: &str = "SELECT e::text FROM session_events e ORDER BY emitted_at, seq";
    let mut rows = world.column(ROWS).await;
    world.seats.mend();
    // What is new comes along with what is there already.
    world.seat(&device, "phone").await;
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 6);
    let mut now = world.column(ROWS).await;
    assert!(now.pop().is_some_and(|row| row.is_some_and(|text| text.contains("phone"))));
    rows.sort();
    now.sort();
    assert_eq!(now, rows);
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 0);
}

#[tokio::test]
async fn what_postgresql_refuses_stays_in_redis() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    a_day(&world, &org).await;
    world.run("REVOKE INSERT ON session_events FROM portal_system").await;
    jobs::drain_events(&world.svc).await.unwrap_err();
    assert_eq!(world.count("session_events").await, 0, "all or nothing");
    world.run("GRANT INSERT ON session_events TO portal_system").await;
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 5);
    assert_eq!(sorted(kinds(&world, &org).await), DAY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_at_once_write_each_event_once() {
    let world = Arc::new(World::new().await);
    let mut orgs = Vec::new();
    for n in 0..4 {
        let org = world.org(&format!("Firm {n}"), 30).await;
        let device = world.device(&org, &org.owner).await;
        for hardware in 0..25 {
            let held = world.seat(&device, &format!("device {hardware}")).await;
            sessions::release(&device, &world.svc, &held.session_id.to_string()).await.unwrap();
        }
        orgs.push(org);
    }
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let world = world.clone();
        workers.spawn(async move {
            while world.count("session_events").await < 200 {
                jobs::drain_events(&world.svc).await.unwrap();
            }
        });
    }
    workers.join_all().await;
    for org in &orgs {
        let mut kinds = kinds(&world, org).await;
        kinds.sort();
        assert_eq!(kinds, [vec!["acquired"; 25], vec!["released"; 25]].concat());
    }
    while jobs::drain_events(&world.svc).await.unwrap() > 0 {}
    assert_eq!(world.count("session_events").await, 200);
}

#[tokio::test]
async fn while_one_worker_writes_others_leave_it_alone() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    a_day(&world, &org).await;
    let ctx = OpCtx::system("test");
    let mut other = SystemTx::begin(&ctx, &world.svc.store).await.unwrap();
    assert!(activity::lock_events(&mut other).await.unwrap());
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 0);
    assert_eq!(world.count("session_events").await, 0);
    drop(other);
    // The pool ends a transaction that was dropped when it next lends its connection, or soon.
    while jobs::drain_events(&world.svc).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(sorted(kinds(&world, &org).await), DAY);
}

#[tokio::test]
async fn events_of_a_licence_that_is_gone_hold_up_no_others() {
    let world = World::new().await;
    let (gone, org) = (world.org("Gone", 1).await, world.org("Firm", 1).await);
    a_day(&world, &gone).await;
    a_day(&world, &org).await;
    world.run(&format!("DELETE FROM licenses WHERE id = '{}'", gone.license)).await;
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 10);
    assert!(kinds(&world, &gone).await.is_empty());
    assert_eq!(sorted(kinds(&world, &org).await), DAY);
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 0);
}

#[tokio::test]
async fn pages_show_what_happened() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let member = world.member(&org, "Member", Role::Member).await;
    let (owner, other) = (world.at(&org, &org.owner).await, world.at(&org, &member).await);
    assert!(!organizations::has_started(&owner, &world.svc).await.unwrap());
    let device = a_day(&world, &org).await;
    jobs::drain_events(&world.svc).await.unwrap();
    assert!(organizations::has_started(&owner, &world.svc).await.unwrap());
    assert_eq!(organizations::denials(&owner, &world.svc, 24).await.unwrap(), 1);
    let ended = sessions::recently_ended(&owner, &world.svc, 24).await.unwrap();
    let mut how: Vec<_> = ended.iter().map(|e| (e.how.as_str(), e.device.as_str(), e.user_name.as_str())).collect();
    how.sort_unstable();
    assert_eq!(how, [("expired", "host-tablet", "Owner of Firm"), ("released", "host-laptop", "Owner of Firm")]);
    assert!(sessions::recently_ended(&other, &world.svc, 24).await.unwrap().is_empty(), "a member sees his own");

    // On whichever of several licenses.
    let second = uuid::Uuid::from_u128(2);
    world
        .run(&format!(
            "INSERT INTO licenses (tenant_id, id, key, product_sku, tier, max_seats, created_at)
             SELECT tenant_id, '{second}', 'second', product_sku, tier, max_seats, created_at FROM licenses WHERE id = '{}';
             UPDATE session_events SET license_id = '{second}' WHERE kind IN ('denied', 'released')",
            org.license
        ))
        .await;
    assert_eq!(sessions::recently_ended(&owner, &world.svc, 24).await.unwrap(), ended, "in the same order");
    assert_eq!(organizations::denials(&owner, &world.svc, 24).await.unwrap(), 1);

    // One that ran out and came back has not ended.
    let held = world.seat(&device, "phone").await;
    world.pass(361).await;
    jobs::sweep(&world.svc).await.unwrap();
    world.beat(&device, &held).await.unwrap();
    jobs::drain_events(&world.svc).await.unwrap();
    assert_eq!(sessions::recently_ended(&owner, &world.svc, 24).await.unwrap().len(), 2);
    assert!(kinds(&world, &org).await.contains(&"reacquired".to_owned()));
}
