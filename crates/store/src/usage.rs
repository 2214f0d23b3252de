//! Seats in use over time: the steps as they happened, and hours made of them.

use crate::{Error, SystemTx, TenantTx, Tx};
use time::OffsetDateTime;
use types::{LicenseId, TenantId};

/// What was in use from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub license: LicenseId,
    pub at: OffsetDateTime,
    pub active: u32,
    pub max_seats: u32,
    /// A start was refused; nothing else changed.
    pub refused: bool,
}

/// One hour of one licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    pub license: LicenseId,
    /// Its beginning.
    pub hour: OffsetDateTime,
    pub peak: u32,
    pub max_seats: u32,
    pub seat_seconds: i64,
    /// How long no seat was free.
    pub full_seconds: u32,
    pub refusals: u32,
}

fn count(value: i32) -> Result<u32, Error> {
    u32::try_from(value).map_err(|_| Error::Corrupt("a count of seats"))
}

// Whatever looks for events by their time goes by licence, since the only index for it begins with that.

/// The steps from `from` (with what was in use then) to before `to`, in order.
pub async fn steps(tx: &mut impl Tx, tenant: TenantId, from: OffsetDateTime, to: OffsetDateTime) -> Result<Vec<Step>, Error> {
    let rows = sqlx::query!(
        r#"SELECT license_id AS "license_id!", at AS "at!", active AS "active!", max_seats AS "max_seats!", refused AS "refused!" FROM (
               SELECT l.id AS license_id, $2::timestamptz AS at, -1 AS seq, e.active, e.max_seats, false AS refused
               FROM licenses l CROSS JOIN LATERAL (
                   SELECT active, max_seats FROM session_events
                   WHERE tenant_id = l.tenant_id AND license_id = l.id AND emitted_at < $2
                   ORDER BY emitted_at DESC, seq DESC LIMIT 1) e
               WHERE l.tenant_id = $1
             UNION ALL
               SELECT l.id, e.emitted_at, e.seq, e.active, e.max_seats, e.kind = 'denied'
               FROM licenses l JOIN session_events e ON e.tenant_id = l.tenant_id AND e.license_id = l.id
               WHERE l.tenant_id = $1 AND e.emitted_at >= $2 AND e.emitted_at < $3
           ) steps ORDER BY at, seq"#,
        tenant.0,
        from,
        to
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Step {
                license: r.license_id.into(),
                at: r.at,
                active: count(r.active)?,
                max_seats: count(r.max_seats)?,
                refused: r.refused,
            })
        })
        .collect()
}

/// How many seats of each licence were in use after its last event.
pub async fn in_use(tx: &mut impl Tx, tenant: TenantId) -> Result<Vec<(LicenseId, u32)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT l.id, e.active FROM licenses l CROSS JOIN LATERAL (
               SELECT active FROM session_events WHERE tenant_id = l.tenant_id AND license_id = l.id
               ORDER BY emitted_at DESC, seq DESC LIMIT 1) e
           WHERE l.tenant_id = $1 AND e.active > 0"#,
        tenant.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|r| Ok((r.id.into(), count(r.active)?))).collect()
}

/// The final hours of a tenant from `from` on.
pub async fn hours(tx: &mut TenantTx, from: OffsetDateTime) -> Result<Vec<Hour>, Error> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "SELECT license_id, hour, peak, max_seats, seat_seconds, full_seconds, refusals FROM usage_hours
         WHERE tenant_id = $1 AND hour >= $2 ORDER BY hour, license_id",
        tenant.0,
        from
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Hour {
                license: r.license_id.into(),
                hour: r.hour,
                peak: count(r.peak)?,
                max_seats: count(r.max_seats)?,
                seat_seconds: r.seat_seconds,
                full_seconds: count(r.full_seconds)?,
                refusals: count(r.refusals)?,
            })
        })
        .collect()
}

/// Up to where hours are final; `None` before the first time.
pub async fn final_until(tx: &mut impl Tx) -> Result<Option<OffsetDateTime>, Error> {
    Ok(sqlx::query_scalar!("SELECT until FROM usage_progress").fetch_optional(tx.conn()).await?)
}

/// The same, while nobody else moves it.
pub async fn lock_progress(tx: &mut SystemTx) -> Result<Option<OffsetDateTime>, Error> {
    Ok(sqlx::query_scalar!("SELECT until FROM usage_progress FOR UPDATE").fetch_optional(tx.conn()).await?)
}

/// When the first event of all was emitted.
pub async fn first_event(tx: &mut SystemTx) -> Result<Option<OffsetDateTime>, Error> {
    let first = sqlx::query_scalar!(
        "SELECT min(e.emitted_at) FROM licenses l CROSS JOIN LATERAL (
             SELECT emitted_at FROM session_events WHERE tenant_id = l.tenant_id AND license_id = l.id
             ORDER BY emitted_at, seq LIMIT 1) e"
    );
    Ok(first.fetch_one(tx.conn()).await?)
}

