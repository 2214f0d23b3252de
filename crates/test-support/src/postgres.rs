//! A fresh database for each test, on a throw-away PostgreSQL that each test process starts once.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use local_services::Keeper;
use local_services::postgres::{Passwords, Postgres, Purpose};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// All migrations have run here; copying it is much faster than running them again.
const TEMPLATE: &str = "portal_template";

/// The server of this process. It ends, and its folder disappears, when the process does.
static CLUSTER: OnceLock<Cluster> = OnceLock::new();

struct Cluster {
    server: Postgres,
    /// Its end is the server's end.
    _keeper: Keeper,
}

/// A database with all migrations applied and nothing in it, dropped at the end of the test.
///
/// Tests connect with [`TestDatabase::app_url`], so that row-level security holds for them as it does for the portal.
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// Panics, as a test does, when PostgreSQL does not start or a migration fails.
    pub async fn new() -> Self {
        Self::copy_of(TEMPLATE).await
    }

    /// A database in which no migration has run yet.
    pub async fn without_migrations() -> Self {
        Self::copy_of("template0").await
    }

    async fn copy_of(template: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("test_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        tokio::task::spawn_blocking(cluster).await.unwrap();
        administer(&[
            format!("CREATE DATABASE {name} OWNER portal_owner TEMPLATE {template}"),
            format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"),
            format!("GRANT CONNECT ON DATABASE {name} TO portal_app"),
        ])
        .await;
        Self { name }
    }

    /// `DATABASE_URL`: the portal's own role.
    pub fn app_url(&self) -> String {
        cluster().server.app_url(&self.name)
    }

    /// `DATABASE_OWNER_URL`: the role that owns the tables.
    pub fn owner_url(&self) -> String {
        cluster().server.owner_url(&self.name)
    }

    /// The cluster's superuser, for a test that must look past row-level security.
    pub fn superuser_url(&self) -> String {
        cluster().server.superuser_url(&self.name)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let name = self.name.clone();
        // The test's own runtime may be ending, so this one has its own.
        let _ = std::thread::spawn(move || runtime().block_on(administer(&[format!("DROP DATABASE {name} WITH (FORCE)")]))).join();
    }
}

fn cluster() -> &'static Cluster {
    CLUSTER.get_or_init(|| {
        let home = std::env::temp_dir().join(format!("portal-test-postgres-{}", std::process::id()));
        let password = |role: &str| format!("{role}-for-tests");
        let passwords = Passwords { superuser: password("superuser"), owner: password("owner"), app: password("app") };
        let keeper = Keeper::new().unwrap();
        let server = Postgres::start(&keeper, &home, TEMPLATE, passwords, Purpose::ThrowAway).unwrap_or_else(|e| panic!("{e}"));
        let owner_url = server.owner_url(TEMPLATE);
        std::thread::spawn(move || runtime().block_on(migrate(&owner_url))).join().unwrap();
        Cluster { server, _keeper: keeper }
    })
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Applies the repository's migrations as the role that applies them in production.
async fn migrate(owner_url: &str) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let migrator = Migrator::new(folder).await.unwrap();
    let mut connection = PgConnection::connect(owner_url).await.unwrap();
    migrator.run(&mut connection).await.unwrap_or_else(|e| panic!("{e}"));
    connection.close().await.unwrap();
}

/// Runs statements as the superuser.
async fn administer(statements: &[String]) {
    let mut connection = PgConnection::connect(&cluster().server.superuser_url("postgres")).await.unwrap();
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement.as_str())).execute(&mut connection).await.unwrap_or_else(|e| panic!("{statement}: {e}"));
    }
    connection.close().await.unwrap();
}
