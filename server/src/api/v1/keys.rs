//! `/.well-known/jwks.json`

use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(jwks))
}

// These two are for the document alone: the signer writes the answer.

/// A JWK Set (RFC 7517).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JwkSet {
    pub(super) keys: Vec<Jwk>,
}

/// A public key (RFC 7518 §6.3, RFC 8037 §2).
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Jwk {
    /// The name that the header of a token gives.
    pub(super) kid: String,
    /// `OKP` or `RSA`.
    pub(super) kty: String,
    /// The only algorithm of this key: `EdDSA` or `RS256`.
    pub(super) alg: String,
    /// `sig`
    #[serde(rename = "use")]
    pub(super) usage: String,
    /// Of `OKP`: `Ed25519`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crv: Option<String>,
    /// Of `OKP`: the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) x: Option<String>,
    /// Of `RSA`: the modulus.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) n: Option<String>,
    /// Of `RSA`: the exponent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) e: Option<String>,
}

/// Keys that verify license tokens
///
/// The key that signs, the next one, and those before whose tokens may still be valid. A token whose key is not among them is not valid.
/// The answer may be cached for five minutes.
#[utoipa::path(get, path = "/.well-known/jwks.json", tag = "licenses", responses((status = 200, body = JwkSet)))]
async fn jwks(State(state): State<AppState>) -> impl IntoResponse {
    ([(CACHE_CONTROL, "public, max-age=300")], Json(state.services.signer.jwks()))
}

#[cfg(test)]
mod tests {
    use crate::signer::LocalKeys;
    use domain::ports::signer::{Algorithm, Signer};
    use domain::ports::time::SystemClock;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use std::sync::Arc;
    use time::OffsetDateTime;

    #[test]
    fn the_document_shows_what_the_signer_writes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        LocalKeys::create(&path, Algorithm::EdDSA, "secret", OffsetDateTime::UNIX_EPOCH).unwrap();
        let published = LocalKeys::open(&path, Algorithm::EdDSA, "secret", Arc::new(SystemClock)).unwrap().jwks();
        let document = serde_json::to_value(crate::api::v1::document()).unwrap();
        let answer = &document["paths"]["/.well-known/jwks.json"]["get"]["responses"]["200"]["content"]["application/json"];
        let names = |set: &Value| set["keys"][0].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(names(&answer["example"]), names(&published));
        let described = &document["components"]["schemas"]["Jwk"]["properties"];
        for name in ["crv", "x", "n", "e", "kid", "kty", "alg", "use"] {
            assert!(described[name].is_object(), "{name}");
        }
    }
}
