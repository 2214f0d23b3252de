//! What JavaScript adds to the server-rendered page outside of islands. Everything works without it.

use super::times;
use crate::problem::PASSING;
use leptos::{
    prelude::{provide_context, set_timeout},
    server::ServerActionError,
};
use std::time::Duration;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{
    Document, Element, Event, EventTarget, HtmlDialogElement, HtmlElement, KeyboardEvent, Node, PageTransitionEvent, SubmitEvent, Url,
    Window,
};

/// How long a toast stays.
const TOAST: Duration = Duration::from_secs(8);

/// Called once, after the islands' owner is there and before they hydrate.
pub(crate) fn start() {
    let Some(window) = web_sys::window() else { return };
    let Some(document) = window.document() else { return };
    take_error(&window);
    reload_when_restored(&window);
    open_dialog(&document);
    close_row_menus(&document);
    send_once(&document);
    show_toasts(&document);
    times::local::start(&document);
}

pub(super) fn go_to(address: &str) {
    if let Some(window) = web_sys::window() {
        // Fails only for an address that is none; the page then stays as it is.
        _ = window.location().set_href(address);
    }
}

/// Listens for as long as the page lives.
fn on<E: JsCast + 'static>(target: &EventTarget, name: &str, handle: impl FnMut(E) + 'static) {
    let mut handle = handle;
    let listener = Closure::<dyn FnMut(Event)>::new(move |event: Event| handle(event.unchecked_into::<E>()));
    _ = target.add_event_listener_with_callback(name, listener.as_ref().unchecked_ref());
    listener.forget();
}

/// A form that was sent before the page was alive comes back with its error in the address. The server has rendered it; the island's
/// form must hold the same, and the address is rid of it.
fn take_error(window: &Window) {
    let Ok(url) = window.location().href().and_then(|href| Url::new(&href)) else { return };
    let query = url.search_params();
    if let (Some(path), Some(error)) = (query.get("__path"), query.get("__err")) {
        provide_context(ServerActionError::new(&path, &error));
    }
    if PASSING.iter().any(|name| query.has(name)) {
        PASSING.iter().for_each(|name| query.delete(name));
        if let Ok(history) = window.history() {
            _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&url.href()));
        }
    }
}

/// A page that the browser kept and brings back is old: its forms are sent, its person may have signed out.
fn reload_when_restored(window: &Window) {
    on(window, "pageshow", |event: PageTransitionEvent| {
        if event.persisted()
            && let Some(window) = web_sys::window()
        {
            _ = window.location().reload();
        }
    });
}

/// Makes the dialog that the server has rendered open a modal one: focus stays inside, Esc and a click beside it close it.
fn open_dialog(document: &Document) {
    let Ok(Some(dialog)) = document.query_selector("dialog[data-close]") else { return };
    let Ok(dialog) = dialog.dyn_into::<HtmlDialogElement>() else { return };
    if let Some(scrim) = dialog.parent_element() {
        // The modal dialog brings its own backdrop.
        _ = scrim.class_list().remove_1("scrim");
    }
    // Not `close()`: that would be heard as closing.
    _ = dialog.remove_attribute("open");
    _ = dialog.show_modal();
    let back = dialog.get_attribute("data-close").unwrap_or_default();
    on(&dialog, "close", move |_: Event| go_to(&back));
    let this = dialog.clone();
    on(&dialog, "click", move |event: Event| {
        // The dialog has no padding, so only its backdrop is itself the target.
        if event.target().is_some_and(|target| target.loose_eq(&this)) {
            this.close();
        }
    });
}

/// Row menus are `<details>`: adds closing by a click elsewhere and by Esc.
fn close_row_menus(document: &Document) {
    fn open_menu(document: &Document) -> Option<Element> {
        document.query_selector("details.rowmenu[open]").ok().flatten()
    }
    let in_click = document.clone();
    on(document, "click", move |event: Event| {
        let target = event.target().and_then(|target| target.dyn_into::<Node>().ok());
        if let Some(menu) = open_menu(&in_click).filter(|menu| !menu.contains(target.as_ref())) {
            _ = menu.remove_attribute("open");
        }
    });
    let in_key = document.clone();
    on(document, "keydown", move |event: KeyboardEvent| {
        if event.key() != "Escape" {
            return;
        }
        if let Some(menu) = open_menu(&in_key) {
            _ = menu.remove_attribute("open");
            if let Ok(Some(summary)) = menu.query_selector("summary")
                && let Ok(summary) = summary.dyn_into::<HtmlElement>()
            {
                _ = summary.focus();
            }
        }
    });
}

/// A form that the browser sends itself is sent once. (Those of islands see to it themselves.)
fn send_once(document: &Document) {
    on(document, "submit", |event: SubmitEvent| {
        let Some(button) = event.submitter().filter(|button| button.matches("form[method=post] *").unwrap_or(false)) else { return };
        // Later: what is disabled is not sent, and an island may yet say that it sends the form.
        set_timeout(
            move || {
                if !event.default_prevented() {
                    _ = button.set_attribute("disabled", "");
                    _ = button.set_attribute("aria-busy", "true");
                }
            },
            Duration::ZERO,
        );
    });
}

/// A status that is there when the page loads is not announced, so its words are put in once more; then it goes by itself, unless the
/// reader is at it or it offers something to do.
fn show_toasts(document: &Document) {
    let Ok(toasts) = document.query_selector_all("[data-toast]") else { return };
    for toast in (0..toasts.length()).filter_map(|i| toasts.get(i)?.dyn_into::<Element>().ok()) {
        if let Ok(Some(words)) = toast.query_selector("span") {
            let text = words.text_content();
            words.set_text_content(None);
            set_timeout(move || words.set_text_content(text.as_deref()), Duration::from_millis(100));
        }
        if toast.get_attribute("data-toast").as_deref() == Some("passing") {
            remove_later(toast);
        }
    }
}

fn remove_later(toast: Element) {
    set_timeout(
        move || {
            if toast.matches(":hover, :focus-within").unwrap_or(false) {
                remove_later(toast);
            } else {
                toast.remove();
            }
        },
        TOAST,
    );
}
