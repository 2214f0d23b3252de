//! Headers that every answer carries, and the content security policy of pages.

use crate::state::AppState;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::response::Response;
use leptos::nonce::Nonce;

const OPENER: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS: HeaderName = HeaderName::from_static("permissions-policy");

/// The nonce of the page that is being rendered.
#[derive(Clone, Debug)]
pub struct PageNonce(pub Nonce);

/// What the headers of an answer depend on.
pub(super) struct Page {
    is_api: bool,
    is_docs: bool,
    /// None where there are no pages.
    nonce: Option<Nonce>,
}

impl Page {
    /// Gives the page its nonce.
    pub(super) fn of(request: &mut Request) -> Self {
        let path = request.uri().path();
        let (is_api, is_docs) = (path.starts_with("/api/"), path.starts_with("/api/docs"));
        let nonce = (!is_api).then(Nonce::new);
        if let Some(nonce) = &nonce {
            request.extensions_mut().insert(PageNonce(nonce.clone()));
        }
        Self { is_api, is_docs, nonce }
    }

    /// Sets what is not set already.
    pub(super) fn set_headers(self, response: &mut Response, state: &AppState) {
        let is_page = response.headers().get(CONTENT_TYPE).is_some_and(|t| t.as_bytes().starts_with(b"text/html"));
        let headers = response.headers_mut();
        // With the request's id.
        headers.reserve(10);
        let mut set = |name: HeaderName, value: HeaderValue| {
            headers.entry(name).or_insert(value);
        };
        set(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        set(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        // `no-referrer` would take the way back, and their Origin, from forms without JavaScript.
        set(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
        set(OPENER, HeaderValue::from_static("same-origin"));
        set(RESOURCE, HeaderValue::from_static("same-origin"));
        set(PERMISSIONS, HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"));
        // Browsers heed it over https only.
        set(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains"));
        if is_page || self.is_api {
            set(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        let policy = match self.nonce {
            // The documentation browser sets styles from its own scripts.
            _ if self.is_docs => HeaderValue::from_static(DOCS_POLICY),
            Some(nonce) if is_page => page_policy(&nonce, &state.web.pay_origins),
            _ => HeaderValue::from_static(NOTHING_POLICY),
        };
        set(CONTENT_SECURITY_POLICY, policy);
    }
}

const NOTHING_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
const DOCS_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn page_policy(nonce: &Nonce, pay: &str) -> HeaderValue {
    // A form that is answered with a redirect counts as sent to where that leads.
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self' {pay}; frame-ancestors 'none'; object-src 'none'"
    );
    // The nonce is base64, and the origins are of a URL.
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static(NOTHING_POLICY))
}
