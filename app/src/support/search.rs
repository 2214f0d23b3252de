//! `/support`: finding an organisation.

use crate::PageError;
use crate::layout::{PageHead, StaffLayout};
use crate::page::{filled, page_or_error};
use crate::ui::{Badge, ButtonLink, EmptyState, Icon, Table, Time, TimeStyle, Tone, WideRow, icon};
use crate::visit::{Visit, told, visit};
use domain::support;
use leptos::prelude::*;
use store::tenants::Found;
use types::organizations::TenantStatus;

/// As many as the search gives at most.
const MOST: usize = 50;

/// `/support`
#[component]
pub fn SupportPage() -> impl IntoView {
    page_or_error(load(visit()))
}

async fn load(visit: Visit) -> Result<AnyView, PageError> {
    let ctx = visit.as_staff().await?;
    let words = filled("q");
    let found = support::search(&ctx, &visit.services, words.as_deref().unwrap_or_default()).await.map_err(told)?;
    let shown = match (&words, found.len()) {
        (None, _) => "Newest first".to_owned(),
        (Some(words), MOST..) => format!("The first {MOST} that match “{words}”"),
        (Some(words), n) => format!("{n} for “{words}”"),
    };
    let rows = if found.is_empty() {
        let words = words.clone();
        view! { <WideRow columns=5><Nothing words=words/></WideRow> }.into_any()
    } else {
        found.into_iter().map(|found| view! { <Row found=found/> }).collect_view().into_any()
    };
    let frame = super::frame(&visit, &ctx, false);
    Ok(view! {
        <StaffLayout frame=frame title="Tenants">
            <PageHead title="Tenants" text="Find an organization by its name, its address, a member’s name or email, or a license key."/>
            <div class="mb-3 flex flex-wrap items-center justify-between gap-3">
                <form class="toolbar max-sm:w-full" method="get" action="/support" role="search">
                    <label class="input-group w-96 max-sm:flex-1">
                        <Icon icon=icon::SEARCH/>
                        <input
                            class="input"
                            type="search"
                            name="q"
                            value=words
                            placeholder="Organization, email or license key"
                            aria-label="Search organizations"
                        />
                    </label>
                    <button class="btn btn-primary">"Search"</button>
                </form>
                <p class="text-sm text-ink-3">{shown}</p>
            </div>
            <Table caption="Organizations">
                <thead>
                    <tr>
                        <th scope="col">"Organization"</th>
                        <th scope="col">"Standing"</th>
                        <th scope="col" class="p3 num">
                            "Members"
                        </th>
                        <th scope="col" class="p3 num">
                            "Seats"
                        </th>
                        <th scope="col" class="p3 num">
                            "Customer since"
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </Table>
        </StaffLayout>
    }
    .into_any())
}

/// The standing of an organisation as a badge.
#[component]
pub(super) fn Standing(status: TenantStatus) -> impl IntoView {
    let (tone, word) = match status {
        TenantStatus::Pending => (Tone::Neutral, "Not confirmed"),
        TenantStatus::Active => (Tone::Ok, "Active"),
        TenantStatus::Suspended => (Tone::Bad, "Suspended"),
    };
    view! { <Badge tone=tone>{word}</Badge> }
}

#[component]
fn Row(found: Found) -> impl IntoView {
    let href = format!("/support/tenants/{}", found.id);
    let matched = found.matched.map(|matched| format!(" · matches {matched}")).unwrap_or_default();
    view! {
        <tr>
            <th scope="row" class="!py-2">
                <a class="link break-words" href=href>
                    {found.name}
                </a>
                <span class="block text-xs font-normal break-words text-ink-3">{found.slug} {matched}</span>
            </th>
            <td>
                <Standing status=found.status/>
            </td>
            <td class="p3 num">{found.members}</td>
            <td class="p3 num">{found.max_seats}</td>
            <td class="p3 num">
                <Time at=found.created_at style=TimeStyle::Date/>
            </td>
        </tr>
    }
}

#[component]
fn Nothing(words: Option<String>) -> impl IntoView {
    match words {
        Some(words) => view! {
            <EmptyState icon=icon::SEARCH title=format!("Nothing matches “{words}”")>
                <p>"Try a part of the name, the address of a member, or the license key."</p>
                <ButtonLink href="/support">"Show the newest"</ButtonLink>
            </EmptyState>
        }
        .into_any(),
        None => view! {
            <EmptyState icon=icon::BUILDING_2 title="No organization yet">
                <p>"The first one shows here as soon as somebody signs up."</p>
            </EmptyState>
        }
        .into_any(),
    }
}
