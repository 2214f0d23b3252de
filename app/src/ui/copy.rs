//! Copying to the clipboard.

use super::{Icon, icon};
use leptos::prelude::*;

/// Copies `text`. Without JavaScript it is not there, since it could do nothing.
#[island]
pub fn CopyButton(
    text: String,
    /// What is copied, for screen readers: "license key".
    what: String,
) -> impl IntoView {
    let (copied, set_copied) = signal(false);
    let alive = super::hydrated();
    let copy = move |_| {
        copy_text(&text);
        set_copied.set(true);
        set_timeout(move || set_copied.set(false), std::time::Duration::from_secs(2));
    };
    view! {
        <button class="btn btn-ghost btn-sm" type="button" hidden=move || !alive.get() on:click=copy>
            {move || if copied.get() { view! { <Icon icon=icon::CHECK class="!text-ok-ink"/> } } else { view! { <Icon icon=icon::COPY class=""/> } }}
            <span aria-live="polite">{move || if copied.get() { "Copied" } else { "Copy" }}</span>
            <span class="sr-only">{format!(" {what}")}</span>
        </button>
    }
}

#[cfg(feature = "hydrate")]
fn copy_text(text: &str) {
    if let Some(clipboard) = web_sys::window().map(|window| window.navigator().clipboard()) {
        // Where it is refused the text is still on the page to be selected.
        drop(clipboard.write_text(text));
    }
}

#[cfg(not(feature = "hydrate"))]
fn copy_text(_text: &str) {}
