//! Deletes events that are older than ten minutes, messages that are older than the configured age, and the oldest
//! entries of rooms that have too many.

use std::sync::Arc;
use std::time::Duration;

use crate::model::clock::Clock;
use crate::model::shutdown::Shutdown;
use crate::storage::{MAX_TIMELINE_BYTES, Storage, StorageError};

/// The pause between two deletions of messages.
const MESSAGES_PERIOD: Duration = Duration::from_secs(60 * 60);

/// The pause between two deletions of events.
const EVENTS_PERIOD: Duration = Duration::from_secs(60);

/// The pause between two searches for rooms with too many entries.
const SIZE_PERIOD: Duration = Duration::from_secs(60);

/// How long the log has events for those who missed some.
const EVENT_LIFE: Duration = Duration::from_secs(10 * 60);

/// The number of rows of each kind that one transaction deletes. Other writers wait for a whole transaction.
const BATCH: u32 = 500;

/// Deletes expired events and messages in the background.
pub(crate) struct Retention {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Clock,
    pub(crate) shutdown: Shutdown,
    /// The age at which a message expires; `None` if it never does.
    pub(crate) max_age: Option<Duration>,
}

impl Retention {
    /// Spawns a task that runs until the host shuts down.
    pub(crate) fn start(self) {
        tokio::spawn(async move {
            tokio::select! {
                () = self.shutdown.begun() => {}
                () = self.run() => {}
            }
        });
    }

    async fn run(&self) {
        let messages = async {
            let Some(max_age) = self.max_age else { return };
            let delete = || self.delete_messages(max_age);
            self.repeat(MESSAGES_PERIOD, "expired messages", delete)
                .await;
        };
        let events = self.repeat(EVENTS_PERIOD, "old events", || self.delete_events());
        let excess = self.repeat(SIZE_PERIOD, "the oldest messages of full rooms", || {
            self.delete_excess(MAX_TIMELINE_BYTES)
        });
        tokio::join!(messages, events, excess);
    }

    /// Deletes `what` once in each period.
    async fn repeat<F: Future<Output = Result<(), StorageError>>>(
        &self,
        period: Duration,
        what: &str,
        delete: impl Fn() -> F,
    ) {
        loop {
            let (deleted, ()) = tokio::join!(delete(), self.clock.sleep(period));
            if let Err(error) = deleted {
                tracing::error!(error = format!("{error:#}"), "deleting {what} failed");
            }
        }
    }

    async fn delete_events(&self) -> Result<(), StorageError> {
        while self.storage.delete_old_events(EVENT_LIFE, BATCH).await? >= u64::from(BATCH) {}
        Ok(())
    }

    async fn delete_excess(&self, bytes: u64) -> Result<(), StorageError> {
        let mut deleted = 0;
        loop {
            match self.storage.delete_entries_above(bytes, BATCH).await? {
                0 => break,
                count => deleted += count,
            }
        }
        if deleted > 0 {
            tracing::info!(deleted, "deleted the oldest messages of full rooms");
        }
        Ok(())
    }

    async fn delete_messages(&self, max_age: Duration) -> Result<(), StorageError> {
        let max_age = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
        let before = self.clock.now().saturating_sub(max_age);
        let before = before.saturating_mul(1_000_000);
        let mut deleted = 0;
        loop {
            match self.storage.delete_messages_before(before, BATCH).await? {
                0 => break,
                count => deleted += count,
            }
        }
        if deleted > 0 {
            tracing::info!(deleted, "deleted expired messages");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entry, Message};
    use crate::storage::{Effects, SqliteState};

    #[tokio::test]
    async fn expired_messages_are_deleted_in_all_batches() {
        let storage: Arc<dyn Storage> = Arc::new(SqliteState::in_memory().unwrap());
        let ann = storage.get_or_create_user("Ann").await.unwrap();
        let room = storage.get_or_create_room("ops", ann.id).await.unwrap();
        let post = async |at: i64| {
            let entry = Entry {
                at: at * 1_000_000,
                ..Entry::message(room.id, &ann, Message::new(at.to_string(), &[]))
            };
            let _ = storage.post(&entry, Effects::none()).await.unwrap();
        };
        for at in 0..=i64::from(BATCH) {
            post(at).await;
        }
        let now = 10_000;
        post(now - 100).await;
        post(now - 101).await;
        let (_begin, shutdown) = Shutdown::channel();
        let retention = Retention {
            storage: Arc::clone(&storage),
            clock: Clock::standing_at(now),
            shutdown,
            max_age: None,
        };
        let max_age = Duration::from_secs(100);
        retention.delete_messages(max_age).await.unwrap();
        let left = storage.timeline(room.id, 1000).await.unwrap();
        let left: Vec<_> = left.iter().map(|entry| entry.at / 1_000_000).collect();
        assert_eq!(left, [now - 100]);

        for at in 0..=i64::from(BATCH) {
            post(at).await;
        }
        retention.delete_excess(1_000).await.unwrap();
        let left = storage.timeline(room.id, 1000).await.unwrap();
        let left: Vec<_> = left.iter().map(|entry| entry.at / 1_000_000).collect();
        assert!((1..4).contains(&left.len()), "{left:?}");
        assert_eq!(left.last(), Some(&i64::from(BATCH)));
    }
}
