//! `/orgs/{slug}/licenses` and `/orgs/{slug}/licenses/{id}`

use super::policy::ChoicesCard;
use super::{Ends, KeyLine, StatusBadge, same_if, status_meaning, tier_label};
use crate::PageError;
use crate::layout::{OrgLayout, OrgPage, PageHead};
use crate::org::{Org, org_page};
use crate::page::counted;
use crate::sessions::{OnNow, beats};
use crate::ui::{Badge, Callout, EmptyState, Meter, Time, TimeStyle, Tone, icon, times};
use crate::visit::told;
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use types::Action;
use types::licenses::{License, LicenseStatus, offline_cap};

/// `/orgs/{slug}/licenses`
#[component]
pub fn LicensesPage() -> impl IntoView {
    org_page(list)
}

async fn list(org: Org) -> Result<AnyView, PageError> {
    let licenses = domain::licenses::list(&org.ctx, org.services()).await.map_err(told)?;
    let base = org.href(OrgPage::Licenses);
    let body = if licenses.is_empty() {
        view! {
            <div class="card">
                <EmptyState icon=icon::KEY_ROUND title="No license">
                    <p>"This organization owns no seats at the moment, so nobody can start the application."</p>
                </EmptyState>
            </div>
        }
        .into_any()
    } else {
        licenses
            .into_iter()
            .map(|license| view! { <LicenseRow href=format!("{base}/{}", license.id) license=license/> })
            .collect_view()
            .into_any()
    };
    Ok(view! {
        <OrgLayout frame=org.frame() page=OrgPage::Licenses toast=org.toast()>
            <PageHead title="Licenses" text="What this organization owns. The application finds its license by itself; keys are for scripts and support."/>
            <div class="grid gap-4">{body}</div>
        </OrgLayout>
    }
    .into_any())
}

#[component]
fn LicenseRow(license: License, href: String) -> impl IntoView {
    let title = format!("{} license", tier_label(license.tier));
    view! {
        <section class="card">
            <div class="card-head">
                <h2 class="flex flex-wrap items-center gap-2">
                    <a class="link" href=href.clone()>
                        {title}
                    </a>
                    <StatusBadge status=license.status/>
                </h2>
                <span class="text-sm text-ink-3 first-letter:uppercase max-sm:hidden">
                    <Ends at=license.expires_at/>
                </span>
            </div>
            <div class="card-body grid gap-x-8 gap-y-4 md:grid-cols-2">
                <SeatsOf license=license.clone()/>
                <div>
                    <p class="mb-1 text-sm text-ink-3">"License key"</p>
                    <KeyLine key_text=license.key/>
                </div>
            </div>
        </section>
    }
}

/// Seats in use of seats owned.
#[component]
fn SeatsOf(license: License) -> impl IntoView {
    let total = license.max_seats;
    match license.active {
        Some(used) => view! {
            <div>
                <p class="mb-2 flex items-baseline justify-between text-sm">
                    <span class="text-ink-3">"Seats in use"</span>
                    <span class="font-medium tabular-nums">{format!("{used} of {total}")}</span>
                </p>
                <Meter used=used total=total/>
            </div>
        }
        .into_any(),
        None => view! {
            <div>
                <p class="text-sm text-ink-3">"Seats"</p>
                <p class="font-medium">{counted(total as usize, "seat", "seats")} <span class="font-normal text-ink-3">", use unknown at the moment"</span></p>
            </div>
        }
        .into_any(),
    }
}

/// `/orgs/{slug}/licenses/{id}`
#[component]
pub fn LicensePage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    org_page(async move |org| one(org, &id).await)
}

