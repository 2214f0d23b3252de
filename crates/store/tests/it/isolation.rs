//! Every tenant table, every verb, every context: by row-level security alone, one tenant never sees or touches another's rows.
//!
//! The grants are widened and the foreign keys dropped here, so that neither helps.

use crate::catalogue::findings;
use crate::{run, superuser};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Error, PgConnection, Row};
use std::collections::BTreeMap;
use test_support::postgres::TestDatabase;

pub const A: &str = "0190a000-0000-7000-8000-00000000000a";
pub const B: &str = "0190a000-0000-7000-8000-00000000000b";
const STRANGER: &str = "0190a000-0000-7000-8000-0000000000cc";

const NO_RIGHT: &str = "42501";
const NO_UUID: &str = "22P02";

pub struct Table {
    pub name: String,
    pub column: String,
}

/// Tenant tables by the catalogue: those with a policy `tenant`.
pub async fn tenant_tables(db: &mut PgConnection) -> Vec<Table> {
    let names: Vec<String> =
        sqlx::query_scalar("SELECT tablename::text FROM pg_policies WHERE policyname = 'tenant' ORDER BY 1").fetch_all(db).await.unwrap();
    let column = |name: &str| if name == "tenants" { "id" } else { "tenant_id" }.to_owned();
    names.into_iter().map(|name| Table { column: column(&name), name }).collect()
}

/// Rows of both tenants in every tenant table. A new table fails the test below until it has some.
pub async fn fill(db: &mut PgConnection) {
    for (n, tenant) in [(1, A), (2, B)] {
        for part in [1, 2] {
            let id = format!("0190a000-0000-7000-8000-0000000{n}{part}000");
            if part == 1 {
                run(db, format!("INSERT INTO tenants (id, slug, name, created_at) VALUES ('{tenant}', 'tenant-{n}', 'Tenant {n}', now())"))
                    .await;
            }
            run(
                db,
                format!(
                    "INSERT INTO memberships (tenant_id, user_id, role, name, email, joined_at)
                         VALUES ('{tenant}', '{id}', 'OWNER', 'Person {n}.{part}', 'p{part}@t{n}.example', now());
                     INSERT INTO invitations (tenant_id, id, email, role, token_hash, invited_by_name, created_at, expires_at)
                         VALUES ('{tenant}', '{id}', 'guest{part}@t{n}.example', 'GUEST', '\\x0{n}0{part}', 'Person', now(), now());
                     INSERT INTO licenses (tenant_id, id, key, product_sku, tier, max_seats, created_at)
                         VALUES ('{tenant}', '{id}', 'KEY-{n}-{part}', 'coditect', 'FREE', 1, now());
                     INSERT INTO session_events (tenant_id, session_id, fence, kind, at, license_id, user_id, hardware_id, instance_id, active, max_seats)
                         VALUES ('{tenant}', '{id}', 1, 'acquired', now(), '{id}', '{id}', 'hw-{n}', 'default', 1, 1);
                     INSERT INTO revocations (tenant_id, session_id, reason, revoked_at, expires_at)
                         VALUES ('{tenant}', '{id}', 'for {n}', now(), now());
                     INSERT INTO audit_log (tenant_id, at, actor_kind, actor_name, action, subject, request_id)
                         VALUES ('{tenant}', now(), 'system', 'test', 'did', 'thing of {n}', 'r');
                     INSERT INTO mail_outbox (tenant_id, recipient, subject, body_text, body_html, created_at, due_at)
                         VALUES ('{tenant}', 'p@t{n}.example', 'for {n}', '', '', now(), now());
                     INSERT INTO seat_outbox (tenant_id, kind, created_at) VALUES ('{tenant}', 'entitlement', now());
                     INSERT INTO billing_accounts (tenant_id, customer_id, sync_due_at) VALUES ('{tenant}', 'cus_{n}', now())
                         ON CONFLICT DO NOTHING;
                     INSERT INTO billing_intents (tenant_id, id, request, status, created_by, created_at)
                         VALUES ('{tenant}', '{id}', '{{}}', 'done', 'Person {n}', now());
                     INSERT INTO usage_hours (tenant_id, license_id, hour, peak, max_seats, seat_seconds, full_seconds, refusals)
                         VALUES ('{tenant}', '{id}', now(), 1, 1, 1, 1, 1);
                     INSERT INTO feature_use (tenant_id, day, feature, uses) VALUES ('{tenant}', CURRENT_DATE, 'feature{part}', 1);
                     INSERT INTO idempotency_keys (hash, tenant_id, request, answer, created_at)
                         VALUES ('\\x0{n}0{part}', '{tenant}', '\\x00', '{{}}', now());"
                ),
            )
            .await;
        }
    }
    // Mail to a person belongs to no tenant.
    run(
        db,
        "INSERT INTO mail_outbox (recipient, subject, body_text, body_html, created_at, due_at)
         VALUES ('somebody@example.com', 'reset', 'secret link', '', now(), now())",
    )
    .await;
}

