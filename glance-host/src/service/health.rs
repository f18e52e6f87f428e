//! Whether the database can be written.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::storage;
use crate::storage::StorageError;

/// How long a probe may take before the database counts as failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// How often a probe is made at most.
const PROBE_PERIOD: Duration = Duration::from_secs(10);

/// The latest knowledge about the database.
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
    pub(crate) async fn can_write(&self, state: &Arc<dyn storage::Storage>, now: Duration) -> bool {
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

    /// Writes a probe. Returns whether that failed.
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
