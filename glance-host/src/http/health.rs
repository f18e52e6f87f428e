//! `/healthz`: whether the host is alive, and what is impaired. `/readyz`: whether it should receive requests.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::model::shutdown::Shutdown;
use crate::service::health::Health;

/// Answers 200 whenever the process is alive: a restart does not repair a full disk.
pub(crate) async fn alive(State(health): State<Health>) -> Response {
    let impaired = impaired(&health).await;
    let status = if impaired.is_empty() {
        "ok"
    } else {
        "impaired"
    };
    answer(StatusCode::OK, status, &impaired)
}

/// Answers 503 while writes fail and during shutdown.
pub(crate) async fn ready(
    State(health): State<Health>,
    State(shutdown): State<Shutdown>,
) -> Response {
    let mut impaired = impaired(&health).await;
    if shutdown.has_begun() {
        impaired.push("the host is shutting down");
    }
    match impaired.is_empty() {
        true => answer(StatusCode::OK, "ready", &impaired),
        false => answer(StatusCode::SERVICE_UNAVAILABLE, "not ready", &impaired),
    }
}

/// Strangers read these responses, so they do not contain causes; the log does.
fn answer(code: StatusCode, status: &str, impaired: &[&str]) -> Response {
    let body = match impaired {
        [] => json!({ "status": status }),
        _ => json!({ "status": status, "impaired": impaired }),
    };
    (code, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

async fn impaired(health: &Health) -> Vec<&'static str> {
    match health.can_write().await {
        true => Vec::new(),
        false => vec!["the database cannot be written"],
    }
}
