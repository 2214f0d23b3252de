//! What happened to seats, as the worker has drained it from the live store.

use crate::{Error, SystemTx, TenantTx, Tx};
use sqlx::Connection;
use time::OffsetDateTime;
use types::{LicenseId, SessionId, TenantId, UserId};

/// One event of a seat.
#[derive(Clone, Debug)]
pub struct SessionEvent {
    pub tenant_id: TenantId,
    pub session_id: SessionId,
    pub started_at: OffsetDateTime,
    pub fence: i64,
    pub kind: &'static str,
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

/// Makes this transaction the only one that stores events. `false` if another is.
pub async fn lock_events(tx: &mut SystemTx) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtext('session_events')) AS "locked!""#).fetch_one(tx.conn()).await?)
}

/// Stores events, each once, however often they are read; only under [`lock_events`]. Those of a tenant or licence that is gone are dropped.
/// One statement, whatever their number.
pub async fn insert_events(tx: &mut SystemTx, events: &[SessionEvent]) -> Result<(), Error> {
    fn column<'a, T>(events: &'a [SessionEvent], value: impl Fn(&'a SessionEvent) -> T) -> Vec<T> {
        events.iter().map(value).collect()
    }
    macro_rules! insert {
        ($on_conflict:tt) => {
            sqlx::query!(
                "INSERT INTO session_events (tenant_id, session_id, fence, kind, at, license_id, user_id, hardware_id, instance_id, hostname,
                                             client_version, active, max_seats, reason, emitted_at, seq, started_at)
                 SELECT g.* FROM UNNEST($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::timestamptz[], $6::uuid[], $7::uuid[],
                                        $8::text[], $9::text[], $10::text[], $11::text[], $12::integer[], $13::integer[], $14::text[],
                                        $15::timestamptz[], $16::integer[], $17::timestamptz[])
                     AS g (tenant_id, session_id, fence, kind, at, license_id, user_id, hardware_id, instance_id, hostname, client_version,
                           active, max_seats, reason, emitted_at, seq, started_at)
                 JOIN licenses l ON l.tenant_id = g.tenant_id AND l.id = g.license_id "
                    + $on_conflict,
                &column(events, |e| e.tenant_id.0),
                &column(events, |e| e.session_id.0),
                &column(events, |e| e.fence),
                &column(events, |e| e.kind) as &[&str],
                &column(events, |e| e.at),
                &column(events, |e| e.license_id.0),
                &column(events, |e| e.user_id.0),
                &column(events, |e| e.hardware_id.as_str()) as &[&str],
                &column(events, |e| e.instance_id.as_str()) as &[&str],
                &column(events, |e| e.hostname.as_deref()) as &[Option<&str>],
                &column(events, |e| e.client_version.as_deref()) as &[Option<&str>],
                &column(events, |e| e.active),
                &column(events, |e| e.max_seats),
                &column(events, |e| e.reason.as_deref()) as &[Option<&str>],
                &column(events, |e| e.emitted_at),
                &column(events, |e| e.seq),
                &column(events, |e| e.started_at)
            )
        };
    }
    // To look for each whether it is there takes a fifth of the time, and hardly ever is one there.
    let mut attempt = tx.conn().begin().await?;
    match insert!("").execute(&mut *attempt).await.map_err(Error::from) {
        Ok(_) => return Ok(attempt.commit().await?),
        Err(Error::Conflict(_)) => attempt.rollback().await?,
        Err(error) => return Err(error),
    }
    insert!("ON CONFLICT (tenant_id, session_id, fence, kind) DO NOTHING").execute(tx.conn()).await?;
    Ok(())
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
                  -- Older rows do not say it themselves.
                  COALESCE(e.started_at, (SELECT min(s.at) FROM session_events s WHERE s.tenant_id = e.tenant_id
                      AND s.session_id = e.session_id AND s.kind IN ('acquired', 'renewed'))) AS started_at
           FROM licenses l CROSS JOIN LATERAL (
               -- What happened since then was emitted since then.
               SELECT * FROM session_events e WHERE e.tenant_id = l.tenant_id AND e.license_id = l.id AND e.emitted_at >= $2 AND e.at >= $2
                   AND e.kind IN ('released', 'revoked', 'expired') AND ($3::uuid IS NULL OR e.user_id = $3)
                   AND NOT EXISTS (SELECT FROM session_events r WHERE r.tenant_id = e.tenant_id AND r.session_id = e.session_id
                                   AND r.kind = 'reacquired' AND r.at >= e.at)
               ORDER BY e.emitted_at DESC, e.seq DESC LIMIT $4) e
           LEFT JOIN memberships m ON m.tenant_id = e.tenant_id AND m.user_id = e.user_id
           WHERE l.tenant_id = $1 ORDER BY e.at DESC, e.session_id LIMIT $4"#,
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
        r#"SELECT count(*) AS "n!" FROM licenses l JOIN session_events e ON e.tenant_id = l.tenant_id AND e.license_id = l.id
           WHERE l.tenant_id = $1 AND e.emitted_at >= $2 AND e.kind = 'denied'"#,
        tenant.0,
        since
    )
    .fetch_one(tx.conn())
    .await?)
}
