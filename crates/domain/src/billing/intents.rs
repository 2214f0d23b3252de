//! Doing something at the provider exactly once: written down first, with the key under which the provider knows it, then done, then
//! answered. Whatever happens in between, it is repeated with the same key.

use super::provider;
use crate::error::{Error, Result};
use crate::ports::billing::{Billing, BillingError, Checkout, Details, NewCheckout, SeatChange, State};
use crate::services::Services;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::audit::{self, NewEntry};
use store::billing::{self, Intent, IntentStatus};
use store::{OpCtx, SystemTx};
use time::Duration;
use types::{Code, Problem, TenantId};

/// Whoever asked is still waiting; after that the worker carries on.
const PATIENCE: Duration = Duration::seconds(45);
/// The provider keeps keys for a day at least; after that a repeat could be a second purchase, so there is none.
const KEY_LIFE: Duration = Duration::hours(23);

/// What can be decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Request {
    Checkout {
        customer: String,
        price_key: String,
        seats: u32,
        success_url: String,
        cancel_url: String,
        /// The page before, which can no longer be paid.
        replaces: Option<String>,
    },
    AddSeats(SeatChange),
    BookSeats(SeatChange),
    UnbookSeats {
        schedule: String,
    },
    Cancel {
        subscription: String,
    },
    Resume {
        subscription: String,
    },
    Details {
        customer: String,
        details: Details,
    },
}

impl Request {
    /// Whether the provider's word shows that it has been done.
    fn is_fulfilled(&self, state: &State) -> bool {
        let find = |id: &str| state.subscriptions.iter().find(|s| s.id == id);
        match self {
            // Its page is worth nothing without its address, and that we have not got.
            Self::Checkout { .. } => false,
            Self::AddSeats(c) => find(&c.subscription).is_some_and(|s| s.seats == c.to),
            Self::BookSeats(c) => find(&c.subscription).is_some_and(|s| s.booked.is_some_and(|b| b.seats == c.to)),
            Self::UnbookSeats { schedule } => state.subscriptions.iter().all(|s| s.schedule.as_ref() != Some(schedule)),
            Self::Cancel { subscription } => find(subscription).is_some_and(|s| s.cancel_at_period_end),
            Self::Resume { subscription } => find(subscription).is_some_and(|s| !s.cancel_at_period_end),
            Self::Details { details, .. } => state.details == *details,
        }
    }

    /// Its name in the audit log, and what it was done to.
    fn entry(&self) -> (&'static str, &str, serde_json::Value) {
        match self {
            Self::Checkout { customer, seats, price_key, .. } => {
                ("billing.checkout_opened", customer, json!({ "seats": seats, "price": price_key }))
            }
            Self::AddSeats(c) => ("billing.seats_added", &c.subscription, json!({ "seats": [c.from, c.to] })),
            Self::BookSeats(c) => ("billing.seats_booked", &c.subscription, json!({ "seats": [c.from, c.to] })),
            Self::UnbookSeats { schedule } => ("billing.booking_undone", schedule, json!({})),
            Self::Cancel { subscription } => ("billing.canceled", subscription, json!({})),
            Self::Resume { subscription } => ("billing.resumed", subscription, json!({})),
            Self::Details { customer, .. } => ("billing.details_changed", customer, json!({})),
        }
    }
}

/// Writes down, does, reads back, and answers. A second click on the same thing joins the first.
pub(super) async fn perform(ctx: &OpCtx, svc: &Services, tenant: TenantId, request: Request) -> Result<Option<Checkout>> {
    let intent = write_down(ctx, svc, tenant, &request).await?;
    match do_and_answer(ctx, svc, tenant, &intent, &request).await? {
        Ok(checkout) => Ok(checkout),
        Err(BillingError::Unavailable(reason)) => {
            tracing::warn!(%tenant, reason, "the provider has not answered an intent yet");
            let detail = "The payment provider has not answered yet. Your change is written down and is carried out once, as soon as it answers; this page shows when.";
            Err(Problem::new(Code::BillingUnavailable, detail).retry_after(30).into())
        }
        Err(other) => Err(other.into()),
    }
}

async fn do_and_answer(
    ctx: &OpCtx,
    svc: &Services,
    tenant: TenantId,
    intent: &Intent,
    request: &Request,
) -> Result<Result<Option<Checkout>, BillingError>> {
    let outcome = carry_out(svc, tenant, intent, request).await;
    // What was really done decides. Should the provider hang now, the worker reads later.
    let state = super::sync(svc, tenant).await.unwrap_or_else(|error| {
        tracing::warn!(%tenant, %error, "a change is read back later");
        None
    });
    let outcome = match (outcome, state) {
        (Err(BillingError::Unavailable(_) | BillingError::Failed(_)), Some(state)) if request.is_fulfilled(&state) => Ok(None),
        // Not done, and under this key it never will be.
        (Err(BillingError::Failed(why)), Some(_)) => Err(BillingError::Refused { code: "provider_failed".to_owned(), message: why }),
        (Err(BillingError::Failed(why)), None) => Err(BillingError::Unavailable(why)),
        (outcome, _) => outcome,
    };
    answer(ctx, svc, tenant, intent, request, &outcome).await?;
    Ok(outcome)
}

