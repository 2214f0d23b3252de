//! Organisations of a person, and the one he is in.

use crate::access::{not_found, require};
use crate::error::{Error, Fields, Result};
use crate::services::Services;
use serde_json::json;
use store::audit::{self, NewEntry};
use store::{OpCtx, SystemTx, TenantTx, activity, licenses, members, tenants};
use types::organizations::Organization;
use types::{Action, check};

/// The organisation in numbers, for what stands around every page.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub members: u32,
    /// Seats owned over all licences.
    pub seats: u32,
}

/// Somebody looks at a page of the organisation: notes that he was here, and says how large it is.
pub async fn visited(ctx: &OpCtx, svc: &Services) -> Result<Size> {
    require(ctx, Action::OverviewView)?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    if let Some(user) = ctx.user_id() {
        members::touch(&mut tx, user, svc.now()).await?;
    }
    let tenant = tx.tenant();
    let members = u32::try_from(members::count(&mut tx).await?).unwrap_or(u32::MAX);
    let seats = licenses::list(&mut tx, tenant).await?.iter().map(|l| l.max_seats).sum();
    tx.commit().await?;
    Ok(Size { members, seats })
}

/// Whether anybody has ever started the application. A start counts a moment after it, once the worker has written it down.
pub async fn has_started(ctx: &OpCtx, svc: &Services) -> Result<bool> {
    require(ctx, Action::OverviewView)?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    Ok(activity::any_start(&mut tx).await?)
}

/// All organisations that the person belongs to.
pub async fn list(ctx: &OpCtx, svc: &Services) -> Result<Vec<Organization>> {
    let user = ctx.user_id().ok_or_else(not_found)?;
    // Across tenants, by the person's own memberships.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    Ok(tenants::of_user(&mut tx, user).await?)
}

/// The organisation of the context.
pub async fn current(ctx: &OpCtx, svc: &Services) -> Result<Organization> {
    let role = require(ctx, Action::OverviewView)?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let t = tenants::get(&mut tx, ctx.tenant.ok_or_else(not_found)?).await?.ok_or_else(not_found)?;
    Ok(Organization { id: t.id, slug: t.slug, name: t.name, status: t.status, role, created_at: t.created_at })
}

/// Changes name and address. Returns the new address.
pub async fn rename(ctx: &OpCtx, svc: &Services, name: &str, slug: &str) -> Result<String> {
    require(ctx, Action::SettingsManage)?;
    let mut fields = Fields::default();
    let name = fields.take(check::organization_name(name));
    let slug = fields.take(check::slug(slug));
    fields.finish()?;
    let (Some(name), Some(slug)) = (name, slug) else { return Err(Error::Internal("checked fields are missing".into())) };
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let tenant = tx.tenant();
    let before = tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?;
    tenants::rename(&mut tx, &name, &slug).await.map_err(|e| match e {
        store::Error::Conflict(_) => types::FieldError::new("slug", "This address is taken.").into(),
        other => Error::from(other),
    })?;
    let details = json!({ "name": [before.name, name], "slug": [before.slug, slug] });
    audit::append(&mut tx, before.id, svc.now(), NewEntry { action: "organization.renamed", subject: &name, reason: None, details })
        .await?;
    tx.commit().await?;
    Ok(slug)
}

/// How many starts were refused for want of a seat within the last hours.
pub async fn denials(ctx: &OpCtx, svc: &Services, hours: i64) -> Result<i64> {
    require(ctx, Action::OverviewView)?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    Ok(activity::denials_since(&mut tx, svc.now() - time::Duration::hours(hours)).await?)
}
