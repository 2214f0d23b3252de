//! What handlers of the licence API take in: who calls, and the body.

use crate::api::error::ApiError;
use crate::state::AppState;
use crate::web::request::RequestInfo;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use domain::identity;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use store::OpCtx;
use types::{Code, FieldError, Problem};

/// Bodies of the licence API and of forms are small.
pub const BODY_LIMIT: usize = 64 * 1024;

fn info(parts: &Parts) -> RequestInfo {
    parts.extensions.get::<RequestInfo>().cloned().unwrap_or_else(|| RequestInfo { id: String::new(), ip: None })
}

/// The context of a request of which nothing is known but its `Idempotency-Key`, which is checked where it counts.
fn context(parts: &Parts) -> OpCtx {
    let key = parts.headers.get("idempotency-key").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    OpCtx { idempotency_key: key, ..info(parts).anonymous() }
}

fn token(parts: &Parts) -> Result<&str, ApiError> {
    let missing = || ApiError::from(Problem::new(Code::Unauthenticated, "Send an access token: Authorization: Bearer ACCESS_TOKEN."));
    let value = parts.headers.get(AUTHORIZATION).and_then(|v| v.to_str().ok()).ok_or_else(missing)?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(missing()) }
}

/// Nobody needs to be signed in.
#[derive(Debug)]
pub struct Open(pub OpCtx);

impl FromRequestParts<AppState> for Open {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        Ok(Self(context(parts)))
    }
}

/// The installed application, by its access token alone: the live store compares the rest.
#[derive(Debug)]
pub struct Device(pub OpCtx);

impl FromRequestParts<AppState> for Device {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(Self(identity::device(&info(parts).anonymous(), &state.services, token(parts)?)?))
    }
}

/// A person by an access token, checked against the database.
#[derive(Debug)]
pub struct Bearer(pub OpCtx);

impl FromRequestParts<AppState> for Bearer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        Ok(Self(identity::bearer(&context(parts), &state.services, token(parts)?).await?))
    }
}

/// A JSON body. What is wrong with it is said by field.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<AppState> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, ApiError> {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let essence = kind.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(Code::InvalidRequest, "Send JSON, with Content-Type: application/json.").into());
        }
        let body = Limited::new(request.into_body(), BODY_LIMIT).collect().await.map_err(|error| {
            if is_too_large(error.as_ref()) {
                ApiError::from(Problem::new(Code::PayloadTooLarge, "The request is larger than 64 KiB."))
            } else {
                ApiError::from(Problem::new(Code::InvalidRequest, "The body did not arrive whole."))
            }
        })?;
        parse(&body.to_bytes()).map(Self).map_err(ApiError::from)
    }
}

/// Whether the limit of this extractor or of a layer around it was met.
fn is_too_large(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<LengthLimitError>() || error.source().is_some_and(is_too_large)
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        describe(&path, error.inner())
    })?;
    json.end().map_err(|e| describe(".", &e))?;
    Ok(value)
}

/// Our own words for what serde says.
fn describe(path: &str, error: &serde_json::Error) -> Problem {
    use serde_json::error::Category;
    if error.classify() != Category::Data {
        return Problem::new(
            Code::InvalidRequest,
            format!("The body is not valid JSON (line {}, column {}).", error.line(), error.column()),
        );
    }
    let text = error.to_string();
    let named = text.split('`').nth(1).unwrap_or_default();
    let field = if path == "." { String::new() } else { path.replace('.', "/") };
    let (field, detail) = if text.starts_with("missing field") {
        (join(&field, named), format!("`{named}` is missing."))
    } else if text.starts_with("unknown field") {
        let known = field.rsplit('/').next() == Some(named);
        (if known { field } else { join(&field, named) }, format!("`{named}` is not a field of this request."))
    } else if text.starts_with("duplicate field") {
        let known = field.rsplit('/').next() == Some(named);
        (if known { field } else { join(&field, named) }, format!("`{named}` stands twice in this request."))
    } else if let Some((_, expected)) = text.split_once("expected ") {
        let expected = expected.split(" at line").next().unwrap_or_default().to_owned();
        let what = if field.is_empty() { "The body".to_owned() } else { format!("`{field}`") };
        (field, format!("{what} must be {expected}."))
    } else {
        let what = if field.is_empty() { "The body".to_owned() } else { format!("`{field}`") };
        (field, format!("{what} is not valid."))
    };
    if field.is_empty() { Problem::new(Code::InvalidRequest, detail) } else { Problem::from(FieldError::new(&field, detail)) }
}

fn join(parent: &str, field: &str) -> String {
    if parent.is_empty() { field.to_owned() } else { format!("{parent}/{field}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::auth::LoginRequest;
    use types::licenses::AcquireRequest;

    fn problem<T: DeserializeOwned + std::fmt::Debug>(body: &str) -> (String, String) {
        let p = parse::<T>(body.as_bytes()).unwrap_err();
        assert_eq!(p.code, Code::InvalidRequest);
        (p.pointer.unwrap_or_default(), p.detail)
    }

    #[test]
    fn the_field_is_named() {
        assert_eq!(problem::<LoginRequest>(r#"{"email":"a@b.c"}"#), ("/password".into(), "`password` is missing.".into()));
        assert_eq!(problem::<LoginRequest>(r#"{"email":5,"password":"x"}"#), ("/email".into(), "`email` must be a string.".into()));
        assert_eq!(problem::<LoginRequest>(r#"{"email":"a","password":"b","is_staff":true}"#).0, "/is_staff");
        assert_eq!(problem::<LoginRequest>(r#"{"email":"a","email":"b","password":"c"}"#).0, "/email");
    }

    #[test]
    fn what_is_no_json_is_said_so() {
        for body in ["", "{", "\u{feff}{}", r#"{"email":"a",}"#] {
            let p = parse::<LoginRequest>(body.as_bytes()).unwrap_err();
            assert_eq!((p.code, p.pointer), (Code::InvalidRequest, None), "{body:?}");
        }
        assert!(parse::<LoginRequest>(br#"[]"#).is_err());
        assert!(parse::<LoginRequest>(b"{\"email\":\"\xff\"}").is_err());
        let deep = "[".repeat(100_000);
        assert!(parse::<LoginRequest>(deep.as_bytes()).is_err());
    }

    #[test]
    fn newer_clients_may_say_more() {
        assert!(parse::<AcquireRequest>(br#"{"hardware_id":"h","gpu":"x"}"#).is_ok());
    }
}
