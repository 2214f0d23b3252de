//! Counting which features are used, where the organisation wants it.

use crate::people::Org;
use crate::world::{World, code, problem};
use domain::{analytics, audit, jobs};
use store::OpCtx;
use time::{Duration, OffsetDateTime};
use types::analytics::{FeatureUse, TrackRequest, TrackResponse};
use types::{Code, Role};

fn event(feature: &str, count: u32) -> FeatureUse {
    FeatureUse { feature: feature.to_owned(), count, at: None }
}

fn batch(events: impl IntoIterator<Item = FeatureUse>) -> TrackRequest {
    TrackRequest { events: events.into_iter().collect() }
}

async fn org(world: &World) -> (Org, OpCtx) {
    let org = world.org("Meridian", 2).await;
    let owner = world.at(&org, &org.owner).await;
    analytics::allow(&owner, &world.svc, "true").await.unwrap();
    (org, owner)
}

async fn totals(world: &World, ctx: &OpCtx, days: u16) -> Vec<(String, i64, i64)> {
    let seen = analytics::features(ctx, &world.svc, days).await.unwrap();
    seen.totals.into_iter().map(|t| (t.feature, t.uses, t.days)).collect()
}

#[tokio::test]
async fn nothing_is_counted_before_the_organization_wants_it() {
    let world = World::new().await;
    let org = world.org("Meridian", 1).await;
    let (owner, member) = (world.at(&org, &org.owner).await, world.member(&org, "Mia", Role::Member).await);
    let mia = world.at(&org, &member).await;
    let answer = analytics::track(&mia, &world.svc, &batch([event("export.pdf", 1)])).await.unwrap();
    assert_eq!(answer, TrackResponse { enabled: false, recorded: 0 });
    assert_eq!(world.count("feature_use").await, 0);
    assert_eq!(code(analytics::allow(&mia, &world.svc, "true").await), Code::Forbidden);
    assert_eq!(problem(analytics::allow(&owner, &world.svc, "perhaps").await).pointer.as_deref(), Some("/analytics"));

    for _ in 0..2 {
        analytics::allow(&owner, &world.svc, "true").await.unwrap();
    }
    let answer = analytics::track(&mia, &world.svc, &batch([event("export.pdf", 1)])).await.unwrap();
    assert_eq!(answer, TrackResponse { enabled: true, recorded: 1 });
    let log = audit::list(&owner, &world.svc, None, Some("organization.analytics"), None, 50).await.unwrap().entries;
    assert_eq!(log.iter().map(|e| e.action.as_str()).collect::<Vec<_>>(), ["organization.analytics_on"], "said twice, logged once");

    analytics::allow(&owner, &world.svc, "false").await.unwrap();
    assert_eq!(world.count("feature_use").await, 0, "what was counted goes away");
    assert!(!analytics::features(&owner, &world.svc, 30).await.unwrap().enabled);
}

#[tokio::test]
async fn uses_add_up_by_day_and_say_nobody() {
    let world = World::new().await;
    let (org, owner) = org(&world).await;
    let mia = world.member(&org, "Mia", Role::Member).await;
    let mia = world.at(&org, &mia).await;
    let yesterday = FeatureUse { at: Some(world.now() - Duration::days(1)), ..event("export.pdf", 3) };
    analytics::track(&owner, &world.svc, &batch([event("export.pdf", 2), yesterday, event("export.pdf", 5)])).await.unwrap();
    analytics::track(&mia, &world.svc, &batch([event("ai_assist", 1), event("export.pdf", 1)])).await.unwrap();
    assert_eq!(totals(&world, &owner, 7).await, [("export.pdf".into(), 11, 2), ("ai_assist".into(), 1, 1)]);
    assert_eq!(totals(&world, &owner, 1).await, [("export.pdf".into(), 8, 1), ("ai_assist".into(), 1, 1)]);
    let columns = world.column("SELECT column_name FROM information_schema.columns WHERE table_name = 'feature_use'").await;
    let mut columns: Vec<String> = columns.into_iter().flatten().collect();
    columns.sort_unstable();
    assert_eq!(columns, ["day", "feature", "tenant_id", "uses"]);

    assert_eq!(code(analytics::features(&mia, &world.svc, 7).await), Code::Forbidden);
    let other = world.org("Fjordline", 1).await;
    let other = world.at(&other, &other.owner).await;
    assert!(totals(&world, &other, 7).await.is_empty());

    world.clock.advance(Duration::days(401));
    jobs::purge(&world.svc).await.unwrap();
    assert_eq!(world.count("feature_use").await, 0);
}

