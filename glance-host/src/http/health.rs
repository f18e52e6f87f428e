//! `/healthz`, whether the host is alive and what is impaired, and `/readyz`, whether it should be sent
//! requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::service::shared::Shared;

/// Answers whether the process is alive: always 200. Restarting a host repairs no full disk.
pub(crate) async fn alive(State(shared): State<Arc<Shared>>) -> Response {
    let impaired = impaired(&shared).await;
    let status = if impaired.is_empty() {
        "ok"
    } else {
        "impaired"
    };
    answer(StatusCode::OK, status, &impaired)
}

/// Answers whether the host should be sent requests: 503 while writes fail, and while it ends.
pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let mut impaired = impaired(&shared).await;
    if shared.shutdown.has_begun() {
        impaired.push("the host is shutting down");
    }
    match impaired.is_empty() {
        true => answer(StatusCode::OK, "ready", &impaired),
        false => answer(StatusCode::SERVICE_UNAVAILABLE, "not ready", &impaired),
    }
}

/// The answers are for everyone, so they name what fails and not why; the log has the cause.
fn answer(code: StatusCode, status: &str, impaired: &[&str]) -> Response {
    let body = match impaired {
        [] => json!({ "status": status }),
        _ => json!({ "status": status, "impaired": impaired }),
    };
    (code, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

async fn impaired(shared: &Shared) -> Vec<&'static str> {
    let now = shared.clock.elapsed();
    match shared.health.can_write(&shared.state, now).await {
        true => Vec::new(),
        false => vec!["the database cannot be written"],
    }
}
