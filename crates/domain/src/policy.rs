//! What a licence allows and how: changed by the operator, by staff, and as far as it is theirs by the organisation's own people.
//! Every change counts at the next call.

use crate::access::{not_found, require};
use crate::error::{Error, Fields, Result};
use crate::services::Services;
use crate::{copies, keys, licenses::view};
use serde_json::json;
use store::audit::{self, NewEntry};
use store::seat_outbox::{self, Change};
use store::{Actor, OpCtx, SystemTx, TenantTx, Tx, licenses, tenants};
use types::licenses::{FingerprintTolerance, License, LicenseSource};
use types::{Action, Code, FieldError, Problem, TenantId, check};

/// Percents of the seats that may be used beyond them; 0 is a hard stop.
pub const ALLOWANCES: [u32; 4] = [0, 25, 50, 100];

/// What is changed; `None` leaves as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyChange {
    pub max_seats: Option<u32>,
    pub lease_seconds: Option<u32>,
    pub heartbeat_seconds: Option<u32>,
    pub offline_hours: Option<u32>,
    /// `Some(None)` is twice the seats.
    pub offline_cap: Option<Option<u32>>,
    /// One of [`ALLOWANCES`].
    pub overage_percent: Option<u32>,
    pub show_holders: Option<bool>,
    pub fingerprint_tolerance: Option<FingerprintTolerance>,
}

/// What an organisation's own people choose, as a form sends it.
#[derive(Clone, Debug, Default)]
pub struct ChoicesForm {
    pub show_holders: String,
    pub fingerprint_tolerance: String,
}

/// What staff set, as a form sends it.
#[derive(Clone, Debug, Default)]
pub struct PolicyForm {
    pub max_seats: String,
    pub lease_seconds: String,
    pub heartbeat_seconds: String,
    pub offline_hours: String,
    /// Empty is twice the seats.
    pub offline_cap: String,
    pub overage_percent: String,
    pub choices: ChoicesForm,
}

fn number(name: &str, text: &str) -> std::result::Result<u32, FieldError> {
    text.trim().parse().map_err(|_| FieldError::new(name, "Enter a whole number."))
}

impl ChoicesForm {
    fn read(&self, fields: &mut Fields) -> PolicyChange {
        let show_holders = self.show_holders.parse().map_err(|_| FieldError::new("show_holders", "Choose one of the two."));
        let tolerance = self.fingerprint_tolerance.parse();
        PolicyChange {
            show_holders: fields.take(show_holders),
            fingerprint_tolerance: fields
                .take(tolerance.map_err(|_| FieldError::new("fingerprint_tolerance", "Choose exact, most or any_two."))),
            ..PolicyChange::default()
        }
    }
}

impl PolicyForm {
    fn read(&self, fields: &mut Fields) -> PolicyChange {
        let cap = if self.offline_cap.trim().is_empty() { Ok(None) } else { number("offline_cap", &self.offline_cap).map(Some) };
        PolicyChange {
            max_seats: fields.take(number("max_seats", &self.max_seats)),
            lease_seconds: fields.take(number("lease_seconds", &self.lease_seconds)),
            heartbeat_seconds: fields.take(number("heartbeat_seconds", &self.heartbeat_seconds)),
            offline_hours: fields.take(number("offline_hours", &self.offline_hours)),
            offline_cap: fields.take(cap),
            overage_percent: fields.take(number("overage_percent", &self.overage_percent)),
            ..self.choices.read(fields)
        }
    }
}

/// Changes a tenant's first licence, or the named one, from the operator's shell.
pub async fn set(ctx: &OpCtx, svc: &Services, slug: &str, key: Option<&str>, change: &PolicyChange) -> Result<License> {
    // The operator names a tenant by its address.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    let tenant = tenants::id_by_slug(&mut tx, slug)
        .await?
        .ok_or_else(|| Problem::new(Code::NotFound, format!("There is no organization with the address \"{slug}\".")))?;
    let named = |l: &licenses::License| key.is_none_or(|k| keys::normalize(k).as_ref() == Some(&l.key));
    let license = carry_out(&mut tx, svc, tenant, named, change, None).await?;
    tx.commit().await?;
    copies::flush_soon(ctx, svc, tenant).await;
    Ok(view(license, None, svc.now()))
}

/// What the organisation itself decides about one of its licences: whether refusals name holders, and how much of a device may change. Not
/// the allowance: nothing bills what is used beyond the seats.
pub async fn choose(ctx: &OpCtx, svc: &Services, license: &str, form: &ChoicesForm) -> Result<()> {
    require(ctx, Action::LicensesManage)?;
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let mut fields = Fields::default();
    let change = form.read(&mut fields);
    fields.finish()?;
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    carry_out(&mut tx, svc, tenant, |l| l.id.to_string() == license, &change, None).await?;
    tx.commit().await?;
    copies::flush_soon(ctx, svc, tenant).await;
    Ok(())
}

