//! `/orgs/{slug}`: what one wants to know first.

mod attention;
mod first_steps;

use crate::PageError;
use crate::layout::{OrgLayout, OrgPage, PageHead};
use crate::licenses::{self, Ends, KeyLine, StatusBadge};
use crate::org::{Org, org_page};
use crate::page::counted;
use crate::sessions::{LiveBadge, OnNow, SeatsNow, beats};
use crate::ui::{ButtonLink, Callout, Icon, Tone, icon};
use crate::visit::told;
use attention::{Attention, attention};
use domain::{members, organizations};
use first_steps::FirstSteps;
use leptos::prelude::*;
use types::Action;
use types::licenses::License;
use types::organizations::{MemberList, TenantStatus};

/// `/orgs/{slug}`
#[component]
pub fn OverviewPage() -> impl IntoView {
    org_page(load)
}

/// What the page is made of beside what every page of the organisation has.
struct Facts {
    /// Starts refused for want of a seat in the last 24 hours.
    refused: u32,
    /// None for those who may not see them.
    licenses: Vec<License>,
    /// For those who manage members.
    people: Option<MemberList>,
}

async fn load(org: Org) -> Result<AnyView, PageError> {
    let svc = org.services();
    let refused = organizations::denials(&org.ctx, svc, 24).await.map_err(told)?;
    let licenses = if org.may(Action::LicensesView) { domain::licenses::list(&org.ctx, svc).await.map_err(told)? } else { Vec::new() };
    let people = if org.may(Action::MembersManage) { Some(members::list(&org.ctx, svc).await.map_err(told)?) } else { None };
    let facts = Facts { refused: u32::try_from(refused).unwrap_or(u32::MAX), licenses, people };
    let in_use = org.live.as_ref().is_ok_and(|live| live.active > 0);
    let is_new = !in_use && org.tenant.status == TenantStatus::Active && !organizations::has_started(&org.ctx, svc).await.map_err(told)?;
    Ok(if is_new { welcome(&org, facts) } else { overview(&org, facts) })
}

/// Nobody has ever started the application: the page leads there.
fn welcome(org: &Org, facts: Facts) -> AnyView {
    let (slug, now) = (org.slug().to_owned(), org.now());
    let steps = FirstSteps::of(org, facts.people.as_ref());
    let beats = beats(&facts.licenses);
    let on_now = org.live.clone().ok().filter(|_| org.sees_sessions()).map(|live| {
        let slug = slug.clone();
        view! {
            <section class="card" aria-labelledby="h-on">
                <h2 class="sr-only" id="h-on">
                    "On now"
                </h2>
                <OnNow slug=slug view=live license=None compact=true beats=beats now=now/>
            </section>
        }
    });
    let license = facts.licenses.into_iter().next().map(|license| view! { <LicenseCard license=license others=0 slug=slug.clone()/> });
    let title = format!("Welcome to {}", org.tenant.name);
    view! {
        <OrgLayout frame=org.frame() page=OrgPage::Overview toast=org.toast()>
            <PageHead title=title text=steps.text()>
                <LiveBadge slug=slug now=now/>
            </PageHead>
            <div class="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
                {steps.view()}
                <div class="grid content-start gap-4">
                    {on_now}
                    {license}
                </div>
            </div>
        </OrgLayout>
    }
    .into_any()
}

fn overview(org: &Org, facts: Facts) -> AnyView {
    let (slug, now) = (org.slug().to_owned(), org.now());
    let items = attention(org, &facts);
    let Facts { refused, licenses, .. } = facts;
    let beats = beats(&licenses);
    let seats = match &org.live {
        Ok(live) => {
            let (used, total) = (live.active, live.max_seats);
            view! { <SeatsNow slug=slug.clone() used=used total=total refused=refused now=now/> }.into_any()
        }
        Err(_) => view! {
            <Callout tone=Tone::Warn title="Seats in use cannot be read at the moment.">
                "Running applications keep their seats. Reload the page in a minute."
            </Callout>
        }
        .into_any(),
    };
    let all_sessions = org.href(OrgPage::Sessions);
    let title = if org.may(Action::SessionsView) { "On now" } else { "Your sessions" };
    let on_now = org.live.clone().ok().filter(|_| org.sees_sessions()).map(|live| {
        let slug = slug.clone();
        view! {
            <section class="card" aria-labelledby="h-on">
                <div class="card-head">
                    <h2 id="h-on">{title}</h2>
                    <a class="link text-sm" href=all_sessions>
                        "All sessions"
                    </a>
                </div>
                <OnNow slug=slug view=live license=None compact=false beats=beats now=now/>
            </section>
        }
    });
    let others = licenses.len().saturating_sub(1);
    let license = licenses.into_iter().next().map(|license| view! { <LicenseCard license=license others=others slug=slug.clone()/> });
    let invite = org.may(Action::MembersManage).then(|| {
        view! {
            <ButtonLink href=org.href(OrgPage::Members)>
                <Icon icon=icon::USER_ROUND_PLUS/>
                "Invite people"
            </ButtonLink>
        }
    });
    view! {
        <OrgLayout frame=org.frame() page=OrgPage::Overview toast=org.toast()>
            <PageHead title="Overview">
                <LiveBadge slug=slug now=now/>
                {invite}
            </PageHead>
            <div class="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
                <div class="grid grid-cols-[minmax(0,1fr)] content-start gap-4">
                    <section class="card p-4" aria-labelledby="h-seats">
                        <h2 class="sr-only" id="h-seats">
                            "Seats"
                        </h2>
                        {seats}
                    </section>
                    {on_now}
                </div>
                <div class="grid content-start gap-4">
                    <Attention items=items/>
                    {license}
                </div>
            </div>
        </OrgLayout>
    }
    .into_any()
}

/// The first licence: what it is, and its key.
#[component]
fn LicenseCard(license: License, others: usize, slug: String) -> impl IntoView {
    let all = OrgPage::Licenses.href(&slug);
    let one = format!("{all}/{}", license.id);
    let seats = counted(license.max_seats as usize, "seat", "seats");
    let more = (others > 0).then(|| {
        view! {
            <p class="card-foot">
                <a class="link" href=all>
                    {format!("and {}", counted(others, "other license", "other licenses"))}
                </a>
            </p>
        }
    });
    view! {
        <section class="card" aria-labelledby="h-license">
            <div class="card-head">
                <h2 id="h-license">"License"</h2>
                <a class="link text-sm" href=one>
                    "Details"
                </a>
            </div>
            <div class="card-body">
                <p class="flex flex-wrap items-center gap-2">
                    <span class="text-xl font-semibold">{licenses::tier_label(license.tier)}</span>
                    <StatusBadge status=license.status/>
                </p>
                <p class="text-sm text-ink-2">{seats} " · " <Ends at=license.expires_at/></p>
                <div class="mt-3">
                    <KeyLine key_text=license.key/>
                </div>
            </div>
            {more}
        </section>
    }
}
