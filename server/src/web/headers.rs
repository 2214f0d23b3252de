//! Headers that every answer carries, and the content security policy of pages.

use crate::state::AppState;
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use leptos::nonce::Nonce;

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// The nonce of the page that is being rendered.
#[derive(Clone, Debug)]
pub struct PageNonce(pub Nonce);

/// Sets what is not set already.
pub async fn layer(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let nonce = Nonce::new();
    let is_api = request.uri().path().starts_with("/api/");
    let is_docs = request.uri().path().starts_with("/api/docs");
    request.extensions_mut().insert(PageNonce(nonce.clone()));
    let mut response = next.run(request).await;
    let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/html"));
    let headers = response.headers_mut();
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, X_FRAME_OPTIONS, "DENY");
    // `no-referrer` would take the way back, and their Origin, from forms without JavaScript.
    set(headers, REFERRER_POLICY, "same-origin");
    set(headers, OPENER, "same-origin");
    set(headers, RESOURCE, "same-origin");
    set(headers, PERMISSIONS, "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
    // Browsers heed it over https only.
    set(headers, STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    if is_page || is_api {
        set(headers, CACHE_CONTROL, "no-store");
    }
    let policy = if is_docs {
        // The documentation browser sets styles from its own scripts.
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'".to_owned()
    } else if is_page {
        // A form that is answered with a redirect counts as sent to where that leads.
        let pay = &state.web.pay_origins;
        format!(
            "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self' {pay}; frame-ancestors 'none'; object-src 'none'"
        )
    } else {
        "default-src 'none'; frame-ancestors 'none'".to_owned()
    };
    set(headers, CONTENT_SECURITY_POLICY, &policy);
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // All values are written above; the nonce is base64.
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.entry(name).or_insert(value);
    }
}
