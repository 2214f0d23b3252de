//! The vendor's staff: finding a tenant and helping. Every act asks a reason, which stands in the tenant's own audit log.

use crate::access::not_found;
use crate::billing;
use crate::copies;
use crate::error::{Error, Fields, Result};
use crate::services::Services;
use crate::tokens;
use serde_json::json;
use store::audit::{self, NewEntry};
use store::licenses::License;
use store::seat_outbox::{self, Change};
use store::tenants::{Found, Tenant};
use store::users::User;
use store::{Actor, OpCtx, SystemTx, TenantTx, licenses, members, staff, tenants, users};
use time::{Duration, OffsetDateTime};
use types::licenses::{LicenseSource, Tier};
use types::organizations::{Member, TenantStatus};
use types::{Code, FieldError, Problem, StaffRole, TenantId, check};

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
    if suspended && let Err(error) = billing::close_checkout(svc, tenant).await {
        // It must not keep anybody from being suspended.
        tracing::warn!(%tenant, %error, "a payment page may still be open");
    }
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

/// Gives an organisation the ENTERPRISE plan with so many seats, until that day or without an end. One that pays for a plan ends that
/// first: nobody pays for what he is given.
pub async fn grant_plan(ctx: &OpCtx, svc: &Services, tenant: TenantId, seats: &str, until: &str, reason: &str) -> Result<()> {
    require_staff(ctx)?;
    let mut fields = Fields::default();
    let seats = fields.take(match seats.trim().parse::<u32>() {
        Ok(seats @ 1..=1_000_000) => Ok(seats),
        _ => Err(FieldError::new("seats", "Enter a number of seats from 1 to 1,000,000.")),
    });
    let until = fields.take(last_day(until, svc.now()));
    let reason = fields.take(check::reason(reason));
    fields.finish()?;
    let (Some(seats), Some(until), Some(reason)) = (seats, until, reason) else {
        return Err(Error::Internal("checked fields are missing".into()));
    };
    billing::close_checkout(svc, tenant).await?;
    change_grant(ctx, svc, tenant, &reason, "license.granted", |license| {
        if license.source == LicenseSource::Subscription {
            let detail = "This organization pays for a plan. It must be canceled and ended before another one is granted.";
            return Err(Problem::new(Code::Conflict, detail).into());
        }
        license.source = LicenseSource::Grant;
        license.max_seats = seats;
        license.expiry = until;
        billing::sync::take_plan(license, Tier::Enterprise);
        Ok(())
    })
    .await
}

/// Takes a granted plan back: the organisation has its free seat again. Nobody who is running is cut off.
pub async fn end_grant(ctx: &OpCtx, svc: &Services, tenant: TenantId, reason: &str) -> Result<()> {
    require_staff(ctx)?;
    let reason = check::reason(reason)?;
    take_back(ctx, svc, tenant, &reason, |_| true).await
}

/// Takes back the plans that were granted until a day that is over, as [`end_grant`] does: such an organisation has its free seat, and can
/// buy. Returns whether there may be more.
pub async fn end_grants_in_time(svc: &Services) -> Result<bool> {
    const AT_ONCE: i64 = 20;
    let (ctx, now) = (OpCtx::system("grants"), svc.now());
    // Of all tenants.
    let mut tx = SystemTx::begin(&ctx, &svc.store).await?;
    let due = licenses::grants_over(&mut tx, now, AT_ONCE).await?;
    drop(tx);
    let mut ended = 0;
    for tenant in due {
        let over = |license: &License| license.expiry.is_some_and(|end| end <= now);
        match take_back(&ctx, svc, tenant, "The time that it was granted for is over.", over).await {
            Ok(()) => ended += 1,
            // Staff may have changed it in between; and one tenant holds up no other.
            Err(error) => tracing::warn!(%tenant, %error, "a granted plan that is over was not taken back"),
        }
    }
    Ok(ended == AT_ONCE)
}

async fn take_back(ctx: &OpCtx, svc: &Services, tenant: TenantId, reason: &str, may: impl FnOnce(&License) -> bool) -> Result<()> {
    change_grant(ctx, svc, tenant, reason, "license.grant_ended", |license| {
        if license.source != LicenseSource::Grant || !may(license) {
            return Err(Problem::new(Code::Conflict, "There is no granted plan to end.").into());
        }
        license.source = LicenseSource::Free;
        license.max_seats = billing::plans::plan(Tier::Free).seats;
        license.expiry = None;
        billing::sync::take_plan(license, Tier::Free);
        Ok(())
    })
    .await
}

async fn change_grant(
    ctx: &OpCtx,
    svc: &Services,
    tenant: TenantId,
    reason: &str,
    action: &'static str,
    change: impl FnOnce(&mut License) -> Result<()>,
) -> Result<()> {
    let now = svc.now();
    // The tenant role cannot give itself seats by this door.
    let mut tx = SystemTx::begin(&ctx.in_tenant(tenant), &svc.store).await?;
    tenants::lock(&mut tx, tenant).await?;
    let mut license = billing::view::main_license(licenses::list(&mut tx, tenant).await?).ok_or_else(not_found)?;
    let before = license.clone();
    change(&mut license)?;
    seat_outbox::note(&mut tx, tenant, Change::Entitlement, now).await?;
    licenses::update(&mut tx, &license).await?;
    let details = json!({ "plan": [before.tier, license.tier], "max_seats": [before.max_seats, license.max_seats] });
    audit::append(&mut tx, tenant, now, NewEntry { action, subject: &license.key, reason: Some(reason), details }).await?;
    tx.commit().await?;
    copies::flush_soon(ctx, svc, tenant).await;
    Ok(())
}

/// The end of the day that was entered as 2027-12-31; empty is no end.
fn last_day(text: &str, now: OffsetDateTime) -> std::result::Result<Option<OffsetDateTime>, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || FieldError::new("until", "Enter a day to come, such as 2027-12-31, or nothing.");
    let day = time::Date::parse(text, time::macros::format_description!("[year]-[month]-[day]")).map_err(|_| wrong())?;
    let end = day.next_day().ok_or_else(wrong)?.midnight().assume_utc();
    if end > now { Ok(Some(end)) } else { Err(wrong()) }
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
