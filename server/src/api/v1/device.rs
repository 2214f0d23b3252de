//! `/api/v1/device`: logging in by a code that somebody approves in a browser (RFC 8628).

use crate::api::error::ApiError;
use crate::api::extract::Open;
use crate::state::AppState;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use domain::device_login::{self, GRANT_TYPE, Poll};
use types::auth::{
    DeviceAuthorizationRequest, DeviceAuthorizationResponse, DeviceError, DeviceErrorResponse, DeviceTokenRequest, TokenResponse,
};
use types::{Code, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(authorize)).routes(routes!(token))
}

/// A refusal in the words of OAuth, or a problem that OAuth has no word for.
enum Refusal {
    OAuth(DeviceError, String),
    Other(ApiError),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::OAuth(error, error_description) => {
                (StatusCode::BAD_REQUEST, axum::Json(DeviceErrorResponse { error, error_description })).into_response()
            }
            Self::Other(error) => error.into_response(),
        }
    }
}

impl From<DeviceError> for Refusal {
    fn from(error: DeviceError) -> Self {
        Self::OAuth(error, device_login::describe(error).to_owned())
    }
}

impl From<domain::Error> for Refusal {
    fn from(error: domain::Error) -> Self {
        let problem = error.into_problem();
        match problem.code {
            Code::InvalidRequest => Self::OAuth(DeviceError::InvalidRequest, problem.detail),
            _ => Self::Other(problem.into()),
        }
    }
}

impl From<FormRejection> for Refusal {
    fn from(rejection: FormRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Self::Other(Problem::new(Code::PayloadTooLarge, "The request is larger than 64 KiB.").into()),
            _ => Self::OAuth(
                DeviceError::InvalidRequest,
                "Send a form, with Content-Type: application/x-www-form-urlencoded, and each field once.".to_owned(),
            ),
        }
    }
}

/// A field that is sent empty counts as not sent (RFC 6749 §3.1).
fn filled(field: Option<String>) -> Option<String> {
    field.filter(|value| !value.is_empty())
}

/// Begin a login that somebody approves in a browser
///
/// RFC 8628 §3.1. Show the code and the address to the person, then ask `/token` every `interval` seconds.
#[utoipa::path(post, path = "/authorize", tag = "auth",
    request_body(content = DeviceAuthorizationRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = DeviceAuthorizationResponse),
        (status = 400, description = "`invalid_request`", body = DeviceErrorResponse),
        (status = 429, body = Problem)))]
async fn authorize(
    State(state): State<AppState>,
    Open(ctx): Open,
    form: Result<Form<DeviceAuthorizationRequest>, FormRejection>,
) -> Result<axum::Json<DeviceAuthorizationResponse>, Refusal> {
    let Form(form) = form?;
    let request = DeviceAuthorizationRequest {
        client_id: filled(form.client_id),
        hardware_id: filled(form.hardware_id),
        hostname: filled(form.hostname),
    };
    Ok(axum::Json(device_login::authorize(&ctx, &state.services, &request).await?))
}

/// Ask whether the login has been approved
///
/// RFC 8628 §3.4. `authorization_pending`: ask again after the interval. `slow_down`: the same, and the interval is five seconds longer
/// from then on. Every other error ends the login.
#[utoipa::path(post, path = "/token", tag = "auth",
    request_body(content = DeviceTokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenResponse),
        (status = 400, description = "`authorization_pending`, `slow_down`, `access_denied`, `expired_token`, `invalid_grant`, `invalid_request`, `unsupported_grant_type`",
            body = DeviceErrorResponse)))]
async fn token(
    State(state): State<AppState>,
    Open(ctx): Open,
    form: Result<Form<DeviceTokenRequest>, FormRejection>,
) -> Result<axum::Json<TokenResponse>, Refusal> {
    let Form(form) = form?;
    let missing = |name: &str| Refusal::OAuth(DeviceError::InvalidRequest, format!("`{name}` is missing."));
    let grant_type = filled(form.grant_type).ok_or_else(|| missing("grant_type"))?;
    if grant_type != GRANT_TYPE {
        return Err(DeviceError::UnsupportedGrantType.into());
    }
    let device_code = filled(form.device_code).ok_or_else(|| missing("device_code"))?;
    match device_login::poll(&ctx, &state.services, &device_code).await? {
        Poll::LoggedIn(tokens) => Ok(axum::Json(*tokens)),
        Poll::Not(error) => Err(error.into()),
    }
}
