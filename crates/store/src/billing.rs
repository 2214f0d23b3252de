//! What a tenant buys: the provider's word as it was last read, what was decided and not yet answered, and webhooks that have rung.

use crate::{Error, SystemTx, TenantTx, Tx, parse};
use time::OffsetDateTime;
use types::TenantId;

/// A tenant's account at the provider.
#[derive(Clone, Debug)]
pub struct Account {
    pub tenant_id: TenantId,
    pub customer_id: Option<String>,
    pub checkout_id: Option<String>,
    /// How often somebody has begun to synchronise. Stands still without a customer.
    pub fence: i64,
    /// What the provider said at `synced_at`; the domain knows its shape.
    pub state: Option<serde_json::Value>,
    pub synced_at: Option<OffsetDateTime>,
}

/// The account, if the tenant has ever had to do with money.
pub async fn account(tx: &mut impl Tx, tenant: TenantId) -> Result<Option<Account>, Error> {
    let row = sqlx::query!("SELECT customer_id, checkout_id, fence, state, synced_at FROM billing_accounts WHERE tenant_id = $1", tenant.0)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|r| Account {
        tenant_id: tenant,
        customer_id: r.customer_id,
        checkout_id: r.checkout_id,
        fence: r.fence,
        state: r.state,
        synced_at: r.synced_at,
    }))
}

/// Creates the account unless it is there, and locks it until the transaction ends.
pub async fn lock(tx: &mut SystemTx, tenant: TenantId, now: OffsetDateTime) -> Result<Account, Error> {
    sqlx::query!("INSERT INTO billing_accounts (tenant_id, sync_due_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", tenant.0, now)
        .execute(tx.conn())
        .await?;
    sqlx::query!("SELECT tenant_id FROM billing_accounts WHERE tenant_id = $1 FOR UPDATE", tenant.0).fetch_one(tx.conn()).await?;
    account(tx, tenant).await?.ok_or(Error::Corrupt("billing_accounts"))
}

/// Remembers the provider's customer. The first one stays.
pub async fn set_customer(tx: &mut SystemTx, tenant: TenantId, customer: &str) -> Result<(), Error> {
    sqlx::query!("UPDATE billing_accounts SET customer_id = COALESCE(customer_id, $2) WHERE tenant_id = $1", tenant.0, customer)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets a customer that is no longer there, unless somebody has claimed since.
pub async fn forget_customer(tx: &mut SystemTx, claim: &Claim) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE billing_accounts SET customer_id = NULL, checkout_id = NULL WHERE tenant_id = $1 AND fence = $2",
        claim.tenant.0,
        claim.fence
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Remembers the page on which the first purchase is paid.
pub async fn set_checkout(tx: &mut SystemTx, tenant: TenantId, checkout: Option<&str>) -> Result<(), Error> {
    sqlx::query!("UPDATE billing_accounts SET checkout_id = $2 WHERE tenant_id = $1", tenant.0, checkout).execute(tx.conn()).await?;
    Ok(())
}

/// Whose customer that is.
pub async fn tenant_of(tx: &mut SystemTx, customer: &str) -> Result<Option<TenantId>, Error> {
    Ok(sqlx::query_scalar!("SELECT tenant_id FROM billing_accounts WHERE customer_id = $1", customer)
        .fetch_optional(tx.conn())
        .await?
        .map(TenantId))
}

/// The right to write what will now be read from the provider: only as long as nobody has claimed after us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub tenant: TenantId,
    pub customer: String,
    pub fence: i64,
    /// The last webhook that had rung before.
    pub last_event: i64,
    pub failures: i32,
}

/// Claims an account that is due and that nobody works on.
pub async fn claim_due(tx: &mut SystemTx, now: OffsetDateTime, lease_until: OffsetDateTime) -> Result<Option<Claim>, Error> {
    let due = sqlx::query_scalar!(
        "SELECT tenant_id FROM billing_accounts
         WHERE customer_id IS NOT NULL AND sync_due_at <= $1 AND (lease_until IS NULL OR lease_until <= $1)
         ORDER BY sync_due_at LIMIT 1 FOR UPDATE SKIP LOCKED",
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    match due {
        Some(tenant) => claim(tx, TenantId(tenant), lease_until).await,
        None => Ok(None),
    }
}

/// Claims this account, whoever may be working on it. `None` for one without a customer.
pub async fn claim(tx: &mut SystemTx, tenant: TenantId, lease_until: OffsetDateTime) -> Result<Option<Claim>, Error> {
    let row = sqlx::query!(
        r#"UPDATE billing_accounts a SET fence = fence + 1, lease_until = $2
           WHERE tenant_id = $1 AND customer_id IS NOT NULL
           RETURNING customer_id AS "customer!", fence, failures,
                     (SELECT COALESCE(max(e.id), 0) FROM billing_events e WHERE e.customer_id = a.customer_id) AS "last_event!""#,
        tenant.0,
        lease_until
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| Claim { tenant, customer: r.customer, fence: r.fence, last_event: r.last_event, failures: r.failures }))
}

