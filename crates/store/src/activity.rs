//! What happened to seats, as the worker has drained it from the live store.

use crate::{Error, SystemTx, TenantTx, Tx};
use time::OffsetDateTime;
use types::{LicenseId, SessionId, TenantId, UserId};

/// One event of a seat.
#[derive(Clone, Debug)]
pub struct SessionEvent {
    pub tenant_id: TenantId,
    pub session_id: SessionId,
    pub fence: i64,
    pub kind: String,
    pub at: OffsetDateTime,
    pub license_id: LicenseId,
    pub user_id: UserId,
    pub hardware_id: String,
    pub instance_id: String,
    pub hostname: Option<String>,
    pub client_version: Option<String>,
    pub active: i32,
    pub max_seats: i32,
    pub reason: Option<String>,
    /// When and as which of that millisecond it was emitted; `at` of a lease that ran out may lie before.
    pub emitted_at: OffsetDateTime,
    pub seq: i32,
}

/// Stores an event once, however often it is read. One of a tenant or licence that is gone is dropped. Returns whether it is new.
pub async fn insert_event(tx: &mut SystemTx, e: &SessionEvent) -> Result<bool, Error> {
    let new = sqlx::query!(
        "INSERT INTO session_events (tenant_id, session_id, fence, kind, at, license_id, user_id, hardware_id, instance_id, hostname,
                                     client_version, active, max_seats, reason, emitted_at, seq)
         SELECT l.tenant_id, $2, $3, $4, $5, l.id, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
         FROM licenses l WHERE l.tenant_id = $1 AND l.id = $6
         ON CONFLICT (tenant_id, session_id, fence, kind) DO NOTHING",
        e.tenant_id.0,
        e.session_id.0,
        e.fence,
        e.kind,
        e.at,
        e.license_id.0,
        e.user_id.0,
        e.hardware_id,
        e.instance_id,
        e.hostname,
        e.client_version,
        e.active,
        e.max_seats,
        e.reason,
        e.emitted_at,
        e.seq
    )
    .execute(tx.conn())
    .await?
    .rows_affected()
        == 1;
    if new {
        sqlx::query!(
            "INSERT INTO devices (tenant_id, user_id, hardware_id, instance_id, hostname, client_version, first_seen_at, last_seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)
             ON CONFLICT (tenant_id, user_id, hardware_id, instance_id) DO UPDATE SET
                 hostname = COALESCE(excluded.hostname, devices.hostname),
                 client_version = COALESCE(excluded.client_version, devices.client_version),
                 last_seen_at = greatest(devices.last_seen_at, excluded.last_seen_at)",
            e.tenant_id.0,
            e.user_id.0,
            e.hardware_id,
            e.instance_id,
            e.hostname,
            e.client_version,
            e.at
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(new)
}

/// A session that is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSession {
    pub session_id: SessionId,
    pub user_id: UserId,
    /// As the member list has it; empty for one who left.
    pub user_name: String,
    pub device: String,
    pub client_version: Option<String>,
    pub started_at: Option<OffsetDateTime>,
    pub ended_at: OffsetDateTime,
    /// `released`, `revoked` or `expired`.
    pub how: String,
    pub reason: Option<String>,
}

/// Sessions that ended since then, latest first; of one person, or of all.
pub async fn ended_since(tx: &mut TenantTx, since: OffsetDateTime, user: Option<UserId>, limit: i64) -> Result<Vec<EndedSession>, Error> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"SELECT e.session_id, e.user_id, COALESCE(m.name, '') AS "user_name!", COALESCE(e.hostname, e.hardware_id) AS "device!",
                  e.client_version, e.at, e.kind, e.reason,
                  (SELECT min(s.at) FROM session_events s WHERE s.tenant_id = e.tenant_id AND s.session_id = e.session_id
                      AND s.kind IN ('acquired', 'renewed')) AS started_at
           FROM session_events e LEFT JOIN memberships m ON m.tenant_id = e.tenant_id AND m.user_id = e.user_id
           WHERE e.tenant_id = $1 AND e.at >= $2 AND e.kind IN ('released', 'revoked', 'expired')
             AND ($3::uuid IS NULL OR e.user_id = $3)
             AND NOT EXISTS (SELECT FROM session_events r WHERE r.tenant_id = e.tenant_id AND r.session_id = e.session_id
                             AND r.kind = 'reacquired' AND r.at >= e.at)
           ORDER BY e.at DESC, e.session_id LIMIT $4"#,
        tenant.0,
        since,
        user.map(|u| u.0),
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| EndedSession {
            session_id: r.session_id.into(),
            user_id: r.user_id.into(),
            user_name: r.user_name,
            device: r.device,
            client_version: r.client_version,
            started_at: r.started_at,
            ended_at: r.at,
            how: r.kind,
            reason: r.reason,
        })
        .collect())
}

/// Whether anybody has ever held a seat.
pub async fn any_start(tx: &mut TenantTx) -> Result<bool, Error> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM session_events WHERE tenant_id = $1 AND kind <> 'denied') AS "any!""#, tenant.0)
        .fetch_one(tx.conn())
        .await?)
}

/// How many starts were refused for want of a seat since then.
pub async fn denials_since(tx: &mut TenantTx, since: OffsetDateTime) -> Result<i64, Error> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "n!" FROM session_events WHERE tenant_id = $1 AND at >= $2 AND kind = 'denied'"#,
        tenant.0,
        since
    )
    .fetch_one(tx.conn())
    .await?)
}
