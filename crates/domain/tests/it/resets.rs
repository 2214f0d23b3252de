//! Choosing a new password by a link.

use crate::people::{PASSWORD, as_user, login, nobody};
use crate::world::{World, code, problem};
use domain::login::{change_own_password, check_reset, login as log_in, refresh, request_reset, reset_password, sign_in};
use domain::{identity, support};
use sqlx::AssertSqlSafe;
use store::OpCtx;
use time::Duration;
use types::{Code, StaffRole};

const LINK: &str = "/reset-password?token=";
const NEW: &str = "the night train to Bodø";

async fn ask(world: &World, email: &str) -> String {
    request_reset(&nobody(), &world.svc, email).await.unwrap();
    world.secret(email, LINK).await
}

#[tokio::test]
async fn a_link_works_once_and_ends_every_sign_in() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let before = world.login(&org, &org.owner).await;
    let insert = format!(
        "INSERT INTO web_sessions (id, user_id, data, created_at, expires_at) VALUES ('s', '{}', '{{}}', now(), 'infinity')",
        org.owner.id
    );
    world.run(&insert).await;
    let token = ask(&world, &org.owner.email).await;
    check_reset(&nobody(), &world.svc, &token).await.unwrap();
    assert!(problem(reset_password(&nobody(), &world.svc, &token, "short").await).field("password").is_some());
    assert!(problem(reset_password(&nobody(), &world.svc, &token, &org.owner.email).await).field("password").is_some());
    check_reset(&nobody(), &world.svc, &token).await.unwrap();

    reset_password(&nobody(), &world.svc, &token, NEW).await.unwrap();
    assert_eq!(world.count("web_sessions").await, 0);
    assert_eq!(code(refresh(&nobody(), &world.svc, &before.refresh_token).await), Code::RefreshInvalid);
    assert_eq!(code(log_in(&nobody(), &world.svc, &login(&org.owner.email, PASSWORD, None)).await), Code::InvalidCredentials);
    log_in(&nobody(), &world.svc, &login(&org.owner.email, NEW, None)).await.unwrap();
    assert_eq!(world.subjects(&org.owner.email).await, ["Set a new CODITECT password", "Your CODITECT password was changed"]);

    let dead = problem(reset_password(&nobody(), &world.svc, &token, PASSWORD).await);
    assert_eq!((dead.code, dead.status), (Code::LinkInvalid, 404));
    assert_eq!(problem(check_reset(&nobody(), &world.svc, &token).await), dead);
    assert_eq!(problem(check_reset(&nobody(), &world.svc, "no such token").await), dead);
}

#[tokio::test]
async fn what_began_with_the_old_password_comes_too_late() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let (svc, email) = (&world.svc, &org.owner.email);
    let before = sign_in(&nobody(), svc, email, PASSWORD).await.unwrap();
    // They have read the old hash and proved it by the time at which the new one is there.
    let mut change = world.pg().await;
    let other = world.svc.passwords.hash(svc.random.as_ref(), NEW).await.unwrap();
    for step in ["BEGIN".to_owned(), format!("UPDATE users SET password_hash = '{other}' WHERE email = '{email}'")] {
        sqlx::raw_sql(AssertSqlSafe(step)).execute(&mut change).await.unwrap();
    }
    let (anybody, ctx, device) = (nobody(), as_user(&org.owner), login(email, PASSWORD, None));
    let (_, by_device, by_browser, by_hand) = tokio::join!(
        async {
            world.until_blocked(3).await;
            sqlx::raw_sql("COMMIT").execute(&mut change).await.unwrap();
        },
        log_in(&anybody, svc, &device),
        sign_in(&anybody, svc, email, PASSWORD),
        change_own_password(&ctx, svc, PASSWORD, "a password of somebody else"),
    );
    assert_eq!(code(by_device), Code::InvalidCredentials);
    assert_eq!(code(by_browser), Code::InvalidCredentials);
    assert!(problem(by_hand).field("current_password").is_some());
    assert_eq!(world.count("refresh_families").await, 0);

    // A browser session keeps what tells the passwords apart.
    let after = sign_in(&nobody(), svc, email, NEW).await.unwrap();
    assert_ne!(before.proof, after.proof);
    assert_eq!(identity::person(&nobody(), svc, after.user).await.unwrap().unwrap().proof, after.proof);
    assert_eq!(change_own_password(&ctx, svc, NEW, PASSWORD).await.unwrap(), sign_in(&nobody(), svc, email, PASSWORD).await.unwrap().proof);
}

