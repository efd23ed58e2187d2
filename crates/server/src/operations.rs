//! End points for whoever runs the program: health, metrics, and in a demo the test clock.

use std::sync::Arc;
use std::time::Duration;

use altyn_engine::Engine;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use crate::clock::ManualClock;

/// What the operations' end points need.
#[derive(Clone)]
pub struct Operations {
    /// The engine.
    pub engine: Engine,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Cancelled when the program is asked to stop: it is then no longer ready.
    pub stop: CancellationToken,
    /// The clock of a demo that tests move.
    pub manual_clock: Option<Arc<ManualClock>>,
}

/// Installs the recorder of metrics.
pub fn metrics() -> anyhow::Result<PrometheusHandle> {
    Ok(PrometheusBuilder::new().install_recorder()?)
}

/// The routes.
pub fn router(operations: Operations) -> Router {
    let mut router = Router::new()
        .route("/health/live", get(async || "ok"))
        .route("/health/ready", get(ready))
        .route("/metrics", get(render_metrics));
    if operations.manual_clock.is_some() {
        router = router.route("/test/clock", post(advance));
    }
    router.with_state(operations)
}

async fn ready(State(operations): State<Operations>) -> Response {
    if operations.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping").into_response();
    }
    match operations.engine.storage().ping().await {
        Ok(()) => "ok".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database does not answer",
            )
                .into_response()
        }
    }
}

async fn render_metrics(State(operations): State<Operations>) -> Response {
    if let Ok((due, _)) = operations
        .engine
        .storage()
        .due_timers(operations.engine.now())
        .await
    {
        metrics::gauge!("altyn_timers_due").set(u32::try_from(due).map_or(f64::MAX, f64::from));
    }
    let text = operations.metrics.render();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_s: i64,
}

/// How long `/test/clock` waits for the timers that became due: this many looks.
const LOOKS_MAX: u32 = 500;
const LOOK_PAUSE: Duration = Duration::from_millis(20);

/// Moves the time forward and answers when no timer is due any more.
async fn advance(State(operations): State<Operations>, Json(wanted): Json<Advance>) -> Response {
    let Some(clock) = &operations.manual_clock else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if !(0..=315_360_000).contains(&wanted.advance_s) {
        return (StatusCode::BAD_REQUEST, "advance_s must be 0 to 315360000").into_response();
    }
    clock.advance(wanted.advance_s);
    for _ in 0..LOOKS_MAX {
        match operations
            .engine
            .storage()
            .due_timers(operations.engine.now())
            .await
        {
            Ok((0, _)) => {
                let now = operations.engine.now().as_millis();
                return Json(serde_json::json!({ "now_ms": now })).into_response();
            }
            Ok(_) => tokio::time::sleep(LOOK_PAUSE).await,
            Err(_) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        }
    }
    (StatusCode::GATEWAY_TIMEOUT, "timers are still due").into_response()
}
