//! `/support/tenants/{id}`: one organisation, and what can be done for it.

mod parts;

use super::search::Standing;
use super::{EndGrantForm, GrantForm, StandingForm, SupportRevokeForm};
use crate::PageError;
use crate::audit::Entries;
use crate::browser::query;
use crate::layout::{Breadcrumb, StaffLayout};
use crate::licenses::SupportPolicyForm;
use crate::page::{counted, filled, page_or_error};
use crate::ui::{ButtonLink, CopyButton, Dialog, Icon, Kind, icon, times};
use crate::visit::{Visit, not_found, told, visit};
use domain::billing::{self, view::Billing};
use domain::{audit, licenses, sessions, support};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use parts::{Facts, Licenses, Members, Sessions};
use types::licenses::{License, LicenseSource};
use types::live::{LiveRow, LiveView};
use types::organizations::TenantStatus;

/// So many entries of the audit log stand on the page.
const ENTRIES: i64 = 12;

/// `/support/tenants/{id}`
#[component]
pub fn SupportTenantPage() -> impl IntoView {
    let id = use_params_map().with_untracked(|params| params.get("id")).unwrap_or_default();
    page_or_error(load(visit(), id))
}

async fn load(visit: Visit, id: String) -> Result<AnyView, PageError> {
    let staff = visit.as_staff().await?;
    let id = id.parse().map_err(|_| not_found())?;
    let svc = &visit.services;
    let (ctx, tenant, members) = support::enter(&staff, svc, id).await.map_err(told)?;
    let licenses = licenses::list(&ctx, svc).await.map_err(told)?;
    let log = audit::list(&ctx, svc, None, None, None, ENTRIES).await.map_err(told)?.entries;
    let seats = licenses.iter().map(|l| l.max_seats).sum();
    // The rest of the page is of use without it.
    let live = sessions::live_view(&ctx, svc, seats).await.map_err(domain::Error::into_problem).ok();
    let here = format!("/support/tenants/{id}");
    let suspended = tenant.status == TenantStatus::Suspended;
    let billing = billing::view::view(&ctx, svc).await.map_err(told)?;
    let dialog = revoke_dialog(&here, &id.to_string(), live.as_ref(), &licenses)
        .or_else(|| grant_dialog(&here, &tenant, &billing, live.as_ref()))
        .or_else(|| policy_dialog(&here, &id.to_string(), &licenses))
        .or_else(|| standing_dialog(&here, &tenant, live.as_ref(), &licenses));
    let (frame, now) = (super::frame(&visit, &staff, true), svc.now());
    let (name, id) = (tenant.name.clone(), id.to_string());
    Ok(view! {
        <StaffLayout frame=frame title=name.clone() toast=toast() dialog=dialog>
            <Breadcrumb above=vec![("Tenants".to_owned(), "/support".to_owned())] current=name.clone()/>
            <div class="mt-3 flex flex-wrap items-center gap-x-3 gap-y-2">
                <h1 class="break-words">{name}</h1>
                <Standing status=tenant.status/>
                <span class="flex min-w-0 flex-wrap items-center gap-1 text-sm text-ink-3">
                    <span class="mono break-all">{id.clone()}</span>
                    <CopyButton text=id what="tenant id".to_owned()/>
                </span>
            </div>
            <Facts tenant=tenant licenses=licenses.clone() members=members.clone() live=live.clone()/>
            <div class="mt-6 grid grid-cols-[minmax(0,1fr)] gap-6 xl:grid-cols-[minmax(0,1fr)_24rem]">
                <div class="grid grid-cols-[minmax(0,1fr)] content-start gap-6">
                    <Sessions live=live licenses=licenses.clone() here=here.clone() now=now/>
                    <Licenses licenses=licenses here=here.clone()/>
                    <Members members=members/>
                </div>
                <div class="grid grid-cols-[minmax(0,1fr)] content-start gap-6">
                    <Act here=here.clone() suspended=suspended/>
                    <PlanCard here=here billing=billing/>
                    <section aria-labelledby="h-log">
                        <h2 class="mb-3" id="h-log">
                            "Latest in their audit log"
                        </h2>
                        <Entries entries=log/>
                    </section>
                </div>
            </div>
        </StaffLayout>
    }
    .into_any())
}

