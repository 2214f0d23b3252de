//! What people do with plan and seats.

use super::intents::{Request, perform};
use super::quotes::{agreed, check_seats, last_state, may_change, overtaken};
use super::standing::standing;
use super::{plans, provider, require_buyer, require_not_suspended};
use crate::access::{not_found, require};
use crate::error::{Error, Fields, Result};
use crate::ports::billing::{Details, State};
use crate::services::Services;
use serde_json::json;
use store::audit::{self, NewEntry};
use store::{OpCtx, SystemTx, TenantTx, billing, licenses, tenants};
use types::billing::Interval;
use types::licenses::LicenseSource;
use types::{Action, Code, FieldError, Problem, Role, TenantId, check};

/// What came of a decision about seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Go there and pay.
    Checkout(String),
    /// Added at once, or booked for the end of the period.
    Added,
    Booked,
    /// What was booked is taken back.
    Kept,
    /// Nobody has agreed to a price yet: show it first.
    ShowPrice,
}

/// The page where the first seats are paid.
pub async fn buy(ctx: &OpCtx, svc: &Services, seats: u32, interval: Interval) -> Result<Decided> {
    require_buyer(ctx, svc).await?;
    let seats = check_seats(seats)?;
    require_not_suspended(ctx, svc).await?;
    let provider = provider(svc)?;
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let customer = customer(ctx, svc, tenant).await?;
    // Somebody may have paid a moment ago, in another tab.
    super::sync(svc, tenant).await?;
    let (_, state, _) = last_state(ctx, svc).await?;
    if state.as_ref().is_some_and(|state| standing(state, svc.settings.billing_grace).is_some()) {
        return Err(Problem::new(Code::Conflict, "You have a plan already; change its number of seats instead.").into());
    }
    let (slug, open) = {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        if licenses::list(&mut tx, tenant).await?.iter().any(|l| l.source == LicenseSource::Grant) {
            let detail = "Your plan is arranged with our sales team; ask them for more seats.";
            return Err(Problem::new(Code::Conflict, detail).into());
        }
        let slug = tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?.slug;
        (slug, billing::account(&mut tx, tenant).await?.and_then(|a| a.checkout_id))
    };
    // Of two tabs only the later one can be paid; unless the earlier one has been, a moment ago.
    if let Some(open) = &open {
        if provider.checkout(open).await?.open {
            provider.expire_checkout(open).await?;
        }
        if provider.checkout(open).await?.complete {
            super::sync(svc, tenant).await?;
            let (_, state, _) = last_state(ctx, svc).await?;
            if state.is_some_and(|state| state.live().next().is_some()) {
                return Err(Problem::new(Code::Conflict, "You have just bought a plan in another tab. Look at it here.").into());
            }
        }
    }
    let page = format!("{}/orgs/{slug}/billing", svc.settings.base_url);
    let request = Request::Checkout {
        customer,
        price_key: plans::price(interval)?.key.clone(),
        seats,
        success_url: format!("{page}/return?session_id={{CHECKOUT_SESSION_ID}}"),
        cancel_url: page,
        replaces: open,
    };
    let opened = perform(ctx, svc, tenant, request).await?;
    match opened.and_then(|c| c.url) {
        Some(url) => Ok(Decided::Checkout(url)),
        None => Err(Error::Internal("a checkout without an address".to_owned())),
    }
}

/// The provider's customer of this tenant; made once.
async fn customer(ctx: &OpCtx, svc: &Services, tenant: TenantId) -> Result<String> {
    let (name, email, known, generation) = {
        // The account's row is the portal's own.
        let mut tx = SystemTx::begin(ctx, &svc.store).await?;
        let account = billing::lock(&mut tx, tenant, svc.now()).await?;
        let organization = tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?;
        let email = billing::contacts(&mut tx, tenant).await?.into_iter().next().map(|(_, email)| email).unwrap_or_default();
        tx.commit().await?;
        (organization.name, email, account.customer_id, account.fence)
    };
    if let Some(known) = known {
        return Ok(known);
    }
    // The key makes two at once one, and a new one where the last one was deleted.
    let id = provider(svc)?.create_customer(&format!("customer-{tenant}-{generation}"), tenant, &name, &email).await?;
    // As above.
    let mut tx = SystemTx::begin(ctx, &svc.store).await?;
    billing::lock(&mut tx, tenant, svc.now()).await?;
    billing::set_customer(&mut tx, tenant, &id).await?;
    let account = billing::lock(&mut tx, tenant, svc.now()).await?;
    tx.commit().await?;
    account.customer_id.ok_or_else(|| Error::Internal("a customer that was just written".to_owned()))
}

