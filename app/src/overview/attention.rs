//! What needs somebody's attention, worst first.

use super::Facts;
use crate::layout::OrgPage;
use crate::licenses;
use crate::org::Org;
use crate::page::counted;
use crate::ui::{Badge, times};
use leptos::prelude::*;
use time::Duration;
use types::Action;
use types::licenses::LicenseStatus;
use types::organizations::TenantStatus;

/// An invitation is worth a word when it ends within this time.
const SOON: Duration = Duration::days(2);

pub(super) struct Item {
    /// Red; else amber.
    bad: bool,
    title: String,
    text: String,
    /// Label and address of what to do about it.
    link: Option<(&'static str, String)>,
}

pub(super) fn attention(org: &Org, facts: &Facts) -> Vec<Item> {
    let mut items = Vec::new();
    if org.tenant.status == TenantStatus::Suspended {
        items.push(Item {
            bad: true,
            title: "This organization is suspended".to_owned(),
            text: "Nobody can start the application, and running ones have been stopped. Support can say why.".to_owned(),
            link: None,
        });
    }
    items.extend(facts.licenses.iter().filter(|l| l.status != LicenseStatus::Active).map(|l| Item {
        bad: l.status != LicenseStatus::PastDue,
        title: format!("{} license: {}", licenses::tier_label(l.tier), licenses::status_label(l.status).to_lowercase()),
        text: licenses::status_meaning(l.status).to_owned(),
        link: Some(("See the license", format!("{}/{}", org.href(OrgPage::Licenses), l.id))),
    }));
    if facts.refused > 0 {
        items.push(Item {
            bad: true,
            title: format!("{} refused in the last 24 hours", counted(facts.refused as usize, "start", "starts")),
            text: "All seats were in use.".to_owned(),
            link: org.sees_sessions().then(|| ("See who is on", org.href(OrgPage::Sessions))),
        });
    }
    items.extend(facts.people.iter().flat_map(|people| expiring(org, people)));
    let alone = facts.people.as_ref().is_some_and(|people| people.members.len() == 1 && people.invitations.is_empty());
    if alone {
        items.push(Item {
            bad: false,
            title: "You are the only member".to_owned(),
            text: "People cost nothing; only seats do.".to_owned(),
            link: org.may(Action::MembersManage).then(|| ("Invite people", org.href(OrgPage::Members))),
        });
    }
    items
}

fn expiring(org: &Org, people: &types::organizations::MemberList) -> Vec<Item> {
    let now = org.now();
    let soon = people.invitations.iter().filter(|i| i.expires_at - now < SOON);
    soon.map(|i| Item {
        bad: false,
        title: format!("An invitation expires in {}", times::duration((i.expires_at - now).whole_seconds().max(0).unsigned_abs())),
        text: i.email.clone(),
        link: Some(("Send it again", org.href(OrgPage::Members))),
    })
    .collect()
}

/// The list, or the word that there is nothing.
#[component]
pub(super) fn Attention(items: Vec<Item>) -> impl IntoView {
    let n = items.len();
    let count = (n > 0).then(|| view! { <Badge>{n}</Badge> });
    let body = if n == 0 {
        view! { <p class="card-body text-sm text-ink-2">"Nothing. Nobody was turned away in the last 24 hours."</p> }.into_any()
    } else {
        let rows = items.into_iter().map(|item| view! { <Row item=item/> }).collect_view();
        view! { <ul class="rows m-0 list-none p-0 text-sm">{rows}</ul> }.into_any()
    };
    view! {
        <section class="card" aria-labelledby="h-attention">
            <div class="card-head">
                <h2 id="h-attention">"Needs attention"</h2>
                {count}
            </div>
            {body}
        </section>
    }
}

#[component]
fn Row(item: Item) -> impl IntoView {
    let dot = if item.bad { "dot dot-bad mt-[7px]" } else { "dot dot-warn mt-[7px]" };
    let link = item.link.map(|(label, href)| {
        view! {
            <p class="mt-1">
                <a class="link" href=href>
                    {label}
                </a>
            </p>
        }
    });
    view! {
        <li class="flex gap-3 px-4 py-3">
            <span class=dot aria-hidden="true"></span>
            <div class="min-w-0">
                <p class="font-medium">{item.title}</p>
                <p class="break-words text-ink-2">{item.text}</p>
                {link}
            </div>
        </li>
    }
}
