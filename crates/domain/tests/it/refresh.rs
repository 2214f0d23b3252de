//! Logins of the installed application: rotating refresh tokens whose reuse ends the login.

use crate::people::{PASSWORD, WRONG, login, nobody};
use crate::world::{World, code, problem};
use domain::login::{change_own_password, login as log_in, logout, refresh, sign_out_everywhere};
use domain::{Result, identity};
use time::Duration;
use types::auth::TokenResponse;
use types::{Code, Role};

async fn exchange(world: &World, token: &str) -> Result<TokenResponse> {
    refresh(&nobody(), &world.svc, token).await
}

/// Whether the access token is accepted.
async fn works(world: &World, answer: &TokenResponse) -> bool {
    match identity::bearer(&nobody(), &world.svc, &answer.access_token).await {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.into_problem().code, Code::Unauthenticated);
            false
        }
    }
}

#[tokio::test]
async fn each_token_is_exchanged_for_the_next() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let first = world.login(&org, &org.owner).await;
    assert_eq!((first.tenant_id, first.user_id, first.expires_in), (org.id, org.owner.id, 600));
    let mut last = first.clone();
    for _ in 0..5 {
        let next = exchange(&world, &last.refresh_token).await.unwrap();
        assert_ne!(next.refresh_token, last.refresh_token);
        assert!(works(&world, &next).await);
        last = next;
    }
    assert!(works(&world, &first).await, "an access token lives its ten minutes");
    assert_eq!(world.count("refresh_families").await, 1);
    assert_eq!(world.count(&format!("refresh_tokens WHERE token_hash = '{}'", last.refresh_token)).await, 0, "tokens are stored as hashes");
}

#[tokio::test]
async fn a_token_used_again_after_its_successor_ends_the_login() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let other = world.login(&org, &org.owner).await;
    let stolen = world.login(&org, &org.owner).await;
    let second = exchange(&world, &stolen.refresh_token).await.unwrap();
    let third = exchange(&world, &second.refresh_token).await.unwrap();
    let newest = exchange(&world, &third.refresh_token).await.unwrap();
    let refused = problem(exchange(&world, &stolen.refresh_token).await);
    assert_eq!((refused.code, refused.status), (Code::RefreshReused, 401));
    for token in [&newest, &third, &second, &stolen] {
        assert_eq!(code(exchange(&world, &token.refresh_token).await), Code::RefreshInvalid, "the whole chain is dead");
        assert!(!works(&world, token).await);
    }
    assert!(works(&world, &other).await, "another login of the same person goes on");
    exchange(&world, &other.refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_is_given_again() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let first = world.login(&org, &org.owner).await;
    let lost = exchange(&world, &first.refresh_token).await.unwrap();
    let lost_too = exchange(&world, &first.refresh_token).await.unwrap();
    let arrived = exchange(&world, &first.refresh_token).await.unwrap();
    for token in [&lost, &lost_too] {
        assert_eq!(code(exchange(&world, &token.refresh_token).await), Code::RefreshInvalid, "only the last answer counts");
    }
    let next = exchange(&world, &arrived.refresh_token).await.unwrap();
    assert!(works(&world, &next).await);
    assert_eq!(code(exchange(&world, &first.refresh_token).await), Code::RefreshReused, "the answer has arrived, so this is a copy");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_eight_answers_at_once_one_token_goes_on() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let first = world.login(&org, &org.owner).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (svc, token) = (world.svc.clone(), first.refresh_token.clone());
        tasks.spawn(async move { refresh(&nobody(), &svc, &token).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    assert_eq!(world.count("refresh_tokens").await, 2, "the first token and its one successor");
    let mut going_on = Vec::new();
    for answer in &answers {
        match exchange(&world, &answer.refresh_token).await {
            Ok(next) => going_on.push(next),
            Err(error) => assert_eq!(error.into_problem().code, Code::RefreshInvalid),
        }
    }
    assert_eq!(going_on.len(), 1);
    assert!(works(&world, &going_on[0]).await);
    exchange(&world, &going_on[0].refresh_token).await.unwrap();
}

#[tokio::test]
async fn a_login_ends_after_ninety_days_however_often_it_is_renewed() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let mut last = world.login(&org, &org.owner).await;
    for _ in 0..3 {
        world.clock.advance(Duration::days(29));
        last = exchange(&world, &last.refresh_token).await.unwrap();
    }
    world.clock.advance(Duration::days(3) - Duration::SECOND);
    last = exchange(&world, &last.refresh_token).await.unwrap();
    assert!(works(&world, &last).await);
    world.clock.advance(Duration::SECOND);
    assert_eq!(code(exchange(&world, &last.refresh_token).await), Code::RefreshInvalid);
    assert!(!works(&world, &last).await);
    world.clock.advance(Duration::SECOND);
    domain::jobs::purge(&world.svc).await.unwrap();
    assert_eq!((world.count("refresh_families").await, world.count("refresh_tokens").await), (0, 0));
}

#[tokio::test]
async fn logging_out_ends_the_login_and_no_other() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let (one, two) = (world.login(&org, &org.owner).await, world.login(&org, &org.owner).await);
    let newer = exchange(&world, &one.refresh_token).await.unwrap();
    logout(&nobody(), &world.svc, "no such token").await.unwrap();
    assert!(works(&world, &newer).await && works(&world, &two).await);
    // Also by an older token of the chain.
    for _ in 0..2 {
        logout(&nobody(), &world.svc, &one.refresh_token).await.unwrap();
    }
    assert!(!works(&world, &newer).await);
    assert_eq!(code(exchange(&world, &newer.refresh_token).await), Code::RefreshInvalid);
    assert!(works(&world, &two).await);
    exchange(&world, &two.refresh_token).await.unwrap();
}

