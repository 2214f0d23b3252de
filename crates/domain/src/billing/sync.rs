//! Reads what the provider says and writes it down: the one place that changes seats because of money.

use super::standing::{Standing, standing};
use super::{intents, plans, words};
use crate::error::Result;
use crate::ports::billing::{Bell, BillingError, Details, State};
use crate::services::Services;
use crate::{copies, mails};
use serde_json::json;
use store::audit::{self, NewEntry};
use store::billing::{self, Claim};
use store::licenses::License;
use store::mail::Message;
use store::seat_outbox::{self, Change};
use store::{OpCtx, SystemTx, licenses, mail, tenants};
use time::{Duration, OffsetDateTime};
use types::TenantId;
use types::licenses::{LicenseSource, LicenseStatus, Tier};

/// The worker leaves an account alone for so long after somebody has begun to work on it.
const LEASE: Duration = Duration::minutes(2);
/// How long at most until the worker looks again, webhook or not.
const EVERY: Duration = Duration::hours(1);

fn job() -> OpCtx {
    OpCtx::system("Billing")
}

/// Brings the tenant's seats in line with what the provider says now, and returns that; `None` without a customer, or when somebody else
/// has begun to read later than we and writes.
pub async fn sync(svc: &Services, tenant: TenantId) -> Result<Option<State>> {
    let claim = {
        // Serves the portal itself as well as the tenant's people.
        let mut tx = SystemTx::begin(&job(), &svc.store).await?;
        let claim = billing::claim(&mut tx, tenant, svc.now() + LEASE).await?;
        tx.commit().await?;
        claim
    };
    match claim {
        Some(claim) => read_and_write(svc, &claim).await,
        None => Ok(None),
    }
}

/// Takes the next account that is due: finishes what was decided there, then reads. `false` when there is none.
pub async fn step(svc: &Services) -> Result<bool> {
    if svc.billing.is_none() {
        return Ok(false);
    }
    let claim = {
        // The worker serves all tenants.
        let mut tx = SystemTx::begin(&job(), &svc.store).await?;
        let claim = billing::claim_due(&mut tx, svc.now(), svc.now() + LEASE).await?;
        tx.commit().await?;
        claim
    };
    let Some(claim) = claim else { return Ok(false) };
    intents::finish_pending(svc, claim.tenant).await?;
    // One account whose provider does not answer must not stop the others; it has been postponed.
    if let Err(error) = read_and_write(svc, &claim).await {
        tracing::warn!(tenant = %claim.tenant, %error, "an account was not synchronised");
    }
    Ok(true)
}

/// Reads every account, or one, from the operator's shell. Returns how many were read.
pub async fn reconcile(svc: &Services, slug: Option<&str>) -> Result<usize> {
    super::provider(svc)?;
    let tenants = {
        // The operator asks for all tenants, or names one by its address.
        let mut tx = SystemTx::begin(&job(), &svc.store).await?;
        match slug {
            Some(slug) => vec![tenants::id_by_slug(&mut tx, slug).await?.ok_or_else(crate::access::not_found)?],
            None => billing::customers(&mut tx).await?,
        }
    };
    let mut read = 0;
    for tenant in tenants {
        intents::finish_pending(svc, tenant).await?;
        read += usize::from(sync(svc, tenant).await?.is_some());
    }
    Ok(read)
}

/// A webhook has rung: noted once, and its account is read soon.
pub async fn ring(svc: &Services, bell: &Bell) -> Result<()> {
    // The bell rings before its tenant is known.
    let mut tx = SystemTx::begin(&job(), &svc.store).await?;
    billing::ring(&mut tx, &bell.event, &bell.kind, bell.customer.as_deref(), svc.now()).await?;
    Ok(tx.commit().await?)
}

