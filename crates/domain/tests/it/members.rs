//! Inviting, changing roles, and the owner that an organisation always keeps.

use crate::people::Org;
use crate::world::{World, code, problem};
use domain::{audit, members};
use store::OpCtx;
use time::Duration;
use types::{Code, InvitationId, Role};

const LINK: &str = "/invitations/";

async fn invite(world: &World, ctx: &OpCtx, email: &str, role: &str) -> InvitationId {
    members::invite(ctx, &world.svc, email, role).await.unwrap().id
}

async fn owners(world: &World, org: &Org) -> i64 {
    world.count(&format!("memberships WHERE tenant_id = '{}' AND role = 'OWNER'", org.id)).await
}

#[tokio::test]
async fn an_invitation_is_listed_mailed_and_logged() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let ctx = world.at(&org, &org.owner).await;
    let made = members::invite(&ctx, &world.svc, " Anna@Firm.Example ", "MEMBER").await.unwrap();
    assert_eq!((made.email.as_str(), made.role, made.invited_by.as_str()), ("anna@firm.example", Role::Member, "Owner of Firm"));
    assert_eq!(made.expires_at, world.now() + Duration::days(7));
    assert_eq!(members::list(&ctx, &world.svc).await.unwrap().invitations, [made]);
    assert_eq!(world.subjects("anna@firm.example").await, ["Owner of Firm invites you to Firm on CODITECT"]);
    let log = audit::list(&ctx, &world.svc, None, Some("member."), None, 10).await.unwrap().entries;
    assert_eq!((log[0].action.as_str(), log[0].subject.as_str()), ("member.invited", "anna@firm.example"));
    let member = world.member(&org, "Member", Role::Member).await;
    let seen = members::list(&world.at(&org, &member).await, &world.svc).await.unwrap();
    assert_eq!((seen.members.len(), seen.invitations.len()), (2, 0), "only those who invite see who is invited");
}

#[tokio::test]
async fn an_invitation_ends_by_withdrawing_replacing_or_time() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let ctx = world.at(&org, &org.owner).await;
    let offer = async |token: &str| members::offer(&crate::people::nobody(), &world.svc, token).await;

    let id = invite(&world, &ctx, "anna@firm.example", "MEMBER").await;
    let withdrawn = world.secret("anna@firm.example", LINK).await;
    assert!(offer(&withdrawn).await.is_ok());
    members::withdraw(&ctx, &world.svc, id).await.unwrap();
    let dead = problem(offer(&withdrawn).await);
    assert_eq!((dead.code, dead.status), (Code::LinkInvalid, 404));
    assert_eq!(code(members::withdraw(&ctx, &world.svc, id).await), Code::NotFound);

    invite(&world, &ctx, "anna@firm.example", "MEMBER").await;
    let replaced = world.secret("anna@firm.example", LINK).await;
    invite(&world, &ctx, "anna@firm.example", "BILLING").await;
    let newest = world.secret("anna@firm.example", LINK).await;
    assert_eq!(problem(offer(&replaced).await), dead);
    assert_eq!(offer(&newest).await.unwrap().0.role, Role::Billing);
    assert_eq!(members::list(&ctx, &world.svc).await.unwrap().invitations.len(), 1, "one per address");

    world.clock.advance(Duration::days(7));
    assert_eq!(problem(offer(&newest).await), dead);
    assert_eq!(problem(offer("no such token").await), dead);
    assert!(members::list(&ctx, &world.svc).await.unwrap().invitations.is_empty());
}

#[tokio::test]
async fn who_is_a_member_is_not_invited() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let ctx = world.at(&org, &org.owner).await;
    let member = world.member(&org, "Member", Role::Member).await;
    let refused = problem(members::invite(&ctx, &world.svc, &member.email.to_uppercase(), "ADMIN").await);
    assert_eq!((refused.code, refused.status), (Code::AlreadyMember, 409));
    assert!(refused.field("email").is_some());
    let refused = problem(members::invite(&ctx, &world.svc, "no address", "KING").await);
    assert!(refused.field("email").is_some() && refused.field("role").is_some());
    assert!(world.subjects(&member.email).await.is_empty());
}

#[tokio::test]
async fn nobody_is_flooded_with_invitations() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let ctx = world.at(&org, &org.owner).await;
    for _ in 0..5 {
        invite(&world, &ctx, "anna@firm.example", "MEMBER").await;
    }
    let refused = problem(members::invite(&ctx, &world.svc, "anna@firm.example", "MEMBER").await);
    assert_eq!(refused.code, Code::RateLimited);
    assert!(refused.retry_after.is_some());
    invite(&world, &ctx, "bert@firm.example", "MEMBER").await;
    assert_eq!(world.subjects("anna@firm.example").await.len(), 5);
    // Nor are many people by one organization.
    while world.svc.limits.invite(org.id).is_ok() {}
    assert_eq!(problem(members::invite(&ctx, &world.svc, "dora@firm.example", "MEMBER").await).code, Code::RateLimited);
    let other = world.org("Other", 1).await;
    invite(&world, &world.at(&other, &other.owner).await, "dora@firm.example", "MEMBER").await;
}