/// In whose name a statement runs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Context {
    Tenant(&'static str),
    /// Nothing was ever set on the connection.
    Unset,
    /// The connection has served a tenant before; PostgreSQL then shows the unset setting as ''.
    Reused,
    Empty,
    Garbage,
}

impl Context {
    const ALL: [Self; 7] =
        [Self::Tenant(A), Self::Tenant(B), Self::Tenant(STRANGER), Self::Unset, Self::Reused, Self::Empty, Self::Garbage];

    fn tenant(self) -> Option<&'static str> {
        if let Self::Tenant(id) = self { Some(id) } else { None }
    }

    /// A connection as the portal makes one, in this state.
    async fn connect(self, database: &TestDatabase) -> PgConnection {
        let mut db = PgConnection::connect(&database.app_url()).await.unwrap();
        if self == Self::Reused {
            run(&mut db, format!("BEGIN; SET LOCAL ROLE portal_tenant; SELECT set_config('app.tenant_id', '{A}', true); COMMIT")).await;
            let setting: String = sqlx::query_scalar("SELECT current_setting('app.tenant_id', true)").fetch_one(&mut db).await.unwrap();
            assert_eq!(setting, "", "the trap that this context stands for");
        }
        db
    }

    fn set(self) -> Option<&'static str> {
        match self {
            Self::Tenant(id) => Some(id),
            Self::Unset | Self::Reused => None,
            Self::Empty => Some(""),
            Self::Garbage => Some("' OR true --"),
        }
    }
}

/// Runs one statement in the context and takes it back. `$1` is a row as JSON where the statement has one.
async fn attempt(
    db: &mut PgConnection,
    context: Context,
    before: Option<&str>,
    sql: &str,
    row: Option<&Value>,
) -> Result<Vec<Value>, Error> {
    let mut tx = db.begin().await?;
    run(&mut tx, "SET LOCAL ROLE portal_tenant").await;
    if let Some(tenant) = context.set() {
        sqlx::query("SELECT set_config('app.tenant_id', $1, true)").bind(tenant).execute(&mut *tx).await?;
    }
    if let Some(before) = before {
        run(&mut tx, before).await;
    }
    let query = sqlx::query(AssertSqlSafe(sql));
    let query = if let Some(row) = row { query.bind(row) } else { query };
    let rows = query.fetch_all(&mut *tx).await;
    tx.rollback().await?;
    Ok(rows?.iter().map(|row| row.get(0)).collect())
}

fn code(result: &Result<Vec<Value>, Error>) -> String {
    match result {
        Ok(rows) => format!("{} rows: {rows:?}", rows.len()),
        Err(Error::Database(error)) => error.code().unwrap_or_default().into_owned(),
        Err(other) => other.to_string(),
    }
}

