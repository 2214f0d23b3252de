//! Sessions that somebody ended. Committed here before the live store hears of it.

use crate::{Error, SystemTx, Tx};
use time::OffsetDateTime;
use types::{SessionId, TenantId};

/// One ended session.
#[derive(Clone, Debug)]
pub struct Revocation {
    pub session: SessionId,
    pub reason: String,
    pub expires_at: OffsetDateTime,
}

/// Ending what is ended changes nothing. Returns whether it is new.
pub async fn insert(tx: &mut impl Tx, tenant: TenantId, r: &Revocation, now: OffsetDateTime) -> Result<bool, Error> {
    Ok(sqlx::query!(
        "INSERT INTO revocations (tenant_id, session_id, reason, revoked_at, expires_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (tenant_id, session_id) DO NOTHING",
        tenant.0,
        r.session.0,
        r.reason,
        now,
        r.expires_at
    )
    .execute(tx.conn())
    .await?
    .rows_affected()
        == 1)
}

pub async fn get(tx: &mut impl Tx, tenant: TenantId, session: SessionId) -> Result<Option<Revocation>, Error> {
    let row = sqlx::query!("SELECT reason, expires_at FROM revocations WHERE tenant_id = $1 AND session_id = $2", tenant.0, session.0)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|r| Revocation { session, reason: r.reason, expires_at: r.expires_at }))
}

/// Forgets those whose tokens are void by now.
pub async fn purge(tx: &mut SystemTx, now: OffsetDateTime) -> Result<u64, Error> {
    Ok(sqlx::query!("DELETE FROM revocations WHERE expires_at < $1", now).execute(tx.conn()).await?.rows_affected())
}
