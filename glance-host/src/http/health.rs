//! `/healthz`, whether the host is alive and what is impaired, and `/readyz`, whether it should be sent
//! requests.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::service::shared::Shared;
use crate::storage;
use crate::storage::StorageError;

/// How long a probe may take before the database counts as failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a probe is made at most.
const PROBE_PERIOD: Duration = Duration::from_secs(10);

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

/// What was last found out about the database.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Which of the state's writes this is about.
    count: u64,
    has_failed: bool,
    /// When the next probe may be made, by [`Clock::elapsed`](crate::Clock::elapsed).
    next_probe: Duration,
    /// A probe that took too long; there is never a second one beside it.
    pending: Option<JoinHandle<Result<(), StorageError>>>,
}

impl Health {
    /// Whether the latest write succeeded. Where there was none since the last call, makes one, at most
    /// every [`PROBE_PERIOD`].
    async fn can_write(&self, state: &Arc<dyn storage::Storage>, now: Duration) -> bool {
        // Held during a probe: callers that come meanwhile wait for its outcome.
        let mut known = self.0.lock().await;
        let writes = state.writes();
        if writes.count != known.count {
            known.count = writes.count;
            known.note(writes.has_failed, now);
        } else if known.next_probe <= now {
            let has_failed = known.probe(state).await;
            known.count = state.writes().count;
            known.note(has_failed, now);
        }
        !known.has_failed
    }
}

impl Known {
    fn note(&mut self, has_failed: bool, now: Duration) {
        match (self.has_failed, has_failed) {
            (false, true) => tracing::error!("the database cannot be written"),
            (true, false) => tracing::info!("the database can be written again"),
            _ => {}
        }
        self.has_failed = has_failed;
        self.next_probe = now + PROBE_PERIOD;
    }

    /// Writes something; whether that failed.
    async fn probe(&mut self, state: &Arc<dyn storage::Storage>) -> bool {
        let probe = self.pending.get_or_insert_with(|| {
            let state = Arc::clone(state);
            tokio::spawn(async move { state.probe_write().await })
        });
        let Ok(outcome) = timeout(PROBE_TIMEOUT, probe).await else {
            tracing::error!("probing the database timed out");
            return true;
        };
        self.pending = None;
        match outcome {
            Ok(Ok(())) => false,
            Ok(Err(error)) => {
                tracing::error!("probing the database failed: {error:#}");
                true
            }
            Err(error) => {
                tracing::error!(%error, "probing the database panicked");
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::storage::SqliteState;

    #[tokio::test]
    async fn health_follows_the_latest_write_and_probes_where_there_was_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        let state: Arc<dyn storage::Storage> = Arc::new(SqliteState::open(&path).unwrap());
        let health = Health::default();
        let at = Duration::from_secs;
        assert!(health.can_write(&state, at(0)).await);
        let probed = state.writes().count;

        // Whoever holds the lock of a database keeps others from writing it.
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(health.can_write(&state, at(9)).await, "no probe yet");
        assert!(!health.can_write(&state, at(10)).await);
        assert!(!health.can_write(&state, at(19)).await);
        other.execute_batch("ROLLBACK").unwrap();
        assert!(health.can_write(&state, at(20)).await);
        assert!(state.writes().count > probed);

        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(state.name_group("Ops").await.is_err());
        assert!(!health.can_write(&state, at(21)).await, "a write failed");
        other.execute_batch("ROLLBACK").unwrap();
        state.name_group("Ops").await.unwrap();
        assert!(health.can_write(&state, at(22)).await, "a write succeeded");
    }
}
