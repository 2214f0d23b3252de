//! Registration: nothing exists before the address is confirmed.

use crate::people::{PASSWORD, WRONG, as_user, login, nobody};
use crate::world::{World, code, problem};
use domain::login::{login as log_in, sign_in};
use domain::{audit, identity, licenses, signup};
use time::Duration;
use types::auth::{RegisterRequest, RegisterResponse};
use types::{Code, Role};

const LINK: &str = "/verify-email?token=";

fn registration(email: &str, organization: &str, password: &str) -> RegisterRequest {
    RegisterRequest {
        organization_name: organization.to_owned(),
        name: "Ingrid Solberg".to_owned(),
        email: email.to_owned(),
        password: password.to_owned(),
    }
}

async fn register(world: &World, email: &str, organization: &str, password: &str) -> RegisterResponse {
    signup::register(&nobody(), &world.svc, &registration(email, organization, password)).await.unwrap()
}

#[tokio::test]
async fn a_known_and_an_unknown_address_are_answered_alike() {
    let world = World::new().await;
    let known = world.person("Known").await;
    let a = register(&world, "new@firm.example", "Firm", PASSWORD).await;
    let b = register(&world, &known.email.to_uppercase(), "Firm", PASSWORD).await;
    for id in [a.tenant_id.0, a.user_id.0, b.tenant_id.0, b.user_id.0] {
        assert_eq!(id.get_version_num(), 7);
    }
    assert_ne!(b.user_id, known.id, "the answer does not name the account");
    assert_eq!(world.subjects("new@firm.example").await, ["Confirm your email for CODITECT"]);
    assert_eq!(world.subjects(&known.email).await, ["You already have a CODITECT account"]);
    assert_eq!(world.count("signups").await, 1);
    assert_eq!((world.count("users").await, world.count("tenants").await), (1, 0), "nothing is made before the link is followed");
}

#[tokio::test]
async fn the_link_makes_person_organisation_and_free_licence_once() {
    let world = World::new().await;
    let promised = register(&world, "ingrid@firm.example", "Fjordline Studio", PASSWORD).await;
    let token = world.secret("ingrid@firm.example", LINK).await;
    for _ in 0..2 {
        let confirmed = signup::confirm(&nobody(), &world.svc, &token).await.unwrap();
        assert_eq!((confirmed.email.as_str(), confirmed.organization_name.as_str()), ("ingrid@firm.example", "Fjordline Studio"));
    }
    assert_eq!((world.count("users").await, world.count("tenants").await, world.count("licenses").await), (1, 1, 1));

    let signed_in = sign_in(&nobody(), &world.svc, "ingrid@firm.example", PASSWORD).await.unwrap();
    assert_eq!((signed_in.user, signed_in.slug.as_deref()), (promised.user_id, Some("fjordline-studio")));
    let person = identity::person(&nobody(), &world.svc, promised.user_id).await.unwrap().unwrap();
    let (ctx, tenant) = identity::enter(&identity::as_user(&nobody(), &person), &world.svc, "fjordline-studio").await.unwrap();
    assert_eq!((tenant.id, ctx.role), (promised.tenant_id, Some(Role::Owner)));
    let license = licenses::list(&ctx, &world.svc).await.unwrap().remove(0);
    assert_eq!(license.max_seats, 1);
    assert_eq!(domain::keys::normalize(&license.key), Some(license.key));
    let log = audit::list(&ctx, &world.svc, None, None, None, 10).await.unwrap().entries;
    assert_eq!((log.len(), log[0].action.as_str(), log[0].actor_name.as_str()), (1, "organization.created", "Ingrid Solberg"));
    assert_eq!(world.column("SELECT password_hash FROM signups").await, [Some(String::new())], "the hash stands in one place only");
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_confirmations_at_once_make_one_organisation() {
    let world = World::new().await;
    register(&world, "ingrid@firm.example", "Firm", PASSWORD).await;
    let token = world.secret("ingrid@firm.example", LINK).await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (svc, token) = (world.svc.clone(), token.clone());
        tasks.spawn(async move { signup::confirm(&nobody(), &svc, &token).await.unwrap().organization_name });
    }
    assert_eq!(tasks.join_all().await, vec!["Firm"; 8]);
    assert_eq!((world.count("users").await, world.count("tenants").await, world.count("memberships").await), (1, 1, 1));
    assert_eq!(world.count("audit_log").await, 1);
}