#[tokio::test]
async fn an_address_that_nobody_can_have_is_answered_like_a_wrong_one() {
    let world = World::new().await;
    for email in ["a\u{0}b@c.example".to_owned(), format!("{}@c.example", "a".repeat(60_000)), "ingrid".to_owned(), "@".to_owned()] {
        assert_eq!(code(sign_in(&nobody(), &world.svc, &email, PASSWORD).await), Code::InvalidCredentials);
    }
}

#[tokio::test]
async fn a_link_is_dead_after_an_hour_and_after_a_newer_one() {
    let world = World::new().await;
    let person = world.person("Anna").await;
    let first = ask(&world, &person.email).await;
    world.clock.advance(Duration::minutes(59));
    check_reset(&nobody(), &world.svc, &first).await.unwrap();
    let second = ask(&world, &person.email).await;
    assert_eq!(code(check_reset(&nobody(), &world.svc, &first).await), Code::LinkInvalid);
    world.clock.advance(Duration::minutes(60));
    assert_eq!(code(check_reset(&nobody(), &world.svc, &second).await), Code::LinkInvalid);
    assert_eq!(code(reset_password(&nobody(), &world.svc, &second, NEW).await), Code::LinkInvalid);
    sign_in(&nobody(), &world.svc, &person.email, PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_unknown_address_is_answered_alike() {
    let world = World::new().await;
    let person = world.person("Anna").await;
    for email in [&person.email, "unknown@people.example"] {
        request_reset(&nobody(), &world.svc, email).await.unwrap();
    }
    world.deliver().await;
    let sent = world.post.sent();
    assert_eq!(sent.iter().map(|m| m.to.as_str()).collect::<Vec<_>>(), [person.email.as_str()]);
    // Nor does the number of mails to one address tell: more than five are not sent, and not refused.
    for _ in 0..8 {
        request_reset(&nobody(), &world.svc, &person.email).await.unwrap();
    }
    assert_eq!(world.subjects(&person.email).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_at_once_one_sets_the_password() {
    let world = World::new().await;
    let person = world.person("Anna").await;
    let token = ask(&world, &person.email).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..8 {
        let (svc, token) = (world.svc.clone(), token.clone());
        tasks.spawn(async move { (n, reset_password(&nobody(), &svc, &token, &format!("{NEW} number {n}")).await) });
    }
    let mut winner = None;
    for (n, result) in tasks.join_all().await {
        match result {
            Ok(()) => assert_eq!(winner.replace(n), None),
            Err(error) => assert_eq!(error.into_problem().code, Code::LinkInvalid),
        }
    }
    sign_in(&nobody(), &world.svc, &person.email, &format!("{NEW} number {}", winner.unwrap())).await.unwrap();
    assert_eq!(world.subjects(&person.email).await.len(), 2);
}

#[tokio::test]
async fn staff_begin_with_a_link_for_a_day() {
    let world = World::new().await;
    let make = async |email: &str| {
        support::create_staff(&OpCtx::system("operator"), &world.svc, email, None, StaffRole::Support)
            .await
            .unwrap()
            .split_once("token=")
            .unwrap()
            .1
            .to_owned()
    };
    let token = make("helper@vendor.example").await;
    assert_eq!(code(log_in(&nobody(), &world.svc, &login("helper@vendor.example", "", None)).await), Code::InvalidCredentials);
    assert_eq!(
        code(log_in(&nobody(), &world.svc, &login("helper@vendor.example", "nobody has this password", None)).await),
        Code::InvalidCredentials
    );
    world.clock.advance(Duration::hours(23));
    reset_password(&nobody(), &world.svc, &token, NEW).await.unwrap();
    let signed_in = sign_in(&nobody(), &world.svc, "helper@vendor.example", NEW).await.unwrap();
    assert!(signed_in.is_staff && signed_in.slug.is_none());

    let late = make("late@vendor.example").await;
    world.clock.advance(Duration::hours(24));
    assert_eq!(code(reset_password(&nobody(), &world.svc, &late, NEW).await), Code::LinkInvalid);
}

#[tokio::test]
async fn guessing_is_limited_and_does_not_tell_who_exists() {
    let world = World::new().await;
    let person = world.person("Anna").await;
    let guess = async |email: &str| problem(sign_in(&nobody(), &world.svc, email, "a wrong guess").await).code;
    for email in [&person.email, "unknown@people.example"] {
        for _ in 0..10 {
            assert_eq!(guess(email).await, Code::InvalidCredentials);
        }
        assert_eq!(guess(email).await, Code::RateLimited, "{email}");
    }
    let mut elsewhere = nobody();
    elsewhere.client_ip = Some("192.0.2.7".parse().unwrap());
    sign_in(&elsewhere, &world.svc, &person.email, PASSWORD).await.unwrap();
}
