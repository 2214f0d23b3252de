//! Licences of an organisation: looking at them, asking whether one would work, changing what they allow.

use crate::access::{not_found, require};
use crate::error::Result;
use crate::services::Services;
use crate::{access, copies, keys};
use serde_json::json;
use store::audit::{self, NewEntry};
use store::seat_outbox::{self, Change};
use store::{Actor, OpCtx, SystemTx, TenantTx, licenses, members, tenants};
use types::licenses::{License, LicenseSource, LicenseStatus, ValidateCode, ValidateRequest, ValidateResponse};
use types::organizations::TenantStatus;
use types::{Action, Code, LicenseId, Problem, check};

fn view(l: licenses::License, active: Option<u32>, now: time::OffsetDateTime) -> License {
    let ended = l.expiry.is_some_and(|end| end <= now);
    License {
        id: l.id,
        key: l.key,
        product_sku: l.product_sku,
        tier: l.tier,
        status: if ended { LicenseStatus::Expired } else { l.status },
        features: l.features,
        max_seats: l.max_seats,
        active,
        expires_at: l.expiry,
        hard_stop: l.hard_stop,
        overage_percent: l.overage_percent,
        show_holders: l.show_holders,
        lease_seconds: l.lease_seconds,
        heartbeat_seconds: l.heartbeat_seconds,
        offline_hours: l.offline_hours,
        created_at: l.created_at,
    }
}

/// All licences, best tier first. A live store that is away only hides how many seats are in use.
pub async fn list(ctx: &OpCtx, svc: &Services) -> Result<Vec<License>> {
    if !matches!(ctx.actor, Actor::Staff { .. }) {
        require(ctx, Action::LicensesView)?;
    }
    load(ctx, svc).await
}

async fn load(ctx: &OpCtx, svc: &Services) -> Result<Vec<License>> {
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let licenses = {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        licenses::list(&mut tx, tenant).await?
    };
    let ids: Vec<LicenseId> = licenses.iter().map(|l| l.id).collect();
    let active = svc.seats.active(tenant, &ids).await.inspect_err(|error| tracing::warn!(%error, "seats in use are not shown")).ok();
    let now = svc.now();
    Ok(licenses.into_iter().enumerate().map(|(i, l)| view(l, active.as_ref().and_then(|a| a.get(i).copied()), now)).collect())
}

/// Seats owned over all licences, for the overview that everybody may see.
pub async fn total_seats(ctx: &OpCtx, svc: &Services) -> Result<u32> {
    if !matches!(ctx.actor, Actor::Staff { .. }) {
        require(ctx, Action::OverviewView)?;
    }
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    Ok(licenses::list(&mut tx, tenant).await?.iter().map(|l| l.max_seats).sum())
}

/// One licence of the tenant.
pub async fn get(ctx: &OpCtx, svc: &Services, id: &str) -> Result<License> {
    list(ctx, svc)
        .await?
        .into_iter()
        .find(|l| l.id.to_string() == id)
        .ok_or_else(|| Problem::new(Code::LicenseNotFound, "Your organization has no such license.").into())
}

/// Whether a licence would work for the caller, without taking a seat: the first code that applies, in the order of [`ValidateCode`].
pub async fn validate(ctx: &OpCtx, svc: &Services, request: &ValidateRequest) -> Result<ValidateResponse> {
    let (Some(tenant), Some(user)) = (ctx.tenant, ctx.user_id()) else { return Err(not_found()) };
    if let Some(hardware) = &request.hardware_id {
        check::device_text("hardware_id", hardware, 128)?;
    }
    let (suspended, holds_seat) = {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        let suspended = tenants::get(&mut tx, tenant).await?.is_none_or(|t| t.status == TenantStatus::Suspended);
        let role = members::get(&mut tx, tenant, user).await?.map(|m| m.role);
        (suspended, role.is_some_and(|r| access::allows(r, Action::SeatHold)))
    };
    let licenses = load(ctx, svc).await?;
    let license = match &request.license_key {
        Some(key) => keys::normalize(key).and_then(|key| licenses.into_iter().find(|l| l.key == key)),
        None => licenses.into_iter().next(),
    };
    let holds_already = match (&license, &request.hardware_id) {
        (Some(l), Some(hw)) => {
            svc.seats.snapshot(tenant).await?.holders.iter().any(|h| h.license == l.id && h.user == user && h.hardware_id == *hw)
        }
        _ => false,
    };
    let (code, detail) = ladder(license.as_ref(), suspended, holds_seat, holds_already);
    Ok(ValidateResponse { valid: code == ValidateCode::Valid, code, detail: detail.to_owned(), license })
}

