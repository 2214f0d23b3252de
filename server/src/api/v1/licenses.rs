//! `/api/v1/licenses`

use crate::api::error::ApiError;
use crate::api::extract::{Bearer, Device, Json};
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::{licenses, sessions};
use types::Problem;
use types::licenses::{
    AcquireRequest, AcquireResponse, HeartbeatRequest, HeartbeatResponse, License, LicenseList, SessionList, ValidateRequest,
    ValidateResponse,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(validate)).routes(routes!(list)).routes(routes!(one)).routes(routes!(holders))
}

/// The calls that hold a seat, with their whole paths: a nested router would rewrite the path of every request.
pub(super) fn seat_calls() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(acquire)).routes(routes!(heartbeat)).routes(routes!(release))
}

/// Take a seat
///
/// A seat belongs to a user on a device: asking again keeps it, under a new session id. With several licenses and none named, the first
/// that has a free seat is taken, best tier first.
#[utoipa::path(post, path = "/api/v1/licenses/acquire", tag = "licenses", request_body = AcquireRequest, security(("bearer" = [])),
    responses((status = 201, description = "A seat was taken", body = AcquireResponse),
        (status = 200, description = "The device held one already", body = AcquireResponse), (status = 401, body = Problem),
        (status = 403, description = "`license_expired`, `license_suspended`, `tenant_suspended`, `role_holds_no_seat`", body = Problem),
        (status = 404, description = "`license_not_found`", body = Problem), (status = 422, body = Problem),
        (status = 429, description = "`seats_exhausted`, with `active`, `max_seats`, `next_free_at`, `holders[]`, `own_sessions[]`, `buy_url`", body = Problem),
        (status = 503, description = "`seats_unavailable`, `unavailable`: nobody can say now; also while seats are kept for those who ran before a disturbance. Try again after `Retry-After`", body = Problem)))]
async fn acquire(
    State(state): State<AppState>,
    Device(ctx): Device,
    Json(request): Json<AcquireRequest>,
) -> Result<(StatusCode, axum::Json<AcquireResponse>), ApiError> {
    let (new, answer) = sessions::acquire(&ctx, &state.services, &request).await?;
    Ok((if new { StatusCode::CREATED } else { StatusCode::OK }, axum::Json(answer)))
}

/// Keep a seat
///
/// Send the last token along: a lease that ran out or was lost is taken up again in the same call if a seat is free.
#[utoipa::path(put, path = "/api/v1/licenses/heartbeat", tag = "licenses", request_body = HeartbeatRequest, security(("bearer" = [])),
    responses((status = 200, body = HeartbeatResponse), (status = 401, body = Problem),
        (status = 404, description = "`session_not_found`", body = Problem),
        (status = 410, description = "Stop: `session_revoked`, `session_superseded`, `license_suspended`, `tenant_suspended`, `license_expired`, `role_holds_no_seat`", body = Problem),
        (status = 422, body = Problem), (status = 429, description = "`seats_exhausted`", body = Problem),
        (status = 503, description = "`seats_unavailable`, `unavailable`: keep running, and try again after `Retry-After`", body = Problem)))]
async fn heartbeat(
    State(state): State<AppState>,
    Device(ctx): Device,
    Json(request): Json<HeartbeatRequest>,
) -> Result<axum::Json<HeartbeatResponse>, ApiError> {
    Ok(axum::Json(sessions::heartbeat(&ctx, &state.services, &request).await?))
}

/// Give a seat back
///
/// Again is no error.
#[utoipa::path(delete, path = "/api/v1/licenses/release/{session_id}", tag = "licenses", security(("bearer" = [])), params(("session_id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 404, description = "`session_not_found`", body = Problem),
        (status = 503, description = "`seats_unavailable`, `unavailable`: try again after `Retry-After`", body = Problem)))]
async fn release(State(state): State<AppState>, Device(ctx): Device, Path(session): Path<String>) -> Result<StatusCode, ApiError> {
    sessions::release(&ctx, &state.services, &session).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ask whether a license would work
///
/// Takes no seat. Not valid is an answer, not an error. `code` is the first that applies, in this order: `NOT_FOUND`, `TENANT_SUSPENDED`,
/// `SUSPENDED`, `EXPIRED` or `RESTRICTED` (the license's standing), `ROLE_HOLDS_NO_SEAT`, `SEATS_EXHAUSTED`, `VALID`. Without a key it is about
/// the license that acquire would take.
#[utoipa::path(post, path = "/validate", tag = "licenses", request_body = ValidateRequest, security(("bearer" = [])),
    responses((status = 200, body = ValidateResponse), (status = 401, body = Problem), (status = 422, body = Problem),
        (status = 503, description = "`seats_unavailable`, `unavailable`: try again after `Retry-After`", body = Problem)))]
async fn validate(
    State(state): State<AppState>,
    Bearer(ctx): Bearer,
    Json(request): Json<ValidateRequest>,
) -> Result<axum::Json<ValidateResponse>, ApiError> {
    Ok(axum::Json(licenses::validate(&ctx, &state.services, &request).await?))
}

/// All licenses of the organization
#[utoipa::path(get, path = "/", tag = "licenses", security(("bearer" = [])),
    responses((status = 200, body = LicenseList), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(State(state): State<AppState>, Bearer(ctx): Bearer) -> Result<axum::Json<LicenseList>, ApiError> {
    Ok(axum::Json(LicenseList { licenses: licenses::list(&ctx, &state.services).await? }))
}

/// One license
#[utoipa::path(get, path = "/{id}", tag = "licenses", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 200, body = License), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "`license_not_found`", body = Problem)))]
async fn one(State(state): State<AppState>, Bearer(ctx): Bearer, Path(id): Path<String>) -> Result<axum::Json<License>, ApiError> {
    Ok(axum::Json(licenses::get(&ctx, &state.services, &id).await?))
}

/// Who holds a seat
///
/// Everybody, or for those who may not see that, one's own sessions.
#[utoipa::path(get, path = "/{id}/sessions", tag = "licenses", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 200, body = SessionList), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 404, description = "`license_not_found`", body = Problem),
        (status = 503, description = "`seats_unavailable`, `unavailable`: try again after `Retry-After`", body = Problem)))]
async fn holders(State(state): State<AppState>, Bearer(ctx): Bearer, Path(id): Path<String>) -> Result<axum::Json<SessionList>, ApiError> {
    Ok(axum::Json(SessionList { sessions: sessions::of_license(&ctx, &state.services, &id).await? }))
}
