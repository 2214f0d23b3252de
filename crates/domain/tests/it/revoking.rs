//! Ending a session: in PostgreSQL first, then in Redis, and for good.

use crate::people::{as_user, heartbeat};
use crate::world::{World, code, problem};
use domain::{audit, sessions, support};
use store::OpCtx;
use types::licenses::AcquireResponse;
use types::{Code, Role, SessionId};
use uuid::Uuid;

#[tokio::test]
async fn a_revoked_session_is_told_so_with_the_reason() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let member = world.member(&org, "Member", Role::Member).await;
    let device = world.device(&org, &member).await;
    let held = world.seat(&device, "laptop").await;
    let owner = world.at(&org, &org.owner).await;
    for _ in 0..2 {
        sessions::revoke(&owner, &world.svc, held.session_id, Some("The laptop was lost.")).await.unwrap();
    }
    for _ in 0..2 {
        let told = problem(world.beat(&device, &held).await);
        assert_eq!((told.code, told.status), (Code::SessionRevoked, 410));
        assert_eq!(told.extra["reason"], "The laptop was lost.");
    }
    assert_eq!(world.active(&org).await, 0);
    let log = audit::list(&owner, &world.svc, None, Some("session."), None, 10).await.unwrap().entries;
    assert_eq!(log.len(), 1, "twice is the same as once");
    assert_eq!((log[0].subject.as_str(), log[0].reason.as_deref()), ("Member on host-laptop", Some("The laptop was lost.")));

    // The person may start again: one session was ended, not he.
    world.seat(&device, "laptop").await;
}

#[tokio::test]
async fn it_stays_dead_whatever_redis_forgets() {
    let world = World::new().await;
    let org = world.org("Firm", 2).await;
    let device = world.device(&org, &org.owner).await;
    let (ended, goes_on) = (world.seat(&device, "laptop").await, world.seat(&device, "desktop").await);
    sessions::revoke(&world.at(&org, &org.owner).await, &world.svc, ended.session_id, None).await.unwrap();
    world.forget_key(&format!("*:s:{}", seats::keys::id(ended.session_id.0))).await;
    assert_eq!(code(world.beat(&device, &ended).await), Code::SessionRevoked);
    world.flush_redis().await;
    let told = problem(world.beat(&device, &ended).await);
    assert_eq!((told.code, told.status), (Code::SessionRevoked, 410));
    assert_eq!(told.extra["reason"], "You ended it yourself.");
    world.beat(&device, &goes_on).await.unwrap();
    assert_eq!(world.active(&org).await, 1);
}

#[tokio::test]
async fn postgresql_comes_first() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    let owner = world.at(&org, &org.owner).await;

    // What PostgreSQL did not take, Redis does not hear of.
    world.run("REVOKE INSERT ON audit_log FROM portal_tenant").await;
    assert_eq!(code(sessions::revoke(&owner, &world.svc, held.session_id, None).await), Code::Internal);
    assert_eq!((world.count("revocations").await, world.count("seat_outbox").await), (0, 0));
    world.beat(&device, &held).await.unwrap();
    world.run("GRANT INSERT ON audit_log TO portal_tenant").await;

    // What PostgreSQL took, holds, and Redis hears of it when it can; until then nobody is told that it is done.
    world.seats.break_call("revoke");
    assert_eq!(code(sessions::revoke(&owner, &world.svc, held.session_id, None).await), Code::SeatsUnavailable);
    assert_eq!((world.count("revocations").await, world.count("seat_outbox").await), (1, 1));
    world.beat(&device, &held).await.unwrap();
    world.fail_to_carry_copies().await;
    world.seats.mend();
    assert_eq!(world.carry_copies().await, 1);
    assert_eq!(code(world.beat(&device, &held).await), Code::SessionRevoked);
    assert_eq!(world.count("seat_outbox").await, 0);
}

