//! What the live store must be told. Written in the transaction that changes something, done at once after it, repeated by the worker
//! until it has worked.

use crate::{Error, SystemTx, Tx};
use time::OffsetDateTime;
use types::{SessionId, TenantId, UserId};

/// What must be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The tenant or one of its licences.
    Entitlement,
    Member(UserId),
    /// A session that was ended.
    Revocation(SessionId),
}

/// A change of one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: i64,
    pub tenant: TenantId,
    pub change: Change,
}

/// Notes the change. An entitlement also gets its next version, so that the newer copy wins in the live store.
pub async fn note(tx: &mut impl Tx, tenant: TenantId, change: Change, now: OffsetDateTime) -> Result<(), Error> {
    let (kind, subject) = match change {
        Change::Entitlement => ("entitlement", None),
        Change::Member(user) => ("member", Some(user.0)),
        Change::Revocation(session) => ("revocation", Some(session.0)),
    };
    if change == Change::Entitlement {
        sqlx::query!("UPDATE tenants SET entitlement_version = entitlement_version + 1 WHERE id = $1", tenant.0).execute(tx.conn()).await?;
    }
    sqlx::query!("INSERT INTO seat_outbox (tenant_id, kind, subject_id, created_at) VALUES ($1, $2, $3, $4)", tenant.0, kind, subject, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes entries for this transaction; others skip them. What failed seldom comes first, then the oldest. They are gone when it commits after
/// [`done`].
pub async fn take(tx: &mut SystemTx, tenant: Option<TenantId>, max: i64) -> Result<Vec<Entry>, Error> {
    let rows = sqlx::query!(
        "SELECT id, tenant_id, kind, subject_id FROM seat_outbox WHERE $1::uuid IS NULL OR tenant_id = $1
         ORDER BY attempts, id LIMIT $2 FOR UPDATE SKIP LOCKED",
        tenant.map(|t| t.0),
        max
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            let change = match (r.kind.as_str(), r.subject_id) {
                ("entitlement", _) => Change::Entitlement,
                ("member", Some(id)) => Change::Member(id.into()),
                ("revocation", Some(id)) => Change::Revocation(id.into()),
                _ => return Err(Error::Corrupt("seat_outbox.kind")),
            };
            Ok(Entry { id: r.id, tenant: r.tenant_id.into(), change })
        })
        .collect()
}

pub async fn done(tx: &mut SystemTx, ids: &[i64]) -> Result<(), Error> {
    sqlx::query!("DELETE FROM seat_outbox WHERE id = ANY($1)", ids).execute(tx.conn()).await?;
    Ok(())
}

/// They stay, behind the others.
pub async fn failed(tx: &mut SystemTx, ids: &[i64]) -> Result<(), Error> {
    sqlx::query!("UPDATE seat_outbox SET attempts = attempts + 1 WHERE id = ANY($1)", ids).execute(tx.conn()).await?;
    Ok(())
}
