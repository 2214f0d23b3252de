//! Asking whether a licence would work: the first obstacle, in a fixed order, and never an error.

use crate::people::Org;
use crate::world::World;
use domain::licenses;
use store::OpCtx;
use types::Role;
use types::licenses::ValidateCode::*;
use types::licenses::{ValidateCode, ValidateRequest};

async fn ask(world: &World, ctx: &OpCtx, key: Option<&str>, hardware: Option<&str>) -> ValidateCode {
    let request = ValidateRequest { license_key: key.map(str::to_owned), hardware_id: hardware.map(str::to_owned) };
    let answer = licenses::validate(ctx, &world.svc, &request).await.unwrap();
    assert_eq!(answer.valid, answer.code == Valid);
    assert_eq!(answer.license.is_none(), answer.code == NotFound);
    assert!(!answer.detail.is_empty());
    answer.code
}

#[tokio::test]
async fn obstacles_are_named_in_their_order() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let guest = world.member(&org, "Guest", Role::Guest).await;
    let ctx = world.device(&org, &guest).await;
    // From the worst to none; each step takes the first obstacle away.
    world.run("UPDATE tenants SET status = 'SUSPENDED'; UPDATE licenses SET status = 'SUSPENDED', max_seats = 0").await;
    assert_eq!(ask(&world, &ctx, Some("CODITECT-2222-2222-2222"), None).await, NotFound);
    assert_eq!(ask(&world, &ctx, Some("nonsense"), None).await, NotFound);
    assert_eq!(ask(&world, &ctx, Some(&org.key.to_lowercase()), None).await, TenantSuspended);
    for (step, expected) in [
        ("UPDATE tenants SET status = 'ACTIVE'", Suspended),
        ("UPDATE licenses SET status = 'EXPIRED'", Expired),
        ("UPDATE licenses SET status = 'ACTIVE', expiry = '2020-01-01Z'", Expired),
        ("UPDATE licenses SET status = 'RESTRICTED', expiry = NULL", Restricted),
        ("UPDATE licenses SET status = 'PAST_DUE'", RoleHoldsNoSeat),
        ("UPDATE memberships SET role = 'MEMBER' WHERE role = 'GUEST'", SeatsExhausted),
        ("UPDATE licenses SET max_seats = 1", Valid),
    ] {
        world.run(step).await;
        assert_eq!(ask(&world, &ctx, None, None).await, expected, "{step}");
        assert_eq!(ask(&world, &ctx, Some(&org.key), Some("laptop")).await, expected, "{step}");
    }
    world.run("DELETE FROM licenses").await;
    assert_eq!(ask(&world, &ctx, None, None).await, NotFound);
}

#[tokio::test]
async fn without_a_key_the_licence_that_acquire_would_take_counts() {
    let world = World::new().await;
    let org = world.org("Firm", 1).await;
    let ctx = world.device(&org, &org.owner).await;
    world
        .run(
            "INSERT INTO licenses (tenant_id, id, key, product_sku, tier, status, max_seats, created_at)
             SELECT tenant_id, gen_random_uuid(), 'CODITECT-3333-3333-V282', product_sku, 'PRO', 'SUSPENDED', 5, created_at FROM licenses;
             UPDATE tenants SET entitlement_version = entitlement_version + 1",
        )
        .await;
    world.flush_redis().await;
    // The better one comes first, and does not work.
    assert_eq!(ask(&world, &ctx, None, None).await, Valid);
    assert_eq!(ask(&world, &ctx, Some("CODITECT-3333-3333-V282"), None).await, Suspended);
    assert_eq!(world.seat(&ctx, "laptop").await.license.id, org.license);
    assert_eq!(ask(&world, &ctx, None, Some("desktop")).await, Suspended, "none works: what bars the first");
    assert_eq!(ask(&world, &ctx, None, Some("laptop")).await, Valid);
}

#[tokio::test]
async fn who_holds_the_last_seat_is_told_that_it_works() {
    let world = World::new().await;
    let org: Org = world.org("Firm", 1).await;
    let member = world.member(&org, "Member", Role::Member).await;
    let (holder, other) = (world.device(&org, &org.owner).await, world.device(&org, &member).await);
    assert_eq!(ask(&world, &holder, None, Some("laptop")).await, Valid);
    let held = world.seat(&holder, "laptop").await;
    assert_eq!(ask(&world, &holder, None, Some("laptop")).await, Valid);
    assert_eq!(ask(&world, &holder, None, Some("desktop")).await, SeatsExhausted);
    assert_eq!(ask(&world, &other, None, Some("laptop")).await, SeatsExhausted, "the same device name, another person");
    domain::sessions::release(&holder, &world.svc, &held.session_id.to_string()).await.unwrap();
    assert_eq!(ask(&world, &other, None, Some("laptop")).await, Valid);
    assert_eq!(world.active(&org).await, 0, "asking takes no seat");
}
