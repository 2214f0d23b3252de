//! The live parts of the overview.

use super::feed::feed;
use super::rows::{Beats, Standing, follow, version};
use crate::ui::{EmptyState, LiveDot, Meter, PersonCell, Stat, StateDot, Time, TimeStyle, WideRow, icon};
use leptos::prelude::*;
use time::OffsetDateTime;
use types::LicenseId;
use types::live::{LiveRow, LiveView};

/// So many sessions the overview shows; the live page shows all.
const MOST: usize = 8;
const COLUMNS: u32 = 5;

/// "Live, heard 4 s ago".
#[island]
pub fn LiveBadge(
    slug: String,
    /// When the page was made.
    now: OffsetDateTime,
) -> impl IntoView {
    let heard = feed(&slug, now).heard;
    view! { <LiveDot heard=Signal::derive(move || heard.get()) as_of=Some(now)/> }
}

/// Seats in use, free, and starts refused.
#[island]
pub fn SeatsNow(
    slug: String,
    used: u32,
    total: u32,
    /// Starts refused for want of a seat in the last 24 hours.
    refused: u32,
    now: OffsetDateTime,
) -> impl IntoView {
    let view = feed(&slug, now).view;
    let seats = Memo::new(move |_| view.with(|view| view.as_ref().map_or((used, total), |view| (view.active, view.max_seats))));
    let in_use = Signal::derive(move || seats.get().0);
    let owned = Signal::derive(move || seats.get().1);
    let bad = refused > 0;
    let free = move || owned.get().saturating_sub(in_use.get());
    view! {
        <div class="flex flex-wrap items-start justify-between gap-x-8 gap-y-4">
            <Stat label="Seats in use" note=Signal::derive(move || Some(format!("of {}", owned.get()))) large=true>
                {in_use}
            </Stat>
            <div class="flex gap-8">
                <Stat label="Free now">{free}</Stat>
                <Stat label="Refused in 24 h" bad=bad>
                    {refused}
                </Stat>
            </div>
        </div>
        <div class="mt-3">
            <Meter used=in_use total=owned/>
        </div>
    }
}

/// Who has started last.
#[island]
pub fn OnNow(
    slug: String,
    view: LiveView,
    /// Only sessions of this licence.
    license: Option<LicenseId>,
    /// For a narrow place, before the first start.
    compact: bool,
    beats: Beats,
    now: OffsetDateTime,
) -> impl IntoView {
    let feed = feed(&slug, now);
    let rows = follow(&feed, view, move |row| license.is_none_or(|id| row.license_id == id), |_, _| {});
    let first = move || rows.with(|rows| rows.iter().take(MOST).cloned().collect::<Vec<_>>());
    let others = move || {
        let others = rows.with(Vec::len).saturating_sub(MOST);
        (others > 0).then(|| view! { <p class="card-foot">{format!("and {others} more")}</p> })
    };
    let (title, text) = if compact {
        ("Nobody is on yet", "The first session shows here the moment the application starts on a device.")
    } else {
        ("Nobody is on right now", "A session shows here the moment the application starts on a device.")
    };
    let nobody = move || {
        rows.with(Vec::is_empty).then(|| {
            view! {
                <WideRow columns=COLUMNS>
                    <EmptyState icon=icon::MONITOR title=title>
                        <p>{text}</p>
                    </EmptyState>
                </WideRow>
            }
        })
    };
    let class = if compact { "table table-compact" } else { "table" };
    view! {
        <table class=class>
            <caption class="sr-only">"Who is on now, latest first"</caption>
            <thead class="sr-only">
                <tr>
                    <th scope="col">"Person"</th>
                    <th scope="col" class="p3">
                        "Device"
                    </th>
                    <th scope="col" class="p2">
                        "Version"
                    </th>
                    <th scope="col" class="p3">
                        "State"
                    </th>
                    <th scope="col" class="num">
                        "Since"
                    </th>
                </tr>
            </thead>
            <tbody>
                {nobody}
                <For each=first key=|(id, _)| *id let((_, row))>
                    <OnRow row=row beats=beats.clone() now=feed.now.clone()/>
                </For>
            </tbody>
        </table>
        {others}
    }
}

#[component]
fn OnRow(row: ArcRwSignal<LiveRow>, beats: Beats, now: ArcRwSignal<OffsetDateTime>) -> impl IntoView {
    let LiveRow { user_name, device, client_version, started_at, .. } = row.get_untracked();
    let standing = Memo::new(move |_| row.with(|row| Standing::of(row, &beats, now.get())));
    let word = move || match standing.get() {
        Standing::Active => "Active",
        Standing::Late(_) => "Late heartbeat",
    };
    view! {
        <tr>
            <PersonCell name=user_name sub=device.clone()/>
            <td class="p3">{device}</td>
            <td class="p2">{version(&client_version)}</td>
            <td class="p3 w-40">
                <StateDot tone=Signal::derive(move || standing.get().tone())>{word}</StateDot>
            </td>
            <td class="num">
                <Time at=started_at style=TimeStyle::Elapsed/>
            </td>
        </tr>
    }
}
