//! Copying to the clipboard.

use super::{Icon, icon};
use leptos::prelude::*;

/// Copies `text`. It is not there where it could do nothing: without JavaScript, or on a page that is neither HTTPS nor local.
#[island]
pub fn CopyButton(
    text: String,
    /// What is copied, for screen readers: "license key".
    what: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let usable = RwSignal::new(false);
    Effect::new(move |_| usable.set(clipboard::usable()));
    let copy = move |_| {
        clipboard::write(&text, move || {
            copied.set(true);
            set_timeout(move || copied.set(false), std::time::Duration::from_secs(2));
        });
    };
    view! {
        <button class="btn btn-ghost btn-sm" type="button" hidden=move || !usable.get() on:click=copy>
            {move || {
                if copied.get() {
                    view! { <Icon icon=icon::CHECK class="!text-ok-ink"/> }
                } else {
                    view! { <Icon icon=icon::COPY class=""/> }
                }
            }}
            <span aria-live="polite">{move || if copied.get() { "Copied" } else { "Copy" }}</span>
            <span class="sr-only">{format!(" {what}")}</span>
        </button>
    }
}

#[cfg(feature = "hydrate")]
mod clipboard {
    use wasm_bindgen::{JsValue, closure::Closure};

    fn navigator() -> Option<web_sys::Navigator> {
        web_sys::window().map(|window| window.navigator())
    }

    /// Browsers leave `navigator.clipboard` undefined on pages that are not secure.
    pub(super) fn usable() -> bool {
        navigator().is_some_and(|navigator| js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard")).is_ok_and(|c| c.is_object()))
    }

    /// Calls `done` when the text is there. Where the reader refuses, nothing happens: the text is still on the page to be selected.
    pub(super) fn write(text: &str, done: impl Fn() + 'static) {
        let Some(navigator) = navigator().filter(|_| usable()) else { return };
        let done = Closure::<dyn FnMut(JsValue)>::new(move |_| done());
        let refused = Closure::<dyn FnMut(JsValue)>::new(|_| ());
        _ = navigator.clipboard().write_text(text).then2(&done, &refused);
        // The promise calls one of them later; a few bytes for a click are never freed.
        done.forget();
        refused.forget();
    }
}

#[cfg(not(feature = "hydrate"))]
mod clipboard {
    pub(super) fn usable() -> bool {
        false
    }

    pub(super) fn write(_text: &str, _done: impl Fn() + 'static) {}
}
