//! `/orgs/{slug}/sessions`

use super::revoke::Fact;
use super::{EndedRow, LiveBadge, LiveSessions, RevokeForm};
use crate::PageError;
use crate::layout::{OrgLayout, OrgPage, PageHead};
use crate::org::{Org, org_page};
use crate::page::{address, filled};
use crate::ui::{Callout, Dialog, Icon, Product, icon, times};
use crate::visit::told;
use domain::{licenses, sessions};
use leptos::prelude::*;
use store::activity::EndedSession;
use types::licenses::License;
use types::live::LiveRow;
use types::{Action, LicenseId};

/// `/orgs/{slug}/sessions`
#[component]
pub fn SessionsPage() -> impl IntoView {
    org_page(load)
}

/// Seconds between the heartbeats of each licence.
pub(crate) fn beats(licenses: &[License]) -> Vec<(LicenseId, u32)> {
    licenses.iter().map(|l| (l.id, l.heartbeat_seconds)).collect()
}

async fn load(org: Org) -> Result<AnyView, PageError> {
    let ended = sessions::recently_ended(&org.ctx, org.services(), 1).await.map_err(told)?;
    let licenses = licenses::list(&org.ctx, org.services()).await.map_err(told)?;
    let live = org.live()?;
    let all = org.may(Action::SessionsView);
    let words = filled("q").unwrap_or_default();
    let ended = ended
        .into_iter()
        .filter(|e| super::rows::matches(&words, &[&e.user_name, &e.device, &e.session_id.to_string()]))
        .map(over)
        .collect();
    let here = address(&org.href(OrgPage::Sessions), &[("q", Some(words.as_str()).filter(|w| !w.is_empty()))]);
    let asked = filled("revoke");
    let row = asked.as_ref().and_then(|id| live.sessions.iter().find(|row| row.id.to_string() == *id && row.may_revoke));
    let dialog = row.map(|row| dialog(&org, row, &licenses, here));
    // The one to be ended has ended by itself meanwhile.
    let late = (asked.is_some() && dialog.is_none())
        .then(|| view! { <div class="mb-4"><Callout title="This session has ended already.">"Nothing was changed."</Callout></div> });
    let text = if all {
        "Who holds a seat right now. Revoking ends one session at once; it does not change how many seats you own."
    } else {
        "Where you hold a seat right now. Revoking ends one of your sessions at once and frees its seat."
    };
    let (slug, now) = (org.slug().to_owned(), org.now());
    Ok(view! {
        <OrgLayout frame=org.frame() page=OrgPage::Sessions toast=org.toast() dialog=dialog>
            <PageHead title="Live sessions" text=text/>
            {late}
            <div class="mb-3 flex flex-wrap items-center justify-between gap-3">
                <Filter action=org.href(OrgPage::Sessions) words=words.clone()/>
                <LiveBadge slug=slug.clone() now=now/>
            </div>
            <LiveSessions slug=slug view=live ended=ended beats=beats(&licenses) words=words now=now/>
        </OrgLayout>
    }
    .into_any())
}

#[component]
fn Filter(action: String, words: String) -> impl IntoView {
    view! {
        <form class="toolbar max-sm:w-full" method="get" action=action role="search">
            <label class="input-group w-64 max-sm:flex-1">
                <Icon icon=icon::SEARCH/>
                <input
                    class="input"
                    type="search"
                    name="q"
                    value=words
                    placeholder="Person, device or session"
                    aria-label="Filter by person, device or session"
                />
            </label>
            <button class="btn btn-secondary">"Filter"</button>
        </form>
    }
}

fn over(e: EndedSession) -> EndedRow {
    let how = match e.how.as_str() {
        "released" => "Released",
        "revoked" => "Revoked",
        "expired" => "Expired",
        _ => "Ended",
    };
    EndedRow {
        id: e.session_id,
        user_name: if e.user_name.is_empty() { "Former member".to_owned() } else { e.user_name },
        device: e.device,
        client_version: e.client_version.unwrap_or_default(),
        started_at: e.started_at,
        ended_at: e.ended_at,
        how: how.to_owned(),
    }
}

/// The dialog that says what ending this session means.
fn dialog(org: &Org, row: &LiveRow, licenses: &[License], back: String) -> AnyView {
    let beat = licenses.iter().find(|l| l.id == row.license_id).map_or(300, |l| l.heartbeat_seconds);
    let within = times::duration(beat.into());
    let product = Product::current().0;
    let running = (org.now() - row.started_at).whole_seconds().max(0).unsigned_abs();
    let facts: Vec<Fact> = vec![
        ("Device".to_owned(), row.device.clone()),
        ("Running for".to_owned(), times::duration(running)),
        ("Session".to_owned(), row.id.to_string()),
    ];
    let first = row.user_name.split_whitespace().next().unwrap_or(&row.user_name).to_owned();
    let (title, consequence, after) = if row.own {
        (
            format!("Revoke your session on {}?", row.device),
            format!(
                "{product} on that device loses access at its next heartbeat, in {within} at most. Work that is not saved there may be lost. The seat is free at once."
            ),
            format!("You can start {product} again and take a free seat."),
        )
    } else {
        (
            format!("Revoke {}’s session?", row.user_name),
            format!(
                "1 person loses access at the next heartbeat, in {within} at most. Work that is not saved on the device may be lost. The seat is free at once."
            ),
            format!(
                "{first} can start {product} again and take a free seat. To keep someone out, change their role or remove them instead."
            ),
        )
    };
    let (slug, session) = (org.slug().to_owned(), row.id.to_string());
    view! {
        <Dialog close_href=back.clone()>
            <RevokeForm slug=slug session=session title=title consequence=consequence facts=facts after=after back=back/>
        </Dialog>
    }
    .into_any()
}