/// Hours are final up to there.
pub async fn set_progress(tx: &mut SystemTx, until: OffsetDateTime) -> Result<(), Error> {
    sqlx::query!("INSERT INTO usage_progress (until) VALUES ($1) ON CONFLICT (one) DO UPDATE SET until = $1", until)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Tenants with something in use or refused between the two: those with an event then, and those that had a seat in use at `from`.
pub async fn tenants_between(tx: &mut SystemTx, from: OffsetDateTime, to: OffsetDateTime) -> Result<Vec<TenantId>, Error> {
    let rows = sqlx::query_scalar!(
        r#"SELECT t.id AS "id!" FROM tenants t
           WHERE EXISTS (SELECT FROM licenses l JOIN session_events e ON e.tenant_id = l.tenant_id AND e.license_id = l.id
                 WHERE l.tenant_id = t.id AND e.emitted_at >= $1 AND e.emitted_at < $2)
              OR EXISTS (SELECT FROM licenses l CROSS JOIN LATERAL (
                     SELECT active FROM session_events e WHERE e.tenant_id = l.tenant_id AND e.license_id = l.id AND e.emitted_at < $1
                     ORDER BY emitted_at DESC, seq DESC LIMIT 1) last
                 WHERE l.tenant_id = t.id AND last.active > 0)"#,
        from,
        to
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(TenantId).collect())
}

/// Writes an hour, once.
pub async fn insert_hour(tx: &mut SystemTx, tenant: TenantId, h: &Hour) -> Result<(), Error> {
    let signed = |value: u32| i32::try_from(value).map_err(|_| Error::Corrupt("usage_hours"));
    sqlx::query!(
        "INSERT INTO usage_hours (tenant_id, license_id, hour, peak, max_seats, seat_seconds, full_seconds, refusals)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        tenant.0,
        h.license.0,
        h.hour,
        signed(h.peak)?,
        signed(h.max_seats)?,
        h.seat_seconds,
        signed(h.full_seconds)?,
        signed(h.refusals)?
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets some of the hours before then; two years of all tenants are many. Returns how many.
pub async fn purge_hours(tx: &mut SystemTx, before: OffsetDateTime) -> Result<u64, Error> {
    // By licence, since the index begins with it.
    let done = sqlx::query!(
        "DELETE FROM usage_hours WHERE ctid = ANY (ARRAY (
             SELECT h.ctid FROM licenses l JOIN usage_hours h ON h.tenant_id = l.tenant_id AND h.license_id = l.id AND h.hour < $1
             LIMIT 10000))",
        before
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Forgets some of the events before then, but for the last one of each licence: it says what is in use. Returns how many.
pub async fn purge_events(tx: &mut SystemTx, before: OffsetDateTime) -> Result<u64, Error> {
    let done = sqlx::query!(
        "DELETE FROM session_events WHERE ctid = ANY (ARRAY (
             SELECT e.ctid FROM licenses l JOIN session_events e
                 ON e.tenant_id = l.tenant_id AND e.license_id = l.id AND e.emitted_at < $1 AND (e.emitted_at, e.seq) < (
                     SELECT last.emitted_at, last.seq FROM session_events last
                     WHERE last.tenant_id = l.tenant_id AND last.license_id = l.id ORDER BY last.emitted_at DESC, last.seq DESC LIMIT 1)
             LIMIT 10000))",
        before
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// A start that was refused for want of a seat.
#[derive(Clone, Debug)]
pub struct Refused {
    pub at: OffsetDateTime,
    /// `None` for one who has left.
    pub name: Option<String>,
    pub device: String,
    pub active: u32,
    pub max_seats: u32,
}

/// The latest refusals since then.
pub async fn refused(tx: &mut TenantTx, since: OffsetDateTime, most: i64) -> Result<Vec<Refused>, Error> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"SELECT e.at, m.name AS "name?", COALESCE(e.hostname, e.hardware_id) AS "device!", e.active, e.max_seats
           FROM licenses l CROSS JOIN LATERAL (
               SELECT * FROM session_events e
               WHERE e.tenant_id = l.tenant_id AND e.license_id = l.id AND e.emitted_at >= $2 AND e.kind = 'denied'
               ORDER BY e.emitted_at DESC, e.seq DESC LIMIT $3) e
           LEFT JOIN memberships m ON m.tenant_id = e.tenant_id AND m.user_id = e.user_id
           WHERE l.tenant_id = $1 ORDER BY e.at DESC LIMIT $3"#,
        tenant.0,
        since,
        most
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| Ok(Refused { at: r.at, name: r.name, device: r.device, active: count(r.active)?, max_seats: count(r.max_seats)? }))
        .collect()
}
