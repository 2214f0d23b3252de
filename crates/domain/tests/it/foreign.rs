//! An id of another organisation answers exactly like one that never existed, and nothing of it changes.

use crate::people::{Org, Person, acquire, heartbeat, login, nobody};
use crate::world::{World, problem};
use domain::{Error, licenses, login as logins, members, sessions};
use store::OpCtx;
use types::licenses::{AcquireResponse, HeartbeatRequest, ValidateRequest};
use types::{Code, InvitationId, LicenseId, Problem, Role, SessionId};
use uuid::Uuid;

/// One organisation with everything that has an id.
struct Side {
    org: Org,
    member: Person,
    invitation: InvitationId,
    held: AcquireResponse,
}

async fn side(world: &World, name: &str) -> Side {
    let org = world.org(name, 5).await;
    let member = world.member(&org, &format!("Member of {name}"), Role::Member).await;
    let owner = world.at(&org, &org.owner).await;
    let invitation = members::invite(&owner, &world.svc, &format!("guest@{}.example", org.slug), "GUEST").await.unwrap().id;
    let held = world.seat(&world.device(&org, &member).await, "laptop").await;
    Side { org, member, invitation, held }
}

/// All that belongs to the organisation, in both stores.
async fn state(world: &World, side: &Side) -> (Vec<Option<String>>, domain::ports::seats::Snapshot) {
    let mut rows = Vec::new();
    for table in ["memberships", "invitations", "licenses", "revocations", "audit_log", "seat_outbox", "mail_outbox", "session_events"] {
        let select = format!("SELECT '{table} ' || t::text FROM {table} t WHERE tenant_id = '{}' ORDER BY 1", side.org.id);
        rows.extend(world.column(&select).await);
    }
    rows.extend(world.column(&format!("SELECT t::text FROM tenants t WHERE id = '{}'", side.org.id)).await);
    let mut snapshot = world.svc.seats.snapshot(side.org.id).await.unwrap();
    snapshot.now_ms = 0;
    (rows, snapshot)
}

fn told<T: std::fmt::Debug>(what: &str, foreign: Result<T, Error>, random: Result<T, Error>) -> Problem {
    let (foreign, random) = (problem(foreign), problem(random));
    assert_eq!(foreign, random, "{what}");
    foreign
}

#[tokio::test]
async fn what_belongs_to_others_is_not_there() {
    let world = World::new().await;
    let (a, b) = (side(&world, "Ours").await, side(&world, "Theirs").await);
    let before = state(&world, &b).await;
    let none = Uuid::from_u128(0x0190_b000_0000_7000_8000_0000_0000_0000);
    let svc = &world.svc;
    for role in Role::ALL {
        let person = if *role == Role::Owner { a.org.owner.clone() } else { world.member(&a.org, role.label(), *role).await };
        let ctx = &world.at(&a.org, &person).await;
        let of = |what: &str| format!("{what} by {role}");

        let (theirs, random) = (b.member.id, none.into());
        told(
            &of("change_role"),
            members::change_role(ctx, svc, theirs, "GUEST").await,
            members::change_role(ctx, svc, random, "GUEST").await,
        );
        told(&of("remove"), members::remove(ctx, svc, theirs).await, members::remove(ctx, svc, random).await);
        told(&of("withdraw"), members::withdraw(ctx, svc, b.invitation).await, members::withdraw(ctx, svc, none.into()).await);
        let (theirs, random) = (b.org.license.to_string(), LicenseId(none).to_string());
        told(&of("license"), licenses::get(ctx, svc, &theirs).await, licenses::get(ctx, svc, &random).await);
        told(&of("holders"), sessions::of_license(ctx, svc, &theirs).await, sessions::of_license(ctx, svc, &random).await);
        assert!(sessions::list(ctx, svc, Some(b.org.license)).await.unwrap().is_empty(), "{role}");
        let (theirs, random) = (b.held.session_id, SessionId(none));
        let refused = told(&of("revoke"), sessions::revoke(ctx, svc, theirs, None).await, sessions::revoke(ctx, svc, random, None).await);
        assert_eq!((refused.code, refused.status), (Code::SessionNotFound, 404), "{role}");
    }
    assert_eq!(state(&world, &b).await, before);
}

