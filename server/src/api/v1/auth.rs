//! `/api/v1/auth`

use crate::api::error::ApiError;
use crate::api::extract::{Bearer, Json, Open};
use crate::state::AppState;
use axum::extract::State;
use axum::http::StatusCode;
use domain::{identity, login as logins, signup};
use types::Problem;
use types::auth::{LoginRequest, MeResponse, RefreshRequest, RegisterRequest, RegisterResponse, TokenResponse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(me))
}

/// Found an organization
///
/// The answer is the same whether or not the address is known; it becomes real when the link in the mail is followed.
#[utoipa::path(post, path = "/register", tag = "auth", request_body = RegisterRequest,
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat under the same key mails nothing and gets the same answer, for a day")),
    responses((status = 201, body = RegisterResponse),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`", body = Problem), (status = 429, body = Problem)))]
async fn register(
    State(state): State<AppState>,
    Open(ctx): Open,
    Json(request): Json<RegisterRequest>,
) -> Result<(StatusCode, axum::Json<RegisterResponse>), ApiError> {
    Ok((StatusCode::CREATED, axum::Json(signup::register(&ctx, &state.services, &request).await?)))
}

/// Log in with email and password
#[utoipa::path(post, path = "/login", tag = "auth", request_body = LoginRequest,
    responses((status = 200, body = TokenResponse), (status = 401, description = "`invalid_credentials`", body = Problem),
        (status = 403, description = "`email_unverified`, `forbidden` (member of no organization)", body = Problem),
        (status = 409, description = "`tenant_required`, with `tenants[]`", body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
async fn login(
    State(state): State<AppState>,
    Open(ctx): Open,
    Json(request): Json<LoginRequest>,
) -> Result<axum::Json<TokenResponse>, ApiError> {
    Ok(axum::Json(logins::login(&ctx, &state.services, &request).await?))
}

/// Exchange a refresh token for the next pair
///
/// A used token whose successor was never used gives another successor, because the answer may have been lost; any other reuse ends
/// the login.
#[utoipa::path(post, path = "/refresh", tag = "auth", request_body = RefreshRequest,
    responses((status = 200, body = TokenResponse), (status = 401, description = "`refresh_invalid`, `refresh_reused`", body = Problem),
        (status = 422, body = Problem)))]
async fn refresh(
    State(state): State<AppState>,
    Open(ctx): Open,
    Json(request): Json<RefreshRequest>,
) -> Result<axum::Json<TokenResponse>, ApiError> {
    Ok(axum::Json(logins::refresh(&ctx, &state.services, &request.refresh_token).await?))
}

/// End this login
#[utoipa::path(post, path = "/logout", tag = "auth", request_body = RefreshRequest, security(("bearer" = [])),
    responses((status = 204), (status = 401, body = Problem), (status = 422, body = Problem)))]
async fn logout(State(state): State<AppState>, Bearer(ctx): Bearer, Json(request): Json<RefreshRequest>) -> Result<StatusCode, ApiError> {
    logins::logout(&ctx, &state.services, &request.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who the access token speaks for
#[utoipa::path(get, path = "/me", tag = "auth", security(("bearer" = [])),
    responses((status = 200, body = MeResponse), (status = 401, body = Problem)))]
async fn me(State(state): State<AppState>, Bearer(ctx): Bearer) -> Result<axum::Json<MeResponse>, ApiError> {
    Ok(axum::Json(identity::me(&ctx, &state.services).await?))
}
