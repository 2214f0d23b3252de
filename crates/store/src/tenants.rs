//! Organisations.

use crate::{Error, SystemTx, TenantTx, Tx, parse};
use time::OffsetDateTime;
use types::organizations::{Organization, TenantStatus};
use types::{Role, TenantId, UserId};

/// One organisation.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub status: TenantStatus,
    pub entitlement_version: i64,
    pub admins_may_buy: bool,
    /// Lets the use of features be counted.
    pub analytics: bool,
    pub created_at: OffsetDateTime,
}

/// Fails with `Conflict("tenants_slug_key")` when the address is taken; the transaction goes on, so that another one can be tried.
pub async fn insert(tx: &mut SystemTx, t: &Tenant) -> Result<(), Error> {
    let done = sqlx::query!(
        "INSERT INTO tenants (id, slug, name, status, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (slug) DO NOTHING",
        t.id.0,
        t.slug,
        t.name,
        t.status.as_str(),
        t.created_at
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::Conflict("tenants_slug_key".to_owned())) }
}

/// Which of the addresses that begin like this are taken.
pub async fn slugs_like(tx: &mut SystemTx, prefix: &str) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar!("SELECT slug FROM tenants WHERE starts_with(slug, $1)", prefix).fetch_all(tx.conn()).await?)
}

/// The tenant of a transaction that can see it.
pub async fn get(tx: &mut impl Tx, id: TenantId) -> Result<Option<Tenant>, Error> {
    let row = sqlx::query!(
        "SELECT id, slug, name, status, entitlement_version, admins_may_buy, analytics, created_at FROM tenants WHERE id = $1",
        id.0
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|r| {
        Ok(Tenant {
            id: r.id.into(),
            slug: r.slug,
            name: r.name,
            status: parse(&r.status, "tenants.status")?,
            entitlement_version: r.entitlement_version,
            admins_may_buy: r.admins_may_buy,
            analytics: r.analytics,
            created_at: r.created_at,
        })
    })
    .transpose()
}

/// Lets nobody else change the tenant's entitlement until the transaction ends.
pub async fn lock(tx: &mut SystemTx, id: TenantId) -> Result<(), Error> {
    sqlx::query!("SELECT id FROM tenants WHERE id = $1 FOR UPDATE", id.0).fetch_optional(tx.conn()).await?;
    Ok(())
}

/// The organisation behind an address of the portal.
pub async fn id_by_slug(tx: &mut SystemTx, slug: &str) -> Result<Option<TenantId>, Error> {
    Ok(sqlx::query_scalar!("SELECT id FROM tenants WHERE slug = $1", slug).fetch_optional(tx.conn()).await?.map(TenantId))
}

/// The organisations that a person belongs to, last used first.
pub async fn of_user(tx: &mut SystemTx, user: UserId) -> Result<Vec<Organization>, Error> {
    let rows = sqlx::query!(
        "SELECT t.id, t.slug, t.name, t.status, t.created_at, m.role FROM memberships m JOIN tenants t ON t.id = m.tenant_id
         WHERE m.user_id = $1 ORDER BY m.last_seen_at DESC NULLS LAST, m.joined_at DESC",
        user.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Organization {
                id: r.id.into(),
                slug: r.slug,
                name: r.name,
                status: parse(&r.status, "tenants.status")?,
                role: parse::<Role>(&r.role, "memberships.role")?,
                created_at: r.created_at,
            })
        })
        .collect()
}

/// Changes name and address.
pub async fn rename(tx: &mut TenantTx, name: &str, slug: &str) -> Result<(), Error> {
    let tenant = tx.tenant();
    sqlx::query!("UPDATE tenants SET name = $2, slug = $3 WHERE id = $1", tenant.0, name, slug).execute(tx.conn()).await?;
    Ok(())
}

/// Whether the use of features is counted. Until the transaction ends nobody else counts in the tenant, or changes that.
pub async fn lock_analytics(tx: &mut TenantTx) -> Result<Option<bool>, Error> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!("SELECT analytics FROM tenants WHERE id = $1 FOR NO KEY UPDATE", tenant.0).fetch_optional(tx.conn()).await?)
}

/// Lets the use of features be counted, or no longer.
pub async fn set_analytics(tx: &mut TenantTx, on: bool) -> Result<(), Error> {
    let tenant = tx.tenant();
    sqlx::query!("UPDATE tenants SET analytics = $2 WHERE id = $1", tenant.0, on).execute(tx.conn()).await?;
    Ok(())
}

/// Suspends or restores. The caller also bumps the entitlement.
pub async fn set_status(tx: &mut SystemTx, tenant: TenantId, status: TenantStatus) -> Result<(), Error> {
    sqlx::query!("UPDATE tenants SET status = $2 WHERE id = $1", tenant.0, status.as_str()).execute(tx.conn()).await?;
    Ok(())
}

/// One hit of a search by staff.
#[derive(Clone, Debug)]
pub struct Found {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub status: TenantStatus,
    pub members: i64,
    pub max_seats: i64,
    pub created_at: OffsetDateTime,
    /// What matched, when it was not the name: a member's address or a licence key.
    pub matched: Option<String>,
}

/// Finds organisations by name, address, member or licence key; without words the newest. At most fifty.
pub async fn search(tx: &mut SystemTx, words: &str) -> Result<Vec<Found>, Error> {
    let pattern = format!("%{}%", words.trim().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
    let rows = sqlx::query!(
        r#"SELECT t.id, t.slug, t.name, t.status, t.created_at,
                  (SELECT count(*) FROM memberships m WHERE m.tenant_id = t.id) AS "members!",
                  (SELECT COALESCE(sum(l.max_seats), 0) FROM licenses l WHERE l.tenant_id = t.id) AS "max_seats!",
                  CASE WHEN t.name ILIKE $1 OR t.slug ILIKE $1 THEN NULL
                       ELSE COALESCE((SELECT min(m.email) FROM memberships m WHERE m.tenant_id = t.id AND (m.email ILIKE $1 OR m.name ILIKE $1)),
                                     (SELECT min(l.key) FROM licenses l WHERE l.tenant_id = t.id AND l.key ILIKE $1)) END AS matched
           FROM tenants t
           WHERE t.name ILIKE $1 OR t.slug ILIKE $1 OR t.id::text = $2
              OR EXISTS (SELECT FROM memberships m WHERE m.tenant_id = t.id AND (m.email ILIKE $1 OR m.name ILIKE $1))
              OR EXISTS (SELECT FROM licenses l WHERE l.tenant_id = t.id AND l.key ILIKE $1)
           ORDER BY t.created_at DESC LIMIT 50"#,
        pattern,
        words.trim()
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Found {
                id: r.id.into(),
                slug: r.slug,
                name: r.name,
                status: parse(&r.status, "tenants.status")?,
                members: r.members,
                max_seats: r.max_seats,
                created_at: r.created_at,
                matched: r.matched,
            })
        })
        .collect()
}
