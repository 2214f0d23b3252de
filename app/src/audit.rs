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
const GROUPS: [(&str, &str); 4] =
    [("session.", "Sessions"), ("member.", "Members"), ("license.", "Licenses"), ("organization.", "Organization")];

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
                        <th scope="col" class="p3 w-48">
                            "Time"
                        </th>
                        <th scope="col" class="p3 w-52">
                            "Who"
                        </th>
                        <th scope="col" class="max-md:!pl-4">
                            "What"
                        </th>
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
    let target = entry.subject.clone();
    let actor = shown_name(&entry.actor_name, &entry.actor_kind);
    let staff = (entry.actor_kind == "staff").then(|| view! { " " <StaffBadge/> });
    view! {
        <tr>
            <td class="p3 whitespace-nowrap align-top !pt-3">
                <Time at=entry.at style=TimeStyle::Full/>
            </td>
            <td class="p3 align-top !pt-2.5">
                <Who name=entry.actor_name kind=entry.actor_kind/>
            </td>
            <td class="align-top !pt-3 !pb-3 max-md:!pl-4">
                <span class="sub">{actor} " · " <Time at=entry.at style=TimeStyle::Full/></span>
                <span class="strong">{what}</span>
                {staff}
                <span class="block text-ink-2 [overflow-wrap:anywhere] xl:hidden">{target}</span>
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

/// The portal's own jobs act under the product's name.
fn shown_name(name: &str, kind: &str) -> String {
    if kind == "system" { format!("{} ({name})", Product::current().0) } else { name.to_owned() }
}

/// Who acted: staff in plum, what is no person with a gear.
#[component]
fn ActorAvatar(name: String, kind: String) -> impl IntoView {
    match kind.as_str() {
        "staff" => view! { <Avatar name=name class="!bg-staff !text-staff-ink"/> }.into_any(),
        "user" => view! { <Avatar name=name/> }.into_any(),
        _ => view! {
            <span class="avatar" aria-hidden="true">
                <Icon icon=icon::SETTINGS small=true/>
            </span>
        }
        .into_any(),
    }
}

#[component]
fn Who(name: String, kind: String) -> impl IntoView {
    let shown = shown_name(&name, &kind);
    view! {
        <span class="who">
            <ActorAvatar name=name kind=kind/>
            <span class="strong truncate">{shown}</span>
        </span>
    }
}

/// The latest entries as a list, for a narrow place.
#[component]
pub fn Entries(entries: Vec<AuditEntry>) -> impl IntoView {
    let rows = entries
        .into_iter()
        .map(|entry| {
            let what = phrase::phrase(&entry);
            let name = shown_name(&entry.actor_name, &entry.actor_kind);
            view! {
                <li class="flex gap-3">
                    <ActorAvatar name=entry.actor_name kind=entry.actor_kind/>
                    <div class="min-w-0">
                        <p>
                            <span class="font-medium">{name}</span>
                            <span class="text-ink-2">" · " {what}</span>
                            <span class="text-ink-3">" · " <Time at=entry.at/></span>
                        </p>
                        <p class="text-ink-3 [overflow-wrap:anywhere]">{entry.subject}</p>
                        {entry.reason.map(|reason| view! { <p class="text-ink-3 [overflow-wrap:anywhere]">"Reason: " {reason}</p> })}
                    </div>
                </li>
            }
        })
        .collect_view();
    view! { <ol class="m-0 grid list-none gap-3 p-0 text-sm">{rows}</ol> }
}