fn ladder(license: Option<&License>, suspended: bool, holds_seat: bool, holds_already: bool) -> (ValidateCode, &'static str) {
    let Some(l) = license else { return (ValidateCode::NotFound, "Your organization has no such license.") };
    if suspended {
        return (ValidateCode::TenantSuspended, "Your organization is suspended.");
    }
    match l.status {
        LicenseStatus::Suspended => return (ValidateCode::Suspended, "The license is suspended."),
        LicenseStatus::Expired => return (ValidateCode::Expired, "The license has expired."),
        LicenseStatus::Restricted => return (ValidateCode::Restricted, "The license is unpaid; nobody new is admitted."),
        LicenseStatus::Active | LicenseStatus::PastDue => {}
    }
    if !holds_seat {
        return (ValidateCode::RoleHoldsNoSeat, "Your role in the organization does not hold a seat.");
    }
    if !holds_already && l.active.is_some_and(|a| a >= l.admits()) {
        return (ValidateCode::SeatsExhausted, "All seats are in use.");
    }
    (ValidateCode::Valid, "The license is valid.")
}

/// What an operator changes; `None` leaves as it is.
#[derive(Clone, Debug, Default)]
pub struct PolicyChange {
    pub max_seats: Option<u32>,
    pub lease_seconds: Option<u32>,
    pub heartbeat_seconds: Option<u32>,
    pub offline_hours: Option<u32>,
    /// 0 is a hard stop at the limit.
    pub overage_percent: Option<u32>,
    pub show_holders: Option<bool>,
}

/// Changes seats or policy of a tenant's first licence, or of the named one, from the operator's shell. The next acquire sees it.
pub async fn set_policy(ctx: &OpCtx, svc: &Services, slug: &str, key: Option<&str>, change: &PolicyChange) -> Result<License> {
    // The operator names a tenant by its address.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let tenant = tenants::id_by_slug(&mut tx, slug)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound, format!("There is no organization with the address \"{slug}\".")))?;
    let now = svc.now();
    // Locks the tenant before anything is read, so that of two changes at once neither undoes the other.
    seat_outbox::note(&mut tx, tenant, Change::Entitlement, now).await?;
    let mut license = licenses::list(&mut tx, tenant)
        .await?
        .into_iter()
        .find(|l| key.is_none_or(|k| keys::normalize(k).as_ref() == Some(&l.key)))
        .ok_or_else(|| Problem::new(Code::LicenseNotFound, "The organization has no such license."))?;
    if change.max_seats.is_some() && license.source == LicenseSource::Subscription {
        return Err(Problem::new(Code::Conflict, "These seats are bought: they are changed on the organization's billing page.").into());
    }
    let before = license.clone();
    license.max_seats = change.max_seats.unwrap_or(license.max_seats);
    license.lease_seconds = change.lease_seconds.unwrap_or(license.lease_seconds);
    license.heartbeat_seconds = change.heartbeat_seconds.unwrap_or(license.heartbeat_seconds);
    license.offline_hours = change.offline_hours.unwrap_or(license.offline_hours);
    license.overage_percent = change.overage_percent.unwrap_or(license.overage_percent);
    license.hard_stop = license.overage_percent == 0;
    license.show_holders = change.show_holders.unwrap_or(license.show_holders);
    check_policy(&license)?;
    licenses::update(&mut tx, &license).await?;
    let action = if change.max_seats.is_some() { "license.seats_changed" } else { "license.policy_changed" };
    let details = json!({
        "max_seats": [before.max_seats, license.max_seats],
        "lease_seconds": [before.lease_seconds, license.lease_seconds],
        "heartbeat_seconds": [before.heartbeat_seconds, license.heartbeat_seconds],
        "offline_hours": [before.offline_hours, license.offline_hours],
        "overage_percent": [before.overage_percent, license.overage_percent],
        "show_holders": [before.show_holders, license.show_holders],
    });
    audit::append(&mut tx, tenant, now, NewEntry { action, subject: &license.key, reason: None, details }).await?;
    tx.commit().await?;
    copies::flush_soon(ctx, svc, tenant).await;
    Ok(view(license, None, now))
}

fn check_policy(l: &licenses::License) -> Result<()> {
    let field = |name: &str, detail: &str| Err(types::FieldError::new(name, detail).into());
    if l.max_seats > 1_000_000 {
        return field("seats", "At most 1,000,000 seats.");
    }
    if !(2..=86_400).contains(&l.lease_seconds) {
        return field("lease_seconds", "Between 2 and 86,400 seconds.");
    }
    if !(1..=86_400).contains(&l.heartbeat_seconds) || l.heartbeat_seconds >= l.lease_seconds {
        return field("heartbeat_seconds", "At least 1 second and shorter than the lease.");
    }
    if ![0, 25, 50, 100].contains(&l.overage_percent) {
        return field("overage_percent", "0 (a hard stop), 25, 50 or 100 percent.");
    }
    if l.offline_hours > 8_760 {
        return field("offline_hours", "At most 8,760 hours.");
    }
    Ok(())
}
