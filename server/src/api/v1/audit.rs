//! `/api/v1/audit`

use crate::api::error::ApiError;
use crate::api::extract::Bearer;
use crate::state::AppState;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use domain::audit;
use serde::Deserialize;
use types::organizations::AuditList;
use types::{Code, Problem};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Debug, Deserialize, IntoParams)]
struct Page {
    /// Words in actor, action, subject or reason.
    q: Option<String>,
    /// An action such as `member.invited`, or the beginning of several.
    action: Option<String>,
    /// `next` of the page before.
    before: Option<i64>,
    /// 1 to 200; 50 if absent.
    limit: Option<i64>,
}

/// The audit log, newest first
#[utoipa::path(get, path = "/", tag = "organizations", params(Page), security(("bearer" = [])),
    responses((status = 200, body = AuditList), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 422, body = Problem)))]
async fn list(
    State(state): State<AppState>,
    Bearer(ctx): Bearer,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<axum::Json<AuditList>, ApiError> {
    let Query(page) =
        page.map_err(|_| Problem::new(Code::InvalidRequest, "The query cannot be read: before and limit are whole numbers."))?;
    let limit = page.limit.unwrap_or(50);
    Ok(axum::Json(audit::list(&ctx, &state.services, page.q.as_deref(), page.action.as_deref(), page.before, limit).await?))
}
