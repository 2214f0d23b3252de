//! What the billing page shows: read from our own database, so it stands also while the provider does not answer.

use super::quotes::last_state;
use super::standing::standing;
use super::{may_buy, plans, whom_to_ask};
use crate::access::{self, not_found};
use crate::error::Result;
use crate::ports::billing::{Card, Charge, Details, Invoice, Subscription};
use crate::services::Services;
use store::licenses::License;
use store::{Actor, OpCtx, TenantTx, billing, licenses};
use time::OffsetDateTime;
use types::billing::{Interval, Money};
use types::licenses::{LicenseSource, LicenseStatus, Tier};
use types::{Action, Code, Problem, Role};

/// Everything about the plan of one organisation.
#[derive(Clone, Debug)]
pub struct Billing {
    pub tier: Tier,
    pub status: LicenseStatus,
    pub source: LicenseSource,
    pub seats: u32,
    /// The licence's own end, as of one that was granted.
    pub ends: Option<OffsetDateTime>,
    /// `None` while the live store does not answer.
    pub in_use: Option<u32>,
    pub subscription: Option<Subscription>,
    /// More than one runs, which should never be.
    pub several: bool,
    /// The oldest invoice that should have been paid, and until when that changes nothing.
    pub unpaid: Option<(Invoice, OffsetDateTime)>,
    pub next_charge: Option<Charge>,
    pub card: Option<Card>,
    pub details: Details,
    pub invoices: Vec<Invoice>,
    pub synced_at: Option<OffsetDateTime>,
    /// The provider's clock minus ours; not zero with a test clock.
    pub clock_ahead: time::Duration,
    /// The provider has customer pages for us.
    pub has_customer: bool,
    /// Who has decided what is not answered yet.
    pub pending: Option<String>,
    pub may_change: bool,
    /// Decides whether admins may buy.
    pub is_owner: bool,
    pub whom_to_ask: String,
    pub admins_may_buy: bool,
    /// Something can be bought here at all.
    pub for_sale: bool,
    /// Of one PRO seat, by interval.
    pub prices: Vec<(Interval, Money)>,
}

/// The page of an organisation; staff may look at it too.
pub async fn view(ctx: &OpCtx, svc: &Services) -> Result<Billing> {
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let staff = matches!(ctx.actor, Actor::Staff { .. });
    let (_, state, synced_at) = {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        match ctx.role {
            _ if staff => {}
            None => return Err(not_found()),
            Some(role) if access::allows(role, Action::BillingView) => {}
            Some(_) => {
                let detail = format!("Plan and seats are not yours to see here. Ask {}.", whom_to_ask(&mut tx).await?);
                return Err(Problem::new(Code::Forbidden, detail).into());
            }
        }
        drop(tx);
        last_state(ctx, svc).await?
    };
    let (license, may_change, whom_to_ask, admins_may_buy, pending, has_customer) = {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        let license = main_license(licenses::list(&mut tx, tenant).await?).ok_or_else(not_found)?;
        let organization = store::tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?;
        let pending = billing::pending(&mut tx, tenant).await?.map(|i| i.created_by);
        let has_customer = billing::account(&mut tx, tenant).await?.is_some_and(|a| a.customer_id.is_some());
        (license, may_buy(&mut tx).await?, whom_to_ask(&mut tx).await?, organization.admins_may_buy, pending, has_customer)
    };
    let in_use = svc.seats.active(tenant, &[license.id]).await.ok().and_then(|a| a.first().copied());
    let standing = state.as_ref().and_then(|s| standing(s, svc.settings.billing_grace));
    Ok(Billing {
        tier: license.tier,
        status: license.status,
        source: license.source,
        seats: license.max_seats,
        ends: license.expiry,
        in_use,
        several: state.as_ref().is_some_and(|s| s.live().count() > 1),
        unpaid: standing.as_ref().and_then(|s| s.unpaid.as_ref()).map(|u| (u.invoice.clone(), u.until)),
        next_charge: state.as_ref().and_then(|s| s.next_charge.clone()),
        card: standing.as_ref().and_then(|s| s.subscription.card.clone()),
        subscription: standing.map(|s| s.subscription.clone()),
        details: state.as_ref().map(|s| s.details.clone()).unwrap_or_default(),
        invoices: state.as_ref().map(|s| s.invoices.clone()).unwrap_or_default(),
        clock_ahead: state.as_ref().zip(synced_at).map_or(time::Duration::ZERO, |(s, at)| s.now - at),
        synced_at,
        has_customer,
        pending,
        may_change,
        is_owner: ctx.role == Some(Role::Owner),
        whom_to_ask,
        admins_may_buy,
        for_sale: svc.billing.is_some(),
        prices: plans::plan(Tier::Pro).prices.iter().map(|p| (p.interval, p.money())).collect(),
    })
}

/// The licence that money is about: the bought one, else the free one, else what was granted.
pub(crate) fn main_license(licenses: Vec<License>) -> Option<License> {
    let rank = |l: &License| match l.source {
        LicenseSource::Subscription => 0,
        LicenseSource::Grant => 1,
        LicenseSource::Free => 2,
    };
    licenses.into_iter().min_by_key(rank)
}

/// An invoice that should have been paid, for whoever can do something about it.
#[derive(Clone, Debug)]
pub struct Owed {
    pub invoice: Invoice,
    /// How the plan stands because of it.
    pub status: LicenseStatus,
    /// Until then it changes nothing.
    pub until: OffsetDateTime,
    pub card: Option<Card>,
}

/// What stands above every page of the organisation while money is owed. Only for those who may do something about it.
pub async fn owed(ctx: &OpCtx, svc: &Services) -> Result<Option<Owed>> {
    {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        let tenant = tx.tenant();
        // Every page asks, and hardly any has to read what the provider said.
        let unpaid = |l: &License| matches!(l.status, LicenseStatus::PastDue | LicenseStatus::Restricted);
        if !licenses::list(&mut tx, tenant).await?.iter().any(unpaid) || !may_buy(&mut tx).await? {
            return Ok(None);
        }
    }
    let (_, state, _) = last_state(ctx, svc).await?;
    Ok(state.as_ref().and_then(|s| standing(s, svc.settings.billing_grace)).and_then(|s| {
        let (status, card) = (s.status, s.subscription.card.clone());
        s.unpaid.map(|u| Owed { invoice: u.invoice.clone(), status, until: u.until, card })
    }))
}
