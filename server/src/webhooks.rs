//! `POST /webhooks/stripe`: a bell that rings when something has changed. Its signature covers the raw body; what it says is stored by
//! event id and answered with 200 at once, and the worker reads at Stripe what has become of the customer.

use crate::api::error::ApiError;
use crate::state::AppState;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use domain::billing;
use domain::ports::billing::BellError;
use tower_http::limit::RequestBodyLimitLayer;
use types::{Code, Problem};

/// An event carries its whole object; the largest are invoices with many lines.
const BODY_LIMIT: usize = 1024 * 1024;

/// With its own limit of the body's size.
pub fn router() -> Router<AppState> {
    Router::new()
        .route("/webhooks/stripe", post(stripe))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
}

async fn stripe(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> Result<StatusCode, ApiError> {
    let svc = &state.services;
    let Some(provider) = &svc.billing else {
        return Err(Problem::new(Code::NotFound, "No payment provider is set up here.").into());
    };
    let signature = headers.get("stripe-signature").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let bell = provider.open_webhook(&body, signature).map_err(|error| {
        tracing::warn!(%error, "a webhook was turned away");
        match error {
            BellError::Signature => Problem::new(Code::BadSignature, "No active secret has signed exactly this body within five minutes."),
            BellError::Malformed => Problem::new(Code::InvalidRequest, "The signed body is not an event."),
            BellError::Foreign => Problem::new(Code::WrongMode, "The event is of another mode or account."),
        }
    })?;
    billing::ring(svc, &bell).await?;
    Ok(StatusCode::OK)
}