fn toast() -> Option<String> {
    let text = match query("toast")?.as_str() {
        "revoked" => "Session revoked; its seat is free",
        "suspended" => "Organization suspended",
        "restored" => "Organization restored",
        "policy_changed" => "Policy changed; it counts at the next call",
        "granted" => "Enterprise plan granted; it counts at once",
        "grant_ended" => "Grant ended; the organization has its free seat",
        _ => return None,
    };
    Some(text.to_owned())
}

#[component]
fn Act(here: String, suspended: bool) -> impl IntoView {
    let (icon, text, href, label) = if suspended {
        (icon::PLAY, "Suspended. Nobody there can start the application.", format!("{here}?restore=1"), "Restore organization")
    } else {
        (
            icon::BAN,
            "Stops every running application at its next heartbeat, and admits nobody.",
            format!("{here}?suspend=1"),
            "Suspend organization",
        )
    };
    let kind = if suspended { Kind::Secondary } else { Kind::DangerQuiet };
    view! {
        <section aria-labelledby="h-act">
            <h2 class="mb-3" id="h-act">
                "Act on this tenant"
            </h2>
            <div class="card card-body grid justify-items-start gap-3">
                <p class="text-sm text-ink-2">{text}</p>
                <ButtonLink href=href kind=kind>
                    <Icon icon=icon/>
                    {label}
                </ButtonLink>
            </div>
        </section>
    }
}

/// What they pay, and what can be given.
#[component]
fn PlanCard(here: String, billing: Billing) -> impl IntoView {
    let paid = match (&billing.subscription, billing.source) {
        (_, LicenseSource::Grant) => "Granted by us; nothing is charged.".to_owned(),
        (Some(s), _) => {
            let next = billing.next_charge.as_ref().map(|c| format!(", next charge {} on {}", c.amount, times::utc_date(c.at)));
            let end = s.cancel_at_period_end.then(|| format!(", canceled, ends on {}", times::utc_date(s.period_end)));
            format!("{} seats at {} {}{}.", s.seats, s.unit_price, s.interval.per(), next.or(end).unwrap_or_default())
        }
        (None, _) => "Nothing is bought.".to_owned(),
    };
    let owed = billing.unpaid.as_ref().map(|(invoice, until)| {
        format!(
            "{} unpaid since {}; new starts are refused from {}.",
            invoice.remaining,
            times::utc_date(invoice.finalized_at.unwrap_or(invoice.created)),
            times::utc_date(*until)
        )
    });
    let act = match billing.source {
        LicenseSource::Grant => Some((format!("{here}?end-grant=1"), "End grant", Kind::DangerQuiet)),
        LicenseSource::Free => Some((format!("{here}?grant=1"), "Grant Enterprise plan", Kind::Secondary)),
        LicenseSource::Subscription => None,
    };
    view! {
        <section aria-labelledby="h-plan">
            <h2 class="mb-3" id="h-plan">
                "Plan"
            </h2>
            <div class="card card-body grid justify-items-start gap-3">
                <p class="text-sm text-ink-2">{paid}</p>
                {owed.map(|owed| view! { <p class="text-sm text-bad-ink">{owed}</p> })}
                {act.map(|(href, label, kind)| view! { <ButtonLink href=href kind=kind>{label}</ButtonLink> })}
            </div>
        </section>
    }
}

