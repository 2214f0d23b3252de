//! Logins of the installed application: chains of refresh tokens.

use crate::{Error, SystemTx, Tx, device_codes};
use time::OffsetDateTime;
use types::{FamilyId, TenantId, UserId};

/// One login, from its first token to its end.
#[derive(Clone, Debug)]
pub struct Family {
    pub id: FamilyId,
    pub user_id: UserId,
    pub tenant_id: TenantId,
    pub hardware_id: Option<String>,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub ended_at: Option<OffsetDateTime>,
}

/// One token of a chain.
#[derive(Clone, Debug)]
pub struct Token {
    pub used_at: Option<OffsetDateTime>,
    pub successor_hash: Option<Vec<u8>>,
}

pub async fn insert_family(tx: &mut SystemTx, f: &Family) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO refresh_families (id, user_id, tenant_id, hardware_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        f.id.0,
        f.user_id.0,
        f.tenant_id.0,
        f.hardware_id,
        f.created_at,
        f.expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_token(tx: &mut SystemTx, family: FamilyId, hash: &[u8], now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("INSERT INTO refresh_tokens (token_hash, family_id, created_at) VALUES ($1, $2, $3)", hash, family.0, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Locks the family of a token, so that two uses of one token at once are told apart.
pub async fn lock_family_of(tx: &mut SystemTx, hash: &[u8]) -> Result<Option<(Family, Token)>, Error> {
    let family = sqlx::query!(
        "SELECT id, user_id, tenant_id, hardware_id, created_at, expires_at, ended_at FROM refresh_families
         WHERE id = (SELECT family_id FROM refresh_tokens WHERE token_hash = $1) FOR UPDATE",
        hash
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(f) = family else { return Ok(None) };
    let t = sqlx::query!("SELECT used_at, successor_hash FROM refresh_tokens WHERE token_hash = $1", hash).fetch_one(tx.conn()).await?;
    Ok(Some((
        Family {
            id: f.id.into(),
            user_id: f.user_id.into(),
            tenant_id: f.tenant_id.into(),
            hardware_id: f.hardware_id,
            created_at: f.created_at,
            expires_at: f.expires_at,
            ended_at: f.ended_at,
        },
        Token { used_at: t.used_at, successor_hash: t.successor_hash },
    )))
}

/// Whether the token that followed has been used: then its holder got the answer.
pub async fn is_used(tx: &mut SystemTx, hash: &[u8]) -> Result<bool, Error> {
    let used = sqlx::query_scalar!("SELECT used_at FROM refresh_tokens WHERE token_hash = $1", hash).fetch_optional(tx.conn()).await?;
    Ok(matches!(used, Some(Some(_))))
}

/// Marks `hash` as exchanged for `successor`; a former successor that nobody used is forgotten.
pub async fn exchange(tx: &mut SystemTx, family: FamilyId, hash: &[u8], successor: &[u8], now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("DELETE FROM refresh_tokens WHERE token_hash = (SELECT successor_hash FROM refresh_tokens WHERE token_hash = $1)", hash)
        .execute(tx.conn())
        .await?;
    insert_token(tx, family, successor, now).await?;
    sqlx::query!(
        "UPDATE refresh_tokens SET used_at = COALESCE(used_at, $2), successor_hash = $3 WHERE token_hash = $1",
        hash,
        now,
        successor
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn end_family(tx: &mut SystemTx, family: FamilyId, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("UPDATE refresh_families SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL", family.0, now).execute(tx.conn()).await?;
    Ok(())
}

/// Ends every login of a person, in one tenant or in all; also those that he has approved and no device has fetched yet.
pub async fn end_all(tx: &mut SystemTx, user: UserId, tenant: Option<TenantId>, now: OffsetDateTime) -> Result<u64, Error> {
    device_codes::forget_approved(tx, user, tenant).await?;
    Ok(sqlx::query!(
        "UPDATE refresh_families SET ended_at = $3 WHERE user_id = $1 AND ($2::uuid IS NULL OR tenant_id = $2) AND ended_at IS NULL",
        user.0,
        tenant.map(|t| t.0),
        now
    )
    .execute(tx.conn())
    .await?
    .rows_affected())
}

/// Whether the login is still on.
pub async fn is_live(tx: &mut SystemTx, family: FamilyId, now: OffsetDateTime) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM refresh_families WHERE id = $1 AND ended_at IS NULL AND expires_at > $2) AS "live!""#,
        family.0,
        now
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Forgets some of the logins whose time is over; each has thousands of tokens. Returns how many.
pub async fn purge(tx: &mut SystemTx, now: OffsetDateTime) -> Result<u64, Error> {
    let done =
        sqlx::query!("DELETE FROM refresh_families WHERE id IN (SELECT id FROM refresh_families WHERE expires_at < $1 LIMIT 20)", now)
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected())
}
