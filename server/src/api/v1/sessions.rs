//! `/api/v1/sessions`

use crate::api::error::ApiError;
use crate::api::extract::Bearer;
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::sessions;
use types::{Code, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(revoke))
}

/// End a session for good
///
/// Owners and admins end any, everybody his own. Its client is told at its next heartbeat.
#[utoipa::path(delete, path = "/{session_id}", tag = "sessions", security(("bearer" = [])), params(("session_id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 404, description = "`session_not_found`", body = Problem),
        (status = 503, description = "`seats_unavailable`, `unavailable`: try again after `Retry-After`", body = Problem)))]
async fn revoke(State(state): State<AppState>, Bearer(ctx): Bearer, Path(session): Path<String>) -> Result<StatusCode, ApiError> {
    let session = session.parse().map_err(|_| Problem::new(Code::SessionNotFound, "There is no such session."))?;
    sessions::revoke(&ctx, &state.services, session, None).await?;
    Ok(StatusCode::NO_CONTENT)
}
