//! Version 1 of the licence API, and its OpenAPI document.

mod analytics;
mod audit;
mod auth;
mod device;
mod examples;
mod keys;
mod licenses;
mod members;
mod organizations;
mod sessions;

use crate::state::AppState;
use axum::Router;
use utoipa::openapi::content::Content;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{PathItem, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "License API",
        version = "1",
        description = "What the installed application calls: log in, take a seat, keep it with heartbeats, give it back. Errors are `application/problem+json` (RFC 9457) with a stable `code` (the two calls of a login by device code mostly answer in OAuth's form); every answer carries `x-request-id`. Times are RFC 3339 in UTC."
    ),
    modifiers(&BearerToken),
    tags(
        (name = "auth", description = "Accounts and logins"),
        (name = "licenses", description = "Seats: acquire, heartbeat, release, validate; the keys that verify license tokens"),
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
        .merge(keys::router())
}

/// The OpenAPI 3.1 document.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = routes().merge(licenses::seat_calls()).split_for_parts().1;
    add_common(&mut document);
    examples::add(&mut document);
    document
}

/// Every operation of the document, with its path.
fn operations(document: &mut utoipa::openapi::OpenApi) -> impl Iterator<Item = (&str, &mut Operation)> {
    document.paths.paths.iter_mut().flat_map(|(path, item)| {
        let PathItem { get, put, post, delete, patch, .. } = item;
        [get, put, post, delete, patch].into_iter().flatten().map(move |operation| (path.as_str(), operation))
    })
}

/// Says what every call may answer, where it does not say it itself.
fn add_common(document: &mut utoipa::openapi::OpenApi) {
    let common = [
        ("413", "`payload_too_large`: more than 64 KiB"),
        ("500", "`internal`: a mistake of ours. It is logged under the answer's `request_id`"),
        ("503", "`unavailable`: the database does not answer. Try again after `Retry-After`"),
    ];
    for (_, operation) in operations(document).filter(|(path, _)| path.starts_with("/api/v1/")) {
        for (status, description) in common {
            if status == "413" && operation.request_body.is_none() {
                continue;
            }
            let content = Content::new(Some(Ref::from_schema_name("Problem")));
            let answer = ResponseBuilder::new().description(description).content("application/json", content).build();
            operation.responses.responses.entry(status.to_owned()).or_insert(RefOr::T(answer));
        }
    }
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
    router.merge(swagger)
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
            ("get", "/.well-known/jwks.json"),
        ] {
            assert!(document["paths"][path][method].is_object(), "{method} {path}");
        }
    }

    #[test]
    fn every_call_says_what_it_answers_during_an_outage() {
        let document = serde_json::to_value(super::document()).unwrap();
        let mut calls = 0;
        for (path, item) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| path.starts_with("/api/v1/")) {
            for (method, operation) in item.as_object().unwrap() {
                calls += 1;
                let answer = &operation["responses"]["503"];
                let says = answer["description"].as_str().unwrap_or_default();
                assert!(says.contains("`unavailable`") && says.contains("`Retry-After`"), "{method} {path}: {says}");
                let body = &answer["content"]["application/problem+json"];
                assert_eq!(body["schema"]["$ref"], "#/components/schemas/Problem", "{method} {path}");
                assert!(body["examples"]["unavailable"]["value"]["retry_after"].is_u64(), "{method} {path}");
            }
        }
        assert!(calls > 20, "{calls}");
    }
}
