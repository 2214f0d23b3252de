//! Buying seats. Who may, what it would cost, doing it once, and reading back what is.
//!
//! The provider's word is the truth: [`sync`] reads all of it and is the only place that turns it into seats. A webhook, the way back
//! from the provider's page, the clock and an operator only say *when* to read.

pub mod actions;
mod intents;
pub mod plans;
pub mod quotes;
pub mod standing;
pub mod sync;
pub mod view;
mod words;

pub use sync::{reconcile, ring, step, sync};

use crate::access::{self, not_found};
use crate::error::Result;
use crate::ports::billing::Billing;
use crate::services::Services;
use std::sync::Arc;
use store::{Actor, OpCtx, SystemTx, TenantTx, billing, members, tenants};
use types::organizations::TenantStatus;
use types::{Action, Code, Problem, Role, TenantId};

fn provider(svc: &Services) -> Result<&Arc<dyn Billing>> {
    svc.billing
        .as_ref()
        .ok_or_else(|| Problem::new(Code::BillingUnavailable, "Seats cannot be bought here: no payment provider is set up.").into())
}

/// Whether the actor may buy and change seats; an ADMIN may unless an OWNER has switched it off.
async fn may_buy(tx: &mut TenantTx) -> Result<bool> {
    let Some(role) = store::Tx::ctx(tx).role else { return Ok(false) };
    let tenant = tx.tenant();
    let admins_may_buy = tenants::get(tx, tenant).await?.is_some_and(|t| t.admins_may_buy);
    Ok(access::allows(role, Action::BillingManage) && (role != Role::Admin || admins_may_buy))
}

/// Refuses who may not buy, and says whom to ask.
async fn require_buyer(ctx: &OpCtx, svc: &Services) -> Result<()> {
    if ctx.role.is_none() {
        return Err(not_found());
    }
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    if may_buy(&mut tx).await? {
        return Ok(());
    }
    Err(Problem::new(Code::Forbidden, format!("Your role does not change plan and seats here. Ask {}.", whom_to_ask(&mut tx).await?))
        .into())
}

/// Nobody buys what he could not use.
async fn require_not_suspended(ctx: &OpCtx, svc: &Services) -> Result<()> {
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let tenant = tx.tenant();
    if tenants::get(&mut tx, tenant).await?.is_some_and(|t| t.status == TenantStatus::Suspended) {
        let detail = "Your organization is suspended, so seats cannot be bought or changed now. Ask our support.";
        return Err(Problem::new(Code::TenantSuspended, detail).into());
    }
    Ok(())
}

/// Before staff give a plan or suspend: a payment page that is open can no longer be paid, and what was paid is read. Refuses while
/// something is being decided.
pub(crate) async fn close_checkout(svc: &Services, tenant: TenantId) -> Result<()> {
    let Some(provider) = &svc.billing else { return Ok(()) };
    let (open, pending) = {
        // The account's row is the portal's own.
        let mut tx = SystemTx::begin(&OpCtx::system("Billing").in_tenant(tenant), &svc.store).await?;
        (billing::account(&mut tx, tenant).await?.and_then(|a| a.checkout_id), billing::pending(&mut tx, tenant).await?.is_some())
    };
    if pending {
        return Err(Problem::new(Code::Conflict, "A change of their plan is just being carried out. Try again in a minute.").into());
    }
    if let Some(open) = open
        && provider.checkout(&open).await?.open
    {
        provider.expire_checkout(&open).await?;
    }
    sync(svc, tenant).await.map(drop)
}

/// "Ingrid Solberg or Per Lund"
async fn whom_to_ask(tx: &mut TenantTx) -> Result<String> {
    let tenant = tx.tenant();
    let names: Vec<String> = billing::contacts(tx, tenant).await?.into_iter().map(|(name, _)| name).collect();
    Ok(match names.as_slice() {
        [] => "an owner of your organization".to_owned(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    })
}

/// The name under which the audit log and the intents know the actor.
async fn actor_name(ctx: &OpCtx, svc: &Services) -> Result<String> {
    Ok(match (&ctx.actor, ctx.tenant, ctx.user_id()) {
        (Actor::User { name, .. } | Actor::Staff { name, .. }, ..) => name.clone(),
        (_, Some(tenant), Some(user)) => {
            let mut tx = TenantTx::begin(ctx, &svc.store).await?;
            members::get(&mut tx, tenant, user).await?.map_or_else(String::new, |m| m.name)
        }
        _ => "The portal".to_owned(),
    })
}