#[tokio::test]
async fn what_does_not_fit_is_named_and_nothing_of_it_counts() {
    let world = World::new().await;
    let (_, owner) = org(&world).await;
    let at = |at: OffsetDateTime| FeatureUse { at: Some(at), ..event("a", 1) };
    for (bad, pointer) in [
        (batch([]), "/events"),
        (batch((0..101).map(|n| event(&format!("f{n}"), 1))), "/events"),
        (batch([event("a", 1), event("Ingrid Solberg", 1)]), "/events/1/feature"),
        (batch([event("a", 0)]), "/events/0/count"),
        (batch([event("a", 1_000_001)]), "/events/0/count"),
        (batch([at(world.now() - Duration::days(8))]), "/events/0/at"),
        (batch([at(world.now() + Duration::days(1))]), "/events/0/at"),
    ] {
        let told = problem(analytics::track(&owner, &world.svc, &bad).await);
        assert_eq!((told.code, told.pointer.as_deref()), (Code::InvalidRequest, Some(pointer)));
    }
    let both = problem(analytics::track(&owner, &world.svc, &batch([event("", 0)])).await);
    assert_eq!(both.errors.len(), 2, "all that is wrong is named at once");
    assert_eq!(world.count("feature_use").await, 0);
}

#[tokio::test]
async fn an_application_that_makes_names_up_is_stopped() {
    let world = World::new().await;
    let (_, owner) = org(&world).await;
    for n in 0..5 {
        analytics::track(&owner, &world.svc, &batch((0..100).map(|i| event(&format!("f{n}-{i}"), 1)))).await.unwrap();
    }
    let told = problem(analytics::track(&owner, &world.svc, &batch([event("one.more", 1), event("f0-0", 1)])).await);
    assert_eq!((told.code, told.pointer.as_deref()), (Code::InvalidRequest, Some("/events")));
    assert_eq!(world.count("feature_use WHERE uses > 1").await, 0, "a batch counts as a whole or not at all");
    analytics::track(&owner, &world.svc, &batch([event("f0-0", 1)])).await.unwrap();
    // One a second is allowed in the long run, which the machine under test may be slower than at first.
    for _ in 0..1000 {
        match analytics::track(&owner, &world.svc, &batch([event("f0-0", 1)])).await {
            Ok(_) => {}
            refused => return assert_eq!(code(refused), Code::RateLimited),
        }
    }
    panic!("a device that sends without end is told to wait");
}

#[tokio::test]
async fn a_batch_counts_once_under_its_key_also_when_sent_at_once() {
    let world = World::new().await;
    let (_, owner) = org(&world).await;
    let keyed = OpCtx { idempotency_key: Some("batch-1".into()), ..owner.clone() };
    let request = batch([event("a", 1), event("b", 2)]);
    let answers = at_once(&world, &keyed, &request).await;
    assert!(answers.iter().all(|a| *a == TrackResponse { enabled: true, recorded: 2 }), "{answers:?}");
    assert_eq!(totals(&world, &owner, 7).await, [("b".into(), 2, 1), ("a".into(), 1, 1)]);
    assert_eq!(code(analytics::track(&keyed, &world.svc, &batch([event("a", 9)])).await), Code::IdempotencyKeyReused);
    let next = OpCtx { idempotency_key: Some("batch-2".into()), ..owner.clone() };
    analytics::track(&next, &world.svc, &request).await.unwrap();
    analytics::track(&owner, &world.svc, &request).await.unwrap();
    assert_eq!(totals(&world, &owner, 7).await, [("b".into(), 6, 1), ("a".into(), 3, 1)]);
}

async fn at_once(world: &World, ctx: &OpCtx, request: &TrackRequest) -> Vec<TrackResponse> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (ctx, svc, request) = (ctx.clone(), world.svc.clone(), request.clone());
        tasks.spawn(async move { analytics::track(&ctx, &svc, &request).await.unwrap() });
    }
    tasks.join_all().await
}
