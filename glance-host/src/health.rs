//! `/healthz`: whether the host can do its work, for who starts it anew or sends it requests.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::shared::Shared;

/// How long the database may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn check(State(shared): State<Arc<Shared>>) -> (StatusCode, Json<Value>) {
    match timeout(PATIENCE, shared.state.group()).await {
        Ok(Ok(_)) => (StatusCode::OK, Json(json!({ "status": "ok" }))),
        failed => {
            match failed {
                Ok(Err(cause)) => tracing::error!("not healthy: {cause}"),
                _ => tracing::error!("not healthy: the database gave no answer"),
            }
            let status = json!({ "status": "the database gives no answer" });
            (StatusCode::SERVICE_UNAVAILABLE, Json(status))
        }
    }
}
