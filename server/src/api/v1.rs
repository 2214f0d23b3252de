//! Version 1 of the licence API, and its OpenAPI document.

mod analytics;
mod audit;
mod auth;
mod device;
mod examples;
mod licenses;
mod members;
mod organizations;
mod sessions;

use crate::state::AppState;
use axum::Json;
use axum::Router;
use axum::routing::get;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "License API",
        version = "1",
        description = "What the installed application calls: log in, take a seat, keep it with heartbeats, give it back. Errors are `application/problem+json` (RFC 9457) with a stable `code`; every answer carries `x-request-id`. Times are RFC 3339 in UTC."
    ),
    modifiers(&BearerToken),
    tags(
        (name = "auth", description = "Accounts and logins"),
        (name = "licenses", description = "Seats: acquire, heartbeat, release, validate"),
        (name = "sessions", description = "Ending a session"),
        (name = "organizations", description = "Organizations, members, audit log"),
        (name = "analytics", description = "Which features are used, where the organization wants that counted"),
    )
)]
struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        openapi.components.get_or_insert_default().add_security_scheme(
            "bearer",
            SecurityScheme::Http(Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build()),
        );
    }
}

fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Document::openapi())
        .nest("/api/v1/auth", auth::router())
        .nest("/api/v1/device", device::router())
        .nest("/api/v1/licenses", licenses::router())
        .nest("/api/v1/sessions", sessions::router())
        .nest("/api/v1/organizations", organizations::router())
        .nest("/api/v1/members", members::router())
        .nest("/api/v1/audit", audit::router())
        .nest("/api/v1/analytics", analytics::router())
}

/// The OpenAPI 3.1 document.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = routes().merge(licenses::seat_calls()).split_for_parts().1;
    examples::add(&mut document);
    document
}

/// Acquire, heartbeat and release, apart from the rest: they need few of the layers around it.
pub fn seat_calls() -> Router<AppState> {
    licenses::seat_calls().split_for_parts().0
}

/// All other calls, the document and the documentation browser.
pub fn router() -> Router<AppState> {
    let (router, _) = routes().split_for_parts();
    let document = document();
    let swagger = SwaggerUi::new("/api/docs").url("/api/v1/openapi.json", document);
    router.merge(swagger).route("/.well-known/jwks.json", get(jwks))
}

/// Keys that verify licence tokens (RFC 7517).
async fn jwks(axum::extract::State(state): axum::extract::State<AppState>) -> impl axum::response::IntoResponse {
    ([(http::header::CACHE_CONTROL, "public, max-age=300")], Json(state.services.signer.jwks()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_document_names_every_call_of_the_contract() {
        let document = serde_json::to_value(super::document()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        for (method, path) in [
            ("post", "/api/v1/auth/register"),
            ("post", "/api/v1/auth/login"),
            ("post", "/api/v1/auth/refresh"),
            ("post", "/api/v1/auth/logout"),
            ("get", "/api/v1/auth/me"),
            ("post", "/api/v1/device/authorize"),
            ("post", "/api/v1/device/token"),
            ("post", "/api/v1/licenses/acquire"),
            ("put", "/api/v1/licenses/heartbeat"),
            ("delete", "/api/v1/licenses/release/{session_id}"),
            ("post", "/api/v1/licenses/validate"),
            ("get", "/api/v1/licenses"),
            ("get", "/api/v1/licenses/{id}"),
            ("get", "/api/v1/licenses/{id}/sessions"),
            ("delete", "/api/v1/sessions/{session_id}"),
            ("get", "/api/v1/organizations"),
            ("get", "/api/v1/organizations/current"),
            ("get", "/api/v1/members"),
            ("post", "/api/v1/analytics/track"),
        ] {
            assert!(document["paths"][path][method].is_object(), "{method} {path}");
        }
    }
}