/// Reads with no transaction open, so that a provider that hangs holds no connection.
async fn read_and_write(svc: &Services, claim: &Claim) -> Result<Option<State>> {
    match super::provider(svc)?.state(&claim.customer).await {
        Ok(state) => Ok(write(svc, claim, &state, true).await?.then_some(state)),
        // Nothing is bought any more; the next purchase makes a new customer.
        Err(BillingError::CustomerGone) => {
            tracing::error!(tenant = %claim.tenant, customer = claim.customer, "the customer was deleted at the provider");
            let nothing =
                State { now: svc.now(), details: Details::default(), subscriptions: Vec::new(), invoices: Vec::new(), next_charge: None };
            Ok(write(svc, claim, &nothing, false).await?.then_some(nothing))
        }
        Err(error) => {
            let wait = Duration::seconds(5 << claim.failures.clamp(0, 8)).min(EVERY);
            let mut tx = SystemTx::begin(&job(), &svc.store).await?;
            billing::postpone(&mut tx, claim, svc.now() + wait).await?;
            tx.commit().await?;
            Err(error.into())
        }
    }
}

async fn write(svc: &Services, claim: &Claim, state: &State, customer_lives: bool) -> Result<bool> {
    let now = svc.now();
    let standing = standing(state, svc.settings.billing_grace);
    let document = serde_json::to_value(state).map_err(|e| crate::Error::Internal(e.to_string()))?;
    let ctx = job().in_tenant(claim.tenant);
    let mut tx = SystemTx::begin(&ctx, &svc.store).await?;
    if !billing::finish(&mut tx, claim, &document, now, next_look(state, standing.as_ref(), now)).await? {
        return Ok(false);
    }
    if !customer_lives {
        billing::forget_customer(&mut tx, claim).await?;
    }
    if state.live().count() > 1 {
        tracing::error!(tenant = %claim.tenant, "several subscriptions run at once: end and refund the younger at the provider");
    }
    tenants::lock(&mut tx, claim.tenant).await?;
    let changed = match licenses::list(&mut tx, claim.tenant).await?.into_iter().find(|l| l.source != LicenseSource::Grant) {
        Some(license) => entitle(&mut tx, svc, state, standing.as_ref(), license).await?,
        // What staff have granted stands above what was bought.
        None => false,
    };
    tx.commit().await?;
    if changed {
        copies::flush_soon(&ctx, svc, claim.tenant).await;
    }
    Ok(true)
}

/// When the end of grace or of the period would change something by itself, and at the latest in an hour.
fn next_look(state: &State, standing: Option<&Standing<'_>>, now: OffsetDateTime) -> OffsetDateTime {
    let ends = standing.into_iter().flat_map(|s| [Some(s.subscription.period_end), s.unpaid.as_ref().map(|u| u.until)]);
    let ahead = ends.flatten().map(|end| end - state.now).filter(|ahead| ahead.is_positive()).min().unwrap_or(EVERY);
    now + ahead.min(EVERY) + Duration::SECOND
}

/// Gives the licence what the provider's word demands; says whether that is something new.
async fn entitle(tx: &mut SystemTx, svc: &Services, state: &State, standing: Option<&Standing<'_>>, mut license: License) -> Result<bool> {
    let before = license.clone();
    match standing {
        Some(s) => {
            license.source = LicenseSource::Subscription;
            license.max_seats = s.subscription.seats;
            // What staff have suspended only staff restore.
            if license.status != LicenseStatus::Suspended {
                license.status = s.status;
            }
            take_plan(&mut license, s.subscription.plan);
        }
        None if license.source == LicenseSource::Subscription => {
            license.source = LicenseSource::Free;
            license.max_seats = plans::plan(Tier::Free).seats;
            if license.status != LicenseStatus::Suspended {
                license.status = LicenseStatus::Active;
            }
            take_plan(&mut license, Tier::Free);
        }
        None => {}
    }
    let now = svc.now();
    let tenant = license.tenant_id;
    let mut changes = Vec::new();
    if license.tier != before.tier {
        changes.push(("license.plan_changed", json!({ "plan": [before.tier, license.tier] })));
    }
    if license.max_seats != before.max_seats {
        changes.push(("license.seats_changed", json!({ "max_seats": [before.max_seats, license.max_seats] })));
    }
    if license.status != before.status {
        changes.push(("license.status_changed", json!({ "status": [before.status, license.status] })));
        for letter in letters(tx, svc, state, standing, &before, &license).await? {
            mail::enqueue(tx, Some(tenant), &letter, now).await?;
        }
    }
    if changes.is_empty() && license.source == before.source {
        return Ok(false);
    }
    seat_outbox::note(tx, tenant, Change::Entitlement, now).await?;
    licenses::update(tx, &license).await?;
    for (action, details) in changes {
        audit::append(tx, tenant, now, NewEntry { action, subject: &license.key, reason: None, details }).await?;
    }
    Ok(true)
}

