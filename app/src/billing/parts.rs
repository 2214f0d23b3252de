//! The cards beside the seats.

use super::{AdminsMayBuy, CancelPlan, CustomerPortal, KeepSeats};
use crate::layout::OrgPage;
use crate::licenses::StatusBadge;
use crate::org::Org;
use crate::page::counted;
use crate::ui::{
    Badge, ButtonLink, Callout, Dialog, DialogBody, DialogFoot, EmptyState, Form, Icon, Kind, Sending, Table, Tone, icon, times,
};
use domain::billing::plans;
use domain::billing::view::{Billing, Owed};
use domain::ports::billing::{BookedSeats, Card, Invoice, InvoiceStatus, Subscription};
use leptos::prelude::*;
use time::OffsetDateTime;
use types::billing::Interval;
use types::licenses::{LicenseStatus, Tier};

/// A form of one button that leads to the provider's page.
#[component]
pub fn PortalButton(slug: String, class: &'static str, children: Children) -> impl IntoView {
    view! {
        <Form action={Sending::to::<CustomerPortal>()}>
            <input type="hidden" name="organization" value=slug/>
            <button class=class type="submit">
                {children()}
                {(class != "link-button").then(|| view! { <Icon icon=icon::EXTERNAL_LINK small=true/> })}
            </button>
        </Form>
    }
}

/// Money is owed: what, when it is tried again, and what happens otherwise.
#[component]
pub fn OwedNotice(
    slug: String,
    owed: Owed,
    /// Otherwise it leads there.
    on_billing: bool,
) -> impl IntoView {
    let Owed { invoice, status, until, card } = owed;
    let amount = invoice.remaining.to_string();
    let failed = invoice.finalized_at.unwrap_or(invoice.created);
    let card = card.map_or_else(|| "The card".to_owned(), |card| card.label);
    let again = invoice.next_attempt.map(|at| format!(" We try again on {}.", times::utc_date(at))).unwrap_or_default();
    let otherwise = if status == LicenseStatus::Restricted {
        "New starts are refused until it is paid; nobody who is running is cut off. Paying restores everything at once.".to_owned()
    } else {
        format!("If it is still open on {}, new starts are refused from then on; nobody who is running is cut off.", times::utc_date(until))
    };
    let pay = invoice.url.clone().map(|url| {
        let text = format!("Pay {amount} now");
        view! { <ButtonLink href=url kind=Kind::Primary>{text}</ButtonLink> }
    });
    let ways = if on_billing {
        view! {
            <PortalButton slug=slug class="btn btn-secondary">"Change card"</PortalButton>
            {pay}
        }
        .into_any()
    } else {
        view! { <ButtonLink href=OrgPage::Billing.href(&slug)>"Go to billing"</ButtonLink> }.into_any()
    };
    view! {
        <div class="callout callout-bad mb-4 flex-wrap" role="alert">
            <Icon icon=icon::CREDIT_CARD/>
            <div class="min-w-60 flex-1">
                <strong>{format!("Payment of {amount} failed on {}", times::utc_date(failed))}</strong>
                " "
                {format!("{card} could not be charged.{again} {otherwise}")}
            </div>
            <div class="flex flex-none flex-wrap gap-2">{ways}</div>
        </div>
    }
}

/// Something was decided and the provider has not answered yet.
#[component]
pub fn Pending(by: String) -> impl IntoView {
    view! {
        <div class="mb-4">
            <Callout tone=Tone::Accent icon=icon::CLOCK title="A change is being carried out.">
                {format!("{by} has decided something that the payment provider has not confirmed yet. It is done once; load this page again in a minute.")}
            </Callout>
        </div>
    }
}