#[tokio::test]
async fn what_cannot_be_carried_holds_up_nobody_else() {
    let world = World::new().await;
    let (org, other) = (world.org("Firm", 1).await, world.org("Other", 1).await);
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    let at_other = world.device(&other, &other.owner).await;
    world.seat(&at_other, "one").await;
    world.seats.break_call("revoke");
    sessions::revoke(&world.at(&org, &org.owner).await, &world.svc, held.session_id, None).await.unwrap_err();
    // Noted later, by a portal that ended before it could carry it.
    world.run(&format!("UPDATE licenses SET max_seats = 2 WHERE id = '{}'", other.license)).await;
    world.run(&format!("UPDATE tenants SET entitlement_version = entitlement_version + 1 WHERE id = '{}'", other.id)).await;
    world.run(&format!("INSERT INTO seat_outbox (tenant_id, kind, created_at) VALUES ('{}', 'entitlement', now())", other.id)).await;
    world.fail_to_carry_copies().await;
    world.seat(&at_other, "two").await;
    assert_eq!(world.count("seat_outbox WHERE kind = 'revocation' AND attempts > 0").await, 1);
    assert_eq!(world.count("seat_outbox").await, 1);
    world.seats.mend();
    assert_eq!(world.carry_copies().await, 1);
    assert_eq!(code(world.beat(&device, &held).await), Code::SessionRevoked);
}

#[tokio::test]
async fn a_member_ends_his_own_session_and_no_other() {
    let world = World::new().await;
    let org = world.org("Firm", 3).await;
    let (one, two) = (world.member(&org, "One", Role::Member).await, world.member(&org, "Two", Role::Member).await);
    let (device_one, device_two) = (world.device(&org, &one).await, world.device(&org, &two).await);
    let (of_one, of_two) = (world.seat(&device_one, "a").await, world.seat(&device_two, "b").await);
    let ctx = world.at(&org, &one).await;
    let random = problem(sessions::revoke(&ctx, &world.svc, SessionId(Uuid::from_u128(9)), None).await);
    assert_eq!((random.code, random.status), (Code::SessionNotFound, 404));
    assert_eq!(problem(sessions::revoke(&ctx, &world.svc, of_two.session_id, None).await), random);
    sessions::revoke(&ctx, &world.svc, of_one.session_id, None).await.unwrap();
    assert_eq!(code(world.beat(&device_one, &of_one).await), Code::SessionRevoked);
    world.beat(&device_two, &of_two).await.unwrap();

    // Billing sees all sessions and ends none; an admin ends any.
    let billing = world.at(&org, &world.member(&org, "Billing", Role::Billing).await).await;
    assert_eq!(problem(sessions::revoke(&billing, &world.svc, of_two.session_id, None).await), random);
    let admin = world.at(&org, &world.member(&org, "Admin", Role::Admin).await).await;
    sessions::revoke(&admin, &world.svc, of_two.session_id, None).await.unwrap();
    assert_eq!(problem(world.beat(&device_two, &of_two).await).extra["reason"], "An administrator of your organization ended it.");
}

#[tokio::test]
async fn staff_give_a_reason_that_the_organisation_reads() {
    let world = World::new().await;
    let (org, other) = (world.org("Firm", 1).await, world.org("Other", 1).await);
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    let staff = world.support("Helper").await;
    let (inside, tenant, people) = support::enter(&staff, &world.svc, org.id).await.unwrap();
    assert_eq!((tenant.slug.as_str(), people.len()), ("firm", 1));
    for missing in [None, Some(""), Some("  ")] {
        let refused = problem(sessions::revoke(&inside, &world.svc, held.session_id, missing).await);
        assert_eq!((refused.code, refused.pointer.as_deref()), (Code::InvalidRequest, Some("/reason")));
    }
    assert!(problem(support::set_suspended(&staff, &world.svc, org.id, true, " ").await).field("reason").is_some());
    world.beat(&device, &held).await.unwrap();

    // In the wrong organisation it does not exist.
    let elsewhere = support::enter(&staff, &world.svc, other.id).await.unwrap().0;
    assert_eq!(code(sessions::revoke(&elsewhere, &world.svc, held.session_id, Some("by mistake")).await), Code::SessionNotFound);

    sessions::revoke(&inside, &world.svc, held.session_id, Some("Asked by phone, ticket 7.")).await.unwrap();
    support::set_suspended(&staff, &world.svc, org.id, true, "Unpaid, ticket 8.").await.unwrap();
    let told = problem(world.beat(&device, &held).await);
    assert_eq!(told.extra["reason"], "CODITECT support: Asked by phone, ticket 7.");

    let owner = world.at(&org, &org.owner).await;
    let log = audit::list(&owner, &world.svc, Some("ticket"), None, None, 10).await.unwrap().entries;
    let lines: Vec<_> =
        log.iter().map(|e| (e.action.as_str(), e.actor_kind.as_str(), e.actor_name.as_str(), e.reason.as_deref().unwrap())).collect();
    assert_eq!(
        lines,
        [
            ("organization.suspended", "staff", "Helper", "Unpaid, ticket 8."),
            ("session.revoked", "staff", "Helper", "Asked by phone, ticket 7."),
        ]
    );
    let elsewhere = audit::list(&world.at(&other, &other.owner).await, &world.svc, Some("ticket"), None, None, 10).await.unwrap();
    assert!(elsewhere.entries.is_empty());
    assert_eq!(code(support::enter(&staff, &world.svc, Uuid::from_u128(3).into()).await), Code::NotFound);
}

