//! Ending something ends it now: browser sessions, logins, and the seat.

use crate::people::{Org, Person, acquire};
use crate::world::{World, code, problem};
use domain::{identity, jobs, login, members, sessions};
use store::{Actor, OpCtx};
use types::auth::TokenResponse;
use types::licenses::AcquireResponse;
use types::{Code, Role};

/// Somebody who is signed in everywhere and holds a seat.
struct Busy {
    person: Person,
    tokens: TokenResponse,
    device: OpCtx,
    held: AcquireResponse,
}

async fn busy(world: &World, org: &Org, name: &str, role: Role) -> Busy {
    let person = world.member(org, name, role).await;
    let insert = format!(
        "INSERT INTO web_sessions (id, user_id, data, created_at, expires_at) VALUES ('session of {name}', '{}', '{{}}', now(), 'infinity')",
        person.id
    );
    world.run(&insert).await;
    let tokens = world.login(org, &person).await;
    let device = identity::device(&crate::people::nobody(), &world.svc, &tokens.access_token).unwrap();
    let held = world.seat(&device, name).await;
    Busy { person, tokens, device, held }
}

impl Busy {
    async fn browsers(&self, world: &World) -> i64 {
        world.count(&format!("web_sessions WHERE user_id = '{}'", self.person.id)).await
    }

    async fn refresh(&self, world: &World) -> domain::Result<TokenResponse> {
        login::refresh(&crate::people::nobody(), &world.svc, &self.tokens.refresh_token).await
    }

    async fn bearer(&self, world: &World) -> domain::Result<OpCtx> {
        identity::bearer(&crate::people::nobody(), &world.svc, &self.tokens.access_token).await
    }
}

#[tokio::test]
async fn removing_somebody_ends_everything_of_his_and_nothing_of_others() {
    let world = World::new().await;
    let org = world.org("Firm", 5).await;
    let (gone, stays) = (busy(&world, &org, "Gone", Role::Member).await, busy(&world, &org, "Stays", Role::Member).await);
    members::remove(&world.at(&org, &org.owner).await, &world.svc, gone.person.id).await.unwrap();

    assert_eq!(gone.browsers(&world).await, 0);
    let refused = problem(gone.refresh(&world).await);
    assert_eq!((refused.code, refused.detail.as_str()), (Code::RefreshInvalid, "You no longer belong to the organization."));
    assert_eq!(code(gone.bearer(&world).await), Code::Unauthenticated);
    let told = problem(world.beat(&gone.device, &gone.held).await);
    assert_eq!((told.code, told.status), (Code::SessionRevoked, 410));
    assert!(told.detail.contains("no longer belong"), "{}", told.detail);
    assert_eq!(code(sessions::acquire(&gone.device, &world.svc, &acquire("Gone")).await), Code::Unauthenticated);
    assert_eq!(world.active(&org).await, 1, "the seat is free");
    assert_eq!(world.subjects(&gone.person.email).await, ["You were removed from Firm"]);

    assert_eq!(stays.browsers(&world).await, 1);
    stays.bearer(&world).await.unwrap();
    world.beat(&stays.device, &stays.held).await.unwrap();
    stays.refresh(&world).await.unwrap();
}

#[tokio::test]
async fn a_heartbeat_during_the_removal_hears_why_its_session_ended() {
    let world = World::new().await;
    let org = world.org("Firm", 5).await;
    let gone = busy(&world, &org, "Gone", Role::Member).await;
    let owner = world.at(&org, &org.owner).await;
    let beats = async {
        loop {
            let answer = world.beat(&gone.device, &gone.held).await;
            if answer.is_err() {
                return code(answer);
            }
        }
    };
    let (removed, told) = tokio::join!(members::remove(&owner, &world.svc, gone.person.id), beats);
    removed.unwrap();
    assert_eq!(told, Code::SessionRevoked);
}

#[tokio::test]
async fn coming_back_does_not_revive_what_was_ended() {
    let world = World::new().await;
    let org = world.org("Firm", 5).await;
    let gone = busy(&world, &org, "Gone", Role::Member).await;
    members::remove(&world.at(&org, &org.owner).await, &world.svc, gone.person.id).await.unwrap();
    world.enlist(&org, &gone.person, Role::Member).await;
    assert_eq!(code(gone.bearer(&world).await), Code::Unauthenticated);
    assert_eq!(code(gone.refresh(&world).await), Code::RefreshInvalid);
    assert_eq!(code(world.beat(&gone.device, &gone.held).await), Code::SessionRevoked);
    world.flush_redis().await;
    assert_eq!(code(world.beat(&gone.device, &gone.held).await), Code::SessionRevoked, "the database remembers");
    let again = world.login(&org, &gone.person).await;
    let device = identity::device(&crate::people::nobody(), &world.svc, &again.access_token).unwrap();
    world.seat(&device, "Gone").await;
}

