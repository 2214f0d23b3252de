//! The vendor's staff: finding a tenant and helping. Every act asks a reason, which stands in the tenant's own audit log.

use crate::access::not_found;
use crate::copies;
use crate::error::Result;
use crate::services::Services;
use crate::tokens;
use serde_json::json;
use store::audit::{self, NewEntry};
use store::seat_outbox::{self, Change};
use store::tenants::{Found, Tenant};
use store::users::User;
use store::{Actor, OpCtx, SystemTx, TenantTx, members, staff, tenants, users};
use time::Duration;
use types::organizations::{Member, TenantStatus};
use types::{StaffRole, TenantId, check};

fn require_staff(ctx: &OpCtx) -> Result<()> {
    if matches!(ctx.actor, Actor::Staff { .. }) { Ok(()) } else { Err(not_found()) }
}

/// Finds organisations by name, address, member or licence key; without words the newest.
pub async fn search(ctx: &OpCtx, svc: &Services, words: &str) -> Result<Vec<Found>> {
    require_staff(ctx)?;
    // Staff look across tenants.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    Ok(tenants::search(&mut tx, words).await?)
}

/// Enters a tenant as staff. What is done there is confined to it.
pub async fn enter(ctx: &OpCtx, svc: &Services, tenant: TenantId) -> Result<(OpCtx, Tenant, Vec<Member>)> {
    require_staff(ctx)?;
    let ctx = ctx.in_tenant(tenant);
    let mut tx = TenantTx::begin(&ctx, &svc.store).await?;
    let found = tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?;
    let people = members::list(&mut tx).await?;
    drop(tx);
    Ok((ctx, found, people))
}

/// Suspends an organisation or restores it. Running clients of a suspended one are stopped at their next heartbeat.
pub async fn set_suspended(ctx: &OpCtx, svc: &Services, tenant: TenantId, suspended: bool, reason: &str) -> Result<()> {
    require_staff(ctx)?;
    let reason = check::reason(reason)?;
    let now = svc.now();
    // The tenant role cannot change its own standing by this door.
    let mut tx = SystemTx::begin(&ctx.in_tenant(tenant), &svc.store).await?;
    let found = tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?;
    let status = if suspended { TenantStatus::Suspended } else { TenantStatus::Active };
    tenants::set_status(&mut tx, tenant, status).await?;
    seat_outbox::note(&mut tx, tenant, Change::Entitlement, now).await?;
    let action = if suspended { "organization.suspended" } else { "organization.restored" };
    let entry = NewEntry { action, subject: &found.name, reason: Some(&reason), details: json!({ "from": found.status }) };
    audit::append(&mut tx, tenant, now, entry).await?;
    tx.commit().await?;
    copies::flush_soon(ctx, svc, tenant).await;
    Ok(())
}

/// Makes somebody staff from the operator's shell, and returns a link that works once to choose a password (24 hours).
pub async fn create_staff(ctx: &OpCtx, svc: &Services, email: &str, name: Option<&str>, role: StaffRole) -> Result<String> {
    let email = check::email(email)?;
    let name = match name {
        Some(name) => check::person_name(name)?,
        None => email.split('@').next().unwrap_or("Staff").to_owned(),
    };
    let now = svc.now();
    let (secret, hash) = tokens::new_secret(svc);
    // Staff belong to no tenant.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let user = match users::by_email(&mut tx, &email).await? {
        Some(user) => user,
        None => {
            let user = User { id: svc.new_id(), email, name, password_hash: None, created_at: now };
            users::insert(&mut tx, &user).await?;
            user
        }
    };
    staff::put(&mut tx, user.id, role, now).await?;
    users::put_password_token(&mut tx, user.id, &hash, now, now + Duration::hours(24)).await?;
    tx.commit().await?;
    Ok(format!("{}/reset-password?token={secret}", svc.settings.base_url))
}
