//! Registrations that wait for their address to be confirmed.

use crate::{Error, SystemTx, Tx};
use time::OffsetDateTime;
use types::{TenantId, UserId};
use uuid::Uuid;

/// One registration.
#[derive(Clone, Debug)]
pub struct Signup {
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub organization_name: String,
    pub password_hash: String,
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub confirmed_at: Option<OffsetDateTime>,
}

pub async fn insert(tx: &mut SystemTx, s: &Signup, token_hash: &[u8]) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO signups (id, email, name, organization_name, password_hash, user_id, tenant_id, token_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        s.id,
        s.email,
        s.name,
        s.organization_name,
        s.password_hash,
        s.user_id.0,
        s.tenant_id.0,
        token_hash,
        s.created_at,
        s.expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Locks the registration, so that a link followed twice at once is confirmed once; and the address's other ones, because confirming
/// one forgets them, and two at once would wait for one another.
pub async fn lock_by_token(tx: &mut SystemTx, token_hash: &[u8]) -> Result<Option<Signup>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, email, name, organization_name, password_hash, user_id, tenant_id, created_at, expires_at, confirmed_at,
                  token_hash = $1 AS "asked!"
         FROM signups WHERE email = (SELECT email FROM signups WHERE token_hash = $1) ORDER BY id FOR UPDATE"#,
        token_hash
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().find(|r| r.asked).map(|r| Signup {
        id: r.id,
        email: r.email,
        name: r.name,
        organization_name: r.organization_name,
        password_hash: r.password_hash,
        user_id: r.user_id.into(),
        tenant_id: r.tenant_id.into(),
        created_at: r.created_at,
        expires_at: r.expires_at,
        confirmed_at: r.confirmed_at,
    }))
}

/// The newest registration of an address that can still be confirmed.
pub async fn latest_open(tx: &mut SystemTx, email: &str, now: OffsetDateTime) -> Result<Option<Signup>, Error> {
    let row = sqlx::query!(
        "SELECT id, email, name, organization_name, password_hash, user_id, tenant_id, created_at, expires_at, confirmed_at
         FROM signups WHERE email = $1 AND confirmed_at IS NULL AND expires_at > $2 ORDER BY created_at DESC LIMIT 1",
        email,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|r| Signup {
        id: r.id,
        email: r.email,
        name: r.name,
        organization_name: r.organization_name,
        password_hash: r.password_hash,
        user_id: r.user_id.into(),
        tenant_id: r.tenant_id.into(),
        created_at: r.created_at,
        expires_at: r.expires_at,
        confirmed_at: r.confirmed_at,
    }))
}

/// A new link for the same registration; the old one is void.
pub async fn replace_token(tx: &mut SystemTx, id: Uuid, token_hash: &[u8], expires_at: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("UPDATE signups SET token_hash = $2, expires_at = $3 WHERE id = $1", id, token_hash, expires_at)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Marks this registration as done and forgets the address's other ones.
pub async fn confirm(tx: &mut SystemTx, id: Uuid, email: &str, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("UPDATE signups SET confirmed_at = $2, password_hash = '' WHERE id = $1", id, now).execute(tx.conn()).await?;
    sqlx::query!("DELETE FROM signups WHERE email = $1 AND id <> $2 AND confirmed_at IS NULL", email, id).execute(tx.conn()).await?;
    Ok(())
}

/// Forgets registrations whose time is over. Returns how many.
pub async fn purge(tx: &mut SystemTx, now: OffsetDateTime) -> Result<u64, Error> {
    Ok(sqlx::query!("DELETE FROM signups WHERE expires_at < $1", now).execute(tx.conn()).await?.rows_affected())
}
