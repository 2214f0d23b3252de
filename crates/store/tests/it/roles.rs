//! The server refuses a database role that could get around row-level security, and applies migrations once.

use crate::catalogue::findings;
use crate::{run, superuser};
use sqlx::{Connection, PgConnection};
use store::Store;
use store::schema::{UnfitRole, check_role, migrate};
use test_support::postgres::TestDatabase;

/// The same database as another role.
fn url_of(database: &TestDatabase, role: &str) -> String {
    let url = database.app_url();
    let (_, address) = url.split_once('@').unwrap();
    format!("postgres://{role}:secret@{address}")
}

async fn check(url: &str) -> Result<(), UnfitRole> {
    let store = Store::connect(url, 1).unwrap();
    let result = check_role(&store).await.unwrap();
    store.close().await;
    result
}

#[tokio::test]
async fn the_portals_role_is_accepted() {
    let database = TestDatabase::new().await;
    assert_eq!(check(&database.app_url()).await, Ok(()));
}

#[tokio::test]
async fn a_role_that_could_get_around_row_level_security_is_refused() {
    let database = TestDatabase::new().await;
    // Roles belong to the whole cluster, which ends with this test program.
    run(
        &mut superuser(&database).await,
        "CREATE ROLE unfit_super LOGIN PASSWORD 'secret' SUPERUSER NOINHERIT IN ROLE portal_tenant, portal_system;
         CREATE ROLE unfit_bypass LOGIN PASSWORD 'secret' BYPASSRLS NOINHERIT IN ROLE portal_tenant, portal_system;
         CREATE ROLE unfit_creator LOGIN PASSWORD 'secret' CREATEROLE NOINHERIT IN ROLE portal_tenant, portal_system;
         CREATE ROLE unfit_bypass_group NOLOGIN BYPASSRLS;
         CREATE ROLE unfit_indirect LOGIN PASSWORD 'secret' NOINHERIT IN ROLE portal_tenant, portal_system, unfit_bypass_group;
         CREATE ROLE unfit_owner LOGIN PASSWORD 'secret' NOINHERIT IN ROLE portal_tenant, portal_system, portal_owner;
         CREATE ROLE unfit_heir LOGIN PASSWORD 'secret' INHERIT IN ROLE portal_tenant, portal_system;
         CREATE ROLE unfit_half LOGIN PASSWORD 'secret' NOINHERIT IN ROLE portal_tenant;
         CREATE ROLE unfit_stranger LOGIN PASSWORD 'secret' NOINHERIT;
         DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC', current_database()); END $$;",
    )
    .await;
    for (role, reason) in [
        ("unfit_super", "can bypass row-level security"),
        ("unfit_bypass", "can bypass row-level security"),
        ("unfit_creator", "can bypass row-level security"),
        ("unfit_indirect", "can bypass row-level security"),
        ("unfit_owner", "owns tables"),
        ("unfit_heir", "inherits the rights of its groups"),
        ("unfit_half", "is not a member"),
        ("unfit_stranger", "is not a member"),
    ] {
        let UnfitRole(why) = check(&url_of(&database, role)).await.expect_err(role);
        assert!(why.contains(reason) && why.contains(role), "{role}: {why}");
    }
    for (url, reason) in [(database.superuser_url(), "can bypass row-level security"), (database.owner_url(), "owns tables")] {
        let UnfitRole(why) = check(&url).await.unwrap_err();
        assert!(why.contains(reason), "{why}");
    }
}

/// All that migrations make, as text.
async fn schema(db: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT format('%s.%s %s %s %s', c.relname, a.attname, a.atttypid::regtype, a.attnotnull, c.relacl)
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
         UNION ALL SELECT format('%s: %s', conname, pg_get_constraintdef(oid)) FROM pg_constraint
             WHERE connamespace = 'public'::regnamespace
         UNION ALL SELECT p::text FROM pg_policies p
         UNION ALL SELECT m::text FROM _sqlx_migrations m
         ORDER BY 1",
    )
    .fetch_all(db)
    .await
    .unwrap()
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let database = TestDatabase::without_migrations().await;
    migrate(&database.owner_url(), "portal_app").await.unwrap();
    let mut db = superuser(&database).await;
    let first = schema(&mut db).await;
    assert!(first.len() > 100);
    migrate(&database.owner_url(), "portal_app").await.unwrap();
    assert_eq!(schema(&mut db).await, first);
    assert_eq!(findings(&mut db).await, Vec::<String>::new());
    assert_eq!(check(&database.app_url()).await, Ok(()));
}

#[tokio::test]
async fn two_servers_may_migrate_at_once() {
    let database = TestDatabase::without_migrations().await;
    let url = database.owner_url();
    let (one, two) = tokio::join!(migrate(&url, "portal_app"), migrate(&url, "portal_app"));
    one.unwrap();
    two.unwrap();
    assert_eq!(findings(&mut superuser(&database).await).await, Vec::<String>::new());
}

#[tokio::test]
async fn migrating_makes_the_operators_role_a_member() {
    let database = TestDatabase::without_migrations().await;
    let mut db = superuser(&database).await;
    run(
        &mut db,
        r#"CREATE ROLE "An Odd-Name" LOGIN NOINHERIT PASSWORD 'secret';
           DO $$ BEGIN EXECUTE format('GRANT CONNECT ON DATABASE %I TO PUBLIC', current_database()); END $$;"#,
    )
    .await;
    let url = url_of(&database, "An%20Odd-Name");
    assert!(check(&url).await.is_err());
    for _ in 0..2 {
        migrate(&database.superuser_url(), "An Odd-Name").await.unwrap();
    }
    assert_eq!(check(&url).await, Ok(()));
    let mut app = PgConnection::connect(&url).await.unwrap();
    run(&mut app, "BEGIN; SET LOCAL ROLE portal_system; SELECT count(*) FROM users; COMMIT").await;
}