/// What a plan brings; its policy counts from the day it is bought, and may be changed afterwards.
pub(crate) fn take_plan(license: &mut License, tier: Tier) {
    if license.tier == tier {
        return;
    }
    let (before, plan) = (plans::plan(license.tier), plans::plan(tier));
    license.tier = tier;
    license.product_sku.clone_from(&plan.product_sku);
    license.features.clone_from(&plan.features);
    license.lease_seconds = plan.lease_seconds;
    license.heartbeat_seconds = plan.heartbeat_seconds;
    license.offline_hours = plan.offline_hours;
    license.offline_cap = plan.offline_cap;
    // What the organization chooses itself outlives a change of plan.
    if license.overage_percent == before.overage_percent {
        license.overage_percent = plan.overage_percent;
        license.hard_stop = plan.overage_percent == 0;
    }
    if license.show_holders == before.show_holders {
        license.show_holders = plan.show_holders;
    }
    if license.fingerprint_tolerance == before.fingerprint_tolerance {
        license.fingerprint_tolerance = plan.fingerprint_tolerance;
    }
}

/// To everybody in charge of money, when a payment fails, when that begins to hurt, and when it is over.
async fn letters(
    tx: &mut SystemTx,
    svc: &Services,
    state: &State,
    standing: Option<&Standing<'_>>,
    before: &License,
    after: &License,
) -> Result<Vec<Message>> {
    let Some(organization) = tenants::get(tx, after.tenant_id).await? else { return Ok(Vec::new()) };
    let link = format!("{}/orgs/{}/billing", svc.settings.base_url, organization.slug);
    let unpaid = standing.and_then(|s| s.unpaid.as_ref());
    let card = standing.and_then(|s| s.subscription.card.as_ref()).map_or_else(|| "the card".to_owned(), |c| c.label.clone());
    let to = billing::contacts(tx, after.tenant_id).await?;
    let (product, name) = (&svc.settings.product_name, &organization.name);
    Ok(to
        .iter()
        .filter_map(|(person, email)| match (after.status, unpaid) {
            (LicenseStatus::PastDue, Some(u)) => {
                let next = u.invoice.next_attempt.map(words::day);
                let amount = u.invoice.remaining.to_string();
                Some(mails::payment_failed(product, email, person, name, &amount, &card, next.as_deref(), &words::day(u.until), &link))
            }
            (LicenseStatus::Restricted, _) => {
                let amount = unpaid.map(|u| u.invoice.remaining.to_string());
                Some(mails::restricted(product, email, person, name, amount.as_deref(), &link))
            }
            (LicenseStatus::Active, _) if matches!(before.status, LicenseStatus::PastDue | LicenseStatus::Restricted) => {
                // An ended subscription has not been paid after all.
                standing.map(|_| {
                    mails::paid_again(product, email, person, name, state.invoices.first().map(|i| i.total.to_string()).as_deref(), &link)
                })
            }
            _ => None,
        })
        .collect())
}