/// Fewer seats are booked.
#[component]
pub fn Booked(slug: String, booked: BookedSeats, seats: u32, may_change: bool) -> impl IntoView {
    let text = format!("From {} on you have {}.", times::utc_date(booked.at), counted(booked.seats as usize, "seat", "seats"));
    let keep = format!("Keep {}", counted(seats as usize, "seat", "seats"));
    view! {
        <div class="flex flex-wrap items-center justify-between gap-3 border-b border-line bg-surface px-4 py-3 text-sm">
            <span class="flex items-center gap-2">
                <Icon icon=icon::CALENDAR small=true/>
                {text}
            </span>
            {may_change.then(|| view! {
                <Form action={Sending::to::<KeepSeats>()}>
                    <input type="hidden" name="organization" value=slug/>
                    <button class="btn btn-secondary btn-sm" type="submit">
                        {keep}
                    </button>
                </Form>
            })}
        </div>
    }
}

/// The plan ends with its period.
#[component]
pub fn Canceled(slug: String, end: OffsetDateTime, may_change: bool) -> impl IntoView {
    let text = format!(
        "The plan is canceled and ends on {}. From then on you have the free plan: {}.",
        times::utc_date(end),
        counted(plans::plan(Tier::Free).seats as usize, "seat", "seats")
    );
    view! {
        <div class="flex flex-wrap items-center justify-between gap-3 border-b border-line bg-surface px-4 py-3 text-sm">
            <span class="flex items-center gap-2">
                <Icon icon=icon::CALENDAR small=true/>
                {text}
            </span>
            {may_change.then(|| view! {
                <Form action={Sending::to::<CancelPlan>()}>
                    <input type="hidden" name="organization" value=slug/>
                    <input type="hidden" name="canceled" value="false"/>
                    <button class="btn btn-secondary btn-sm" type="submit">
                        "Resume plan"
                    </button>
                </Form>
            })}
        </div>
    }
}

fn title(tier: Tier) -> String {
    format!("{} plan", plans::title(tier))
}

#[component]
fn Fact(name: &'static str, #[prop(into)] value: String) -> impl IntoView {
    view! {
        <dt>{name}</dt>
        <dd>{value}</dd>
    }
}

fn owned(billing: &Billing) -> String {
    match billing.in_use {
        Some(used) => format!("{} owned, {used} in use", billing.seats),
        None => format!("{} owned", billing.seats),
    }
}

/// The plan's name and standing, and what is inside.
#[component]
fn PlanCard(tier: Tier, status: LicenseStatus, children: Children) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="h-plan">
            <div class="card-head">
                <h2 id="h-plan">{title(tier)}</h2>
                <StatusBadge status=status/>
            </div>
            {children()}
        </section>
    }
}

/// A bought plan.
#[component]
pub fn Plan(slug: String, billing: Billing, subscription: Subscription) -> impl IntoView {
    let (head, amount) = match (&billing.unpaid, &billing.next_charge) {
        (Some((invoice, _)), _) => ("Open amount".to_owned(), invoice.remaining.to_string()),
        (None, Some(charge)) => (format!("Next charge, {}", times::utc_date(charge.at)), charge.amount.to_string()),
        (None, None) => ("Ends on".to_owned(), times::utc_date(subscription.period_end)),
    };
    let paid = match subscription.interval {
        Interval::Month => "Monthly",
        Interval::Year => "Yearly",
    };
    let renews = times::utc_date(subscription.period_end);
    let cancel = (billing.may_change && !subscription.cancel_at_period_end).then(|| {
        view! {
            <div class="card-foot justify-end">
                <a class="link" href=format!("{}?cancel=plan", OrgPage::Billing.href(&slug))>
                    "Cancel plan"
                </a>
            </div>
        }
    });
    view! {
        <PlanCard tier=billing.tier status=billing.status>
            <div class="card-body grid gap-4">
                <dl class="stat m-0">
                    <dt>{head}</dt>
                    <dd class="tabular-nums">{amount}</dd>
                </dl>
                <dl class="facts m-0">
                    <Fact name="Seats" value=owned(&billing)/>
                    <Fact name="Paid" value=paid/>
                    {(!subscription.cancel_at_period_end).then(|| view! { <Fact name="Renews" value=renews/> })}
                    <Fact name="Customer since" value=times::utc_date(subscription.created)/>
                </dl>
            </div>
            {cancel}
            <WhoMayBuy slug=slug billing=billing/>
        </PlanCard>
    }
}