fn grant_dialog(here: &str, tenant: &store::tenants::Tenant, billing: &Billing, live: Option<&LiveView>) -> Option<AnyView> {
    let grant = filled("grant").is_some() && billing.source == LicenseSource::Free;
    let end = filled("end-grant").is_some() && billing.source == LicenseSource::Grant;
    if !grant && !end {
        return None;
    }
    let (id, back, name) = (tenant.id.to_string(), here.to_owned(), tenant.name.clone());
    let form = if grant {
        let title = format!("Grant {name} the Enterprise plan?");
        let consequence = "Its license gets these seats at once, and nothing is charged. Its key stays.".to_owned();
        view! { <GrantForm tenant=id seats="50".to_owned() title=title consequence=consequence back=back.clone()/> }.into_any()
    } else {
        let title = format!("End the grant of {name}?");
        let running = live.map_or(0, |live| live.active);
        let consequence = format!(
            "It has its one free seat again. {} in use now; nobody who is running is cut off, and new starts wait until use is below the limit.",
            counted(running as usize, "seat is", "seats are")
        );
        view! { <EndGrantForm tenant=id title=title consequence=consequence back=back.clone()/> }.into_any()
    };
    Some(view! { <Dialog close_href=back>{form}</Dialog> }.into_any())
}

/// The longest time until a running application hears of something.
fn within(licenses: &[License]) -> String {
    times::duration(licenses.iter().map(|l| l.heartbeat_seconds).max().unwrap_or(300).into())
}

fn revoke_dialog(here: &str, tenant: &str, live: Option<&LiveView>, licenses: &[License]) -> Option<AnyView> {
    let asked = filled("revoke")?;
    let LiveRow { id, user_name, device, .. } = live?.sessions.iter().find(|row| row.id.to_string() == asked)?;
    let title = format!("Revoke {user_name}’s session?");
    let consequence = format!(
        "1 person loses access on {device} at the next heartbeat, in {} at most. The seat is free at once. They can start again and take a free seat.",
        within(licenses)
    );
    let (tenant, session, back) = (tenant.to_owned(), id.to_string(), here.to_owned());
    Some(
        view! {
            <Dialog close_href=back.clone()>
                <SupportRevokeForm tenant=tenant session=session title=title consequence=consequence back=back/>
            </Dialog>
        }
        .into_any(),
    )
}

fn policy_dialog(here: &str, tenant: &str, licenses: &[License]) -> Option<AnyView> {
    let asked = filled("policy")?;
    let license = licenses.iter().find(|l| l.id.to_string() == asked)?.clone();
    let (tenant, back) = (tenant.to_owned(), here.to_owned());
    Some(
        view! {
            <Dialog close_href=back.clone()>
                <SupportPolicyForm tenant=tenant license=license back=back/>
            </Dialog>
        }
        .into_any(),
    )
}

fn standing_dialog(here: &str, tenant: &store::tenants::Tenant, live: Option<&LiveView>, licenses: &[License]) -> Option<AnyView> {
    let is_suspended = tenant.status == TenantStatus::Suspended;
    let suspend = filled("suspend").is_some() && !is_suspended;
    let restore = filled("restore").is_some() && is_suspended;
    if !suspend && !restore {
        return None;
    }
    let (title, consequence) = if suspend {
        let running = live.map_or_else(
            || "All running sessions stop".to_owned(),
            |live| match live.active {
                0 => "No session runs now".to_owned(),
                1 => format!("1 running session stops at its next heartbeat, in {} at most", within(licenses)),
                n => format!("{n} running sessions stop at their next heartbeat, in {} at most", within(licenses)),
            },
        );
        (
            format!("Suspend {}?", tenant.name),
            format!("{running}. Nobody can start until it is restored. Data, seats and billing stay as they are."),
        )
    } else {
        let seats = counted(licenses.iter().map(|l| l.max_seats as usize).sum(), "seat", "seats");
        (format!("Restore {}?", tenant.name), format!("Its people can start again at once and use their {seats}."))
    };
    let (id, back) = (tenant.id.to_string(), here.to_owned());
    Some(
        view! {
            <Dialog close_href=back.clone()>
                <StandingForm tenant=id suspended=suspend title=title consequence=consequence back=back/>
            </Dialog>
        }
        .into_any(),
    )
}
