//! Invitations that wait to be accepted.

use crate::{Error, SystemTx, TenantTx, Tx, parse};
use time::OffsetDateTime;
use types::organizations::Invitation;
use types::{InvitationId, Role, TenantId, UserId};

/// What a new invitation consists of.
#[derive(Clone, Debug)]
pub struct NewInvitation<'a> {
    pub id: InvitationId,
    pub email: &'a str,
    pub role: Role,
    pub token_hash: &'a [u8],
    pub invited_by: Option<UserId>,
    pub invited_by_name: &'a str,
    pub now: OffsetDateTime,
    pub expires_at: OffsetDateTime,
}

/// One invitation per address: inviting again replaces role and link.
pub async fn put(tx: &mut TenantTx, new: &NewInvitation<'_>) -> Result<(), Error> {
    let tenant = tx.tenant();
    sqlx::query!(
        "INSERT INTO invitations (tenant_id, id, email, role, token_hash, invited_by, invited_by_name, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (tenant_id, email) DO UPDATE SET role = excluded.role, token_hash = excluded.token_hash,
             invited_by = excluded.invited_by, invited_by_name = excluded.invited_by_name,
             created_at = excluded.created_at, expires_at = excluded.expires_at",
        tenant.0,
        new.id.0,
        new.email,
        new.role.as_str(),
        new.token_hash,
        new.invited_by.map(|u| u.0),
        new.invited_by_name,
        new.now,
        new.expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Open invitations, newest first.
pub async fn list(tx: &mut TenantTx, now: OffsetDateTime) -> Result<Vec<Invitation>, Error> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "SELECT id, email, role, invited_by_name, created_at, expires_at FROM invitations
         WHERE tenant_id = $1 AND expires_at > $2 ORDER BY created_at DESC, id",
        tenant.0,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|r| {
            Ok(Invitation {
                id: r.id.into(),
                email: r.email,
                role: parse(&r.role, "invitations.role")?,
                invited_by: r.invited_by_name,
                created_at: r.created_at,
                expires_at: r.expires_at,
            })
        })
        .collect()
}

/// Takes an invitation back. Returns whose it was and which role it offered.
pub async fn delete(tx: &mut TenantTx, id: InvitationId) -> Result<Option<(String, Role)>, Error> {
    let tenant = tx.tenant();
    let row = sqlx::query!("DELETE FROM invitations WHERE tenant_id = $1 AND id = $2 RETURNING email, role", tenant.0, id.0)
        .fetch_optional(tx.conn())
        .await?;
    row.map(|r| Ok((r.email, parse(&r.role, "invitations.role")?))).transpose()
}

/// An invitation as the one who holds its link sees it.
#[derive(Clone, Debug)]
pub struct Offer {
    pub tenant_id: TenantId,
    pub organization_name: String,
    pub slug: String,
    pub email: String,
    pub role: Role,
    pub invited_by_name: String,
}

pub async fn by_token(tx: &mut SystemTx, token_hash: &[u8], now: OffsetDateTime) -> Result<Option<Offer>, Error> {
    let row = sqlx::query!(
        "SELECT i.tenant_id, t.name, t.slug, i.email, i.role, i.invited_by_name FROM invitations i JOIN tenants t ON t.id = i.tenant_id
         WHERE i.token_hash = $1 AND i.expires_at > $2 AND t.status = 'ACTIVE'",
        token_hash,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    row.map(|r| {
        Ok(Offer {
            tenant_id: r.tenant_id.into(),
            organization_name: r.name,
            slug: r.slug,
            email: r.email,
            role: parse(&r.role, "invitations.role")?,
            invited_by_name: r.invited_by_name,
        })
    })
    .transpose()
}

/// Uses the link up. Of several at once exactly one gets it.
pub async fn take(tx: &mut SystemTx, token_hash: &[u8], now: OffsetDateTime) -> Result<bool, Error> {
    Ok(sqlx::query!("DELETE FROM invitations WHERE token_hash = $1 AND expires_at > $2", token_hash, now)
        .execute(tx.conn())
        .await?
        .rows_affected()
        == 1)
}