/// An owner decides whether admins may buy.
#[component]
fn WhoMayBuy(slug: String, billing: Billing) -> impl IntoView {
    billing.is_owner.then(|| {
        let (text, act) = if billing.admins_may_buy {
            ("Owners, admins and billing may change seats.", "Keep it from admins")
        } else {
            ("Only owners and billing may change seats.", "Allow admins, too")
        };
        view! {
            <Form action={Sending::to::<AdminsMayBuy>()} class="card-foot flex-wrap">
                <span>{text}</span>
                <input type="hidden" name="organization" value=slug/>
                <input type="hidden" name="allowed" value=(!billing.admins_may_buy).to_string()/>
                <button class="link-button" type="submit">
                    {act}
                </button>
            </Form>
        }
    })
}

/// Everybody's free seat.
#[component]
pub fn FreePlan(slug: String, billing: Billing) -> impl IntoView {
    let from = billing.prices.first().map(|(interval, price)| format!("{price} a seat {}", interval.per()));
    view! {
        <PlanCard tier=billing.tier status=billing.status>
            <div class="card-body grid gap-4">
                <dl class="facts m-0">
                    <Fact name="Seats" value=owned(&billing)/>
                    <Fact name="Costs" value="Nothing"/>
                </dl>
                {from.map(|from| view! {
                    <p class="text-sm text-ink-2">
                        {format!("With Pro, {from}: as many people at once as you buy seats, cancel at any time.")}
                    </p>
                })}
            </div>
            <WhoMayBuy slug=slug billing=billing/>
        </PlanCard>
    }
}

/// A plan that staff have given.
#[component]
pub fn Granted(billing: Billing) -> impl IntoView {
    view! {
        <PlanCard tier=billing.tier status=billing.status>
            <div class="card-body grid gap-4">
                <dl class="facts m-0">
                    <Fact name="Seats" value=owned(&billing)/>
                    <Fact name="Paid" value="As agreed"/>
                    {billing.ends.map(|end| view! { <Fact name="Until" value=times::utc_date(end)/> })}
                </dl>
            </div>
        </PlanCard>
    }
}

/// The card that is charged.
#[component]
pub fn PaidWith(slug: String, card: Card, declined: bool, may_change: bool) -> impl IntoView {
    let below = if declined { "Could not be charged".to_owned() } else { format!("Expires {}", card.expires) };
    view! {
        <section class="card" aria-labelledby="h-card">
            <div class="card-head">
                <h2 id="h-card">"Paid with"</h2>
                {may_change.then(|| view! { <PortalButton slug=slug class="link-button">"Change"</PortalButton> })}
            </div>
            <p class="card-body m-0 flex items-center gap-3 text-sm">
                <Icon icon=icon::CREDIT_CARD/>
                <span>
                    {card.label}
                    <span class="block text-ink-3">{below}</span>
                </span>
            </p>
        </section>
    }
}