fn sorted(mut rows: Vec<Value>) -> Vec<Value> {
    rows.sort_by_key(Value::to_string);
    rows
}

/// All rows with their versions: what was written, or only locked for writing, shows.
async fn everything(db: &mut PgConnection, tables: &[Table]) -> BTreeMap<String, Vec<Value>> {
    let mut all = BTreeMap::new();
    for Table { name, .. } in tables {
        let sql = format!("SELECT to_jsonb(t) || jsonb_build_object('xmin', t.xmin::text, 'ctid', t.ctid::text) FROM {name} t");
        let rows: Vec<Value> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut *db).await.unwrap();
        all.insert(name.clone(), sorted(rows));
    }
    all
}

struct Scene {
    database: TestDatabase,
    superuser: PgConnection,
    tables: Vec<Table>,
    /// By table, as JSON.
    rows: BTreeMap<String, Vec<Value>>,
}

impl Scene {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let mut db = superuser(&database).await;
        assert_eq!(findings(&mut db).await, Vec::<String>::new());
        fill(&mut db).await;
        run(
            &mut db,
            "DO $$ DECLARE k record; BEGIN
                 FOR k IN SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype = 'f' LOOP
                     EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', k.t, k.conname);
                 END LOOP;
             END $$;
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO portal_tenant;
             GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO portal_tenant",
        )
        .await;
        let tables = tenant_tables(&mut db).await;
        assert!(tables.len() >= 10, "the catalogue shows only {} tenant tables", tables.len());
        let mut rows = BTreeMap::new();
        for Table { name, .. } in &tables {
            let of_table: Vec<Value> =
                sqlx::query_scalar(AssertSqlSafe(format!("SELECT to_jsonb(t) FROM {name} t"))).fetch_all(&mut db).await.unwrap();
            rows.insert(name.clone(), of_table);
        }
        let scene = Self { database, superuser: db, tables, rows };
        for table in &scene.tables {
            for tenant in [A, B] {
                assert!(!scene.of(table, Some(tenant)).is_empty(), "give `fill` rows of {} in {}", tenant, table.name);
            }
        }
        scene
    }

    /// The table's rows of that tenant.
    fn of(&self, table: &Table, tenant: Option<&str>) -> Vec<Value> {
        let own = |row: &&Value| tenant.is_some() && row[&table.column].as_str() == tenant;
        sorted(self.rows[&table.name].iter().filter(own).cloned().collect())
    }

    fn foreign(&self, table: &Table, tenant: Option<&str>) -> Vec<Value> {
        let foreign = |row: &&Value| tenant.is_none() || row[&table.column].as_str() != tenant;
        self.rows[&table.name].iter().filter(foreign).cloned().collect()
    }
}

