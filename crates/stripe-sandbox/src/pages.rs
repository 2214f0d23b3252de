//! The hosted pages: checkout, the customer's portal, invoices.

use crate::form::Params;
use crate::html;
use crate::state::State;
use crate::{checkout_page, invoice_page, portal};

/// What a page answers.
#[derive(Debug)]
pub enum Page {
    /// A page with its status.
    Html(u16, String),
    /// Go there (303).
    Redirect(String),
    /// A PDF file.
    Pdf(Vec<u8>),
}

/// Answers one request for a page.
pub fn answer(state: &mut State, method: &str, path: &str, params: &Params) -> Page {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        ("GET", []) => Page::Html(200, html::page("It runs", "<p>The stand-in for Stripe answers below <code>/v1</code>.</p>")),
        ("GET", ["c", "pay", id]) => checkout_page::show(state, id),
        ("POST", ["c", "pay", id]) => checkout_page::submit(state, id, params),
        ("GET", ["p", "session", id]) => portal::show(state, id, None),
        ("POST", ["p", "session", id, action]) => portal::submit(state, id, action, params),
        ("GET", ["invoice", id]) => invoice_page::show(state, id, None),
        ("POST", ["invoice", id, "pay"]) => invoice_page::pay(state, id),
        ("GET", ["invoice", id, "pdf"]) => invoice_page::pdf(state, id),
        _ => not_found(),
    }
}

/// Nothing here.
pub fn not_found() -> Page {
    Page::Html(404, html::page("Page not found", "<p>The sandbox has no such page. It may have been reset.</p>"))
}