#[tokio::test]
async fn a_link_is_dead_after_a_day_and_after_a_newer_one() {
    let world = World::new().await;
    register(&world, "ingrid@firm.example", "Firm", PASSWORD).await;
    let first = world.secret("ingrid@firm.example", LINK).await;
    world.clock.advance(Duration::hours(23));
    signup::resend(&nobody(), &world.svc, "ingrid@firm.example").await.unwrap();
    let second = world.secret("ingrid@firm.example", LINK).await;
    assert_ne!(first, second);
    assert_eq!(code(signup::confirm(&nobody(), &world.svc, &first).await), Code::LinkInvalid);
    world.clock.advance(Duration::hours(24));
    let expired = problem(signup::confirm(&nobody(), &world.svc, &second).await);
    assert_eq!(expired.code, Code::LinkInvalid);
    assert_eq!(problem(signup::confirm(&nobody(), &world.svc, "no such token").await), expired);
    assert_eq!(world.count("users").await, 0);

    // Nothing waits any longer, and nobody is told so.
    let mails = world.post.sent().len();
    signup::resend(&nobody(), &world.svc, "ingrid@firm.example").await.unwrap();
    signup::resend(&nobody(), &world.svc, "unknown@firm.example").await.unwrap();
    world.deliver().await;
    assert_eq!(world.post.sent().len(), mails);

    register(&world, "ingrid@firm.example", "Firm", PASSWORD).await;
    let third = world.secret("ingrid@firm.example", LINK).await;
    signup::confirm(&nobody(), &world.svc, &third).await.unwrap();
}

#[tokio::test]
async fn before_confirming_only_the_right_password_learns_that_a_mail_waits() {
    let world = World::new().await;
    register(&world, "ingrid@firm.example", "Firm", PASSWORD).await;
    let ask = async |email: &str, password: &str| problem(log_in(&nobody(), &world.svc, &login(email, password, None)).await);
    let waits = ask("ingrid@firm.example", PASSWORD).await;
    assert_eq!((waits.code, waits.status), (Code::EmailUnverified, 403));
    let wrong = ask("ingrid@firm.example", WRONG).await;
    assert_eq!((wrong.code, wrong.status), (Code::InvalidCredentials, 401));
    assert_eq!(ask("nobody@firm.example", PASSWORD).await, wrong, "an unknown address answers like a wrong password");
    assert_eq!(code(sign_in(&nobody(), &world.svc, "ingrid@firm.example", PASSWORD).await), Code::EmailUnverified);

    world.clock.advance(Duration::hours(24));
    assert_eq!(ask("ingrid@firm.example", PASSWORD).await, wrong, "a registration that is over is none");
}

