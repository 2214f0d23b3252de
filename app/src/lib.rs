//! The portal's pages.
//!
//! Pages are rendered on the server only; what must live in the browser is an `#[island]` and is compiled for both. Navigation is
//! ordinary page loads, so every page works without JavaScript.

// A view's type nests as deep as its elements; the optimised build looks through all of it.
#![recursion_limit = "256"]

pub mod account;
#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
pub mod audit;
pub mod billing;
#[cfg(feature = "ssr")]
pub mod browser;
#[cfg(feature = "ssr")]
pub mod device;
#[cfg(feature = "ssr")]
pub mod download;
#[cfg(feature = "ssr")]
pub mod home;
pub mod invitations;
#[cfg(feature = "ssr")]
pub mod layout;
#[cfg(feature = "ssr")]
pub mod licenses;
pub mod login;
pub mod members;
pub mod new_organization;
#[cfg(feature = "ssr")]
pub mod org;
#[cfg(feature = "ssr")]
pub mod overview;
#[cfg(feature = "ssr")]
pub mod page;
pub mod password;
pub mod problem;
pub mod sessions;
pub mod settings;
#[cfg(feature = "ssr")]
pub mod shell;
pub mod signup;
#[cfg(feature = "ssr")]
pub mod support;
pub mod ui;
#[cfg(feature = "ssr")]
pub mod usage;
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
