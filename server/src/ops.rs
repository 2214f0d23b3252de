//! What an operator's machines ask: does it live, can it serve, how much does it do.

use crate::state::AppState;
use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use std::time::Duration;

/// Probes on the portal's own port.
pub fn probes() -> Router<AppState> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

/// 200 when PostgreSQL and Redis answer within two seconds, else 503 with what does not.
async fn ready(State(state): State<AppState>) -> Response {
    let limit = Duration::from_secs(2);
    let (database, seats) =
        tokio::join!(tokio::time::timeout(limit, state.services.store.ping()), tokio::time::timeout(limit, state.services.seats.ping()));
    let mut reasons = Vec::new();
    if !matches!(database, Ok(Ok(()))) {
        reasons.push("PostgreSQL does not answer");
    }
    if !matches!(seats, Ok(Ok(()))) {
        reasons.push("Redis does not answer");
    }
    if reasons.is_empty() {
        Json(json!({ "ready": true })).into_response()
    } else {
        let body = Json(json!({ "ready": false, "reasons": reasons }));
        (StatusCode::SERVICE_UNAVAILABLE, [(http::header::RETRY_AFTER, "5")], body).into_response()
    }
}

/// How often measured times are sorted into their buckets. Until then each is kept by itself.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Starts counting. Once per process, inside a Tokio runtime.
pub fn install_metrics() -> anyhow::Result<PrometheusHandle> {
    use metrics_exporter_prometheus::Matcher;
    let seconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];
    let handle = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)?.install_recorder()?;
    let upkeep = handle.clone();
    // Also where nobody asks for the metrics: the times would pile up.
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP_EVERY).await;
            upkeep.run_upkeep();
        }
    });
    Ok(handle)
}

/// `GET /metrics`, on a port of its own that the outside does not reach.
pub fn metrics(handle: PrometheusHandle) -> Router {
    Router::new().route("/metrics", get(move || std::future::ready(handle.render())))
}