#[tokio::test]
async fn whoever_registers_anothers_address_gets_nowhere() {
    let world = World::new().await;
    for (n, stranger_first) in [(1, true), (2, false)] {
        let email = format!("owner{n}@firm.example");
        let stranger = async || register(&world, &email, "Stranger's", "a password of a stranger").await;
        if stranger_first {
            stranger().await;
        }
        register(&world, &email, "The owner's", PASSWORD).await;
        let token = world.secret(&email, LINK).await;
        let mut strangers_link = None;
        if !stranger_first {
            stranger().await;
            strangers_link = Some(world.secret(&email, LINK).await);
        }
        assert_eq!(signup::confirm(&nobody(), &world.svc, &token).await.unwrap().organization_name, "The owner's");

        let attempt = log_in(&nobody(), &world.svc, &login(&email, "a password of a stranger", None)).await;
        assert_eq!(code(attempt), Code::InvalidCredentials);
        log_in(&nobody(), &world.svc, &login(&email, PASSWORD, None)).await.unwrap();
        if let Some(link) = strangers_link {
            assert_eq!(code(signup::confirm(&nobody(), &world.svc, &link).await), Code::LinkInvalid);
        }
        // From now on it is a known address.
        stranger().await;
        assert_eq!(world.subjects(&email).await.last().unwrap(), "You already have a CODITECT account");
    }
    assert_eq!(world.count("tenants").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_registrations_of_one_address_confirmed_at_once_make_one_account() {
    let world = World::new().await;
    register(&world, "ingrid@firm.example", "One", PASSWORD).await;
    let one = world.secret("ingrid@firm.example", LINK).await;
    register(&world, "ingrid@firm.example", "Two", PASSWORD).await;
    let two = world.secret("ingrid@firm.example", LINK).await;
    // Both have begun before either can make the account.
    let mut other = world.pg().await;
    sqlx::raw_sql("BEGIN; INSERT INTO users (id, email, name, created_at) VALUES (gen_random_uuid(), 'ingrid@firm.example', 'x', now())")
        .execute(&mut other)
        .await
        .unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for token in [one, two] {
        let svc = world.svc.clone();
        tasks.spawn(async move { signup::confirm(&nobody(), &svc, &token).await });
    }
    world.until_blocked(2).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    let (won, lost): (Vec<_>, Vec<_>) = tasks.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 1));
    for refused in lost {
        assert_eq!(code(refused), Code::LinkInvalid);
    }
    assert_eq!((world.count("users").await, world.count("tenants").await), (1, 1));
}

#[tokio::test]
async fn organisations_of_the_same_name_get_different_addresses() {
    let world = World::new().await;
    let person = world.person("Ingrid").await;
    let create = async |name: &str| signup::create_organization(&as_user(&person), &world.svc, name).await.unwrap();
    assert_eq!(create("Acme").await, "acme");
    assert_eq!(create("ACME!").await, "acme-2");
    assert_eq!(create("Acme Labs").await, "acme-labs");
    assert_eq!(create("acme").await, "acme-3");
    assert_eq!(create("New").await, "new-2", "a reserved address gets a number");
    assert_eq!(create("株式会社").await, "org");
    assert_eq!(create("有限会社").await, "org-2");
    let long = "x".repeat(100);
    assert_ne!(create(&long).await, create(&long).await);
}

#[tokio::test]
async fn an_address_that_is_taken_meanwhile_is_no_obstacle() {
    let world = World::new().await;
    let person = world.person("Ingrid").await;
    // Somebody else's organisation of that name is being founded, and is not visible yet.
    let mut other = world.pg().await;
    sqlx::raw_sql("BEGIN; INSERT INTO tenants (id, slug, name, created_at) VALUES (gen_random_uuid(), 'acme', 'Acme', now())")
        .execute(&mut other)
        .await
        .unwrap();
    let founding = tokio::spawn({
        let (svc, ctx) = (world.svc.clone(), as_user(&person));
        async move { signup::create_organization(&ctx, &svc, "Acme").await }
    });
    world.until_blocked(1).await;
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(founding.await.unwrap().unwrap(), "acme-2");
}

#[tokio::test]
async fn one_person_owns_at_most_twenty_organisations() {
    let world = World::new().await;
    let person = world.person("Ingrid").await;
    for n in 0..20 {
        signup::create_organization(&as_user(&person), &world.svc, &format!("Firm {n}")).await.unwrap();
    }
    assert_eq!(code(signup::create_organization(&as_user(&person), &world.svc, "One more").await), Code::Conflict);
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let world = World::new().await;
    let refused = problem(signup::register(&nobody(), &world.svc, &registration("no address", "—", "short")).await);
    assert_eq!(refused.code, Code::InvalidRequest);
    for field in ["organization_name", "email", "password"] {
        assert!(refused.field(field).is_some(), "{field}");
    }
    assert!(refused.field("name").is_none());
    let own = problem(signup::register(&nobody(), &world.svc, &registration("a@firm.example", "Fjordline", "Fjordline-2026")).await);
    assert!(own.field("password").is_some(), "a password made of the organisation's name");
    assert_eq!(world.count("signups").await, 0);
}