#[tokio::test]
async fn staff_find_an_organisation_by_what_people_say() {
    let world = World::new().await;
    let org = world.org("Fjordline Studio", 3).await;
    world.org("Another", 1).await;
    let staff = world.support("Helper").await;
    for words in ["fjordline", "FJORD", &org.slug, &org.owner.email, &org.key, &org.id.to_string()] {
        let found = support::search(&staff, &world.svc, words).await.unwrap();
        assert_eq!((found.len(), found[0].id, found[0].max_seats), (1, org.id, 3), "{words}");
    }
    assert_eq!(support::search(&staff, &world.svc, "").await.unwrap().len(), 2);
    for nothing in ["%", "_", "\\", "' OR true --", "no such firm"] {
        assert!(support::search(&staff, &world.svc, nothing).await.unwrap().is_empty(), "{nothing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_at_once_end_it_once() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    let owner = world.at(&org, &org.owner).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (svc, ctx, session) = (world.svc.clone(), owner.clone(), held.session_id);
        tasks.spawn(async move { sessions::revoke(&ctx, &svc, session, None).await });
    }
    for result in tasks.join_all().await {
        result.unwrap();
    }
    assert_eq!(world.count("revocations").await, 1);
    assert_eq!(world.count("audit_log WHERE action = 'session.revoked'").await, 1);
    let request = heartbeat(&held);
    assert_eq!(code(sessions::heartbeat(&device, &world.svc, &request).await), Code::SessionRevoked);
    assert_eq!(
        code(sessions::revoke(&as_user(&org.owner).in_tenant(org.id), &world.svc, held.session_id, None).await),
        Code::NotFound,
        "without a role"
    );
}

/// Its owner in front of the portal, his device, and the seat that it holds.
async fn a_held_seat(world: &World) -> (OpCtx, OpCtx, AcquireResponse) {
    let org = world.org("Firm", 1).await;
    let device = world.device(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    (world.at(&org, &org.owner).await, device, held)
}

#[tokio::test]
async fn a_revocation_that_did_not_reach_redis_is_not_called_done() {
    let world = World::new().await;
    let (owner, device, held) = a_held_seat(&world).await;
    world.seats.break_call("revoke");
    for _ in 0..2 {
        let told = problem(sessions::revoke(&owner, &world.svc, held.session_id, None).await);
        assert_eq!((told.code, told.status), (Code::SeatsUnavailable, 503), "also the second time");
    }
    world.seats.mend();
    sessions::revoke(&owner, &world.svc, held.session_id, None).await.unwrap();
    assert_eq!(code(world.beat(&device, &held).await), Code::SessionRevoked);
    let log = world.column("SELECT action FROM audit_log WHERE action = 'session.revoked'").await;
    assert_eq!(log.len(), 1, "it happened once");
}

#[tokio::test]
async fn a_revocation_that_redis_has_lost_is_told_again_by_a_repeat() {
    let world = World::new().await;
    let (owner, device, held) = a_held_seat(&world).await;
    world.seats.break_call("revoke");
    assert_eq!(code(sessions::revoke(&owner, &world.svc, held.session_id, None).await), Code::SeatsUnavailable);
    world.flush_redis().await;
    assert_eq!(code(sessions::revoke(&owner, &world.svc, held.session_id, None).await), Code::SeatsUnavailable);
    world.seats.mend();
    sessions::revoke(&owner, &world.svc, held.session_id, None).await.unwrap();
    // Without its token only Redis can know it.
    let beat = types::licenses::HeartbeatRequest { session_id: held.session_id.to_string(), token: None, nonce: None };
    assert_eq!(code(sessions::heartbeat(&device, &world.svc, &beat).await), Code::SessionRevoked);
}
