//! Licences: how many seats of what a tenant owns.

use crate::{Error, SystemTx, Tx, parse};
use time::OffsetDateTime;
use types::licenses::{FingerprintTolerance, LicenseSource, LicenseStatus, Tier};
use types::{LicenseId, TenantId};

/// One licence with its policy.
#[derive(Clone, Debug)]
pub struct License {
    pub tenant_id: TenantId,
    pub id: LicenseId,
    pub key: String,
    pub product_sku: String,
    pub tier: Tier,
    pub status: LicenseStatus,
    pub features: Vec<String>,
    pub max_seats: u32,
    pub hard_stop: bool,
    pub overage_percent: u32,
    pub expiry: Option<OffsetDateTime>,
    pub lease_seconds: u32,
    pub heartbeat_seconds: u32,
    pub offline_hours: u32,
    /// `None` is twice the seats.
    pub offline_cap: Option<u32>,
    pub fingerprint_tolerance: FingerprintTolerance,
    pub show_holders: bool,
    pub created_at: OffsetDateTime,
    pub source: LicenseSource,
}

/// Numbers in these columns are bounded by checks, so they always fit.
fn unsigned(value: i32, column: &'static str) -> Result<u32, Error> {
    u32::try_from(value).map_err(|_| Error::Corrupt(column))
}

fn signed(value: u32, column: &'static str) -> Result<i32, Error> {
    i32::try_from(value).map_err(|_| Error::Corrupt(column))
}

/// Tenants with a granted licence whose time is over, the longest first.
pub async fn grants_over(tx: &mut SystemTx, now: OffsetDateTime, most: i64) -> Result<Vec<TenantId>, Error> {
    let rows =
        sqlx::query_scalar!("SELECT tenant_id FROM licenses WHERE source = 'grant' AND expiry <= $1 ORDER BY expiry LIMIT $2", now, most);
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(TenantId).collect())
}

/// Fails with `Conflict("licenses_key_key")` when the key is taken.
pub async fn insert(tx: &mut impl Tx, l: &License) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO licenses (tenant_id, id, key, product_sku, tier, status, features, max_seats, hard_stop, overage_percent, expiry,
                               lease_seconds, heartbeat_seconds, offline_hours, show_holders, created_at, source, offline_cap,
                               fingerprint_tolerance)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)",
        l.tenant_id.0,
        l.id.0,
        l.key,
        l.product_sku,
        l.tier.as_str(),
        l.status.as_str(),
        &l.features,
        signed(l.max_seats, "licenses.max_seats")?,
        l.hard_stop,
        signed(l.overage_percent, "licenses.overage_percent")?,
        l.expiry,
        signed(l.lease_seconds, "licenses.lease_seconds")?,
        signed(l.heartbeat_seconds, "licenses.heartbeat_seconds")?,
        signed(l.offline_hours, "licenses.offline_hours")?,
        l.show_holders,
        l.created_at,
        l.source.as_str(),
        l.offline_cap.map(|cap| signed(cap, "licenses.offline_cap")).transpose()?,
        l.fingerprint_tolerance.as_str()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// All licences of a tenant, in the order in which an acquire that names none tries them: best tier first, then oldest.
pub async fn list(tx: &mut impl Tx, tenant: TenantId) -> Result<Vec<License>, Error> {
    let rows = sqlx::query!(
        "SELECT id, key, product_sku, tier, status, features, max_seats, hard_stop, overage_percent, expiry, lease_seconds,
                heartbeat_seconds, offline_hours, show_holders, created_at, source, offline_cap, fingerprint_tolerance
         FROM licenses WHERE tenant_id = $1
         ORDER BY array_position(ARRAY['ENTERPRISE', 'PRO', 'FREE'], tier), created_at, id",
        tenant.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(License {
                tenant_id: tenant,
                id: r.id.into(),
                key: r.key,
                product_sku: r.product_sku,
                tier: parse(&r.tier, "licenses.tier")?,
                status: parse(&r.status, "licenses.status")?,
                features: r.features,
                max_seats: unsigned(r.max_seats, "licenses.max_seats")?,
                hard_stop: r.hard_stop,
                overage_percent: unsigned(r.overage_percent, "licenses.overage_percent")?,
                expiry: r.expiry,
                lease_seconds: unsigned(r.lease_seconds, "licenses.lease_seconds")?,
                heartbeat_seconds: unsigned(r.heartbeat_seconds, "licenses.heartbeat_seconds")?,
                offline_hours: unsigned(r.offline_hours, "licenses.offline_hours")?,
                offline_cap: r.offline_cap.map(|cap| unsigned(cap, "licenses.offline_cap")).transpose()?,
                fingerprint_tolerance: parse(&r.fingerprint_tolerance, "licenses.fingerprint_tolerance")?,
                show_holders: r.show_holders,
                created_at: r.created_at,
                source: parse(&r.source, "licenses.source")?,
            })
        })
        .collect()
}

/// Sets everything of one licence that can change: what was bought, and its policy. The caller also bumps the entitlement.
pub async fn update(tx: &mut impl Tx, l: &License) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE licenses SET max_seats = $3, lease_seconds = $4, heartbeat_seconds = $5, offline_hours = $6, hard_stop = $7,
                             overage_percent = $8, show_holders = $9, status = $10, expiry = $11, tier = $12, features = $13, source = $14,
                             product_sku = $15, offline_cap = $16, fingerprint_tolerance = $17
         WHERE tenant_id = $1 AND id = $2",
        l.tenant_id.0,
        l.id.0,
        signed(l.max_seats, "licenses.max_seats")?,
        signed(l.lease_seconds, "licenses.lease_seconds")?,
        signed(l.heartbeat_seconds, "licenses.heartbeat_seconds")?,
        signed(l.offline_hours, "licenses.offline_hours")?,
        l.hard_stop,
        signed(l.overage_percent, "licenses.overage_percent")?,
        l.show_holders,
        l.status.as_str(),
        l.expiry,
        l.tier.as_str(),
        &l.features,
        l.source.as_str(),
        l.product_sku,
        l.offline_cap.map(|cap| signed(cap, "licenses.offline_cap")).transpose()?,
        l.fingerprint_tolerance.as_str()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