#[tokio::test]
async fn reading_and_writing_reach_own_rows_only() {
    let scene = Scene::new().await;
    for context in Context::ALL {
        let mut db = context.connect(&scene.database).await;
        for table in &scene.tables {
            let Table { name, column } = table;
            let own = scene.of(table, context.tenant());
            for sql in [
                format!("SELECT to_jsonb(t) FROM {name} t"),
                format!("SELECT to_jsonb(t) FROM {name} t FOR UPDATE"),
                format!("SELECT to_jsonb(t) FROM {name} t WHERE {column} = '{B}' OR true"),
                format!("UPDATE {name} t SET {column} = {column} RETURNING to_jsonb(t)"),
                format!("DELETE FROM {name} t RETURNING to_jsonb(t)"),
            ] {
                let result = attempt(&mut db, context, None, &sql, None).await;
                if context == Context::Garbage {
                    assert_eq!(code(&result), NO_UUID, "{context:?}: {sql}");
                } else {
                    let rows = result.unwrap_or_else(|e| panic!("{context:?}: {sql}: {e}"));
                    assert_eq!(sorted(rows), own, "{context:?}: {sql}");
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_can_write_a_row_into_another_tenant() {
    let scene = Scene::new().await;
    for context in Context::ALL {
        let mut db = context.connect(&scene.database).await;
        let refusal = if context == Context::Garbage { NO_UUID } else { NO_RIGHT };
        for table in &scene.tables {
            let Table { name, column } = table;
            let insert = format!("INSERT INTO {name} AS t OVERRIDING SYSTEM VALUE SELECT (jsonb_populate_record(NULL::{name}, $1)).*");
            for foreign in scene.foreign(table, context.tenant()) {
                // Even where it exists already, the answer is the policy's and no conflict that tells so.
                for suffix in ["", " ON CONFLICT DO NOTHING"] {
                    let sql = format!("{insert}{suffix} RETURNING to_jsonb(t)");
                    let result = attempt(&mut db, context, None, &sql, Some(&foreign)).await;
                    assert_eq!(code(&result), refusal, "{context:?}: {sql} of {foreign}");
                }
            }
            let own = scene.of(table, context.tenant());
            for row in &own {
                let emptied = format!("DELETE FROM {name}");
                let sql = format!("{insert} RETURNING to_jsonb(t)");
                let rows =
                    attempt(&mut db, context, Some(&emptied), &sql, Some(row)).await.unwrap_or_else(|e| panic!("{context:?}: {sql}: {e}"));
                assert_eq!(rows, std::slice::from_ref(row), "{context:?}: one's own row can be written");
            }
            for target in [A, B, STRANGER].into_iter().filter(|t| context.tenant() != Some(t)) {
                let sql = format!("UPDATE {name} t SET {column} = '{target}' RETURNING to_jsonb(t)");
                let result = attempt(&mut db, context, None, &sql, None).await;
                let expected = match context {
                    Context::Garbage => NO_UUID.to_owned(),
                    _ if own.is_empty() => "0 rows: []".to_owned(),
                    _ => NO_RIGHT.to_owned(),
                };
                assert_eq!(code(&result), expected, "{context:?}: {sql}");
            }
        }
    }
}

#[tokio::test]
async fn what_one_tenant_commits_leaves_all_other_rows_untouched() {
    let mut scene = Scene::new().await;
    let before = everything(&mut scene.superuser, &scene.tables).await;
    let mut db = PgConnection::connect(&scene.database.app_url()).await.unwrap();
    for verb in ["UPDATE {t} SET {c} = {c}", "SELECT 1 FROM {t} FOR UPDATE", "DELETE FROM {t}"] {
        for Table { name, column } in &scene.tables {
            let sql = verb.replace("{t}", name).replace("{c}", column);
            run(&mut db, format!("BEGIN; SET LOCAL ROLE portal_tenant; SELECT set_config('app.tenant_id', '{A}', true); {sql}; COMMIT"))
                .await;
        }
    }
    let after = everything(&mut scene.superuser, &scene.tables).await;
    for Table { name, column } in &scene.tables {
        let foreign = |rows: &[Value]| rows.iter().filter(|row| row[column].as_str() != Some(A)).cloned().collect::<Vec<_>>();
        assert_eq!(foreign(&before[name]), foreign(&after[name]), "{name}: rows of others are as they were");
        assert_eq!(foreign(&after[name]), after[name], "{name}: one's own rows are gone");
    }
}

/// Negative control: without the policy, the checks of this file see foreign rows.
#[tokio::test]
async fn an_open_policy_would_be_seen() {
    let mut scene = Scene::new().await;
    run(&mut scene.superuser, "ALTER POLICY tenant ON licenses USING (true)").await;
    let table = scene.tables.iter().find(|t| t.name == "licenses").unwrap();
    let context = Context::Tenant(A);
    let mut db = context.connect(&scene.database).await;
    let rows = attempt(&mut db, context, None, "SELECT to_jsonb(t) FROM licenses t", None).await.unwrap();
    assert_ne!(sorted(rows), scene.of(table, Some(A)));
}
