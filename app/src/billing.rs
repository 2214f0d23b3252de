//! `/orgs/{slug}/billing`: plan, seats, what they cost, invoices.

#![allow(clippy::too_many_arguments, reason = "a server function has one for each field of its form")]

use crate::PageError;
use leptos::prelude::*;
use types::billing::SeatQuote;

#[cfg(feature = "ssr")]
mod details;
#[cfg(feature = "ssr")]
mod page;
#[cfg(feature = "ssr")]
mod parts;
mod seats;

#[cfg(feature = "ssr")]
pub use page::{BillingPage, BillingReturnPage};
#[cfg(feature = "ssr")]
pub use parts::OwedNotice;

/// Where somebody is sent back to, with what has been done.
#[cfg(feature = "ssr")]
fn back(organization: &str, toast: &str) {
    leptos_axum::redirect(&format!("/orgs/{organization}/billing?toast={toast}"));
}

/// A number that somebody has typed.
#[cfg(feature = "ssr")]
fn number(seats: &str) -> Result<u32, domain::Error> {
    seats.trim().parse().map_err(|_| types::FieldError::new("seats", "Enter a whole number of seats.").into())
}

/// What so many seats would cost, before anything happens.
#[server(prefix = "/_fn", endpoint = "quote-seats")]
pub async fn quote_seats(organization: String, seats: u32, interval: String) -> Result<SeatQuote, PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, _) = v.enter(&organization).await?;
    let interval = interval.parse().unwrap_or(types::billing::Interval::Month);
    domain::billing::quotes::quote(&ctx, &v.services, seats, interval).await.map_err(visit::told)
}

/// To the page where the first seats are paid.
#[server(prefix = "/_fn", endpoint = "buy-seats")]
pub async fn buy_seats(organization: String, seats: String, #[server(default)] interval: String) -> Result<(), PageError> {
    use crate::visit;
    use domain::billing::actions::{self, Decided};
    let v = visit::visit();
    let (ctx, _) = v.enter(&organization).await?;
    let interval = interval.parse().unwrap_or(types::billing::Interval::Month);
    let bought = async { actions::buy(&ctx, &v.services, number(&seats)?, interval).await }.await;
    match bought.map_err(|e| visit::told(e).with_typed(&[("seats", &seats), ("interval", interval.as_str())]))? {
        Decided::Checkout(url) => leptos_axum::redirect(&url),
        _ => back(&organization, "seats_updated"),
    }
    Ok(())
}

/// More seats now, or fewer from the end of the period on.
#[server(prefix = "/_fn", endpoint = "update-seats")]
pub async fn update_seats(organization: String, seats: String, #[server(default)] agreement: String) -> Result<(), PageError> {
    use crate::visit;
    use domain::billing::actions::{self, Decided};
    let v = visit::visit();
    let (ctx, _) = v.enter(&organization).await?;
    let updated = async { actions::update_seats(&ctx, &v.services, number(&seats)?, &agreement).await }.await;
    match updated.map_err(|e| visit::told(e).with_typed(&[("seats", &seats)]))? {
        Decided::Checkout(url) => leptos_axum::redirect(&url),
        Decided::Added => back(&organization, "seats_added"),
        Decided::Booked => back(&organization, "seats_booked"),
        Decided::Kept => back(&organization, "seats_kept"),
        Decided::ShowPrice => leptos_axum::redirect(&format!("/orgs/{organization}/billing?seats={}", seats.trim())),
    }
    Ok(())
}

/// Takes back fewer seats that were booked.
#[server(prefix = "/_fn", endpoint = "keep-seats")]
pub async fn keep_seats(organization: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, _) = v.enter(&organization).await?;
    domain::billing::actions::keep_seats(&ctx, &v.services).await.map_err(visit::told)?;
    back(&organization, "seats_kept");
    Ok(())
}

/// Ends the plan with its period, or takes that back.
#[server(prefix = "/_fn", endpoint = "cancel-plan")]
pub async fn cancel_plan(organization: String, canceled: bool) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, _) = v.enter(&organization).await?;
    domain::billing::actions::set_canceled(&ctx, &v.services, canceled).await.map_err(visit::told)?;
    back(&organization, if canceled { "plan_canceled" } else { "plan_resumed" });
    Ok(())
}

/// To the provider's page for card and invoices.
#[server(prefix = "/_fn", endpoint = "customer-portal")]
pub async fn customer_portal(organization: String) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, _) = v.enter(&organization).await?;
    let url = domain::billing::actions::portal_link(&ctx, &v.services).await.map_err(visit::told)?;
    leptos_axum::redirect(&url);
    Ok(())
}

/// Where invoices go, and what stands on them.
#[server(prefix = "/_fn", endpoint = "billing-details")]
pub async fn billing_details(
    organization: String,
    company: String,
    email: String,
    line1: String,
    #[server(default)] line2: String,
    #[server(default)] postal_code: String,
    city: String,
    country: String,
    #[server(default)] vat_number: String,
    #[server(default)] purchase_order: String,
) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, _) = v.enter(&organization).await?;
    let details = domain::ports::billing::Details { company, email, line1, line2, postal_code, city, country, vat_number, purchase_order };
    domain::billing::actions::set_details(&ctx, &v.services, &details).await.map_err(|e| {
        visit::told(e).with_typed(&[
            ("company", &details.company),
            ("email", &details.email),
            ("line1", &details.line1),
            ("line2", &details.line2),
            ("postal_code", &details.postal_code),
            ("city", &details.city),
            ("country", &details.country),
            ("vat_number", &details.vat_number),
            ("purchase_order", &details.purchase_order),
        ])
    })?;
    back(&organization, "saved");
    Ok(())
}

/// An owner lets admins buy seats, or not.
#[server(prefix = "/_fn", endpoint = "admins-may-buy")]
pub async fn admins_may_buy(organization: String, allowed: bool) -> Result<(), PageError> {
    use crate::visit;
    let v = visit::visit();
    let (ctx, _) = v.enter(&organization).await?;
    domain::billing::actions::set_admins_may_buy(&ctx, &v.services, allowed).await.map_err(visit::told)?;
    back(&organization, "saved");
    Ok(())
}