/// Staff set everything of a customer's licence, and say why.
pub async fn set_as_staff(ctx: &OpCtx, svc: &Services, tenant: TenantId, license: &str, form: &PolicyForm, reason: &str) -> Result<()> {
    if !matches!(ctx.actor, Actor::Staff { .. }) {
        return Err(not_found());
    }
    let mut fields = Fields::default();
    let change = form.read(&mut fields);
    let reason = fields.take(check::reason(reason));
    fields.finish()?;
    let reason = reason.ok_or_else(|| Error::Internal("checked fields are missing".into()))?;
    let ctx = ctx.in_tenant(tenant);
    let mut tx = TenantTx::begin(&ctx, &svc.store).await?;
    carry_out(&mut tx, svc, tenant, |l| l.id.to_string() == license, &change, Some(&reason)).await?;
    tx.commit().await?;
    copies::flush_soon(&ctx, svc, tenant).await;
    Ok(())
}

/// Changes the first licence that is meant, and writes it into the audit log. The caller commits.
async fn carry_out(
    tx: &mut impl Tx,
    svc: &Services,
    tenant: TenantId,
    is_meant: impl Fn(&licenses::License) -> bool,
    change: &PolicyChange,
    reason: Option<&str>,
) -> Result<licenses::License> {
    let now = svc.now();
    // Locks the tenant before anything is read, so that of two changes at once neither undoes the other.
    seat_outbox::note(tx, tenant, Change::Entitlement, now).await?;
    let before = licenses::list(tx, tenant)
        .await?
        .into_iter()
        .find(is_meant)
        .ok_or_else(|| Problem::new(Code::LicenseNotFound, "The organization has no such license."))?;
    let license = changed(&before, change);
    if license.max_seats != before.max_seats && license.source == LicenseSource::Subscription {
        return Err(Problem::new(Code::Conflict, "These seats are bought: they are changed on the organization's billing page.").into());
    }
    check_policy(&license)?;
    licenses::update(tx, &license).await?;
    let only_seats = *change == PolicyChange { max_seats: change.max_seats, ..PolicyChange::default() };
    let action = if only_seats { "license.seats_changed" } else { "license.policy_changed" };
    let details = json!({
        "max_seats": [before.max_seats, license.max_seats],
        "lease_seconds": [before.lease_seconds, license.lease_seconds],
        "heartbeat_seconds": [before.heartbeat_seconds, license.heartbeat_seconds],
        "offline_hours": [before.offline_hours, license.offline_hours],
        "offline_cap": [before.offline_cap, license.offline_cap],
        "overage_percent": [before.overage_percent, license.overage_percent],
        "show_holders": [before.show_holders, license.show_holders],
        "fingerprint_tolerance": [before.fingerprint_tolerance, license.fingerprint_tolerance],
    });
    audit::append(tx, tenant, now, NewEntry { action, subject: &license.key, reason, details }).await?;
    Ok(license)
}

fn changed(before: &licenses::License, change: &PolicyChange) -> licenses::License {
    let overage_percent = change.overage_percent.unwrap_or(before.overage_percent);
    licenses::License {
        max_seats: change.max_seats.unwrap_or(before.max_seats),
        lease_seconds: change.lease_seconds.unwrap_or(before.lease_seconds),
        heartbeat_seconds: change.heartbeat_seconds.unwrap_or(before.heartbeat_seconds),
        offline_hours: change.offline_hours.unwrap_or(before.offline_hours),
        offline_cap: change.offline_cap.unwrap_or(before.offline_cap),
        overage_percent,
        hard_stop: overage_percent == 0,
        show_holders: change.show_holders.unwrap_or(before.show_holders),
        fingerprint_tolerance: change.fingerprint_tolerance.unwrap_or(before.fingerprint_tolerance),
        ..before.clone()
    }
}

fn check_policy(l: &licenses::License) -> Result<()> {
    let mut fields = Fields::default();
    let mut demand = |holds: bool, name: &str, detail: &str| {
        if !holds {
            fields.take::<()>(Err(FieldError::new(name, detail)));
        }
    };
    demand(l.max_seats <= 1_000_000, "max_seats", "At most 1,000,000 seats.");
    demand((2..=86_400).contains(&l.lease_seconds), "lease_seconds", "Between 2 and 86,400 seconds.");
    let beats = (1..=86_400).contains(&l.heartbeat_seconds) && l.heartbeat_seconds < l.lease_seconds;
    demand(beats, "heartbeat_seconds", "At least 1 second and shorter than the lease.");
    demand(ALLOWANCES.contains(&l.overage_percent), "overage_percent", "0 (a hard stop), 25, 50 or 100 percent.");
    demand(l.offline_hours <= 8_760, "offline_hours", "At most 8,760 hours.");
    demand(l.offline_cap.is_none_or(|cap| cap <= 2_000_000), "offline_cap", "At most 2,000,000 devices, or nothing for twice the seats.");
    fields.finish()
}