#[tokio::test]
async fn somebody_who_leaves_loses_his_seat_too() {
    let world = World::new().await;
    let org = world.org("Firm", 5).await;
    let gone = busy(&world, &org, "Gone", Role::Member).await;
    members::remove(&world.at(&org, &gone.person).await, &world.svc, gone.person.id).await.unwrap();
    assert_eq!(code(world.beat(&gone.device, &gone.held).await), Code::SessionRevoked);
    assert_eq!(world.active(&org).await, 0);
    assert!(world.subjects(&gone.person.email).await.is_empty());
    assert_eq!(world.count("audit_log WHERE action = 'member.left'").await, 1);
}

#[tokio::test]
async fn a_removal_while_redis_is_away_reaches_it_later() {
    let mut world = World::that_remembers().await;
    let org = world.org("Firm", 5).await;
    let gone = busy(&world, &org, "Gone", Role::Member).await;
    let owner = world.at(&org, &org.owner).await;
    world.redis.kill();
    members::remove(&owner, &world.svc, gone.person.id).await.unwrap();
    assert_eq!(code(gone.refresh(&world).await), Code::RefreshInvalid, "logins end at once");
    world.restart_redis().await;
    world.beat(&gone.device, &gone.held).await.unwrap();
    assert_eq!(world.carry_copies().await, 1);
    assert_eq!(code(world.beat(&gone.device, &gone.held).await), Code::SessionRevoked);
    assert_eq!(jobs::flush_copies(&world.svc).await.unwrap(), 0);
}

#[tokio::test]
async fn a_promotion_keeps_the_login_and_the_seat() {
    let world = World::new().await;
    let org = world.org("Firm", 5).await;
    let up = busy(&world, &org, "Up", Role::Member).await;
    members::change_role(&world.at(&org, &org.owner).await, &world.svc, up.person.id, "ADMIN").await.unwrap();
    assert_eq!(up.browsers(&world).await, 1);
    assert_eq!(code(up.bearer(&world).await), Code::Unauthenticated, "the old access token does not carry the new role");
    assert_eq!(code(world.beat(&up.device, &up.held).await), Code::Unauthenticated);
    let tokens = up.refresh(&world).await.unwrap();
    let ctx = identity::bearer(&crate::people::nobody(), &world.svc, &tokens.access_token).await.unwrap();
    assert_eq!(ctx.role, Some(Role::Admin));
    let device = identity::device(&crate::people::nobody(), &world.svc, &tokens.access_token).unwrap();
    world.beat(&device, &up.held).await.unwrap();
    assert_eq!(world.active(&org).await, 1);
}

#[tokio::test]
async fn a_lower_role_ends_logins_and_the_seat_where_it_holds_none() {
    let world = World::new().await;
    let org = world.org("Firm", 5).await;
    let owner = world.at(&org, &org.owner).await;
    let (keeps, loses) = (busy(&world, &org, "Keeps", Role::Admin).await, busy(&world, &org, "Loses", Role::Member).await);
    members::change_role(&owner, &world.svc, keeps.person.id, "MEMBER").await.unwrap();
    members::change_role(&owner, &world.svc, loses.person.id, "GUEST").await.unwrap();
    for demoted in [&keeps, &loses] {
        assert_eq!(demoted.browsers(&world).await, 0);
        assert_eq!(code(demoted.refresh(&world).await), Code::RefreshInvalid);
        assert_eq!(code(demoted.bearer(&world).await), Code::Unauthenticated);
    }
    assert_eq!(world.active(&org).await, 1);
    // A member may hold a seat; he only has to log in again.
    let device = world.device(&org, &keeps.person).await;
    world.beat(&device, &keeps.held).await.unwrap();
    let told = problem(world.beat(&loses.device, &loses.held).await);
    assert_eq!((told.code, told.status), (Code::SessionRevoked, 410));
    assert!(told.detail.contains("holds no seat"), "{}", told.detail);
    let now = world.device(&org, &loses.person).await;
    assert_eq!(code(sessions::acquire(&now, &world.svc, &acquire("Loses")).await), Code::RoleHoldsNoSeat);
}

#[tokio::test]
async fn a_role_given_again_changes_nothing() {
    let world = World::new().await;
    let org = world.org("Firm", 5).await;
    let same = busy(&world, &org, "Same", Role::Member).await;
    let log = world.count("audit_log").await;
    members::change_role(&world.at(&org, &org.owner).await, &world.svc, same.person.id, "MEMBER").await.unwrap();
    same.bearer(&world).await.unwrap();
    world.beat(&same.device, &same.held).await.unwrap();
    assert_eq!(world.count("audit_log").await, log);
}

#[tokio::test]
async fn a_new_name_shows_at_the_seat() {
    let world = World::new().await;
    let org = world.org("Firm", 5).await;
    let held = busy(&world, &org, "Old Name", Role::Member).await;
    let ctx = world.at(&org, &held.person).await;
    login::rename_self(&ctx, &world.svc, "New Name").await.unwrap();
    jobs::flush_copies(&world.svc).await.unwrap();
    let seen = sessions::list(&world.at(&org, &org.owner).await, &world.svc, None).await.unwrap();
    assert_eq!(seen[0].user_name, "New Name");
    assert!(matches!(ctx.actor, Actor::User { .. }));
    world.beat(&held.device, &held.held).await.unwrap();
}
