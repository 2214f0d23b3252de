//! `/orgs/{slug}/audit`: everything that changed, and who did it.

mod phrase;

use crate::PageError;
use crate::layout::{OrgLayout, OrgPage, PageHead};
use crate::org::{Org, org_page};
use crate::page::{address, filled};
use crate::ui::{Avatar, Badge, ButtonLink, EmptyState, Icon, Kind, Product, Select, Table, Time, TimeStyle, WideRow, icon};
use crate::visit::told;
use leptos::prelude::*;
use types::organizations::AuditEntry;

/// Entries on one page.
const PAGE: i64 = 50;

/// What the log can be narrowed to: value (how these actions begin) and label.
const GROUPS: [(&str, &str); 4] = [("session.", "Sessions"), ("member.", "Members"), ("license.", "Licenses"), ("organization.", "Organization")];

/// `/orgs/{slug}/audit`
#[component]
pub fn AuditPage() -> impl IntoView {
    org_page(load)
}

async fn load(org: Org) -> Result<AnyView, PageError> {
    let (words, action, before) = (filled("q"), filled("action"), filled("before"));
    let before = before.and_then(|id| id.parse().ok());
    let list = domain::audit::list(&org.ctx, org.services(), words.as_deref(), action.as_deref(), before, PAGE).await.map_err(told)?;
    let here = org.href(OrgPage::Audit);
    let filter = [("q", words.as_deref()), ("action", action.as_deref())];
    let first = before.map(|_| address(&here, &filter));
    let older = list.next.map(|next| address(&here, &[filter[0], filter[1], ("before", Some(&next.to_string()))]));
    let (csv, json) = (address(&format!("{here}.csv"), &filter), address(&format!("{here}.json"), &filter));
    let is_filtered = words.is_some() || action.is_some();
    let all = is_filtered.then(|| here.clone());
    let rows = if list.entries.is_empty() {
        view! { <WideRow columns=4><Nothing href=all/></WideRow> }.into_any()
    } else {
        list.entries.into_iter().map(|entry| view! { <Row entry=entry/> }).collect_view().into_any()
    };
    Ok(view! {
        <OrgLayout frame=org.frame() page=OrgPage::Audit toast=org.toast()>
            <PageHead title="Audit log" text=format!("Everything that changed in {}, and who did it. Entries cannot be edited or removed.", org.tenant.name)/>
            <div class="mb-3 flex flex-wrap items-center justify-between gap-3">
                <Filter action=here words=words chosen=action/>
                <div class="flex gap-1">
                    <Export href=csv kind="CSV"/>
                    <Export href=json kind="JSON"/>
                </div>
            </div>
            <Table caption="Audit log, newest first">
                <thead>
                    <tr>
                        <th scope="col" class="w-48">
                            "Time"
                        </th>
                        <th scope="col" class="p3 w-52">
                            "Who"
                        </th>
                        <th scope="col">"What"</th>
                        <th scope="col" class="p2 w-64">
                            "Target"
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
            <Pages newest=first older=older/>
        </OrgLayout>
    }
    .into_any())
}

#[component]
fn Filter(action: String, words: Option<String>, chosen: Option<String>) -> impl IntoView {
    let any = (String::new(), "Any action".to_owned());
    let options = std::iter::once(any).chain(GROUPS.map(|(value, label)| (value.to_owned(), label.to_owned()))).collect::<Vec<_>>();
    view! {
        <form class="toolbar max-sm:w-full" method="get" action=action role="search">
            <label class="input-group w-60 max-sm:w-full">
                <Icon icon=icon::SEARCH/>
                <input
                    class="input"
                    type="search"
                    name="q"
                    value=words
                    placeholder="Person, target or reason"
                    aria-label="Filter by person, target or reason"
                />
            </label>
            <Select label="Action" name="action" options=options selected=chosen.unwrap_or_default() bare=true/>
            <button class="btn btn-secondary">"Filter"</button>
        </form>
    }
}

#[component]
fn Export(href: String, kind: &'static str) -> impl IntoView {
    view! {
        <ButtonLink href=href kind=Kind::Ghost>
            <Icon icon=icon::DOWNLOAD/>
            {kind}
            <span class="sr-only">" export of this view"</span>
        </ButtonLink>
    }
}

