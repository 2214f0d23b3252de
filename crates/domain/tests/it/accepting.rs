//! Accepting an invitation.

use crate::people::{Org, PASSWORD, WRONG, as_user, login, nobody};
use crate::world::{World, code, problem};
use domain::{audit, login as logins, members, support};
use store::OpCtx;
use types::{Code, Role};

const EMAIL: &str = "anna@firm.example";

/// An invitation's secret.
async fn invited(world: &World, org: &Org, email: &str, role: &str) -> String {
    members::invite(&world.at(org, &org.owner).await, &world.svc, email, role).await.unwrap();
    world.secret(email, "/invitations/").await
}

async fn accept(world: &World, ctx: &OpCtx, token: &str, name: &str, password: &str) -> domain::Result<store::invitations::Offer> {
    members::accept(ctx, &world.svc, token, name, password).await
}

#[tokio::test]
async fn a_new_person_gives_name_and_password() {
    let world = World::new().await;
    let org = world.org("Firm", 2).await;
    let token = invited(&world, &org, EMAIL, "MEMBER").await;
    let (offer, known) = members::offer(&nobody(), &world.svc, &token).await.unwrap();
    assert_eq!((offer.organization_name.as_str(), offer.role, known), ("Firm", Role::Member, false));

    let refused = problem(accept(&world, &nobody(), &token, " ", "short").await);
    assert!(refused.field("name").is_some() && refused.field("password").is_some());
    let accepted = accept(&world, &nobody(), &token, "Anna Berg", PASSWORD).await.unwrap();
    assert_eq!((accepted.slug.as_str(), accepted.role), ("firm", Role::Member));

    let answer = logins::login(&nobody(), &world.svc, &login(EMAIL, PASSWORD, None)).await.unwrap();
    assert_eq!(answer.tenant_id, org.id);
    let owner = world.at(&org, &org.owner).await;
    let list = members::list(&owner, &world.svc).await.unwrap();
    assert!(list.invitations.is_empty());
    assert!(list.members.iter().any(|m| m.email == EMAIL && m.name == "Anna Berg" && m.role == Role::Member));
    let log = audit::list(&owner, &world.svc, None, Some("member.joined"), None, 10).await.unwrap().entries;
    assert_eq!((log.len(), log[0].actor_name.as_str()), (1, "Anna Berg"), "the log names the person that the link made");

    assert_eq!(code(accept(&world, &nobody(), &token, "Anna Berg", PASSWORD).await), Code::LinkInvalid, "a link works once");
    assert_eq!(code(accept(&world, &nobody(), "no such token", "Anna Berg", PASSWORD).await), Code::LinkInvalid);
}

#[tokio::test]
async fn a_person_with_an_account_proves_that_it_is_his() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let person = world.person("Anna Berg").await;
    let token = invited(&world, &org, &person.email, "ADMIN").await;
    assert!(members::offer(&nobody(), &world.svc, &token).await.unwrap().1, "has an account already");
    let refused = problem(accept(&world, &nobody(), &token, "Another Name", WRONG).await);
    assert!(refused.field("password").is_some());
    // Being signed in as somebody else proves nothing.
    let refused = problem(accept(&world, &as_user(&org.owner), &token, "", WRONG).await);
    assert!(refused.field("password").is_some());
    assert_eq!(world.role(&org, &person).await, None);

    accept(&world, &nobody(), &token, "Another Name", PASSWORD).await.unwrap();
    assert_eq!(world.role(&org, &person).await, Some(Role::Admin));
    assert_eq!(
        world.column("SELECT name FROM users WHERE email LIKE 'anna%'").await,
        [Some("Anna Berg".to_owned())],
        "the account is as it was"
    );
}

#[tokio::test]
async fn who_is_signed_in_as_the_invited_needs_no_password() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let person = world.person("Anna Berg").await;
    let token = invited(&world, &org, &person.email, "GUEST").await;
    accept(&world, &as_user(&person), &token, "", "").await.unwrap();
    assert_eq!(world.role(&org, &person).await, Some(Role::Guest));
}

