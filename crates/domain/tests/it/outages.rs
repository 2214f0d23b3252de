//! Redis or PostgreSQL away: a clear answer that is worth a retry, and everything works again afterwards.

use crate::people::{PASSWORD, acquire, login, nobody};
use crate::world::{World, code, problem};
use domain::{Error, jobs, licenses, login as logins, members, sessions, usage};
use tokio::task::JoinSet;
use types::licenses::{HeartbeatState, ValidateRequest};
use types::{Code, Role};

fn seats_away<T: std::fmt::Debug>(what: &str, result: Result<T, Error>) {
    let told = problem(result);
    assert_eq!((told.code, told.status, told.retry_after), (Code::SeatsUnavailable, 503, Some(5)), "{what}");
}

fn database_away<T: std::fmt::Debug>(what: &str, result: Result<T, Error>) {
    let told = problem(result);
    assert_eq!((told.code, told.status, told.retry_after), (Code::Unavailable, 503, Some(5)), "{what}");
}

#[tokio::test]
async fn without_redis_seats_answer_503_and_the_rest_goes_on() {
    let mut world = World::new().await;
    let org = world.org("Firm", 2).await;
    let device = world.device(&org, &org.owner).await;
    let owner = world.at(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    let svc = world.svc.clone();
    world.redis.kill();

    seats_away("acquire", sessions::acquire(&device, &svc, &acquire("desktop")).await);
    seats_away("heartbeat", world.beat(&device, &held).await);
    seats_away("release", sessions::release(&device, &svc, &held.session_id.to_string()).await);
    seats_away("list", sessions::list(&owner, &svc, None).await);
    seats_away("live view", sessions::live_view(&owner, &svc, 1).await);
    seats_away("revoke", sessions::revoke(&owner, &svc, held.session_id, None).await);
    assert_eq!(world.count("revocations").await, 0);
    seats_away(
        "validate",
        licenses::validate(&device, &svc, &ValidateRequest { hardware_id: Some("laptop".to_owned()), ..Default::default() }).await,
    );
    seats_away("sweep", jobs::sweep(&svc).await);
    seats_away("drain", jobs::drain_events(&svc).await);

    let shown = licenses::list(&owner, &svc).await.unwrap();
    assert_eq!((shown[0].max_seats, shown[0].active), (2, None), "only how many are in use is not shown");
    assert!(licenses::validate(&device, &svc, &ValidateRequest::default()).await.unwrap().valid);
    let member = world.member(&org, "Member", Role::Member).await;
    members::change_role(&owner, &svc, member.id, "ADMIN").await.unwrap();
    logins::login(&nobody(), &svc, &login(&member.email, PASSWORD, None)).await.unwrap();

    world.restart_redis().await;
    assert_eq!(world.beat(&device, &held).await.unwrap().state, HeartbeatState::Reacquired);
    world.seat(&device, "desktop").await;
    assert_eq!(world.active(&org).await, 2);
    assert_eq!(world.carry_copies().await, 1);
}

#[tokio::test]
async fn without_postgresql_what_is_live_goes_on() {
    let (world, gate) = World::behind_a_gate().await;
    let org = world.org("Firm", 2).await;
    let device = world.device(&org, &org.owner).await;
    let owner = world.at(&org, &org.owner).await;
    let held = world.seat(&device, "laptop").await;
    let tokens = world.login(&org, &org.owner).await;
    let svc = &world.svc;
    gate.shut().await;

    // Nothing on the way of a start or a heartbeat waits for PostgreSQL.
    assert_eq!(world.beat(&device, &held).await.unwrap().state, HeartbeatState::Active);
    let desktop = world.seat(&device, "desktop").await;
    sessions::release(&device, svc, &desktop.session_id.to_string()).await.unwrap();

    database_away("members", members::list(&owner, svc).await);
    database_away("login", logins::login(&nobody(), svc, &login(&org.owner.email, PASSWORD, None)).await);
    database_away("refresh", logins::refresh(&nobody(), svc, &tokens.refresh_token).await);
    database_away("revoke", sessions::revoke(&owner, svc, held.session_id, None).await);
    world.beat(&device, &held).await.unwrap();
    database_away("drain", jobs::drain_events(svc).await);
    world.flush_redis().await;
    database_away("a cold start", sessions::acquire(&device, svc, &acquire("desktop")).await);
    database_away("coming back", world.beat(&device, &held).await);

    gate.open().await;
    members::list(&owner, svc).await.unwrap();
    logins::refresh(&nobody(), svc, &tokens.refresh_token).await.unwrap();
    assert_eq!(world.beat(&device, &held).await.unwrap().state, HeartbeatState::Reacquired);
    world.seat(&device, "desktop").await;
}

#[tokio::test]
async fn whoever_has_logged_in_starts_without_postgresql() {
    let (world, gate) = World::behind_a_gate().await;
    let org = world.org("Firm", 2).await;
    let device = world.device(&org, &org.owner).await;
    let tokens = world.login(&org, &org.owner).await;
    gate.shut().await;
    let held = world.seat(&device, "laptop").await;
    sessions::release(&device, &world.svc, &held.session_id.to_string()).await.unwrap();

    // The same after Redis has lost everything, but for what the organization owns.
    gate.open().await;
    world.flush_redis().await;
    logins::refresh(&nobody(), &world.svc, &tokens.refresh_token).await.unwrap();
    let member = world.member(&org, "Member", Role::Member).await;
    world.seat(&world.device(&org, &member).await, "desktop").await;
    gate.shut().await;
    world.seat(&device, "laptop").await;
}

#[tokio::test]
async fn events_wait_for_postgresql() {
    let (world, gate) = World::behind_a_gate().await;
    let org = world.org("Firm", 2).await;
    let device = world.device(&org, &org.owner).await;
    gate.shut().await;
    // Its copies are warm, by the policy that was set at the beginning; only the member's is not.
    gate.open().await;
    world.seat(&device, "laptop").await;
    gate.shut().await;
    world.seat(&device, "desktop").await;
    database_away("drain", jobs::drain_events(&world.svc).await);
    gate.open().await;
    assert_eq!(jobs::drain_events(&world.svc).await.unwrap(), 2);
    assert_eq!(world.count("session_events").await, 2);
}

#[tokio::test]
async fn a_connection_that_is_cut_costs_one_call_at_most() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let owner = world.at(&org, &org.owner).await;
    for _ in 0..3 {
        world
            .run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'portal_app' AND datname = current_database()")
            .await;
        members::list(&owner, &world.svc).await.unwrap();
    }
    // In the middle of a transaction it is the caller who tries again.
    let mut lock = world.pg().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE audit_log").execute(&mut lock).await.unwrap();
    let inviting = tokio::spawn({
        let (svc, ctx) = (world.svc.clone(), owner.clone());
        async move { members::invite(&ctx, &svc, "anna@firm.example", "MEMBER").await }
    });
    world.until_blocked(1).await;
    world.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'portal_app' AND datname = current_database()").await;
    database_away("a cut connection", inviting.await.unwrap());
    sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    members::invite(&owner, &world.svc, "anna@firm.example", "MEMBER").await.unwrap();
    assert_eq!((world.count("invitations").await, world.count("mail_outbox").await), (1, 1));
}

