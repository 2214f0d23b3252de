//! The database of a test is its own, and row-level security holds in it.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use sqlx::{Connection, PgConnection};
use test_support::postgres::TestDatabase;

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

#[tokio::test]
async fn databases_are_separate_and_migrated_by_the_owner() {
    let (one, two) = (TestDatabase::new().await, TestDatabase::new().await);
    let mut owner = connect(&one.owner_url()).await;
    sqlx::raw_sql("CREATE TABLE only_in_one ()").execute(&mut owner).await.unwrap();
    let exists = "SELECT to_regclass('only_in_one') IS NOT NULL";
    let found: bool = sqlx::query_scalar(exists).fetch_one(&mut owner).await.unwrap();
    assert!(found);
    let mut other = connect(&two.owner_url()).await;
    let found: bool = sqlx::query_scalar(exists).fetch_one(&mut other).await.unwrap();
    assert!(!found);
    let owners: Vec<String> = sqlx::query_scalar("SELECT DISTINCT tableowner::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&mut owner)
        .await
        .unwrap();
    assert_eq!(owners, ["portal_owner"]);
}

#[tokio::test]
async fn the_portal_is_an_ordinary_role() {
    let database = TestDatabase::new().await;
    let mut app = connect(&database.app_url()).await;
    let special: bool = sqlx::query_scalar("SELECT rolsuper OR rolbypassrls OR rolinherit FROM pg_roles WHERE rolname = current_user")
        .fetch_one(&mut app)
        .await
        .unwrap();
    assert!(!special);
    sqlx::raw_sql("CREATE TABLE public.mine ()").execute(&mut app).await.unwrap_err();
}

#[tokio::test]
async fn the_database_goes_with_its_test_even_while_it_is_used() {
    let database = TestDatabase::without_migrations().await;
    let url = database.app_url();
    let _still_open = connect(&url).await;
    drop(database);
    let error = PgConnection::connect(&url).await.unwrap_err().to_string();
    assert!(error.contains("does not exist"), "{error}");
}
