//! Stores the answers to queries in the background, several at a time: at most one per glance, room, person and
//! [`PAUSE`]. A crash loses the answers of the last seconds, which the next query of the page replaces.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::model::{OauthId, RoomId, UserId};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::model::QueryAnswer;
use crate::model::clock::Clock;
use crate::model::shutdown::Shutdown;
use crate::storage::Storage;

/// How long an answer waits for others.
const DELAY: Duration = Duration::from_secs(1);

/// The pause between two answers to the same query.
const PAUSE: Duration = Duration::from_secs(60);

/// The number of answers that wait or were stored within the last [`PAUSE`]. Further answers are not stored.
const MAX_ANSWERS: usize = 10_000;

/// The number of answers in one transaction.
const BATCH: usize = 256;

type Key = (OauthId, String, RoomId, Option<UserId>);

#[derive(Debug)]
struct Slot {
    /// The newest answer that is not stored.
    waiting: Option<QueryAnswer>,
    /// The time of the next step, by [`Clock::elapsed`]: the answer is stored, or an empty slot is removed.
    due: Duration,
}

#[derive(Debug, Default)]
struct State {
    slots: Mutex<HashMap<Key, Slot>>,
    /// Notified when the first answer arrives.
    arrived: Notify,
}

/// Answers that wait to be stored. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Answers {
    state: Arc<State>,
    clock: Clock,
}

impl Answers {
    /// Spawns the task that stores answers; it stores all that wait when the host shuts down.
    pub(super) fn new(storage: Arc<dyn Storage>, clock: Clock, shutdown: Shutdown) -> Self {
        let answers = Self {
            state: Arc::default(),
            clock,
        };
        let storing = answers.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = storing.wait() => {}
                    () = shutdown.begun() => break,
                }
                storing.store_due(&*storage, storing.clock.elapsed()).await;
            }
            storing.store_due(&*storage, Duration::MAX).await;
        });
        answers
    }

    /// Stores an answer soon.
    pub(super) fn store(&self, answer: QueryAnswer) {
        let key = (
            answer.oauth_id.clone(),
            answer.key.clone(),
            answer.room,
            answer.user,
        );
        let mut slots = self.state.slots.lock();
        let is_full = slots.len() >= MAX_ANSWERS;
        match slots.entry(key) {
            Entry::Occupied(mut slot) => slot.get_mut().waiting = Some(answer),
            Entry::Vacant(_) if is_full => {}
            Entry::Vacant(slot) => {
                slot.insert(Slot {
                    waiting: Some(answer),
                    due: self.clock.elapsed() + DELAY,
                });
            }
        }
        drop(slots);
        self.state.arrived.notify_one();
    }

    /// Waits until something is due.
    async fn wait(&self) {
        loop {
            let next = self.state.slots.lock().values().map(|slot| slot.due).min();
            let Some(due) = next else {
                self.state.arrived.notified().await;
                continue;
            };
            let pause = due.saturating_sub(self.clock.elapsed());
            if pause.is_zero() {
                return;
            }
            // A new answer is due in a second at the earliest, as is everything that was stored.
            self.clock.sleep(pause.min(DELAY)).await;
        }
    }

    /// Stores the answers that are due at this time.
    async fn store_due(&self, storage: &dyn Storage, now: Duration) {
        let due = self.take_due(now);
        for batch in due.chunks(BATCH) {
            if let Err(error) = storage.store_answers(batch.to_vec()).await {
                let error = format!("{error:#}");
                tracing::error!(error, "storing answers to queries failed");
            }
        }
    }

    /// Takes the answers that are due at this time, and removes the slots that stay empty.
    fn take_due(&self, now: Duration) -> Vec<QueryAnswer> {
        let mut answers = Vec::new();
        self.state.slots.lock().retain(|_, slot| {
            if slot.due > now {
                return true;
            }
            let answer = slot.waiting.take();
            let is_kept = answer.is_some();
            answers.extend(answer);
            slot.due = now.saturating_add(PAUSE);
            is_kept
        });
        answers
    }
}
