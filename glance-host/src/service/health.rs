//! Checks whether the database can be written.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::model::clock::Clock;
use crate::storage::{Storage, StorageError};

/// How long a probe may take before the database counts as failed.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// The shortest time between two probes.
const PROBE_PERIOD: Duration = Duration::from_secs(10);

/// Knows whether the latest write to the database succeeded. Clones share what they know.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    storage: Arc<dyn Storage>,
    clock: Clock,
    status: Arc<Mutex<Status>>,
}

#[derive(Debug, Default)]
struct Status {
    /// The number of writes when this was the latest.
    count: u64,
    has_failed: bool,
    /// When the next probe may be made, by [`Clock::elapsed`](crate::Clock::elapsed).
    next_probe: Duration,
    /// A probe that timed out and still runs. No second one is started meanwhile.
    pending: Option<JoinHandle<Result<(), StorageError>>>,
}

impl Health {
    pub(crate) fn new(storage: Arc<dyn Storage>, clock: Clock) -> Self {
        Self {
            storage,
            clock,
            status: Arc::default(),
        }
    }

    /// Returns whether the latest write succeeded. If there was none since the last call, writes a probe, at most
    /// every [`PROBE_PERIOD`].
    pub(crate) async fn can_write(&self) -> bool {
        let now = self.clock.elapsed();
        // The lock is held during a probe, so that concurrent callers wait for its outcome.
        let mut status = self.status.lock().await;
        let writes = self.storage.writes();
        if writes.count != status.count {
            status.count = writes.count;
            status.set(writes.has_failed, now);
        } else if status.next_probe <= now {
            let has_failed = status.probe(&self.storage).await;
            status.count = self.storage.writes().count;
            status.set(has_failed, now);
        }
        !status.has_failed
    }
}

impl Status {
    fn set(&mut self, has_failed: bool, now: Duration) {
        match (self.has_failed, has_failed) {
            (false, true) => tracing::error!("the database cannot be written"),
            (true, false) => tracing::info!("the database can be written again"),
            _ => {}
        }
        self.has_failed = has_failed;
        self.next_probe = now + PROBE_PERIOD;
    }

    /// Writes a probe. Returns whether that failed.
    async fn probe(&mut self, storage: &Arc<dyn Storage>) -> bool {
        let probe = self.pending.get_or_insert_with(|| {
            let storage = Arc::clone(storage);
            tokio::spawn(async move { storage.probe_write().await })
        });
        let Ok(outcome) = timeout(PROBE_TIMEOUT, probe).await else {
            tracing::error!("probing the database timed out");
            return true;
        };
        self.pending = None;
        match outcome {
            Ok(Ok(())) => false,
            Ok(Err(error)) => {
                let error = format!("{error:#}");
                tracing::error!(error, "probing the database failed");
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
    use super::*;
    use crate::storage::SqliteState;

    #[tokio::test]
    async fn probe_is_written_only_without_other_writes() {
        let storage: Arc<dyn Storage> = Arc::new(SqliteState::in_memory().unwrap());
        let clock = Clock::standing_at(0);
        let health = Health::new(Arc::clone(&storage), clock.clone());
        let writes = || storage.writes().count;
        assert!(health.can_write().await);
        assert_eq!(writes(), 1);
        clock.advance(PROBE_PERIOD - Duration::from_secs(1));
        assert!(health.can_write().await);
        assert_eq!(writes(), 1, "too early for the next probe");
        clock.advance(Duration::from_secs(1));
        assert!(health.can_write().await);
        assert_eq!(writes(), 2);
        storage.get_or_create_user("Ann").await.unwrap();
        clock.advance(PROBE_PERIOD);
        assert!(health.can_write().await);
        assert_eq!(writes(), 3, "the write is proof enough");
    }
}
