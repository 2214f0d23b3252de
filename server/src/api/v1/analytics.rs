//! `/api/v1/analytics`

use crate::api::error::ApiError;
use crate::api::extract::{Bearer, Json};
use crate::state::AppState;
use axum::extract::State;
use types::Problem;
use types::analytics::{TrackRequest, TrackResponse};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(track))
}

/// Say which features were used
///
/// Counted by day, never by person, and only if the organization has switched it on. A batch is counted as a whole or not at all.
#[utoipa::path(post, path = "/track", tag = "analytics", request_body = TrackRequest, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A batch that is sent again under its key counts once")),
    responses((status = 200, body = TrackResponse), (status = 401, body = Problem),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`", body = Problem), (status = 429, body = Problem)))]
async fn track(
    State(state): State<AppState>,
    Bearer(ctx): Bearer,
    Json(request): Json<TrackRequest>,
) -> Result<axum::Json<TrackResponse>, ApiError> {
    Ok(axum::Json(domain::analytics::track(&ctx, &state.services, &request).await?))
}
