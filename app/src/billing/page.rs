//! `/orgs/{slug}/billing`, and the way back from the provider's pages.

use super::details::Details;
use super::parts::{Booked, Canceled, FreePlan, Granted, Invoices, PaidWith, Pending, Plan, PortalButton, cancel_dialog};
use super::seats::SeatPicker;
use super::{BuySeats, UpdateSeats};
use crate::PageError;
use crate::layout::{OrgLayout, OrgPage, PageHead};
use crate::org::{Org, org_page};
use crate::page::{counted, filled};
use crate::problem::typed;
use crate::ui::{self, Callout, Form, Sending, Tone, times};
use crate::visit::told;
use domain::billing::view::{self, Billing};
use leptos::prelude::*;
use types::Problem;
use types::billing::{Interval, SeatQuote};
use types::licenses::{LicenseSource, LicenseStatus};
use types::organizations::TenantStatus;

/// Back from the provider: what was done there is read before the page is shown.
#[component]
pub fn BillingReturnPage() -> impl IntoView {
    org_page(async |org| {
        let read = domain::billing::actions::returned(&org.ctx, org.services()).await;
        let toast = match read {
            Ok(true) if filled("session_id").is_some() => "bought",
            Ok(_) => "read",
            Err(error @ domain::Error::Refused(_)) => return Err(told(error)),
            Err(error) => {
                tracing::warn!(%error, "what was bought is read later");
                "read_later"
            }
        };
        leptos_axum::redirect(&format!("{}?toast={toast}", org.href(OrgPage::Billing)));
        Ok(().into_any())
    })
}

/// `/orgs/{slug}/billing`
#[component]
pub fn BillingPage() -> impl IntoView {
    org_page(load)
}

async fn load(org: Org) -> Result<AnyView, PageError> {
    let billing = view::view(&org.ctx, org.services()).await.map_err(told)?;
    let quote = quote(&org).await;
    let slug = org.slug().to_owned();
    let portal = (billing.may_change && billing.has_customer && billing.for_sale)
        .then(|| view! { <PortalButton slug=slug.clone() class="btn btn-secondary">"Open customer portal"</PortalButton> });
    let dialog = (filled("cancel").is_some() && billing.may_change).then(|| cancel_dialog(&org, &billing)).flatten();
    let away = problem_of_parts();
    let (several, suspended) = (billing.several, org.tenant.status == TenantStatus::Suspended);
    Ok(view! {
        <OrgLayout frame=org.frame() page=OrgPage::Billing toast=org.toast() dialog=dialog>
            <PageHead title="Billing">{portal}</PageHead>
            {away}
            {several.then(|| view! {
                <div class="mb-4">
                    <Callout tone=Tone::Bad title="Two plans are running.">
                        "Only one should. Ask our support: one is ended and what was paid for it is paid back."
                    </Callout>
                </div>
            })}
            {suspended.then(|| view! {
                <div class="mb-4">
                    <Callout tone=Tone::Warn title="Your organization is suspended.">"Seats cannot be bought or changed now. Ask our support."</Callout>
                </div>
            })}
            {billing.pending.clone().map(|by| view! { <Pending by=by/> })}
            {(!billing.may_change).then(|| view! {
                <div class="mb-4"><Callout>{format!("You may look; plan and seats are changed by {}.", billing.whom_to_ask)}</Callout></div>
            })}
            <div class="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
                <div class="grid grid-cols-[minmax(0,1fr)] content-start gap-4">
                    {seats_card(&slug, &billing, quote)}
                    <Details slug=slug.clone() billing=billing.clone()/>
                </div>
                <div class="grid content-start gap-4">
                    {match (billing.subscription.clone(), billing.source) {
                        (subscription, LicenseSource::Grant) => view! {
                            <Granted billing=billing.clone()/>
                            {subscription.map(|s| view! { <Plan slug=slug.clone() billing=billing.clone() subscription=s/> })}
                        }
                        .into_any(),
                        (Some(subscription), _) => view! { <Plan slug=slug.clone() billing=billing.clone() subscription=subscription/> }.into_any(),
                        (None, _) => view! { <FreePlan slug=slug.clone() billing=billing.clone()/> }.into_any(),
                    }}
                    {billing.card.clone().map(|card| view! {
                        <PaidWith slug=slug.clone() card=card declined=billing.unpaid.is_some() may_change=billing.may_change/>
                    })}
                </div>
                <div class="lg:col-span-2">
                    <Invoices invoices=billing.invoices.clone() sent_to=billing.details.email.clone()/>
                </div>
            </div>
        </OrgLayout>
    }
    .into_any())
}

/// The price of what the address asks for, or what stands against it.
async fn quote(org: &Org) -> Option<Result<SeatQuote, Problem>> {
    let seats = filled("seats")?;
    let interval = filled("interval").and_then(|i| i.parse().ok()).unwrap_or(Interval::Month);
    let asked = match super::number(&seats) {
        Ok(seats) => domain::billing::quotes::quote(&org.ctx, org.services(), seats, interval).await,
        Err(error) => Err(error),
    };
    Some(asked.map_err(domain::Error::into_problem))
}

/// What a form of this page that has no field to show it by came back with.
fn problem_of_parts() -> Option<AnyView> {
    let found = [
        Sending::to::<super::KeepSeats>().problem.get_untracked(),
        Sending::to::<super::CancelPlan>().problem.get_untracked(),
        Sending::to::<super::CustomerPortal>().problem.get_untracked(),
        Sending::to::<super::AdminsMayBuy>().problem.get_untracked(),
    ];
    let problem = found.into_iter().flatten().next()?;
    Some(view! { <div class="mb-4"><Callout tone=Tone::Bad title=problem.title alert=true>{problem.detail}</Callout></div> }.into_any())
}