#[tokio::test]
async fn an_account_without_password_gets_one() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    support::create_staff(&OpCtx::system("operator"), &world.svc, EMAIL, Some("Anna Berg"), types::StaffRole::Support).await.unwrap();
    let token = invited(&world, &org, EMAIL, "MEMBER").await;
    assert!(!members::offer(&nobody(), &world.svc, &token).await.unwrap().1);
    accept(&world, &nobody(), &token, "Anna Berg", PASSWORD).await.unwrap();
    logins::login(&nobody(), &world.svc, &login(EMAIL, PASSWORD, None)).await.unwrap();
    assert_eq!(world.count("users").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_at_once_one_gets_in() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let person = world.person("Anna Berg").await;
    for (email, ctx) in [(EMAIL.to_owned(), nobody()), (person.email.clone(), as_user(&person))] {
        let token = invited(&world, &org, &email, "MEMBER").await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (svc, token, ctx) = (world.svc.clone(), token.clone(), ctx.clone());
            tasks.spawn(async move { members::accept(&ctx, &svc, &token, "Anna", PASSWORD).await });
        }
        let results = tasks.join_all().await;
        assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 1, "{results:?}");
        for refused in results.into_iter().filter(Result::is_err) {
            assert_eq!(code(refused), Code::LinkInvalid);
        }
    }
    assert_eq!(world.count("memberships").await, 3);
    assert_eq!(world.count("audit_log WHERE action = 'member.joined'").await, 2);
}

#[tokio::test]
async fn a_withdrawn_link_a_suspended_organisation_and_a_member_are_turned_away() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let owner = world.at(&org, &org.owner).await;
    let token = invited(&world, &org, EMAIL, "MEMBER").await;
    let id = members::list(&owner, &world.svc).await.unwrap().invitations[0].id;
    members::withdraw(&owner, &world.svc, id).await.unwrap();
    assert_eq!(code(accept(&world, &nobody(), &token, "Anna", PASSWORD).await), Code::LinkInvalid);

    let token = invited(&world, &org, EMAIL, "MEMBER").await;
    let staff = world.support("Helper").await;
    support::set_suspended(&staff, &world.svc, org.id, true, "unpaid").await.unwrap();
    assert_eq!(code(accept(&world, &nobody(), &token, "Anna", PASSWORD).await), Code::LinkInvalid);
    support::set_suspended(&staff, &world.svc, org.id, false, "paid").await.unwrap();
    accept(&world, &nobody(), &token, "Anna", PASSWORD).await.unwrap();

    // Somebody became a member by another way after he was invited.
    let person = world.person("Bert").await;
    let token = invited(&world, &org, &person.email, "ADMIN").await;
    world.enlist(&org, &person, Role::Guest).await;
    assert_eq!(code(accept(&world, &as_user(&person), &token, "", "").await), Code::AlreadyMember);
    assert_eq!(world.role(&org, &person).await, Some(Role::Guest), "the role is as it was");
}

#[tokio::test]
async fn an_account_that_is_made_meanwhile_is_told_apart_from_a_fault() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let token = invited(&world, &org, EMAIL, "MEMBER").await;
    // The same person is just confirming a registration, or accepting another organisation's invitation.
    let mut other = world.pg().await;
    let insert = format!("BEGIN; INSERT INTO users (id, email, name, created_at) VALUES (gen_random_uuid(), '{EMAIL}', 'Anna', now())");
    sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&mut other).await.unwrap();
    let accepting = tokio::spawn({
        let (svc, token) = (world.svc.clone(), token.clone());
        async move { members::accept(&nobody(), &svc, &token, "Anna", PASSWORD).await }
    });
    world.until_blocked(1).await;
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(code(accepting.await.unwrap()), Code::Conflict);
    // The link was not used up by that.
    accept(&world, &nobody(), &token, "Anna", PASSWORD).await.unwrap();
}
