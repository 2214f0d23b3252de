//! `/api/v1/organizations`

use crate::api::error::ApiError;
use crate::api::extract::Bearer;
use crate::state::AppState;
use axum::extract::State;
use domain::organizations;
use types::Problem;
use types::organizations::{Organization, OrganizationList};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(current))
}

/// The organizations that the caller belongs to
#[utoipa::path(get, path = "/", tag = "organizations", security(("bearer" = [])),
    responses((status = 200, body = OrganizationList), (status = 401, body = Problem)))]
async fn list(State(state): State<AppState>, Bearer(ctx): Bearer) -> Result<axum::Json<OrganizationList>, ApiError> {
    Ok(axum::Json(OrganizationList { organizations: organizations::list(&ctx, &state.services).await? }))
}

/// The organization of the access token
#[utoipa::path(get, path = "/current", tag = "organizations", security(("bearer" = [])),
    responses((status = 200, body = Organization), (status = 401, body = Problem)))]
async fn current(State(state): State<AppState>, Bearer(ctx): Bearer) -> Result<axum::Json<Organization>, ApiError> {
    Ok(axum::Json(organizations::current(&ctx, &state.services).await?))
}