#[component]
fn Nothing(href: Option<String>) -> impl IntoView {
    let (title, text) = if href.is_some() {
        ("No entry matches the filter", "It looks at the person who acted, the action, the target and the reason.")
    } else {
        ("Nothing has changed yet", "Invitations, changes of roles, ended sessions and more will stand here.")
    };
    view! {
        <EmptyState icon=icon::SCROLL_TEXT title=title>
            <p>{text}</p>
            {href.map(|href| view! { <ButtonLink href=href>"Show all"</ButtonLink> })}
        </EmptyState>
    }
}

/// From page to page, always towards older ones; back leads the browser.
#[component]
fn Pages(newest: Option<String>, older: Option<String>) -> impl IntoView {
    if newest.is_none() && older.is_none() {
        return ().into_any();
    }
    const CLASS: &str = "btn btn-secondary btn-sm";
    let button = |href: Option<String>, text: &'static str, rel: &'static str| match href {
        Some(href) => view! { <a class=CLASS href=href rel=rel>{text}</a> }.into_any(),
        None => view! { <button class=CLASS type="button" disabled>{text}</button> }.into_any(),
    };
    view! {
        <nav class="pager mt-3" aria-label="Pages of the audit log">
            <span>{format!("{PAGE} a page, newest first")}</span>
            <span class="flex gap-2">{button(newest, "Newest", "first")} {button(older, "Older", "next")}</span>
        </nav>
    }
    .into_any()
}

#[component]
fn Row(entry: AuditEntry) -> impl IntoView {
    let what = phrase::phrase(&entry);
    let actor = entry.actor_name.clone();
    let staff = (entry.actor_kind == "staff").then(|| view! { " " <StaffBadge/> });
    view! {
        <tr>
            <td class="whitespace-nowrap align-top !pt-3">
                <Time at=entry.at style=TimeStyle::Full/>
            </td>
            <td class="p3 align-top !pt-2.5">
                <Who name=entry.actor_name kind=entry.actor_kind/>
            </td>
            <td class="align-top !pt-3 !pb-3">
                <span class="sub">{actor}</span>
                <span class="strong">{what}</span>
                {staff}
                {entry.reason.map(|reason| view! { <span class="block break-words text-ink-3">"Reason: " {reason}</span> })}
            </td>
            <td class="p2 align-top !pt-3 break-words">{entry.subject}</td>
        </tr>
    }
}

#[component]
fn StaffBadge() -> impl IntoView {
    view! { <Badge outline=true>{format!("{} staff", Product::current().0)}</Badge> }
}

/// Who acted; staff in plum, the portal itself with a gear.
#[component]
fn Who(name: String, kind: String) -> impl IntoView {
    let avatar = match kind.as_str() {
        "staff" => view! { <Avatar name=name.clone() class="!bg-staff !text-staff-ink"/> }.into_any(),
        "user" => view! { <Avatar name=name.clone()/> }.into_any(),
        _ => view! {
            <span class="avatar" aria-hidden="true">
                <Icon icon=icon::SETTINGS small=true/>
            </span>
        }
        .into_any(),
    };
    let name = if kind == "system" { format!("{} ({name})", Product::current().0) } else { name };
    view! {
        <span class="who">
            {avatar}
            <span class="strong truncate">{name}</span>
        </span>
    }
}

/// The latest entries as a list, for the support console.
#[component]
pub fn Entries(entries: Vec<AuditEntry>) -> impl IntoView {
    let rows = entries
        .into_iter()
        .map(|entry| {
            let what = phrase::phrase(&entry);
            view! {
                <li class="flex gap-3 px-4 py-3 text-sm">
                    <span class="pt-0.5">
                        <Who name=entry.actor_name kind=entry.actor_kind/>
                    </span>
                    <span class="ml-auto min-w-0 flex-1">
                        <span class="font-medium">{what}</span>
                        " "
                        <span class="break-words text-ink-2">{entry.subject}</span>
                        {entry.reason.map(|reason| view! { <span class="block break-words text-ink-3">"Reason: " {reason}</span> })}
                    </span>
                    <span class="whitespace-nowrap text-ink-3">
                        <Time at=entry.at/>
                    </span>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="rows m-0 list-none p-0">{rows}</ol> }
}
