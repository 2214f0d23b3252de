//! The table of live sessions, and of those that have just ended.

use super::feed::feed;
use super::rows::{Beats, EndedRow, Standing, follow, row_matches, version};
use crate::ui::{ButtonLink, EmptyState, GroupRow, PersonCell, StateDot, Table, Time, Tone, WideRow, icon, times};
use leptos::prelude::*;
use time::OffsetDateTime;
use types::SessionId;
use types::live::{LiveRow, LiveView};

const COLUMNS: u32 = 7;
/// So many ended sessions stay on a page that is open for long.
const MOST_ENDED: usize = 50;

/// Follows what the server pushes, row by row. Whole without JavaScript, as of when the page was made.
#[island]
pub fn LiveSessions(
    slug: String,
    view: LiveView,
    ended: Vec<EndedRow>,
    beats: Beats,
    /// The filter; empty shows all.
    words: String,
    /// When the page was made.
    now: OffsetDateTime,
) -> impl IntoView {
    let feed = feed(&slug, now);
    let ended = RwSignal::new(ended);
    let rows = {
        let words = words.clone();
        follow(&feed, view, move |row| row_matches(&words, row), move |row, at| ended.update(|ended| add_ended(ended, row, at)))
    };
    let address = format!("/orgs/{slug}/sessions");
    let live_label = Signal::derive(move || format!("{} live", rows.with(Vec::len)));
    let ended_label = Signal::derive(move || format!("{} ended in the last hour", ended.with(Vec::len)));
    let caption =
        Signal::derive(move || format!("Sessions of the last hour: {} live, {} ended", rows.with(Vec::len), ended.with(Vec::len)));
    let empty = {
        let (words, address) = (words.clone(), address.clone());
        move || {
            let (words, address) = (words.clone(), address.clone());
            rows.with(Vec::is_empty).then(|| view! { <WideRow columns=COLUMNS><Nobody words=words address=address/></WideRow> })
        }
    };
    let revoke = RevokeLink { address, words };
    view! {
        <Table caption=caption>
            <thead>
                <tr>
                    <th scope="col">"Person"</th>
                    <th scope="col" class="p3">
                        "Device"
                    </th>
                    <th scope="col" class="p2">
                        "Version"
                    </th>
                    <th scope="col" class="p3 w-32">
                        "Started"
                    </th>
                    <th scope="col" class="p3 w-44">
                        "State"
                    </th>
                    <th scope="col" class="p3 w-32">
                        "Last heartbeat"
                    </th>
                    <th scope="col" class="act">
                        <span class="sr-only">"Action"</span>
                    </th>
                </tr>
            </thead>
            <tbody>
                <GroupRow columns=COLUMNS label=live_label/>
                {empty}
                <For each=move || rows.get() key=|(id, _)| *id let((_, row))>
                    <Live row=row beats=beats.clone() now=feed.now.clone() revoke=revoke.clone()/>
                </For>
            </tbody>
            <Show when=move || !ended.with(Vec::is_empty)>
                <tbody>
                    <GroupRow columns=COLUMNS label=ended_label/>
                    <For each=move || ended.get() key=|row| row.id let(row)>
                        <Ended row=row/>
                    </For>
                </tbody>
            </Show>
        </Table>
    }
}

/// A session that the server no longer shows. How it ended the next load of the page says.
fn add_ended(ended: &mut Vec<EndedRow>, row: LiveRow, at: OffsetDateTime) {
    if ended.iter().any(|e| e.id == row.id) {
        return;
    }
    let row = EndedRow {
        id: row.id,
        user_name: row.user_name,
        device: row.device,
        client_version: row.client_version,
        started_at: Some(row.started_at),
        ended_at: at,
        how: "Ended".to_owned(),
    };
    ended.insert(0, row);
    ended.truncate(MOST_ENDED);
}

/// Where "Revoke" leads: this page, with the filter kept and the dialog open.
#[derive(Clone)]
struct RevokeLink {
    address: String,
    words: String,
}

