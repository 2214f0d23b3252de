//! What each role may do, asked through the use-cases themselves. The expectation is written out here, not read from the table.

use crate::people::{acquire, as_user};
use crate::world::{World, code, problem};
use domain::{Result, access, audit, identity, licenses, members, organizations, sessions, support};
use store::OpCtx;
use types::{Action, Code, Role};
use uuid::Uuid;

/// Use-case, and who may call it: O(wner), A(dmin), B(illing), M(ember), G(uest).
const MAY: &[(&str, &str)] = &[
    ("organizations.visited", "OABMG"),
    ("organizations.has_started", "OABMG"),
    ("organizations.current", "OABMG"),
    ("organizations.denials", "OABMG"),
    ("organizations.rename", "OA"),
    ("members.count", "OABMG"),
    ("members.list", "OABM"),
    ("members.invite", "OA"),
    ("members.invite_owner", "O"),
    ("members.withdraw", "OA"),
    ("members.change_role", "OA"),
    ("members.remove", "OA"),
    ("licenses.list", "OABM"),
    ("licenses.get", "OABM"),
    ("licenses.total_seats", "OABMG"),
    ("sessions.list", "OABMG"),
    ("sessions.live_view", "OABMG"),
    ("sessions.of_license", "OABM"),
    ("sessions.recently_ended", "OABM"),
    ("audit.list", "OA"),
];

/// Calls the use-case; about things, where it needs some, that do not exist.
async fn call(world: &World, ctx: &OpCtx, use_case: &str) -> Result<()> {
    let svc = &world.svc;
    let none = Uuid::from_u128(1);
    match use_case {
        "organizations.visited" => organizations::visited(ctx, svc).await.map(drop),
        "organizations.has_started" => organizations::has_started(ctx, svc).await.map(drop),
        "organizations.current" => organizations::current(ctx, svc).await.map(drop),
        "organizations.denials" => organizations::denials(ctx, svc, 24).await.map(drop),
        "organizations.rename" => organizations::rename(ctx, svc, "Firm", "firm").await.map(drop),
        "members.count" => members::count(ctx, svc).await.map(drop),
        "members.list" => members::list(ctx, svc).await.map(drop),
        "members.invite" => members::invite(ctx, svc, "guest@firm.example", "GUEST").await.map(drop),
        "members.invite_owner" => members::invite(ctx, svc, "heir@firm.example", "OWNER").await.map(drop),
        "members.withdraw" => members::withdraw(ctx, svc, none.into()).await,
        "members.change_role" => members::change_role(ctx, svc, none.into(), "GUEST").await.map(drop),
        "members.remove" => members::remove(ctx, svc, none.into()).await,
        "licenses.list" => licenses::list(ctx, svc).await.map(drop),
        "licenses.get" => licenses::get(ctx, svc, &none.to_string()).await.map(drop),
        "licenses.total_seats" => licenses::total_seats(ctx, svc).await.map(drop),
        "sessions.list" => sessions::list(ctx, svc, None).await.map(drop),
        "sessions.live_view" => sessions::live_view(ctx, svc, 1).await.map(drop),
        "sessions.of_license" => sessions::of_license(ctx, svc, &none.to_string()).await.map(drop),
        "sessions.recently_ended" => sessions::recently_ended(ctx, svc, 24).await.map(drop),
        "audit.list" => audit::list(ctx, svc, None, None, None, 10).await.map(drop),
        other => panic!("{other}"),
    }
}

/// What is told to one who may call it: that the thing does not exist, where one was asked for.
fn of_nothing(use_case: &str) -> Option<Code> {
    match use_case {
        "members.withdraw" | "members.change_role" | "members.remove" => Some(Code::NotFound),
        "licenses.get" | "sessions.of_license" => Some(Code::LicenseNotFound),
        _ => None,
    }
}

#[tokio::test]
async fn each_role_may_do_what_the_list_says_and_is_told_403_otherwise() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    for role in Role::ALL {
        let person = if *role == Role::Owner { org.owner.clone() } else { world.member(&org, role.label(), *role).await };
        let ctx = world.at(&org, &person).await;
        assert_eq!(ctx.role, Some(*role));
        for (use_case, may) in MAY {
            let allowed = may.contains(&role.as_str()[..1]);
            let expected = if allowed { of_nothing(use_case) } else { Some(Code::Forbidden) };
            let told = call(&world, &ctx, use_case).await.err().map(|e| e.into_problem());
            assert_eq!(told.as_ref().map(|p| p.code), expected, "{role} {use_case}");
            if let Some(problem) = told.filter(|p| p.code == Code::Forbidden) {
                assert_eq!(problem.status, 403);
                assert!(problem.detail.contains(role.label()), "{}", problem.detail);
            }
        }
    }
}