#[tokio::test]
async fn signing_out_everywhere_ends_all() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let (one, two) = (world.login(&org, &org.owner).await, world.login(&org, &org.owner).await);
    let member = world.member(&org, "Member", Role::Member).await;
    let others = world.login(&org, &member).await;
    sign_out_everywhere(&world.at(&org, &org.owner).await, &world.svc).await.unwrap();
    assert!(!works(&world, &one).await && !works(&world, &two).await);
    assert!(works(&world, &others).await);
}

#[tokio::test]
async fn a_new_password_ends_all_logins() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let before = world.login(&org, &org.owner).await;
    let ctx = world.at(&org, &org.owner).await;
    let refused = problem(change_own_password(&ctx, &world.svc, WRONG, "the night train to Bodø").await);
    assert!(refused.field("current_password").is_some());
    assert!(works(&world, &before).await);
    change_own_password(&ctx, &world.svc, PASSWORD, "the night train to Bodø").await.unwrap();
    assert!(!works(&world, &before).await);
    assert_eq!(code(exchange(&world, &before.refresh_token).await), Code::RefreshInvalid);
    assert_eq!(code(log_in(&nobody(), &world.svc, &login(&org.owner.email, PASSWORD, None)).await), Code::InvalidCredentials);
    log_in(&nobody(), &world.svc, &login(&org.owner.email, "the night train to Bodø", None)).await.unwrap();
    assert_eq!(world.subjects(&org.owner.email).await, ["Your CODITECT password was changed"]);
}

#[tokio::test]
async fn whoever_belongs_to_several_organisations_says_which() {
    let world = World::new().await;
    let (one, two, foreign) = (world.org("One", 1).await, world.org("Two", 1).await, world.org("Foreign", 1).await);
    let person = world.member(&one, "Person", Role::Member).await;
    let ask = async |tenant: Option<&str>| log_in(&nobody(), &world.svc, &login(&person.email, PASSWORD, tenant)).await;
    assert_eq!(ask(None).await.unwrap().tenant_id, one.id);
    world.enlist(&two, &person, Role::Guest).await;
    let which = problem(ask(None).await);
    assert_eq!((which.code, which.status), (Code::TenantRequired, 409));
    let mut slugs: Vec<&str> = which.extra["tenants"].as_array().unwrap().iter().map(|t| t["slug"].as_str().unwrap()).collect();
    slugs.sort_unstable();
    assert_eq!(slugs, ["one", "two"]);
    assert_eq!(ask(Some("two")).await.unwrap().tenant_id, two.id);
    assert_eq!(ask(Some(&one.id.to_string())).await.unwrap().tenant_id, one.id);
    let unknown = problem(ask(Some("no-such")).await);
    assert_eq!(problem(ask(Some(&foreign.slug)).await), unknown);
    assert_eq!(problem(ask(Some(&foreign.id.to_string())).await), unknown);
    let alone = world.person("Alone").await;
    assert_eq!(code(log_in(&nobody(), &world.svc, &login(&alone.email, PASSWORD, None)).await), Code::Forbidden);
}