#[tokio::test]
async fn a_device_reaches_only_its_own_organisation() {
    let world = World::new().await;
    let (a, b) = (side(&world, "Ours").await, side(&world, "Theirs").await);
    let before = state(&world, &b).await;
    let none = Uuid::from_u128(0x0190_b000_0000_4000_8000_0000_0000_0000);
    let svc = &world.svc;
    let ctx = &world.device(&a.org, &a.member).await;

    let beat = async |session: &str, token: Option<&str>| {
        let request = HeartbeatRequest { session_id: session.to_owned(), token: token.map(str::to_owned), nonce: None };
        sessions::heartbeat(ctx, svc, &request).await
    };
    let (theirs, random) = (b.held.session_id.to_string(), none.to_string());
    let refused = told("heartbeat", beat(&theirs, None).await, beat(&random, None).await);
    assert_eq!((refused.code, refused.status), (Code::SessionNotFound, 404));
    // Not even with the token that belongs to it, and not with one of one's own.
    assert_eq!(problem(beat(&theirs, Some(&b.held.token)).await), refused);
    assert_eq!(problem(beat(&theirs, Some(&a.held.token)).await), refused);
    assert_eq!(problem(beat(&random, Some(&a.held.token)).await), refused);
    told("release", sessions::release(ctx, svc, &theirs).await, sessions::release(ctx, svc, &random).await);
    told("release of what is no id", sessions::release(ctx, svc, &theirs).await, sessions::release(ctx, svc, "no id").await);

    let take = async |change: &dyn Fn(&mut types::licenses::AcquireRequest)| {
        let mut request = acquire("desktop");
        change(&mut request);
        sessions::acquire(ctx, svc, &request).await
    };
    let by_id = told(
        "acquire by id",
        take(&|r| r.license_id = Some(b.org.license.to_string())).await,
        take(&|r| r.license_id = Some(none.to_string())).await,
    );
    assert_eq!((by_id.code, by_id.status), (Code::LicenseNotFound, 404));
    assert_eq!(problem(take(&|r| r.license_id = Some("no id".to_owned())).await), by_id);
    assert_eq!(problem(take(&|r| r.license_key = Some(b.org.key.clone())).await), by_id);

    let ask = async |key: &str| {
        let request = ValidateRequest { license_key: Some(key.to_owned()), hardware_id: None };
        let answer = licenses::validate(ctx, svc, &request).await.unwrap();
        (answer.valid, answer.code, answer.detail, answer.license.is_none())
    };
    assert_eq!(ask(&b.org.key).await, ask("CODITECT-2222-2222-2222").await);

    assert_eq!(state(&world, &b).await, before);
    assert_eq!(world.active(&a.org).await, 1, "no seat of one's own was taken or lost");
}

#[tokio::test]
async fn within_an_organisation_a_members_sessions_are_his_own() {
    let world = World::new().await;
    let a = side(&world, "Ours").await;
    let colleague = world.member(&a.org, "Colleague", Role::Member).await;
    let device = world.device(&a.org, &colleague).await;
    let random = SessionId(Uuid::from_u128(0x0190_b000_0000_4000_8000_0000_0000_0000));
    let svc = &world.svc;
    let beat = async |session: SessionId, token: Option<String>| {
        sessions::heartbeat(&device, svc, &HeartbeatRequest { session_id: session.to_string(), token, nonce: None }).await
    };
    told("heartbeat", beat(a.held.session_id, None).await, beat(random, None).await);
    told("heartbeat with his token", beat(a.held.session_id, Some(a.held.token.clone())).await, beat(random, None).await);
    let held = a.held.session_id.to_string();
    told("release", sessions::release(&device, svc, &held).await, sessions::release(&device, svc, &random.to_string()).await);
    let ctx: OpCtx = world.at(&a.org, &colleague).await;
    told("revoke", sessions::revoke(&ctx, svc, a.held.session_id, None).await, sessions::revoke(&ctx, svc, random, None).await);
    assert_eq!(world.active(&a.org).await, 1);
    let owner = world.device(&a.org, &a.member).await;
    sessions::heartbeat(&owner, svc, &heartbeat(&a.held)).await.unwrap();
}

#[tokio::test]
async fn a_login_of_one_organisation_is_none_of_another() {
    let world = World::new().await;
    let (a, b) = (side(&world, "Ours").await, side(&world, "Theirs").await);
    let login_to =
        async |tenant: &str| logins::login(&nobody(), &world.svc, &login(&a.member.email, crate::people::PASSWORD, Some(tenant))).await;
    told("login", login_to(&b.org.slug).await, login_to("no-such").await);
    told("login by id", login_to(&b.org.id.to_string()).await, login_to(&Uuid::from_u128(5).to_string()).await);
    assert_eq!(login_to(&a.org.slug).await.unwrap().tenant_id, a.org.id);
}