async fn one(org: Org, id: &str) -> Result<AnyView, PageError> {
    let license = domain::licenses::get(&org.ctx, org.services(), id).await.map_err(told)?;
    let title = format!("{} license", tier_label(license.tier));
    let notice = (license.status != LicenseStatus::Active).then(|| {
        let tone = if license.status == LicenseStatus::PastDue { Tone::Warn } else { Tone::Bad };
        view! { <div class="mb-4"><Callout tone=tone>{status_meaning(license.status)}</Callout></div> }
    });
    let holders = holders(&org, &license);
    let features = license.features.clone().into_iter().map(|feature| view! { <Badge outline=true>{feature}</Badge> }).collect_view();
    let limits = limits(&license);
    let key = license.key.clone();
    let choices = org.may(Action::LicensesManage).then(|| {
        view! {
            <section class="card" aria-labelledby="h-choices">
                <div class="card-head">
                    <h2 id="h-choices">"What you decide"</h2>
                </div>
                <div class="card-body">
                    <p class="mb-4 text-sm text-ink-2">"A change counts at the next start. Nobody who is running is cut off."</p>
                    <ChoicesCard slug=org.slug().to_owned() license=license.clone()/>
                </div>
            </section>
        }
    });
    Ok(view! {
        <OrgLayout frame=org.frame() page=OrgPage::Licenses title=Some(title.clone()) toast=org.toast()>
            <PageHead title=title>
                <StatusBadge status=license.status/>
            </PageHead>
            {notice}
            <div class="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-[minmax(0,1fr)_20rem]">
                <div class="grid grid-cols-[minmax(0,1fr)] content-start gap-4">
                    <section class="card" aria-labelledby="h-limits">
                        <div class="card-head">
                            <h2 id="h-limits">"What it allows"</h2>
                        </div>
                        <dl class="rows m-0">{limits}</dl>
                    </section>
                    {holders}
                    {choices}
                </div>
                <div class="grid content-start gap-4">
                    <section class="card card-body" aria-label="Seats">
                        <SeatsOf license=license/>
                    </section>
                    <section class="card" aria-labelledby="h-key">
                        <div class="card-head">
                            <h2 id="h-key">"License key"</h2>
                        </div>
                        <div class="card-body">
                            <KeyLine key_text=key/>
                            <p class="mt-3 text-sm text-ink-2">
                                "The application finds its license by your sign-in. Scripts and support may ask for the key."
                            </p>
                        </div>
                    </section>
                    <section class="card" aria-labelledby="h-features">
                        <div class="card-head">
                            <h2 id="h-features">"Features"</h2>
                        </div>
                        <p class="card-body flex flex-wrap gap-2">{features}</p>
                    </section>
                </div>
            </div>
        </OrgLayout>
    }
    .into_any())
}

/// Limits in plain words.
fn limits(l: &License) -> impl IntoView + use<> {
    let seats = counted(l.max_seats as usize, "person", "people");
    let at_the_limit = if l.hard_stop {
        format!("The {} start is refused until a seat is free; nobody who is running is cut off.", ordinal(l.max_seats.saturating_add(1)))
    } else {
        format!("Beyond that {} more are admitted; the use shows on the usage page.", l.admits() - l.max_seats)
    };
    let seconds = |s: u32| times::duration(s.into());
    let offline = if l.offline_hours == 0 {
        "It needs a connection at every start.".to_owned()
    } else {
        format!(
            "An application that loses its connection may go on for {}, on up to {} at once.",
            times::duration(u64::from(l.offline_hours) * 3600),
            counted(offline_cap(l.offline_cap, l.max_seats) as usize, "device", "devices")
        )
    };
    [
        ("Seats", format!("{seats} can work at the same time. {at_the_limit}")),
        ("Heartbeat", format!("A running application confirms its seat every {}.", seconds(l.heartbeat_seconds))),
        ("Lease", format!("An application that crashes frees its seat by itself, {} after its last heartbeat.", seconds(l.lease_seconds))),
        ("Offline", offline),
        (
            "Refusals",
            if l.show_holders {
                "Whoever finds no free seat is told who holds them."
            } else {
                "Whoever finds no free seat is not told who holds them."
            }
            .to_owned(),
        ),
        ("Devices", format!("A device stays the same if {}.", same_if(l.fingerprint_tolerance))),
    ]
    .map(|(name, text)| (name, text.into_any()))
    .into_iter()
    .chain([
        ("Since", view! { <Time at=l.created_at style=TimeStyle::Date/> }.into_any()),
        ("End", view! { <span class="inline-block first-letter:uppercase"><Ends at=l.expires_at/></span> }.into_any()),
    ])
    .map(|(name, text)| {
        view! {
            <div class="grid gap-x-4 gap-y-0.5 px-4 py-3 text-sm sm:grid-cols-[7rem_minmax(0,1fr)]">
                <dt class="text-ink-3">{name}</dt>
                <dd class="m-0 text-ink-2">{text}</dd>
            </div>
        }
    })
    .collect_view()
}

/// "1st", "2nd", "11th", "23rd".
fn ordinal(n: u32) -> String {
    let ending = match (n % 10, n % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

/// Who holds its seats now, as far as the reader may see.
fn holders(org: &Org, license: &License) -> AnyView {
    if !org.sees_sessions() {
        return ().into_any();
    }
    let title = if org.may(Action::SessionsView) { "Who holds a seat now" } else { "Your sessions" };
    let body = match org.live.clone() {
        Ok(mut live) => {
            live.sessions.retain(|row| row.license_id == license.id);
            let only = Some(license.id);
            view! { <OnNow slug=org.slug().to_owned() view=live license=only compact=false beats=beats(std::slice::from_ref(license)) now=org.now()/> }.into_any()
        }
        Err(_) => view! { <p class="card-body text-sm text-ink-2">"This cannot be read at the moment. Running applications keep their seats."</p> }.into_any(),
    };
    view! {
        <section class="card" aria-labelledby="h-holders">
            <div class="card-head">
                <h2 id="h-holders">{title}</h2>
                <a class="link text-sm" href=org.href(OrgPage::Sessions)>
                    "All sessions"
                </a>
            </div>
            {body}
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::ordinal;

    #[test]
    fn ordinals() {
        let all: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].into_iter().map(ordinal).collect();
        assert_eq!(all, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]);
    }
}
