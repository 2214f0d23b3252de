//! Refuses state changes that another site caused (Leptos brings no such protection). A browser says where a request comes from by
//! `Sec-Fetch-Site`, or at least by `Origin`; the licence API is not concerned, since no browser adds its bearer token by itself.

use crate::api::error::ApiError;
use crate::state::AppState;
use axum::extract::{Request, State};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use types::{Code, Problem};

pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let exempt = request.uri().path().starts_with("/api/") || request.uri().path().starts_with("/webhooks/");
    if safe || exempt || comes_from_us(request.headers(), &state.web.origin) {
        return next.run(request).await;
    }
    ApiError::from(Problem::new(
        Code::CrossSite,
        "This request came from another site and was not carried out. Open the portal and try again there.",
    ))
    .into_response()
}

/// Both headers must agree with us as far as they are there, and one must be.
fn comes_from_us(headers: &HeaderMap, origin: &str) -> bool {
    let site = headers.get("sec-fetch-site").map(|v| v.as_bytes());
    let from = headers.get(ORIGIN).map(|v| v.as_bytes());
    let site_ok = matches!(site, None | Some(b"same-origin"));
    let from_ok = from.is_none_or(|o| o == origin.as_bytes());
    site_ok && from_ok && (site.is_some() || from.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(site: Option<&str>, origin: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(v) = site {
            headers.insert("sec-fetch-site", v.parse().unwrap());
        }
        if let Some(v) = origin {
            headers.insert(ORIGIN, v.parse().unwrap());
        }
        comes_from_us(&headers, "https://portal.example")
    }

    #[test]
    fn only_our_own_pages_change_anything() {
        assert!(accepted(Some("same-origin"), Some("https://portal.example")));
        assert!(accepted(Some("same-origin"), None));
        assert!(accepted(None, Some("https://portal.example")));
        for site in ["cross-site", "same-site", "none"] {
            assert!(!accepted(Some(site), None), "{site}");
            assert!(!accepted(Some(site), Some("https://portal.example")), "{site}");
        }
        for origin in ["null", "https://evil.example", "https://portal.example.evil", "http://portal.example", "https://portal.example:444"]
        {
            assert!(!accepted(None, Some(origin)), "{origin}");
            assert!(!accepted(Some("same-origin"), Some(origin)), "{origin}");
        }
        assert!(!accepted(None, None));
    }
}
