//! Seats in use over time, from the events of the live seats.

use crate::people::as_user;
use crate::world::{World, code};
use domain::{identity, jobs, sessions, usage};
use time::Duration;
use types::{Code, Role};

#[tokio::test]
async fn what_was_in_use_and_who_was_refused() {
    let world = World::new().await;
    let org = world.org("Meridian", 2).await;
    let owner = world.at(&org, &org.owner).await;
    let device = world.device(&org, &org.owner).await;
    let first = world.seat(&device, "one").await;
    world.seat(&device, "two").await;
    let request = types::licenses::AcquireRequest { hardware_id: "three".into(), hostname: Some("third-mbp".into()), ..Default::default() };
    assert_eq!(code(sessions::acquire(&device, &world.svc, &request).await), Code::SeatsExhausted);
    sessions::release(&device, &world.svc, &first.session_id.to_string()).await.unwrap();
    while jobs::drain_events(&world.svc).await.unwrap() > 0 {}
    // Redis has its own time, so the last seconds are not over for us yet.
    world.clock.advance(Duration::minutes(2));

    let seen = usage::view(&owner, &world.svc, org.license, 7).await.unwrap();
    assert_eq!((seen.peak, seen.refusals, seen.days.len()), (2, 1, 7));
    let today = seen.days.last().unwrap();
    assert_eq!((today.peak, today.max_seats, today.refusals), (2, 2, 1));
    assert!(seen.days.iter().rev().skip(1).all(|d| d.peak == 0));
    assert_eq!(seen.latest[0].device, "third-mbp");
    assert_eq!((seen.latest[0].active, seen.latest[0].max_seats), (2, 2));
    assert!(seen.seat_time >= Duration::seconds(59), "one seat was held for the minute");

    // Two days later these hours are final, and say the same; once more changes nothing.
    world.clock.advance(Duration::days(3));
    while usage::roll_up(&world.svc).await.unwrap() {}
    let rows = world.count("usage_hours").await;
    assert!(rows > 20, "the seat that is still held counts in every hour: {rows}");
    while usage::roll_up(&world.svc).await.unwrap() {}
    assert_eq!(world.count("usage_hours").await, rows);
    let later = usage::view(&owner, &world.svc, org.license, 7).await.unwrap();
    assert_eq!((later.peak, later.refusals), (2, 1));
    assert_eq!(later.days.last().unwrap().peak, 1, "held until today");
    let hours = usage::hourly(&owner, &world.svc, 7).await.unwrap();
    let mut keys: Vec<_> = hours.iter().map(|h| (h.license, h.hour)).collect();
    keys.dedup();
    assert_eq!(keys.len(), hours.len(), "no hour counts twice, final or not");
}

#[tokio::test]
async fn what_is_too_old_goes_but_for_what_says_how_it_stands() {
    let world = World::new().await;
    let org = world.org("Meridian", 2).await;
    let device = world.device(&org, &org.owner).await;
    let first = world.seat(&device, "one").await;
    world.seat(&device, "two").await;
    sessions::release(&device, &world.svc, &first.session_id.to_string()).await.unwrap();
    while jobs::drain_events(&world.svc).await.unwrap() > 0 {}
    for age in [729, 733] {
        let hour = format!(
            "INSERT INTO usage_hours (tenant_id, license_id, hour, peak, max_seats, seat_seconds, full_seconds, refusals)
             VALUES ('{}', '{}', now() - interval '{age} days', 1, 1, 1, 1, 0)",
            org.id, org.license
        );
        world.run(&hour).await;
    }
    jobs::purge(&world.svc).await.unwrap();
    assert_eq!((world.count("session_events").await, world.count("usage_hours").await), (3, 1));
    world.clock.advance(Duration::days(401));
    jobs::purge(&world.svc).await.unwrap();
    assert_eq!((world.count("session_events").await, world.count("usage_hours").await), (1, 0));
    assert_eq!(world.count("session_events WHERE kind = 'released' AND active = 1").await, 1);
}

#[tokio::test]
async fn usage_is_for_those_in_charge_and_of_their_own_tenant() {
    let world = World::new().await;
    let (org, other) = (world.org("Meridian", 1).await, world.org("Fjordline", 1).await);
    let device = world.device(&org, &org.owner).await;
    world.seat(&device, "one").await;
    while jobs::drain_events(&world.svc).await.unwrap() > 0 {}
    for role in [Role::Member, Role::Guest] {
        let person = world.member(&org, &format!("A {role}"), role).await;
        let ctx = world.at(&org, &person).await;
        assert_eq!(code(usage::hourly(&ctx, &world.svc, 7).await), Code::Forbidden);
    }
    for role in [Role::Admin, Role::Billing] {
        let person = world.member(&org, &format!("A {role}"), role).await;
        let ctx = world.at(&org, &person).await;
        assert!(usage::hourly(&ctx, &world.svc, 7).await.is_ok());
    }
    let theirs = identity::enter(&as_user(&other.owner), &world.svc, &other.slug).await.unwrap().0;
    assert_eq!(usage::hourly(&theirs, &world.svc, 90).await.unwrap(), []);
    let foreign = usage::view(&theirs, &world.svc, org.license, 90).await.unwrap();
    assert_eq!((foreign.peak, foreign.refusals, foreign.latest.len()), (0, 0, 0));
    let mut outside = as_user(&other.owner);
    outside.tenant = Some(org.id);
    assert_eq!(code(usage::hourly(&outside, &world.svc, 7).await), Code::NotFound);
}
