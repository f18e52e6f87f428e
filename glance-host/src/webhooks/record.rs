//! What became of the latest calls of webhooks.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use glance_sdk::model::{Event, OauthId, RoomId};
use serde_json::Value;
use tokio::sync::watch;

use super::lock;

/// How many calls are kept for each room.
pub const KEPT_PER_ROOM: usize = 100;

/// Of how many rooms calls are kept: those where something was told last. Rooms come and go.
const ROOMS: usize = 1000;

/// One event's way to one webhook.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The webhook's number.
    pub webhook_id: u64,
    /// Whose it is.
    pub oauth_id: OauthId,
    /// Where it happened.
    pub room_id: RoomId,
    /// What happened.
    pub event: Event,
    /// Where it was posted to, without the token.
    pub url: String,
    /// What was posted.
    pub body: Value,
    /// When it was first to be posted.
    pub at: SystemTime,
    /// How often it was posted.
    pub attempts: u32,
    /// How long all of them took, the waiting between them included.
    pub took: Duration,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The add-on answered.
    Answered {
        /// With what.
        status: u16,
        /// The beginning of what it said.
        said: String,
        /// The entry of the timeline that the answer became.
        entry: Option<String>,
        /// Why the answer did not become one, though it has a body.
        problem: Option<String>,
    },
    /// It gave no answer.
    Failed(String),
    /// It was not asked.
    Skipped(String),
}

/// The latest deliveries of each room.
#[derive(Debug)]
pub(crate) struct Records {
    rooms: Mutex<HashMap<RoomId, VecDeque<Arc<Delivery>>>>,
    count: watch::Sender<u64>,
}

impl Default for Records {
    fn default() -> Self {
        Self {
            rooms: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }
}

impl Records {
    pub(super) fn add(&self, delivery: Delivery) {
        // Not the address: people put secrets into its query.
        let Delivery {
            oauth_id, event, ..
        } = &delivery;
        match &delivery.outcome {
            Outcome::Answered {
                status, problem, ..
            } => match problem {
                Some(problem) => tracing::warn!(%oauth_id, %event, status, "{problem}"),
                None => tracing::debug!(%oauth_id, %event, status, "called a webhook"),
            },
            Outcome::Failed(why) => tracing::warn!(%oauth_id, %event, "a webhook {why}"),
            Outcome::Skipped(why) => {
                tracing::warn!(%oauth_id, %event, "a webhook was not called: {why}");
            }
        }
        let mut rooms = lock(&self.rooms);
        if rooms.len() >= ROOMS && !rooms.contains_key(&delivery.room_id) {
            let latest = |calls: &VecDeque<Arc<Delivery>>| calls.back().map(|call| call.at);
            let quiet = rooms.iter().min_by_key(|(_, calls)| latest(calls));
            if let Some(quiet) = quiet.map(|(room, _)| *room) {
                rooms.remove(&quiet);
            }
        }
        let room = rooms.entry(delivery.room_id).or_default();
        if room.len() == KEPT_PER_ROOM {
            room.pop_front();
        }
        room.push_back(Arc::new(delivery));
        drop(rooms);
        self.count.send_modify(|count| *count += 1);
    }

    /// The latest of a room, oldest first.
    pub(crate) fn of(&self, room: RoomId) -> Vec<Arc<Delivery>> {
        let rooms = lock(&self.rooms);
        rooms.get(&room).into_iter().flatten().cloned().collect()
    }

    /// Changes with each delivery that is added.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_of_rooms_that_were_quiet_longest_are_forgotten() {
        let records = Records::default();
        let add = |room: u64, at: u64| {
            records.add(Delivery {
                webhook_id: 1,
                oauth_id: "id".into(),
                room_id: room.into(),
                event: Event::RoomMessage,
                url: String::new(),
                body: Value::Null,
                at: SystemTime::UNIX_EPOCH + Duration::from_secs(at),
                attempts: 1,
                took: Duration::ZERO,
                outcome: Outcome::Failed(String::new()),
            });
        };
        let rooms = ROOMS as u64;
        for room in 0..rooms {
            add(room, room);
        }
        add(0, rooms);
        add(rooms, rooms);
        let kept = |room: u64| records.of(room.into()).len();
        assert_eq!((kept(0), kept(1), kept(2), kept(rooms)), (2, 0, 1, 1));
    }
}
