//! `Idempotency-Key`: the same request twice is carried out once.

use crate::people::{PASSWORD, nobody};
use crate::world::{World, code};
use domain::{jobs, members, signup};
use store::OpCtx;
use time::Duration;
use types::auth::RegisterRequest;
use types::{Code, Role};

fn keyed(ctx: &OpCtx, key: &str) -> OpCtx {
    OpCtx { idempotency_key: Some(key.to_owned()), ..ctx.clone() }
}

#[tokio::test]
async fn an_invitation_is_mailed_once_however_often_it_is_sent() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let owner = world.at(&org, &org.owner).await;
    let ctx = keyed(&owner, "one");
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (ctx, svc) = (ctx.clone(), world.svc.clone());
        tasks.spawn(async move { members::invite(&ctx, &svc, "anna@firm.example", "MEMBER").await.unwrap() });
    }
    let made = tasks.join_all().await;
    assert!(made.iter().all(|i| *i == made[0]), "{made:?}");
    assert_eq!(world.subjects("anna@firm.example").await.len(), 1);
    assert_eq!(world.count("audit_log WHERE action = 'member.invited'").await, 1);

    // Another request, person or organisation is another matter.
    assert_eq!(code(members::invite(&ctx, &world.svc, "anna@firm.example", "GUEST").await), Code::IdempotencyKeyReused);
    let admin = world.member(&org, "Ada Admin", Role::Admin).await;
    let admin = keyed(&world.at(&org, &admin).await, "one");
    assert_eq!(members::invite(&admin, &world.svc, "bert@firm.example", "MEMBER").await.unwrap().email, "bert@firm.example");
    let other = world.org("Other", 1).await;
    let other = keyed(&world.at(&other, &other.owner).await, "one");
    assert_eq!(members::invite(&other, &world.svc, "anna@firm.example", "MEMBER").await.unwrap().invited_by, "Owner of Other");

    // After a day the key is forgotten.
    world.clock.advance(Duration::hours(25));
    jobs::purge(&world.svc).await.unwrap();
    assert_eq!(world.count("idempotency_keys").await, 0);
}

#[tokio::test]
async fn what_was_refused_may_be_tried_again_under_its_key() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let mia = world.member(&org, "Mia", Role::Member).await;
    let ctx = keyed(&world.at(&org, &org.owner).await, "one");
    assert_eq!(code(members::invite(&ctx, &world.svc, &mia.email, "GUEST").await), Code::AlreadyMember);
    assert_eq!(world.count("idempotency_keys").await, 0, "a refusal leaves no trace");
    members::remove(&world.at(&org, &org.owner).await, &world.svc, mia.id).await.unwrap();
    assert_eq!(members::invite(&ctx, &world.svc, &mia.email, "GUEST").await.unwrap().role, Role::Guest);
    let guest = world.member(&org, "Gus", Role::Guest).await;
    let guest = keyed(&world.at(&org, &guest).await, "one");
    assert_eq!(code(members::invite(&guest, &world.svc, &mia.email, "GUEST").await), Code::Forbidden, "a key opens no door");
}

#[tokio::test]
async fn a_registration_is_noted_once_and_no_password_can_be_tried_on_what_is_kept() {
    let world = World::new().await;
    let request = RegisterRequest {
        organization_name: "Firm".into(),
        name: "Ingrid".into(),
        email: "ingrid@firm.example".into(),
        password: PASSWORD.into(),
    };
    let ctx = keyed(&nobody(), "one");
    let first = signup::register(&ctx, &world.svc, &request).await.unwrap();
    let second = signup::register(&ctx, &world.svc, &request).await.unwrap();
    assert_eq!((first.tenant_id, first.user_id), (second.tenant_id, second.user_id));
    assert_eq!((world.count("signups").await, world.subjects("ingrid@firm.example").await.len()), (1, 1));
    let changed = RegisterRequest { password: "another long password".into(), ..request };
    assert_eq!(code(signup::register(&ctx, &world.svc, &changed).await), Code::IdempotencyKeyReused);
    // Whoever has the table but not the portal's secret has nothing to compare guesses with.
    let kept = async || world.column("SELECT encode(request, 'escape') FROM idempotency_keys ORDER BY created_at, hash").await;
    let under_one_secret = kept().await;
    let mut svc = world.svc.clone();
    svc.settings.access_key = b"another key of thirty-two bytes or more".to_vec();
    world.run("DELETE FROM idempotency_keys").await;
    signup::register(&ctx, &svc, &changed).await.unwrap();
    let under_another = kept().await;
    world.run("DELETE FROM idempotency_keys").await;
    signup::register(&ctx, &world.svc, &changed).await.unwrap();
    assert_ne!(kept().await, under_another, "the secret matters");
    assert_ne!(kept().await, under_one_secret, "the password matters");
    // The same text from somebody else is another matter.
    let other = RegisterRequest { email: "ola@firm.example".into(), ..changed };
    signup::register(&ctx, &world.svc, &other).await.unwrap();
}
