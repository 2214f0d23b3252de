//! Logins of the installed application that wait for an approval in the browser.

use crate::{Error, SystemTx, Tx};
use time::OffsetDateTime;
use types::{TenantId, UserId};

/// A login that has just begun.
#[derive(Clone, Debug)]
pub struct NewDeviceCode<'a> {
    pub device_code_hash: &'a [u8],
    pub user_code_hash: &'a [u8],
    pub hardware_id: Option<&'a str>,
    pub hostname: Option<&'a str>,
    pub client_ip: Option<String>,
    pub created_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub poll_seconds: i32,
}

/// Fails with `Conflict("device_codes_user_code_hash_key")` when somebody else's login has the same user code.
pub async fn insert(tx: &mut SystemTx, code: &NewDeviceCode<'_>) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO device_codes (device_code_hash, user_code_hash, hardware_id, hostname, client_ip, created_at, expires_at, poll_seconds)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        code.device_code_hash,
        code.user_code_hash,
        code.hardware_id,
        code.hostname,
        code.client_ip,
        code.created_at,
        code.expires_at,
        code.poll_seconds
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Which device asks, as the person who is to approve it sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asking {
    pub hardware_id: Option<String>,
    pub hostname: Option<String>,
    pub client_ip: Option<String>,
    pub created_at: OffsetDateTime,
}

/// The login that waits under this user code, if one does. Locked, so that it is decided once.
pub async fn lock_pending(tx: &mut SystemTx, user_code_hash: &[u8], now: OffsetDateTime) -> Result<Option<Asking>, Error> {
    Ok(sqlx::query_as!(
        Asking,
        "SELECT hardware_id, hostname, client_ip, created_at FROM device_codes
         WHERE user_code_hash = $1 AND status = 'PENDING' AND expires_at > $2 FOR UPDATE",
        user_code_hash,
        now
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Lets the device that waits under this user code log in as that person, in that tenant.
pub async fn approve(tx: &mut SystemTx, user_code_hash: &[u8], user: UserId, tenant: TenantId) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE device_codes SET status = 'APPROVED', user_id = $2, tenant_id = $3 WHERE user_code_hash = $1",
        user_code_hash,
        user.0,
        tenant.0
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Turns the device that waits under this user code away.
pub async fn deny(tx: &mut SystemTx, user_code_hash: &[u8]) -> Result<(), Error> {
    sqlx::query!("UPDATE device_codes SET status = 'DENIED' WHERE user_code_hash = $1", user_code_hash).execute(tx.conn()).await?;
    Ok(())
}

/// Where a login stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Pending { polled_at: Option<OffsetDateTime>, poll_seconds: i32 },
    Approved { user: UserId, tenant: TenantId },
    Denied,
}

/// One login, as the device that polls for it finds it.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub hardware_id: Option<String>,
    pub expires_at: OffsetDateTime,
    pub state: State,
}

/// The login of a device code. Locked, so that it is fetched once.
pub async fn lock(tx: &mut SystemTx, device_code_hash: &[u8]) -> Result<Option<Waiting>, Error> {
    let row = sqlx::query!(
        "SELECT hardware_id, expires_at, poll_seconds, polled_at, status, user_id, tenant_id FROM device_codes
         WHERE device_code_hash = $1 FOR UPDATE",
        device_code_hash
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|r| {
        let state = match (r.status.as_str(), r.user_id, r.tenant_id) {
            ("PENDING", ..) => State::Pending { polled_at: r.polled_at, poll_seconds: r.poll_seconds },
            ("APPROVED", Some(user), Some(tenant)) => State::Approved { user: user.into(), tenant: tenant.into() },
            ("DENIED", ..) => State::Denied,
            _ => return Err(Error::Corrupt("device_codes.status")),
        };
        Ok(Waiting { hardware_id: r.hardware_id, expires_at: r.expires_at, state })
    })
    .transpose()
}

/// Notes a poll, and how long the device is to wait from then on.
pub async fn polled(tx: &mut SystemTx, device_code_hash: &[u8], now: OffsetDateTime, poll_seconds: i32) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE device_codes SET polled_at = $2, poll_seconds = $3 WHERE device_code_hash = $1",
        device_code_hash,
        now,
        poll_seconds
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets the login of a device code: it has been fetched.
pub async fn delete(tx: &mut SystemTx, device_code_hash: &[u8]) -> Result<(), Error> {
    sqlx::query!("DELETE FROM device_codes WHERE device_code_hash = $1", device_code_hash).execute(tx.conn()).await?;
    Ok(())
}

/// Forgets what this person has approved and no device has fetched, in one tenant or in all.
pub async fn forget_approved(tx: &mut SystemTx, user: UserId, tenant: Option<TenantId>) -> Result<(), Error> {
    sqlx::query!("DELETE FROM device_codes WHERE user_id = $1 AND ($2::uuid IS NULL OR tenant_id = $2)", user.0, tenant.map(|t| t.0))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets codes whose time was over before that moment.
pub async fn purge(tx: &mut SystemTx, before: OffsetDateTime) -> Result<u64, Error> {
    Ok(sqlx::query!("DELETE FROM device_codes WHERE expires_at < $1", before).execute(tx.conn()).await?.rows_affected())
}
