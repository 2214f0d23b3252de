//! What surrounds every call, in one layer: its id, the log line, the count, problem documents, headers, and what a panic costs.
//!
//! One layer and not five, since each layer of a router costs every request a few allocations, and heartbeats are many.

use crate::api::error;
use crate::state::AppState;
use crate::web::headers;
use crate::web::request::{Answered, RequestInfo};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use std::panic::AssertUnwindSafe;
use tracing::{Instrument, Span};

/// Around everything but [`seat_call`].
pub async fn layer(State(state): State<AppState>, request: Request, next: Next) -> Response {
    run(&state, request, next, |a| tracing::info_span!("request", request_id = %a.id, method = %a.method, route = a.route())).await
}

/// Around acquire, heartbeat and release: without a span, which would cost more than the rest of this layer. What they log names no
/// request; their failures are logged here, with the id.
pub async fn seat_call(State(state): State<AppState>, request: Request, next: Next) -> Response {
    run(&state, request, next, |_| Span::none()).await
}

async fn run(state: &AppState, mut request: Request, next: Next, span: impl FnOnce(&Answered) -> Span) -> Response {
    let info = RequestInfo::new(state, &request);
    let answered = Answered::new(&info, &request);
    let reader = error::Reader::of(&request);
    let page = headers::Page::of(&mut request);
    request.extensions_mut().insert(info);
    let response = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span(&answered)).await;
    // A panic costs one request, not the process; it has been logged with its place.
    let response = response.unwrap_or_else(|_| (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.").into_response());
    let mut response = error::documented(response, &answered.id, reader);
    page.set_headers(&mut response, state);
    answered.done(&mut response);
    response
}
