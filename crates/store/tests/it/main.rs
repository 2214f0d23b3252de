//! The store on a real PostgreSQL. One program, so that one cluster serves all of its tests.
#![allow(unreachable_pub, clippy::unwrap_used, reason = "a test may panic, and its modules are nobody's interface")]

mod catalogue;
mod isolation;
mod pool;
mod roles;
mod web_sessions;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use test_support::postgres::TestDatabase;

/// Past row-level security: for fixtures, and to see what is really there.
async fn superuser(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(&database.superuser_url()).await.unwrap()
}

/// Runs statements that the test itself has put together.
async fn run(connection: &mut PgConnection, sql: impl Into<String>) {
    let sql = sql.into();
    sqlx::raw_sql(AssertSqlSafe(sql.as_str())).execute(connection).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}
