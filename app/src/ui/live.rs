//! What live pages share.

use super::Time;
use leptos::prelude::*;
use time::OffsetDateTime;

/// "Live, heard 4 s ago". Before the page is connected, and without JavaScript, it says as of when the page is.
#[component]
pub fn LiveDot(
    /// Seconds since the server was last heard; `None` before the first time.
    #[prop(into)]
    heard: Signal<Option<u32>>,
    /// When the page was made.
    #[prop(optional_no_strip)]
    as_of: Option<OffsetDateTime>,
    /// Seconds of silence after which it no longer calls itself live.
    #[prop(default = 15)]
    patience: u32,
) -> impl IntoView {
    let away = move || heard.get().is_some_and(|heard| heard > patience);
    let dot = move || match heard.get() {
        None => "dot live-off",
        Some(_) if away() => "dot live-away",
        Some(_) => "dot",
    };
    // Only the word is announced; the seconds would never stop.
    let word = move || match heard.get() {
        None => "As of",
        Some(_) if away() => "Reconnecting",
        Some(_) => "Live",
    };
    view! {
        <span class="live">
            <span class=dot aria-hidden="true"></span>
            <strong role="status">{word}</strong>
            " "
            {move || match (heard.get(), as_of) {
                (Some(heard), _) => view! { <span>{format!("heard {} ago", super::times::duration(heard.into()))}</span> }.into_any(),
                (None, Some(at)) => view! { <Time at=at style=super::TimeStyle::Clock/> }.into_any(),
                (None, None) => "page load".into_any(),
            }}
        </span>
    }
}

// Islands of one page share the browser's memory: the one that listens to the server tells the sidebar here.
#[cfg(feature = "hydrate")]
thread_local! {
    static IN_USE: ArcRwSignal<Option<(u32, u32)>> = ArcRwSignal::new(None);
}

/// Tells the sidebar how many seats are in use, of how many. To be called by the island that hears of it.
#[cfg_attr(not(feature = "hydrate"), allow(unused_variables))]
pub fn set_seats(used: u32, total: u32) {
    #[cfg(feature = "hydrate")]
    IN_USE.with(|seats| seats.set(Some((used, total))));
}

/// What was last heard, else what the page was rendered with.
fn seats(rendered: (u32, u32)) -> Signal<(u32, u32)> {
    #[cfg(feature = "hydrate")]
    {
        let heard = IN_USE.with(Clone::clone);
        Signal::derive(move || heard.get().unwrap_or(rendered))
    }
    #[cfg(not(feature = "hydrate"))]
    Signal::stored(rendered)
}

/// The sidebar's meter. Follows [`set_seats`].
#[island]
pub fn LiveSeats(used: u32, total: u32) -> impl IntoView {
    let seats = seats((used, total));
    view! {
        <span class="mb-2 flex items-baseline justify-between text-xs">
            <span class="text-ink-2">"Seats in use"</span>
            <span class="font-medium text-ink tabular-nums">
                {move || {
                    let (used, total) = seats.get();
                    format!("{used} of {total}")
                }}
            </span>
        </span>
        <super::Meter used=Signal::derive(move || seats.get().0) total=Signal::derive(move || seats.get().1)/>
    }
}

/// The sidebar's number of live sessions. Follows [`set_seats`].
#[island]
pub fn LiveCount(count: u32) -> impl IntoView {
    let seats = seats((count, 0));
    move || seats.get().0
}
