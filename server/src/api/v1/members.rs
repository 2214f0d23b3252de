//! `/api/v1/members`

use crate::api::error::ApiError;
use crate::api::extract::{Bearer, Json};
use crate::state::AppState;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use domain::{access, members};
use types::Problem;
use types::organizations::{ChangeRoleRequest, Invitation, InviteRequest, Member, MemberList};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(invite))
        .routes(routes!(withdraw))
        .routes(routes!(change_role))
        .routes(routes!(remove))
}

/// Members, and invitations that wait to be accepted
#[utoipa::path(get, path = "/", tag = "organizations", security(("bearer" = [])),
    responses((status = 200, body = MemberList), (status = 401, body = Problem), (status = 403, body = Problem)))]
async fn list(State(state): State<AppState>, Bearer(ctx): Bearer) -> Result<axum::Json<MemberList>, ApiError> {
    Ok(axum::Json(members::list(&ctx, &state.services).await?))
}

/// Invite somebody by mail
#[utoipa::path(post, path = "/invitations", tag = "organizations", request_body = InviteRequest, security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "A repeat under the same key mails nothing and gets the same answer, for a day")),
    responses((status = 201, body = Invitation), (status = 401, body = Problem), (status = 403, body = Problem),
        (status = 409, description = "`already_member`", body = Problem),
        (status = 422, description = "`invalid_request`, `idempotency_key_reused`", body = Problem), (status = 429, body = Problem)))]
async fn invite(
    State(state): State<AppState>,
    Bearer(ctx): Bearer,
    Json(request): Json<InviteRequest>,
) -> Result<(StatusCode, axum::Json<Invitation>), ApiError> {
    Ok((StatusCode::CREATED, axum::Json(members::invite(&ctx, &state.services, &request.email, &request.role).await?)))
}

/// Take an invitation back
#[utoipa::path(delete, path = "/invitations/{id}", tag = "organizations", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem)))]
async fn withdraw(State(state): State<AppState>, Bearer(ctx): Bearer, Path(id): Path<String>) -> Result<StatusCode, ApiError> {
    let id = id.parse().map_err(|_| access::not_found())?;
    members::withdraw(&ctx, &state.services, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a member another role
#[utoipa::path(patch, path = "/{user_id}", tag = "organizations", request_body = ChangeRoleRequest, security(("bearer" = [])),
    params(("user_id" = String, Path)),
    responses((status = 200, body = Member), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`last_owner`", body = Problem), (status = 422, body = Problem)))]
async fn change_role(
    State(state): State<AppState>,
    Bearer(ctx): Bearer,
    Path(user): Path<String>,
    Json(request): Json<ChangeRoleRequest>,
) -> Result<axum::Json<Member>, ApiError> {
    let user = user.parse().map_err(|_| access::not_found())?;
    Ok(axum::Json(members::change_role(&ctx, &state.services, user, &request.role).await?))
}

/// End a membership
///
/// Sign-ins and seats of the person in this organization end at once. Everybody may leave by himself.
#[utoipa::path(delete, path = "/{user_id}", tag = "organizations", security(("bearer" = [])), params(("user_id" = String, Path)),
    responses((status = 204), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, description = "`last_owner`", body = Problem)))]
async fn remove(State(state): State<AppState>, Bearer(ctx): Bearer, Path(user): Path<String>) -> Result<StatusCode, ApiError> {
    let user = user.parse().map_err(|_| access::not_found())?;
    members::remove(&ctx, &state.services, user).await?;
    Ok(StatusCode::NO_CONTENT)
}
