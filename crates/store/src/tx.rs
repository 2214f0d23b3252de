//! Connections exist only inside these transactions.

use crate::{Error, OpCtx};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use std::time::Duration;
use types::TenantId;

/// The pool of connections as the application role.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: PgPool,
}

/// After how long something counts as an outage: it never holds a request longer than its caller would wait.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// For a connection.
    pub connection: Duration,
    pub statement: Duration,
    /// For a lock that another transaction holds.
    pub lock: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self { connection: Duration::from_secs(2), statement: Duration::from_secs(5), lock: Duration::from_secs(3) }
    }
}

impl Store {
    /// Connects lazily: a database that is away shows in the first transaction, not here.
    pub fn connect(url: &str, max_connections: u32) -> Result<Self, Error> {
        Self::connect_with(url, max_connections, Waits::default())
    }

    /// The same with other waits, for a batch job or a busy test machine.
    pub fn connect_with(url: &str, max_connections: u32, waits: Waits) -> Result<Self, Error> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.application_name("portal").options([
            ("statement_timeout", waits.statement.as_millis().to_string()),
            ("lock_timeout", waits.lock.as_millis().to_string()),
            ("idle_in_transaction_session_timeout", "15000".to_owned()),
        ]);
        let pool = PgPoolOptions::new().max_connections(max_connections).acquire_timeout(waits.connection).connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// Whether PostgreSQL answers.
    pub async fn ping(&self) -> Result<(), Error> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction of either kind.
pub trait Tx: Send {
    fn conn(&mut self) -> &mut PgConnection;
    fn ctx(&self) -> &OpCtx;
}

/// A transaction that sees and touches the rows of one tenant only.
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    ctx: OpCtx,
    tenant: TenantId,
}

impl TenantTx {
    pub async fn begin(ctx: &OpCtx, store: &Store) -> Result<Self, Error> {
        let tenant = ctx.tenant.ok_or(Error::NoTenant)?;
        #[allow(clippy::disallowed_methods, reason = "this is where row-level security is set")]
        let mut tx = store.pool.begin().await?;
        sqlx::query("SELECT set_config('role', 'portal_tenant', true), set_config('app.tenant_id', $1, true)")
            .bind(tenant.to_string())
            .execute(&mut *tx)
            .await?;
        Ok(Self { tx, ctx: ctx.clone(), tenant })
    }

    /// The tenant that this transaction is confined to.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }
}

impl Tx for TenantTx {
    fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
    fn ctx(&self) -> &OpCtx {
        &self.ctx
    }
}

/// A transaction across tenants, for what happens before a tenant is known and for the portal's own jobs. Every use has a reason that
/// a reader can find by the name of this type.
pub struct SystemTx {
    tx: Transaction<'static, Postgres>,
    ctx: OpCtx,
}

impl SystemTx {
    pub async fn begin(ctx: &OpCtx, store: &Store) -> Result<Self, Error> {
        #[allow(clippy::disallowed_methods, reason = "this is where the role is set")]
        let mut tx = store.pool.begin().await?;
        sqlx::query("SELECT set_config('role', 'portal_system', true)").execute(&mut *tx).await?;
        Ok(Self { tx, ctx: ctx.clone() })
    }

    /// From here on the audit log names this actor: for one who proves only inside the transaction who he is.
    pub fn act_as(&mut self, actor: crate::Actor) {
        self.ctx.actor = actor;
    }

    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.tx.commit().await?)
    }
}

impl Tx for SystemTx {
    fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }
    fn ctx(&self) -> &OpCtx {
        &self.ctx
    }
}