/// All invoices, newest first.
#[component]
pub fn Invoices(invoices: Vec<Invoice>, sent_to: String) -> impl IntoView {
    if invoices.is_empty() {
        return view! {
            <section class="card" aria-labelledby="h-invoices">
                <EmptyState icon=icon::RECEIPT_TEXT title="No invoices yet" title_id="h-invoices">
                    <p>"The first one stands here when seats are bought."</p>
                </EmptyState>
            </section>
        }
        .into_any();
    }
    let rows = invoices
        .into_iter()
        .map(|i| {
            let number = i.number.clone().unwrap_or_else(|| "—".to_owned());
            let pdf = i.pdf.clone().map(|pdf| {
                view! {
                    <a class="btn btn-ghost btn-icon btn-sm" href=pdf download=true aria-label=format!("Download invoice {number}")>
                        <Icon icon=icon::DOWNLOAD small=true/>
                    </a>
                }
            });
            let linked = |text: String| match i.url.clone() {
                Some(url) => view! { <a class="link" href=url>{text}</a> }.into_any(),
                None => text.into_any(),
            };
            // A phone has no room for the number.
            let (shown, dated) = (linked(number.clone()), linked(times::utc_date(i.created)));
            view! {
                <tr>
                    <td>
                        <span class="strong whitespace-nowrap max-md:hidden">{times::utc_date(i.created)}</span>
                        <span class="md:hidden">{dated}</span>
                        <span class="block text-sm text-ink-3 md:hidden">{i.description.clone()}</span>
                    </td>
                    <td class="p3">{shown}</td>
                    <td class="p3">{i.description.clone()}</td>
                    <td><InvoiceBadge status=i.status unpaid={i.attempts > 0}/></td>
                    <td class="num">{i.total.to_string()}</td>
                    <td class="act">{pdf}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section aria-labelledby="h-invoices">
            <div class="mb-2 flex flex-wrap items-baseline justify-between gap-2">
                <h2 id="h-invoices">"Invoices"</h2>
                {(!sent_to.is_empty()).then(|| view! { <span class="text-sm text-ink-3">{format!("Sent to {sent_to}")}</span> })}
            </div>
            <Table caption="Invoices, newest first" sticky=false>
                <thead>
                    <tr>
                        <th scope="col">"Date"</th>
                        <th scope="col" class="p3">"Number"</th>
                        <th scope="col" class="p3">"What for"</th>
                        <th scope="col">"State"</th>
                        <th scope="col" class="num">"Amount"</th>
                        <th scope="col"><span class="sr-only">"Download"</span></th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </section>
    }
    .into_any()
}

#[component]
fn InvoiceBadge(status: InvoiceStatus, unpaid: bool) -> impl IntoView {
    let (tone, text) = match status {
        InvoiceStatus::Paid => (Tone::Ok, "Paid"),
        InvoiceStatus::Open if unpaid => (Tone::Bad, "Past due"),
        InvoiceStatus::Open => (Tone::Warn, "Open"),
        InvoiceStatus::Draft => (Tone::Neutral, "Draft"),
        InvoiceStatus::Uncollectible => (Tone::Bad, "Unpaid"),
        InvoiceStatus::Void => (Tone::Neutral, "Void"),
    };
    view! { <Badge tone=tone>{text}</Badge> }
}

/// Asks once more, with what it means.
pub fn cancel_dialog(org: &Org, billing: &Billing) -> Option<AnyView> {
    let s = billing.subscription.as_ref().filter(|s| !s.cancel_at_period_end)?;
    let end = times::utc_date(s.period_end);
    let free = plans::plan(Tier::Free).seats;
    let running = match billing.in_use {
        Some(used) if used > free => {
            format!(
                " {} are in use now; whoever runs then goes on, and new starts wait until use is below {free}.",
                counted(used as usize, "seat", "seats")
            )
        }
        _ => String::new(),
    };
    let charged = match &billing.unpaid {
        Some((invoice, _)) => format!("only the open {} is still charged", invoice.remaining),
        None => "nothing is charged any more".to_owned(),
    };
    let consequence = format!(
        "You keep {} until {end}, and {charged}. Then you have the free plan: {}.{running}",
        counted(s.seats as usize, "seat", "seats"),
        counted(free as usize, "seat", "seats")
    );
    let back = org.href(OrgPage::Billing);
    let slug = org.slug().to_owned();
    Some(
        view! {
            <Dialog close_href=back.clone()>
                <Form action={Sending::to::<CancelPlan>()}>
                    <DialogBody title="Cancel the plan?" consequence=consequence>
                        <p class="text-sm">"You can resume it until then."</p>
                        <input type="hidden" name="organization" value=slug/>
                        <input type="hidden" name="canceled" value="true"/>
                    </DialogBody>
                    <DialogFoot keep="Keep plan" close_href=back>
                        <button class="btn btn-danger" type="submit">
                            "Cancel plan"
                        </button>
                    </DialogFoot>
                </Form>
            </Dialog>
        }
        .into_any(),
    )
}