#[tokio::test]
async fn whoever_is_no_member_is_told_that_nothing_is_there() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let stranger = as_user(&world.person("Stranger").await);
    let nothing = problem(identity::enter(&stranger, &world.svc, "no-such-firm").await);
    assert_eq!((nothing.code, nothing.status), (Code::NotFound, 404));
    assert_eq!(problem(identity::enter(&stranger, &world.svc, &org.slug).await), nothing);
    // Should a caller forget to enter, the use-cases say the same; so they do to a device, which has no role.
    let device = world.device(&org, &org.owner).await;
    for ctx in [stranger.in_tenant(org.id), stranger, device] {
        for (use_case, _) in MAY {
            assert_eq!(problem(call(&world, &ctx, use_case).await), nothing, "{use_case} by {:?}", ctx.actor);
        }
    }
}

#[tokio::test]
async fn the_support_console_does_not_exist_for_others() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let owner = world.at(&org, &org.owner).await;
    assert_eq!(code(identity::as_staff(&owner, &world.svc).await), Code::NotFound);
    assert_eq!(code(support::search(&owner, &world.svc, "").await), Code::NotFound);
    assert_eq!(code(support::enter(&owner, &world.svc, org.id).await), Code::NotFound);
    assert_eq!(code(support::set_suspended(&owner, &world.svc, org.id, true, "because").await), Code::NotFound);
    assert_eq!(world.column("SELECT status FROM tenants").await, [Some("ACTIVE".to_owned())]);
}

#[tokio::test]
async fn seats_are_for_those_whose_role_holds_one() {
    let world = World::new().await;
    let org = world.org("Firm", 10).await;
    for role in Role::ALL {
        let person = world.member(&org, role.label(), *role).await;
        let device = world.device(&org, &person).await;
        let answer = sessions::acquire(&device, &world.svc, &acquire(role.as_str())).await;
        assert_eq!(answer.is_ok(), ["OWNER", "ADMIN", "MEMBER"].contains(&role.as_str()), "{role}");
        assert_eq!(answer.is_ok(), access::allows(*role, Action::SeatHold), "{role}");
        if let Err(error) = answer {
            let refused = error.into_problem();
            assert_eq!((refused.code, refused.status), (Code::RoleHoldsNoSeat, 403), "{role}");
        }
    }
    assert_eq!(world.active(&org).await, 3);
}

#[tokio::test]
async fn some_see_all_sessions_and_some_their_own() {
    let world = World::new().await;
    let org = world.org("Firm", 10).await;
    world.seat(&world.device(&org, &org.owner).await, "owner's").await;
    for (role, all, may_end_all) in
        [(Role::Admin, true, true), (Role::Billing, true, false), (Role::Member, false, false), (Role::Guest, false, false)]
    {
        let person = world.member(&org, role.label(), role).await;
        let holds = access::allows(role, Action::SeatHold);
        if holds {
            world.seat(&world.device(&org, &person).await, role.as_str()).await;
        }
        let ctx = world.at(&org, &person).await;
        let live = usize::try_from(world.active(&org).await).unwrap();
        let expected = if all { live } else { usize::from(holds) };
        let listed = sessions::list(&ctx, &world.svc, None).await.unwrap();
        assert_eq!(listed.len(), expected, "{role}");
        assert!(all || listed.iter().all(|s| s.user_id == person.id), "{role}");
        let view = sessions::live_view(&ctx, &world.svc, 10).await.unwrap();
        assert_eq!((view.active as usize, view.sessions.len()), (live, expected), "{role}: totals are for everybody");
        for row in view.sessions {
            assert_eq!(row.own, row.user_name == role.label(), "{role}");
            assert_eq!(row.may_revoke, may_end_all || row.own, "{role}: {row:?}");
        }
        if access::allows(role, Action::LicensesView) {
            assert_eq!(sessions::of_license(&ctx, &world.svc, &org.license.to_string()).await.unwrap().len(), expected, "{role}");
        }
    }
}