/// Writes what the provider said, unless somebody has claimed since. Says whether it was written. A webhook that rang meanwhile makes
/// the account due again at once, and an unanswered intent within the minute.
pub async fn finish(
    tx: &mut SystemTx,
    claim: &Claim,
    state: &serde_json::Value,
    now: OffsetDateTime,
    next: OffsetDateTime,
) -> Result<bool, Error> {
    let written = sqlx::query!(
        "UPDATE billing_accounts SET state = $3, synced_at = $4, failures = 0, lease_until = NULL,
                sync_due_at = CASE WHEN EXISTS (SELECT FROM billing_events e WHERE e.customer_id = billing_accounts.customer_id AND e.id > $6)
                              THEN $4::timestamptz
                              WHEN EXISTS (SELECT FROM billing_intents i WHERE i.tenant_id = $1 AND i.status = 'pending')
                              THEN LEAST($5, $4 + interval '1 minute') ELSE $5 END
         WHERE tenant_id = $1 AND fence = $2",
        claim.tenant.0,
        claim.fence,
        state,
        now,
        next,
        claim.last_event
    )
    .execute(tx.conn())
    .await?
    .rows_affected()
        == 1;
    if written {
        sqlx::query!(
            "UPDATE billing_events SET done_at = $3 WHERE customer_id = $1 AND id <= $2 AND done_at IS NULL",
            claim.customer,
            claim.last_event,
            now
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(written)
}

/// The provider did not answer: again at `next`.
pub async fn postpone(tx: &mut SystemTx, claim: &Claim, next: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE billing_accounts SET failures = failures + 1, lease_until = NULL, sync_due_at = $3 WHERE tenant_id = $1 AND fence = $2",
        claim.tenant.0,
        claim.fence,
        next
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The worker looks at the account at once.
pub async fn make_due(tx: &mut SystemTx, tenant: TenantId, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("UPDATE billing_accounts SET sync_due_at = LEAST(sync_due_at, $2) WHERE tenant_id = $1", tenant.0, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Every tenant that has a customer at the provider.
pub async fn customers(tx: &mut SystemTx) -> Result<Vec<TenantId>, Error> {
    let rows = sqlx::query_scalar!("SELECT tenant_id FROM billing_accounts WHERE customer_id IS NOT NULL ORDER BY tenant_id")
        .fetch_all(tx.conn())
        .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}

/// Notes that a webhook has rung, once, and makes its account due. Says whether it is new.
pub async fn ring(tx: &mut SystemTx, event: &str, kind: &str, customer: Option<&str>, now: OffsetDateTime) -> Result<bool, Error> {
    let tenant = match customer {
        Some(customer) => tenant_of(tx, customer).await?,
        None => None,
    };
    let new = sqlx::query!(
        "INSERT INTO billing_events (event_id, kind, customer_id, received_at, done_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (event_id) DO NOTHING",
        event,
        kind,
        customer,
        now,
        tenant.is_none().then_some(now)
    )
    .execute(tx.conn())
    .await?
    .rows_affected()
        == 1;
    if let (true, Some(tenant)) = (new, tenant) {
        make_due(tx, tenant, now).await?;
    }
    Ok(new)
}

/// Forgets webhooks that were dealt with, and answered intents, before then.
pub async fn purge(tx: &mut SystemTx, before: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("DELETE FROM billing_events WHERE done_at < $1", before).execute(tx.conn()).await?;
    Ok(())
}

/// Whether an intent has been answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentStatus {
    Pending,
    Done,
    Failed,
}

impl IntentStatus {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for IntentStatus {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Pending, Self::Done, Self::Failed].into_iter().find(|s| s.as_str() == text).ok_or(())
    }
}

/// What somebody has decided. Its id is the idempotency key.
#[derive(Clone, Debug)]
pub struct Intent {
    pub id: uuid::Uuid,
    pub request: serde_json::Value,
    pub status: IntentStatus,
    pub created_by: String,
    pub created_at: OffsetDateTime,
}

/// The intent that waits for its answer, if there is one.
pub async fn pending(tx: &mut impl Tx, tenant: TenantId) -> Result<Option<Intent>, Error> {
    let row = sqlx::query!(
        "SELECT id, request, status, created_by, created_at FROM billing_intents WHERE tenant_id = $1 AND status = 'pending'",
        tenant.0
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|r| {
        Ok(Intent {
            id: r.id,
            request: r.request,
            status: parse(&r.status, "billing_intents.status")?,
            created_by: r.created_by,
            created_at: r.created_at,
        })
    })
    .transpose()
}

/// Writes an intent down. Fails with `Conflict("billing_intents_pending")` while another one waits for its answer.
pub async fn insert_intent(tx: &mut impl Tx, tenant: TenantId, i: &Intent) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO billing_intents (tenant_id, id, request, status, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        i.id,
        i.request,
        i.status.as_str(),
        i.created_by,
        i.created_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes the answer. Says whether it was still waited for.
pub async fn answer_intent(
    tx: &mut impl Tx,
    tenant: TenantId,
    id: uuid::Uuid,
    status: IntentStatus,
    error: Option<&str>,
    now: OffsetDateTime,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE billing_intents SET status = $3, error = $4, finished_at = $5 WHERE tenant_id = $1 AND id = $2 AND status = 'pending'",
        tenant.0,
        id,
        status.as_str(),
        error,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Who is told when something is wrong with money: names and addresses of owners and of those in charge of billing.
pub async fn contacts(tx: &mut impl Tx, tenant: TenantId) -> Result<Vec<(String, String)>, Error> {
    let rows =
        sqlx::query!("SELECT name, email FROM memberships WHERE tenant_id = $1 AND role IN ('OWNER', 'BILLING') ORDER BY email", tenant.0)
            .fetch_all(tx.conn())
            .await?;
    Ok(rows.into_iter().map(|r| (r.name, r.email)).collect())
}

/// An owner keeps buying and changing seats to owners and billing, or lets admins do it too.
pub async fn set_admins_may_buy(tx: &mut TenantTx, allowed: bool) -> Result<(), Error> {
    let tenant = tx.tenant();
    sqlx::query!("UPDATE tenants SET admins_may_buy = $2 WHERE id = $1", tenant.0, allowed).execute(tx.conn()).await?;
    Ok(())
}