/// Back from the provider's page: read at once what has been bought there, whether or not its webhook has come. Says whether a plan runs.
pub async fn returned(ctx: &OpCtx, svc: &Services) -> Result<bool> {
    require(ctx, Action::BillingView)?;
    super::sync(svc, ctx.tenant.ok_or_else(not_found)?).await?;
    let (_, state, _) = last_state(ctx, svc).await?;
    Ok(state.is_some_and(|state| state.live().next().is_some()))
}

/// More seats now, or fewer from the end of the period on; only at the price that was shown.
pub async fn update_seats(ctx: &OpCtx, svc: &Services, seats: u32, agreement: &str) -> Result<Decided> {
    require_buyer(ctx, svc).await?;
    let seats = check_seats(seats)?;
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let state = running_state(ctx, svc).await?;
    let standing = standing(&state, svc.settings.billing_grace).ok_or_else(overtaken)?;
    may_change(&standing)?;
    let s = standing.subscription;
    let Some(mut change) = agreed(svc, tenant, agreement, seats) else {
        return match (seats == s.seats, &s.schedule) {
            (true, None) => Err(FieldError::new("seats", "You have this number of seats already.").into()),
            _ => Ok(Decided::ShowPrice),
        };
    };
    // Agreed to in the period before: another price, and another end.
    if change.at < s.period_start {
        return Ok(Decided::ShowPrice);
    }
    if (&change.subscription, change.from) != (&s.id, s.seats) {
        // A second click on what has been done.
        let done = change.subscription == s.id && change.to == s.seats && change.to > change.from;
        return if done { Ok(Decided::Added) } else { Err(overtaken()) };
    }
    if seats == s.seats {
        if let Some(schedule) = &s.schedule {
            perform(ctx, svc, tenant, Request::UnbookSeats { schedule: schedule.clone() }).await?;
        }
        return Ok(Decided::Kept);
    }
    change.schedule.clone_from(&s.schedule);
    change.booked = s.booked.map(|b| b.seats);
    change.period_end = s.period_end;
    require_not_suspended(ctx, svc).await?;
    let more = seats > s.seats;
    let request = if more { Request::AddSeats(change) } else { Request::BookSeats(change) };
    perform(ctx, svc, tenant, request).await?;
    Ok(if more { Decided::Added } else { Decided::Booked })
}

/// Takes back fewer seats that were booked for the end of the period.
pub async fn keep_seats(ctx: &OpCtx, svc: &Services) -> Result<()> {
    require_buyer(ctx, svc).await?;
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let state = running_state(ctx, svc).await?;
    let standing = standing(&state, svc.settings.billing_grace).ok_or_else(overtaken)?;
    // Already undone is what was wanted.
    let Some(schedule) = standing.subscription.schedule.clone() else { return Ok(()) };
    perform(ctx, svc, tenant, Request::UnbookSeats { schedule }).await?;
    Ok(())
}

/// Ends the plan with its period, or takes that back.
pub async fn set_canceled(ctx: &OpCtx, svc: &Services, canceled: bool) -> Result<()> {
    require_buyer(ctx, svc).await?;
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let state = running_state(ctx, svc).await?;
    let standing = standing(&state, svc.settings.billing_grace).ok_or_else(overtaken)?;
    let s = standing.subscription;
    if s.cancel_at_period_end == canceled {
        return Ok(());
    }
    // A booked change of seats would outlive the plan.
    if canceled && let Some(schedule) = s.schedule.clone() {
        perform(ctx, svc, tenant, Request::UnbookSeats { schedule }).await?;
    }
    let subscription = s.id.clone();
    perform(ctx, svc, tenant, if canceled { Request::Cancel { subscription } } else { Request::Resume { subscription } }).await?;
    Ok(())
}

