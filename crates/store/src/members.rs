//! Who belongs to a tenant, and as what.

use crate::{Error, SystemTx, TenantTx, Tx, parse};
use time::OffsetDateTime;
use types::organizations::Member;
use types::{Role, TenantId, UserId};

/// One membership.
#[derive(Clone, Debug)]
pub struct Membership {
    pub tenant_id: TenantId,
    pub user_id: UserId,
    pub role: Role,
    pub epoch: i64,
    pub name: String,
    pub email: String,
}

/// Fails with `Conflict("memberships_pkey")` for one who is a member already.
pub async fn insert(
    tx: &mut SystemTx,
    tenant: TenantId,
    user: UserId,
    role: Role,
    name: &str,
    email: &str,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO memberships (tenant_id, user_id, role, name, email, joined_at) VALUES ($1, $2, $3, $4, $5, $6)",
        tenant.0,
        user.0,
        role.as_str(),
        name,
        email,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn get(tx: &mut impl Tx, tenant: TenantId, user: UserId) -> Result<Option<Membership>, Error> {
    let row = sqlx::query!("SELECT role, epoch, name, email FROM memberships WHERE tenant_id = $1 AND user_id = $2", tenant.0, user.0)
        .fetch_optional(tx.conn())
        .await?;
    row.map(|r| {
        Ok(Membership {
            tenant_id: tenant,
            user_id: user,
            role: parse(&r.role, "memberships.role")?,
            epoch: r.epoch,
            name: r.name,
            email: r.email,
        })
    })
    .transpose()
}

/// The membership of a person in the organisation behind that address, if there is one.
pub async fn by_slug(tx: &mut SystemTx, slug: &str, user: UserId) -> Result<Option<Membership>, Error> {
    let row = sqlx::query!(
        "SELECT m.tenant_id, m.role, m.epoch, m.name, m.email FROM memberships m JOIN tenants t ON t.id = m.tenant_id
         WHERE t.slug = $1 AND m.user_id = $2",
        slug,
        user.0
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|r| {
        Ok(Membership {
            tenant_id: r.tenant_id.into(),
            user_id: user,
            role: parse(&r.role, "memberships.role")?,
            epoch: r.epoch,
            name: r.name,
            email: r.email,
        })
    })
    .transpose()
}

/// Everybody, by rank and then by name.
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Member>, Error> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "SELECT user_id, name, email, role, joined_at, last_seen_at FROM memberships WHERE tenant_id = $1
         ORDER BY array_position(ARRAY['OWNER', 'ADMIN', 'BILLING', 'MEMBER', 'GUEST'], role), lower(name), user_id",
        tenant.0
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Member {
                user_id: r.user_id.into(),
                name: r.name,
                email: r.email,
                role: parse(&r.role, "memberships.role")?,
                joined_at: r.joined_at,
                last_seen_at: r.last_seen_at,
            })
        })
        .collect()
}

pub async fn count(tx: &mut TenantTx) -> Result<i64, Error> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "n!" FROM memberships WHERE tenant_id = $1"#, tenant.0).fetch_one(tx.conn()).await?)
}

/// Locks the tenant's owners, so that two removals at once cannot each leave the other as the last. Returns who they are.
pub async fn lock_owners(tx: &mut SystemTx, tenant: TenantId) -> Result<Vec<UserId>, Error> {
    let rows = sqlx::query_scalar!(
        "SELECT user_id FROM memberships WHERE tenant_id = $1 AND role = 'OWNER' ORDER BY user_id FOR UPDATE",
        tenant.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(UserId).collect())
}

/// Gives the role and a new epoch, which makes the person's access tokens stale.
pub async fn set_role(tx: &mut SystemTx, tenant: TenantId, user: UserId, role: Role) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE memberships SET role = $3, epoch = nextval('membership_epoch') WHERE tenant_id = $1 AND user_id = $2",
        tenant.0,
        user.0,
        role.as_str()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete(tx: &mut SystemTx, tenant: TenantId, user: UserId) -> Result<u64, Error> {
    Ok(sqlx::query!("DELETE FROM memberships WHERE tenant_id = $1 AND user_id = $2", tenant.0, user.0)
        .execute(tx.conn())
        .await?
        .rows_affected())
}

/// An epoch that no membership has had: marks one who is gone in the live store.
pub async fn next_epoch(tx: &mut SystemTx) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT nextval('membership_epoch') AS "epoch!""#).fetch_one(tx.conn()).await?)
}

/// Remembers that the person was here, to the minute: not every page is a write.
pub async fn touch(tx: &mut TenantTx, user: UserId, now: OffsetDateTime) -> Result<(), Error> {
    let tenant = tx.tenant();
    sqlx::query!(
        "UPDATE memberships SET last_seen_at = $3
         WHERE tenant_id = $1 AND user_id = $2 AND (last_seen_at IS NULL OR last_seen_at < $3::timestamptz - interval '1 minute')",
        tenant.0,
        user.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
