//! Licences of an organisation: looking at them, and asking whether one would work.

use crate::access::{not_found, require};
use crate::error::Result;
use crate::services::Services;
use crate::{access, keys};
use store::{Actor, OpCtx, TenantTx, licenses, members, tenants};
use types::licenses::{License, LicenseStatus, ValidateCode, ValidateRequest, ValidateResponse};
use types::organizations::TenantStatus;
use types::{Action, Code, LicenseId, Problem, check};

pub(crate) fn view(l: licenses::License, active: Option<u32>, now: time::OffsetDateTime) -> License {
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
        offline_cap: l.offline_cap,
        fingerprint_tolerance: l.fingerprint_tolerance,
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

/// Whether a licence would work for the caller, without taking a seat: the first code that applies, in the order of [`ValidateCode`]. Without a
/// key, as acquire does: the first licence that would work, else what bars the first.
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
    let asked: Vec<License> = match &request.license_key {
        Some(key) => keys::normalize(key).and_then(|key| licenses.into_iter().find(|l| l.key == key)).into_iter().collect(),
        None => licenses,
    };
    let held = match &request.hardware_id {
        Some(hw) => svc.seats.of_user(tenant, user).await?.into_iter().filter(|h| h.hardware_id == *hw).map(|h| h.license).collect(),
        None => Vec::new(),
    };
    let judge = |l: License| (ladder(Some(&l), suspended, holds_seat, held.contains(&l.id)), Some(l));
    let works = |judged: &((ValidateCode, &str), _)| judged.0.0 == ValidateCode::Valid;
    let mut judged = asked.into_iter().map(judge);
    let first = judged.next().unwrap_or_else(|| (ladder(None, suspended, holds_seat, false), None));
    let ((code, detail), license) = if works(&first) { first } else { judged.find(works).unwrap_or(first) };
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