/// The provider's word about a running plan, read anew: nobody decides on something old.
async fn running_state(ctx: &OpCtx, svc: &Services) -> Result<State> {
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    // Somebody may begin to read after us; then his word is the newer one, once it is there.
    for _ in 0..3 {
        if let Some(state) = super::sync(svc, tenant).await? {
            return Ok(state);
        }
    }
    Err(overtaken())
}

/// Where invoices go, and what stands on them.
pub async fn set_details(ctx: &OpCtx, svc: &Services, details: &Details) -> Result<()> {
    require_buyer(ctx, svc).await?;
    provider(svc)?;
    let details = check_details(details)?;
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let customer = customer(ctx, svc, tenant).await?;
    match perform(ctx, svc, tenant, Request::Details { customer, details }).await {
        // The provider knows the forms of VAT numbers.
        Err(Error::Billing(crate::ports::billing::BillingError::Refused { code, .. })) if code == "tax_id_invalid" => Err(FieldError::new(
            "vat_number",
            "This is not a number that can stand on invoices to that country. Correct it, such as DE123456789, or leave it empty.",
        )
        .into()),
        other => other.map(drop),
    }
}

fn check_details(d: &Details) -> Result<Details> {
    let mut fields = Fields::default();
    let mut text = |name: &str, what: &str, value: &str, needed: bool, max: usize| {
        if value.trim().is_empty() && !needed { Some(String::new()) } else { fields.take(check::text(name, what, value, max)) }
    };
    let company = text("company", "the company that pays", &d.company, true, 150);
    let line1 = text("line1", "street and number", &d.line1, true, 200);
    let line2 = text("line2", "the second line", &d.line2, false, 200);
    let postal_code = text("postal_code", "the postal code", &d.postal_code, false, 20);
    let city = text("city", "the city", &d.city, true, 100);
    let vat_number = text("vat_number", "the VAT number", &d.vat_number, false, 30);
    let purchase_order = text("purchase_order", "the purchase order", &d.purchase_order, false, 30);
    let email = fields.take(check::email(&d.email));
    let country = d.country.trim().to_uppercase();
    if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
        fields.take::<()>(Err(FieldError::new("country", "Choose the country.")));
    }
    fields.finish()?;
    let squeezed = |v: Option<String>| v.unwrap_or_default();
    Ok(Details {
        company: squeezed(company),
        email: squeezed(email),
        line1: squeezed(line1),
        line2: squeezed(line2),
        postal_code: squeezed(postal_code),
        city: squeezed(city),
        country,
        vat_number: squeezed(vat_number).split_whitespace().collect::<String>().to_uppercase(),
        purchase_order: squeezed(purchase_order),
    })
}

/// A link to the customer's own page at the provider.
pub async fn portal_link(ctx: &OpCtx, svc: &Services) -> Result<String> {
    require_buyer(ctx, svc).await?;
    let tenant = ctx.tenant.ok_or_else(not_found)?;
    let customer = customer(ctx, svc, tenant).await?;
    let slug = {
        let mut tx = TenantTx::begin(ctx, &svc.store).await?;
        tenants::get(&mut tx, tenant).await?.ok_or_else(not_found)?.slug
    };
    Ok(provider(svc)?.portal_link(&customer, &format!("{}/orgs/{slug}/billing/return", svc.settings.base_url)).await?)
}

/// An OWNER lets admins buy and change seats, or keeps that to owners and billing.
pub async fn set_admins_may_buy(ctx: &OpCtx, svc: &Services, allowed: bool) -> Result<()> {
    if require(ctx, Action::BillingManage)? != Role::Owner {
        return Err(Problem::new(Code::Forbidden, "Only an owner decides who may buy seats.").into());
    }
    let mut tx = TenantTx::begin(ctx, &svc.store).await?;
    let tenant = tx.tenant();
    billing::set_admins_may_buy(&mut tx, allowed).await?;
    let entry =
        NewEntry { action: "billing.buyers_changed", subject: "Admins", reason: None, details: json!({ "admins_may_buy": allowed }) };
    audit::append(&mut tx, tenant, svc.now(), entry).await?;
    Ok(tx.commit().await?)
}
