//! The store's own transactions on few connections that many share.

use crate::isolation::{A, B, Table, fill, tenant_tables};
use crate::{run, superuser};
use serde_json::json;
use sqlx::{AssertSqlSafe, Row};
use std::time::Duration;
use store::audit::NewEntry;
use store::revocations::Revocation;
use store::seat_outbox::Change;
use store::{Error, OpCtx, Store, SystemTx, TenantTx, Tx, licenses, members, revocations, seat_outbox, tenants};
use test_support::postgres::TestDatabase;
use time::OffsetDateTime;
use types::{TenantId, UserId};

fn of(tenant: &str) -> OpCtx {
    OpCtx::system("test").in_tenant(tenant.parse().unwrap())
}

async fn filled() -> (TestDatabase, Vec<Table>) {
    let database = TestDatabase::new().await;
    let mut db = superuser(&database).await;
    fill(&mut db).await;
    // Outboxes are written by tenants and read by the worker; here they are read to look for foreign rows.
    run(&mut db, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO portal_tenant").await;
    let tables = tenant_tables(&mut db).await;
    (database, tables)
}

/// The tenants whose rows the transaction sees in the table.
async fn seen(tx: &mut impl Tx, table: &Table) -> Result<Vec<String>, sqlx::Error> {
    let sql = format!("SELECT COALESCE({}::text, 'nobody') FROM {}", table.column, table.name);
    Ok(sqlx::query(AssertSqlSafe(sql)).fetch_all(tx.conn()).await?.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn without_a_tenant_there_is_no_transaction() {
    let database = TestDatabase::new().await;
    let store = Store::connect(&database.app_url(), 1).unwrap();
    assert!(matches!(TenantTx::begin(&OpCtx::system("test"), &store).await, Err(Error::NoTenant)));
}

#[tokio::test]
async fn a_connection_remembers_no_tenant() {
    let (database, tables) = filled().await;
    let store = Store::connect(&database.app_url(), 1).unwrap();
    for round in 0..3 {
        for tenant in [A, B] {
            let mut tx = TenantTx::begin(&of(tenant), &store).await.unwrap();
            for table in &tables {
                let owners = seen(&mut tx, table).await.unwrap();
                assert!(!owners.is_empty() && owners.iter().all(|o| o == tenant), "{}: {owners:?}", table.name);
            }
            if round == 1 {
                tx.commit().await.unwrap();
            } else {
                drop(tx);
            }
            // The same connection, the tenant's role, and no tenant set.
            let mut tx = SystemTx::begin(&OpCtx::system("test"), &store).await.unwrap();
            sqlx::query("SET LOCAL ROLE portal_tenant").execute(tx.conn()).await.unwrap();
            for table in &tables {
                assert_eq!(seen(&mut tx, table).await.unwrap(), Vec::<String>::new(), "{}", table.name);
            }
        }
    }
}

#[tokio::test]
async fn outside_of_a_transaction_the_login_role_can_do_nothing() {
    use sqlx::Connection;
    let (database, tables) = filled().await;
    let mut db = sqlx::PgConnection::connect(&database.app_url()).await.unwrap();
    for Table { name, .. } in tables {
        let error = sqlx::query(AssertSqlSafe(format!("SELECT 1 FROM public.{name}"))).fetch_all(&mut db).await.unwrap_err();
        assert_eq!(error.as_database_error().and_then(|e| e.code()).as_deref(), Some("42501"), "{name}");
    }
}

/// What one of the many does.
#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    Drop,
    Fail,
    Cancel,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tenants_that_share_two_connections_never_see_one_another() {
    let (database, tables) = filled().await;
    let store = Store::connect(&database.app_url(), 2).unwrap();
    let tables = std::sync::Arc::new(tables);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16_usize {
        let (store, tables) = (store.clone(), tables.clone());
        tasks.spawn(async move {
            let mut rows = 0;
            for round in 0..30_usize {
                let tenant = if (task + round) % 2 == 0 { A } else { B };
                let end = [End::Commit, End::Drop, End::Fail, End::Cancel][(task / 2 + round) % 4];
                let visit = visit(&store, &tables[(task + round) % tables.len()], tenant, end);
                let owners = if matches!(end, End::Cancel) {
                    // The future is dropped wherever it stands, also in the middle of beginning.
                    tokio::time::timeout(Duration::from_micros(200 * (round as u64 % 8)), visit).await.unwrap_or_default()
                } else {
                    visit.await
                };
                assert!(owners.iter().all(|o| o == tenant), "task {task}, round {round}, {end:?}: {owners:?}");
                rows += owners.len();
            }
            rows
        });
    }
    let rows = tasks.join_all().await;
    assert!(rows.iter().all(|n| *n > 20), "the tasks have seen their own rows: {rows:?}");
}

async fn visit(store: &Store, table: &Table, tenant: &'static str, end: End) -> Vec<String> {
    // Many wait for two connections; that somebody gives up is no concern here.
    let mut tx = loop {
        match TenantTx::begin(&of(tenant), store).await {
            Ok(tx) => break tx,
            Err(Error::Unavailable(_)) => {}
            Err(other) => panic!("{other}"),
        }
    };
    let mut owners = seen(&mut tx, table).await.unwrap();
    tokio::task::yield_now().await;
    owners.extend(seen(&mut tx, table).await.unwrap());
    match end {
        End::Commit => tx.commit().await.unwrap(),
        End::Fail => drop(sqlx::query("SELECT 1 / 0").execute(tx.conn()).await.unwrap_err()),
        End::Drop | End::Cancel => drop(tx),
    }
    owners
}

/// The store's functions take a tenant beside the transaction. Where the two differ, row-level security has the last word.
#[tokio::test]
async fn a_wrong_tenant_in_an_argument_reaches_nothing() {
    let (database, _) = filled().await;
    let store = Store::connect(&database.app_url(), 2).unwrap();
    let b: TenantId = B.parse().unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("SELECT user_id FROM memberships WHERE tenant_id = $1::uuid LIMIT 1")
        .bind(B)
        .fetch_one(&mut superuser(&database).await)
        .await
        .unwrap();
    let at = OffsetDateTime::UNIX_EPOCH;
    let mut tx = TenantTx::begin(&of(B), &store).await.unwrap();
    assert!(members::get(&mut tx, b, UserId(id)).await.unwrap().is_some(), "it is there for its own tenant");
    assert!(revocations::get(&mut tx, b, id.into()).await.unwrap().is_some());
    drop(tx);

    let mut tx = TenantTx::begin(&of(A), &store).await.unwrap();
    assert!(members::get(&mut tx, b, UserId(id)).await.unwrap().is_none());
    assert!(revocations::get(&mut tx, b, id.into()).await.unwrap().is_none());
    assert!(tenants::get(&mut tx, b).await.unwrap().is_none());
    assert!(licenses::list(&mut tx, b).await.unwrap().is_empty());
    let a: TenantId = A.parse().unwrap();
    let mut license = licenses::list(&mut tx, a).await.unwrap().remove(0);
    license.tenant_id = b;
    license.id = id.into();
    license.max_seats = 7;
    licenses::update(&mut tx, &license).await.unwrap();
    tx.commit().await.unwrap();
    let seats: i32 = sqlx::query_scalar("SELECT max(max_seats) FROM licenses").fetch_one(&mut superuser(&database).await).await.unwrap();
    assert_eq!(seats, 1, "no licence was changed");

    let entry = NewEntry { action: "x", subject: "x", reason: None, details: json!({}) };
    let revocation = Revocation { session: uuid::Uuid::from_u128(1).into(), reason: "x".to_owned(), expires_at: at };
    license.key = "KEY-NEW".to_owned();
    // A refusal ends its transaction, so each has its own.
    let begin = async || TenantTx::begin(&of(A), &store).await.unwrap();
    refused(store::audit::append(&mut begin().await, b, at, entry).await);
    refused(revocations::insert(&mut begin().await, b, &revocation, at).await);
    refused(seat_outbox::note(&mut begin().await, b, Change::Entitlement, at).await);
    refused(licenses::insert(&mut begin().await, &license).await);
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    match result {
        Err(Error::Sql(error)) if error.as_database_error().and_then(|e| e.code()).as_deref() == Some("42501") => {}
        other => panic!("row-level security must refuse this: {other:?}"),
    }
}