/// Seats: how many, what more or fewer cost, and the button.
fn seats_card(slug: &str, billing: &Billing, quote: Option<Result<SeatQuote, Problem>>) -> AnyView {
    let price = match &billing.subscription {
        _ if billing.source == LicenseSource::Grant => String::new(),
        Some(s) => format!("{} a seat, {} {}", s.unit_price, "each", s.interval.as_str()),
        None => billing.prices.first().map(|(interval, price)| format!("{price} a seat, each {}", interval.as_str())).unwrap_or_default(),
    };
    let body = if billing.source == LicenseSource::Grant {
        view! { <p class="card-body text-sm text-ink-2">"Your seats are arranged with our sales team. Ask them for more or fewer."</p> }
            .into_any()
    } else if !billing.for_sale {
        view! { <p class="card-body text-sm text-ink-2">"Seats cannot be bought here at the moment. Ask us for more."</p> }.into_any()
    } else if !billing.may_change {
        in_use(billing)
    } else {
        picker(slug, billing, quote)
    };
    let booked = billing.subscription.as_ref().and_then(|s| s.booked).map(|b| (b, billing.seats));
    view! {
        <section class="card" aria-labelledby="h-seats">
            <div class="card-head">
                <h2 id="h-seats">"Seats"</h2>
                <span class="text-sm text-ink-3">{price}</span>
            </div>
            {booked.map(|(booked, seats)| view! { <Booked slug=slug.to_owned() booked=booked seats=seats may_change=billing.may_change/> })}
            {billing.subscription.as_ref().filter(|s| s.cancel_at_period_end).map(|s| {
                view! { <Canceled slug=slug.to_owned() end=s.period_end may_change=billing.may_change/> }
            })}
            {body}
        </section>
    }
    .into_any()
}

fn in_use(billing: &Billing) -> AnyView {
    let total = billing.seats;
    match billing.in_use {
        Some(used) => view! {
            <div class="card-body grid gap-2">
                <p class="flex justify-between text-sm">
                    <span class="text-ink-3">"In use now"</span>
                    <span class="font-medium tabular-nums">{format!("{used} of {total}")}</span>
                </p>
                <ui::Meter used=used total=total/>
            </div>
        }
        .into_any(),
        None => view! { <p class="card-body text-sm text-ink-2">{format!("{total} owned; use is unknown at the moment.")}</p> }.into_any(),
    }
}

fn picker(slug: &str, billing: &Billing, quote: Option<Result<SeatQuote, Problem>>) -> AnyView {
    let (buy, update) = (Sending::to::<BuySeats>(), Sending::to::<UpdateSeats>());
    let problem = buy.problem.get_untracked().or_else(|| update.problem.get_untracked());
    let owned = billing.subscription.as_ref().map(|s| s.seats);
    let chosen = problem
        .as_ref()
        .and_then(|p| typed(p, "seats").map(str::to_owned))
        .or_else(|| filled("seats"))
        .unwrap_or_else(|| owned.unwrap_or(5).to_string());
    let (quote, asked_wrong) = match quote {
        Some(Ok(quote)) => (Some(quote), None),
        Some(Err(problem)) => (None, Some(problem.detail)),
        None => (None, None),
    };
    let error = problem.as_ref().map(|p| p.field("seats").map_or_else(|| p.detail.clone(), str::to_owned)).or(asked_wrong);
    if billing.unpaid.is_some() {
        let owned = counted(billing.seats as usize, "seat", "seats");
        let until = billing.unpaid.as_ref().map(|(_, until)| times::utc_date(*until)).unwrap_or_default();
        let text = if billing.status == LicenseStatus::Restricted {
            format!("You own {owned}; new starts are refused until the open invoice is paid. Then you can also change how many.")
        } else {
            format!("You own {owned} and keep them until {until}. Pay the open invoice to change how many.")
        };
        return view! {
            <div class="card-body grid gap-3">
                <p class="text-sm text-ink-2">{text}</p>
            </div>
            {in_use(billing)}
        }
        .into_any();
    }
    if billing.subscription.as_ref().is_some_and(|s| s.cancel_at_period_end) {
        return in_use(billing);
    }
    let (slug, used) = (slug.to_owned(), billing.in_use);
    match &billing.subscription {
        Some(s) => {
            let (owned, every) = (s.seats, s.interval.to_string());
            let note = format!(
                "More seats count at once. Fewer take effect on {}: nobody who is running is ended; new starts wait until use is below the limit.",
                times::utc_date(s.period_end)
            );
            view! {
                <Form action=update>
                    <SeatPicker
                        organization=slug
                        owned=owned
                        used=used
                        chosen=chosen
                        quote=quote
                        error=error
                        intervals=Vec::new()
                        interval=every
                        button="Update seats".to_owned()
                        note=note
                    />
                </Form>
            }
            .into_any()
        }
        None => {
            let intervals = billing
                .prices
                .iter()
                .map(|(interval, price)| {
                    let how = match interval {
                        Interval::Month => "monthly",
                        Interval::Year => "yearly",
                    };
                    (interval.to_string(), format!("{price} a seat, {how}"))
                })
                .collect();
            let interval = problem
                .as_ref()
                .and_then(|p| typed(p, "interval").map(str::to_owned))
                .or_else(|| filled("interval"))
                .unwrap_or_else(|| Interval::Month.to_string());
            view! {
                <Form action=buy>
                    <SeatPicker
                        organization=slug
                        owned=0
                        used=used
                        chosen=chosen
                        quote=quote
                        error=error
                        intervals=intervals
                        interval=interval
                        button="Buy seats".to_owned()
                        note="You pay on Stripe’s page. Your license key and your people stay as they are.".to_owned()
                    />
                </Form>
            }
            .into_any()
        }
    }
}