#[tokio::test]
async fn a_lock_that_is_held_too_long_is_an_outage_and_no_fault() {
    let (world, _gate) = World::behind_a_gate().await;
    let org = world.org("Firm", 1).await;
    let owner = world.at(&org, &org.owner).await;
    let mut lock = world.pg().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE memberships").execute(&mut lock).await.unwrap();
    assert_eq!(code(members::list(&owner, &world.svc).await), Code::Unavailable);
    sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    members::list(&owner, &world.svc).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_logins_leaves_connections_to_everybody_else() {
    // Two hashes at once make four turns.
    let world = World::with_connections(5).await;
    let org = world.org("Firm", 1).await;
    let owner = world.at(&org, &org.owner).await;
    let mut lock = world.pg().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE users").execute(&mut lock).await.unwrap();
    let mut flood = JoinSet::new();
    for n in 0..50 {
        let svc = world.svc.clone();
        flood.spawn(async move { logins::login(&nobody(), &svc, &login(&format!("nobody-{n}@flood.example"), PASSWORD, None)).await });
    }
    world.until_blocked(4).await;
    usage::hourly(&owner, &world.svc, 1).await.unwrap();
    sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    for refused in flood.join_all().await {
        assert_eq!(code(refused), Code::InvalidCredentials);
    }
}
