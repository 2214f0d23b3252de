//! The portal's pages.
//!
//! Pages are rendered on the server only; what must live in the browser is an `#[island]` and is compiled for both. Navigation is
//! ordinary page loads, so every page works without JavaScript.

#![allow(unreachable_pub, reason = "the component macro moves items into a module of its own")]

#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
pub mod layout;
pub mod problem;
#[cfg(feature = "ssr")]
pub mod shell;
pub mod ui;
#[cfg(feature = "ssr")]
pub mod visit;

pub use problem::PageError;

/// Called by the page's script once the WebAssembly is there; islands hydrate after it.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
    ui::enhance::start();
}