#[tokio::test]
async fn an_admin_makes_and_unmakes_no_owner() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let owner = world.at(&org, &org.owner).await;
    let second = world.member(&org, "Second", Role::Owner).await;
    let admin = world.member(&org, "Admin", Role::Admin).await;
    let member = world.member(&org, "Member", Role::Member).await;
    let ctx = world.at(&org, &admin).await;
    let invited = invite(&world, &owner, "heir@firm.example", "OWNER").await;
    let link = world.secret("heir@firm.example", LINK).await;

    let forbidden = [
        members::invite(&ctx, &world.svc, "other@firm.example", "OWNER").await.map(drop),
        members::change_role(&ctx, &world.svc, member.id, "OWNER").await.map(drop),
        members::change_role(&ctx, &world.svc, admin.id, "OWNER").await.map(drop),
        members::change_role(&ctx, &world.svc, second.id, "ADMIN").await.map(drop),
        members::remove(&ctx, &world.svc, second.id).await,
        members::withdraw(&ctx, &world.svc, invited).await,
        // Replacing it would withdraw it too.
        members::invite(&ctx, &world.svc, "heir@firm.example", "GUEST").await.map(drop),
    ];
    for (n, result) in forbidden.into_iter().enumerate() {
        assert_eq!(code(result), Code::Forbidden, "attempt {n}");
    }
    assert_eq!(owners(&world, &org).await, 2);
    assert_eq!(members::offer(&crate::people::nobody(), &world.svc, &link).await.unwrap().0.role, Role::Owner);

    // What is below an owner, an admin may do.
    members::change_role(&ctx, &world.svc, member.id, "ADMIN").await.unwrap();
    members::change_role(&ctx, &world.svc, member.id, "GUEST").await.unwrap();
    members::remove(&ctx, &world.svc, member.id).await.unwrap();
    // An owner may do the rest.
    members::change_role(&owner, &world.svc, second.id, "ADMIN").await.unwrap();
    members::withdraw(&owner, &world.svc, invited).await.unwrap();
    assert_eq!(owners(&world, &org).await, 1);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let ctx = world.at(&org, &org.owner).await;
    let admin = world.member(&org, "Admin", Role::Admin).await;
    for result in [
        members::remove(&ctx, &world.svc, org.owner.id).await,
        members::change_role(&ctx, &world.svc, org.owner.id, "ADMIN").await.map(drop),
    ] {
        let refused = problem(result);
        assert_eq!((refused.code, refused.status), (Code::LastOwner, 409));
    }
    members::change_role(&ctx, &world.svc, org.owner.id, "OWNER").await.unwrap();
    members::change_role(&ctx, &world.svc, admin.id, "OWNER").await.unwrap();
    members::remove(&ctx, &world.svc, org.owner.id).await.unwrap();
    assert_eq!(world.role(&org, &org.owner).await, None);
    assert_eq!(world.role(&org, &admin).await, Some(Role::Owner));
    assert!(world.subjects(&org.owner.email).await.is_empty(), "who leaves by himself needs no mail");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_at_once_leave_exactly_one() {
    let world = World::new().await;
    for round in 0..12 {
        let org = world.org(&format!("Firm {round}"), 1).await;
        let second = world.member(&org, &format!("Second {round}"), Role::Owner).await;
        let (one, two) = (world.at(&org, &org.owner).await, world.at(&org, &second).await);
        let svc = &world.svc;
        let (a, b) = match round % 4 {
            // Each removes the other; each leaves; each demotes the other; one leaves while the other demotes himself.
            0 => tokio::join!(members::remove(&one, svc, second.id), members::remove(&two, svc, org.owner.id)),
            1 => tokio::join!(members::remove(&one, svc, org.owner.id), members::remove(&two, svc, second.id)),
            2 => {
                let (a, b) = tokio::join!(
                    members::change_role(&one, svc, second.id, "GUEST"),
                    members::change_role(&two, svc, org.owner.id, "GUEST")
                );
                (a.map(drop), b.map(drop))
            }
            _ => {
                let (a, b) = tokio::join!(members::remove(&one, svc, org.owner.id), members::change_role(&two, svc, second.id, "MEMBER"));
                (a, b.map(drop))
            }
        };
        assert_eq!(owners(&world, &org).await, 1, "round {round}: {a:?}, {b:?}");
        assert!(a.is_ok() != b.is_ok(), "round {round}: {a:?}, {b:?}");
        assert_eq!(code(a.and(b)), Code::LastOwner);
    }
}

#[tokio::test]
async fn a_removal_waits_for_the_one_before_it() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let second = world.member(&org, "Second", Role::Owner).await;
    // Somebody else is just removing the second owner.
    let mut other = world.pg().await;
    let remove = format!("BEGIN; DELETE FROM memberships WHERE user_id = '{}'", second.id);
    sqlx::raw_sql(sqlx::AssertSqlSafe(remove)).execute(&mut other).await.unwrap();
    let leaving = tokio::spawn({
        let (svc, ctx, id) = (world.svc.clone(), world.at(&org, &org.owner).await, org.owner.id);
        async move { members::remove(&ctx, &svc, id).await }
    });
    world.until_blocked(1).await;
    sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert_eq!(code(leaving.await.unwrap()), Code::LastOwner);
}
