//! People and how they prove who they are.

use crate::{Error, SystemTx, Tx};
use time::OffsetDateTime;
use types::UserId;

/// One person.
#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub password_hash: Option<String>,
    pub created_at: OffsetDateTime,
}

pub async fn by_email(tx: &mut SystemTx, email: &str) -> Result<Option<User>, Error> {
    let row = sqlx::query!("SELECT id, email, name, password_hash, created_at FROM users WHERE email = $1", email)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(|r| User { id: r.id.into(), email: r.email, name: r.name, password_hash: r.password_hash, created_at: r.created_at }))
}

pub async fn by_id(tx: &mut SystemTx, id: UserId) -> Result<Option<User>, Error> {
    let row =
        sqlx::query!("SELECT id, email, name, password_hash, created_at FROM users WHERE id = $1", id.0).fetch_optional(tx.conn()).await?;
    Ok(row.map(|r| User { id: r.id.into(), email: r.email, name: r.name, password_hash: r.password_hash, created_at: r.created_at }))
}

/// Fails with `Conflict("users_email_key")` when the address is taken.
pub async fn insert(tx: &mut SystemTx, user: &User) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO users (id, email, name, password_hash, created_at) VALUES ($1, $2, $3, $4, $5)",
        user.id.0,
        user.email,
        user.name,
        user.password_hash,
        user.created_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_password(tx: &mut SystemTx, id: UserId, hash: &str) -> Result<(), Error> {
    sqlx::query!("UPDATE users SET password_hash = $2 WHERE id = $1", id.0, hash).execute(tx.conn()).await?;
    Ok(())
}

/// Sets a password in place of the one that was proved; `false` if it has been changed since.
pub async fn replace_password(tx: &mut SystemTx, user: &User, hash: &str) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $2",
        user.id.0,
        user.password_hash,
        hash
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Renames the person everywhere: tenants show a copy.
pub async fn rename(tx: &mut SystemTx, id: UserId, name: &str) -> Result<(), Error> {
    sqlx::query!("UPDATE users SET name = $2 WHERE id = $1", id.0, name).execute(tx.conn()).await?;
    sqlx::query!("UPDATE memberships SET name = $2 WHERE user_id = $1", id.0, name).execute(tx.conn()).await?;
    Ok(())
}

/// Notes that somebody signs in by the password that was proved; `false` if it has been changed since. Whoever changes it waits for this
/// transaction, and so finds what it began.
pub async fn prove_sign_in(tx: &mut SystemTx, user: &User, at: OffsetDateTime) -> Result<bool, Error> {
    let same = sqlx::query_scalar!(
        "SELECT id FROM users WHERE id = $1 AND password_hash IS NOT DISTINCT FROM $2 FOR UPDATE",
        user.id.0,
        user.password_hash
    )
    .fetch_optional(tx.conn())
    .await?;
    if same.is_some() {
        touch_sign_in(tx, user.id, at).await?;
    }
    Ok(same.is_some())
}

pub async fn touch_sign_in(tx: &mut SystemTx, id: UserId, at: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("UPDATE users SET last_sign_in_at = $2 WHERE id = $1", id.0, at).execute(tx.conn()).await?;
    sqlx::query!("UPDATE memberships SET last_seen_at = $2 WHERE user_id = $1", id.0, at).execute(tx.conn()).await?;
    Ok(())
}

/// Keeps one link per person: a new one makes the older ones void.
pub async fn put_password_token(
    tx: &mut SystemTx,
    id: UserId,
    token_hash: &[u8],
    now: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!("DELETE FROM password_tokens WHERE user_id = $1", id.0).execute(tx.conn()).await?;
    sqlx::query!(
        "INSERT INTO password_tokens (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
        token_hash,
        id.0,
        now,
        expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whose link it is, without using it up.
pub async fn peek_password_token(tx: &mut SystemTx, token_hash: &[u8], now: OffsetDateTime) -> Result<Option<UserId>, Error> {
    let row = sqlx::query_scalar!("SELECT user_id FROM password_tokens WHERE token_hash = $1 AND expires_at > $2", token_hash, now)
        .fetch_optional(tx.conn())
        .await?;
    Ok(row.map(UserId))
}

/// Uses the link up. Of several at once exactly one gets the person.
pub async fn take_password_token(tx: &mut SystemTx, token_hash: &[u8], now: OffsetDateTime) -> Result<Option<UserId>, Error> {
    let row =
        sqlx::query_scalar!("DELETE FROM password_tokens WHERE token_hash = $1 AND expires_at > $2 RETURNING user_id", token_hash, now)
            .fetch_optional(tx.conn())
            .await?;
    Ok(row.map(UserId))
}