async fn write_down(ctx: &OpCtx, svc: &Services, tenant: TenantId, request: &Request) -> Result<Intent> {
    let created_by = super::actor_name(ctx, svc).await?;
    let document = serde_json::to_value(request).map_err(|e| Error::Internal(e.to_string()))?;
    let now = svc.now();
    // The account's row is the portal's own; who may act has been checked.
    let mut tx = SystemTx::begin(&ctx.in_tenant(tenant), &svc.store).await?;
    let account = billing::lock(&mut tx, tenant, now).await?;
    if let Some(pending) = billing::pending(&mut tx, tenant).await? {
        if same(&pending, request) {
            return Ok(pending);
        }
        let detail = format!("A change by {} is just being carried out. Look again in a moment.", pending.created_by);
        return Err(Problem::new(Code::Conflict, detail).into());
    }
    // Decided on what stands here now, or not at all.
    let state: Option<State> = account.state.and_then(|state| serde_json::from_value(state).ok());
    let stale = match request {
        Request::Checkout { replaces, .. } => account.checkout_id != *replaces,
        Request::AddSeats(c) | Request::BookSeats(c) => {
            !state.is_some_and(|state| state.subscriptions.iter().any(|s| s.id == c.subscription && s.seats == c.from))
        }
        _ => false,
    };
    if stale {
        return Err(super::quotes::overtaken());
    }
    let intent =
        Intent { id: svc.random_id::<uuid::Uuid>(), request: document, status: IntentStatus::Pending, created_by, created_at: now };
    billing::insert_intent(&mut tx, tenant, &intent).await?;
    billing::make_due(&mut tx, tenant, now + PATIENCE).await?;
    // Should we die now, the worker finds it.
    tx.commit().await?;
    Ok(intent)
}

/// Two tabs agree to the price of slightly different moments; it is still the same change.
fn same(pending: &Intent, request: &Request) -> bool {
    match (serde_json::from_value::<Request>(pending.request.clone()), request) {
        (Ok(Request::AddSeats(a)), Request::AddSeats(b)) => (&a.subscription, a.from, a.to) == (&b.subscription, b.from, b.to),
        (Ok(a), b) => a == *b,
        (Err(_), _) => false,
    }
}

async fn carry_out(svc: &Services, tenant: TenantId, intent: &Intent, request: &Request) -> Result<Option<Checkout>, BillingError> {
    let Some(provider) = &svc.billing else { return Err(BillingError::Unavailable("not set up".to_owned())) };
    // A joined intent is the one that was written down, to the second.
    let written = serde_json::from_value(intent.request.clone()).unwrap_or_else(|_| request.clone());
    call(provider.as_ref(), tenant, &intent.id.to_string(), written).await
}

async fn call(provider: &dyn Billing, tenant: TenantId, key: &str, request: Request) -> Result<Option<Checkout>, BillingError> {
    match request {
        Request::Checkout { customer, price_key, seats, success_url, cancel_url, .. } => {
            let new = NewCheckout { tenant, customer, price_key, seats, success_url, cancel_url };
            return provider.create_checkout(key, &new).await.map(Some);
        }
        Request::AddSeats(change) => provider.add_seats(key, &change).await?,
        Request::BookSeats(change) => provider.book_seats(key, &change).await?,
        Request::UnbookSeats { schedule } => provider.unbook_seats(key, &schedule).await?,
        Request::Cancel { subscription } => provider.set_cancel(key, &subscription, true).await?,
        Request::Resume { subscription } => provider.set_cancel(key, &subscription, false).await?,
        Request::Details { customer, details } => provider.update_details(key, &customer, &details).await?,
    }
    Ok(None)
}

async fn answer(
    ctx: &OpCtx,
    svc: &Services,
    tenant: TenantId,
    intent: &Intent,
    request: &Request,
    outcome: &Result<Option<Checkout>, BillingError>,
) -> Result<()> {
    let now = svc.now();
    // As above: the account's row is the portal's own.
    let mut tx = SystemTx::begin(&ctx.in_tenant(tenant), &svc.store).await?;
    match outcome {
        Ok(checkout) => {
            if let Some(checkout) = checkout {
                billing::set_checkout(&mut tx, tenant, Some(&checkout.id)).await?;
            }
            if billing::answer_intent(&mut tx, tenant, intent.id, IntentStatus::Done, None, now).await? {
                let (action, subject, details) = request.entry();
                audit::append(&mut tx, tenant, now, NewEntry { action, subject, reason: None, details }).await?;
            }
        }
        // It may have been done or not; the same key finds out.
        Err(BillingError::Unavailable(_)) => billing::make_due(&mut tx, tenant, now + PATIENCE).await?,
        Err(error) => {
            billing::answer_intent(&mut tx, tenant, intent.id, IntentStatus::Failed, Some(&error.to_string()), now).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Carries on with what was left unanswered: after a crash, or when the provider did not answer in time.
pub(super) async fn finish_pending(svc: &Services, tenant: TenantId) -> Result<()> {
    let ctx = OpCtx::system("Billing").in_tenant(tenant);
    let pending = {
        // The worker serves all tenants.
        let mut tx = SystemTx::begin(&ctx, &svc.store).await?;
        billing::pending(&mut tx, tenant).await?
    };
    let Some(intent) = pending else { return Ok(()) };
    let age = svc.now() - intent.created_at;
    if age < PATIENCE {
        return Ok(());
    }
    provider(svc)?;
    let request: Request = serde_json::from_value(intent.request.clone()).map_err(|e| Error::Internal(format!("intent: {e}")))?;
    let abandoned = match &request {
        Request::Checkout { .. } => Some("nobody has ever seen the page that it would open"),
        _ if age > KEY_LIFE => Some("not answered for a day"),
        _ => None,
    };
    if let Some(why) = abandoned {
        let outcome = Err(BillingError::Refused { code: "abandoned".to_owned(), message: why.to_owned() });
        return answer(&ctx, svc, tenant, &intent, &request, &outcome).await;
    }
    do_and_answer(&ctx, svc, tenant, &intent, &request).await.map(drop)
}