#[component]
fn Live(row: ArcRwSignal<LiveRow>, beats: Beats, now: ArcRwSignal<OffsetDateTime>, revoke: RevokeLink) -> impl IntoView {
    let LiveRow { id, user_name, device, client_version, started_at, own, .. } = row.get_untracked();
    let standing = {
        let (row, now) = (row.clone(), now.clone());
        Memo::new(move |_| row.with(|row| Standing::of(row, &beats, now.get())))
    };
    let running = Memo::new(move |_| times::duration((now.get() - started_at).whole_seconds().max(0).unsigned_abs()));
    let sub = {
        let device = device.clone();
        Signal::derive(move || {
            let standing = standing.get();
            match standing {
                Standing::Active => format!("Active, {} · {device}", running.get()),
                Standing::Late(_) => format!("Late{} · {device}", standing.rest()),
            }
        })
    };
    let person = if own {
        view! { <PersonCell name=user_name.clone() sub=sub note="(you)"/> }.into_any()
    } else {
        view! { <PersonCell name=user_name.clone() sub=sub/> }.into_any()
    };
    let heartbeat = {
        let row = row.clone();
        Memo::new(move |_| row.with(|row| row.last_heartbeat_at))
    };
    let may_revoke = Memo::new(move |_| row.with(|row| row.may_revoke));
    let whose = format!(" {user_name}’s session on {device}");
    view! {
        <tr>
            {person}
            <td class="p3">
                <span class="strong">{device}</span>
            </td>
            <td class="p2">{version(&client_version)}</td>
            <td class="p3">
                <Time at=started_at/>
            </td>
            <td class="p3">
                <StateDot tone=Signal::derive(move || standing.get().tone())>
                    {move || standing.get().word()} <span class="max-lg:hidden">{move || standing.get().rest()}</span>
                </StateDot>
            </td>
            <td class="p3">{move || view! { <Time at=heartbeat.get()/> }}</td>
            <td class="act">
                {move || may_revoke.get().then(|| view! { <RevokeButton id=id link=revoke.clone() whose=whose.clone()/> })}
            </td>
        </tr>
    }
}

/// Opens the dialog; a form, so that it is a button and keeps the filter.
#[component]
fn RevokeButton(id: SessionId, link: RevokeLink, whose: String) -> impl IntoView {
    let words = (!link.words.is_empty()).then(|| view! { <input type="hidden" name="q" value=link.words/> });
    view! {
        <form method="get" action=link.address>
            {words}
            <button class="btn btn-danger-quiet btn-sm" name="revoke" value=id.to_string()>
                "Revoke"
                <span class="sr-only">{whose}</span>
            </button>
        </form>
    }
}

#[component]
fn Ended(row: EndedRow) -> impl IntoView {
    let started = row.started_at.map(|at| view! { <Time at=at/> });
    view! {
        <tr class="quiet">
            <PersonCell name=row.user_name sub=format!("{} · {}", row.how, row.device)/>
            <td class="p3">{row.device}</td>
            <td class="p2">{version(&row.client_version)}</td>
            <td class="p3">{started}</td>
            <td class="p3">
                <StateDot tone=Tone::Neutral>{row.how}</StateDot>
            </td>
            <td class="p3">
                <Time at=row.ended_at/>
            </td>
            <td class="act"></td>
        </tr>
    }
}

#[component]
fn Nobody(words: String, address: String) -> impl IntoView {
    if words.is_empty() {
        view! {
            <EmptyState icon=icon::MONITOR title="Nobody is on right now">
                <p>"A session shows here the moment the application starts on a device."</p>
                <ButtonLink href="/download">"Get the client"</ButtonLink>
            </EmptyState>
        }
        .into_any()
    } else {
        view! {
            <EmptyState icon=icon::SEARCH title=format!("No live session matches “{words}”")>
                <p>"The filter looks at people, devices and session ids."</p>
                <ButtonLink href=address>"Show all"</ButtonLink>
            </EmptyState>
        }
        .into_any()
    }
}
