//! Records of the latest deliveries, for inspectors and tests.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use glance_sdk::model::RoomId;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::watch;

use crate::model::{Delivery, Outcome};

/// The number of deliveries that are kept per room.
pub const KEPT_PER_ROOM: usize = 100;

/// The size of all records in bytes; the oldest are removed to stay below it.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Estimates how much memory a delivery takes.
fn delivery_bytes(delivery: &Delivery) -> usize {
    let outcome = match &delivery.outcome {
        Outcome::Answered { text, problem, .. } => {
            text.len() + problem.as_ref().map_or(0, String::len)
        }
        Outcome::Failed(why) | Outcome::Skipped(why) => why.len(),
    };
    size_of::<Delivery>() + delivery.url.len() + bytes(&delivery.body) + outcome
}

fn bytes(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(bytes).sum(),
        Value::Object(members) => {
            let members = members.iter();
            members
                .map(|(name, value)| size_of::<String>() + name.len() + bytes(value))
                .sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inside
}

/// The latest deliveries of each room.
#[derive(Debug)]
pub(super) struct Records {
    latest: Mutex<Latest>,
    count: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Latest {
    /// By number, from the oldest to the newest.
    deliveries: BTreeMap<u64, Arc<Delivery>>,
    /// The numbers of each room's deliveries, oldest first.
    rooms: HashMap<RoomId, VecDeque<u64>>,
    bytes: usize,
    latest_number: u64,
}

impl Latest {
    fn add(&mut self, delivery: Delivery) {
        self.bytes += delivery_bytes(&delivery);
        self.latest_number += 1;
        let room = self.rooms.entry(delivery.room_id).or_default();
        room.push_back(self.latest_number);
        let too_old = room.front().copied().filter(|_| room.len() > KEPT_PER_ROOM);
        self.deliveries
            .insert(self.latest_number, Arc::new(delivery));
        if let Some(number) = too_old {
            self.remove(number);
        }
        while self.bytes > MAX_BYTES
            && let Some((oldest, _)) = self.deliveries.first_key_value()
        {
            self.remove(*oldest);
        }
    }

    /// Removes the oldest delivery of a room.
    fn remove(&mut self, number: u64) {
        let Some(delivery) = self.deliveries.remove(&number) else {
            return;
        };
        self.bytes = self.bytes.saturating_sub(delivery_bytes(&delivery));
        if let Entry::Occupied(mut room) = self.rooms.entry(delivery.room_id) {
            room.get_mut().pop_front();
            if room.get().is_empty() {
                room.remove();
            }
        }
    }
}

impl Default for Records {
    fn default() -> Self {
        Self {
            latest: Mutex::default(),
            count: watch::Sender::new(0),
        }
    }
}

impl Records {
    pub(super) fn add(&self, delivery: Delivery) {
        // The log does not contain the URL: people put secrets into its query.
        let Delivery {
            oauth_id, event, ..
        } = &delivery;
        match &delivery.outcome {
            Outcome::Answered {
                status, problem, ..
            } => match problem {
                Some(problem) => {
                    tracing::warn!(installation = %oauth_id, %event, status, problem, "webhook answer not posted");
                }
                None => {
                    tracing::debug!(installation = %oauth_id, %event, status, "webhook delivered")
                }
            },
            Outcome::Failed(why) => {
                tracing::warn!(installation = %oauth_id, %event, why, "webhook delivery failed");
            }
            Outcome::Skipped(why) => {
                tracing::warn!(installation = %oauth_id, %event, why, "webhook not called");
            }
        }
        self.latest.lock().add(delivery);
        self.count.send_modify(|count| *count += 1);
    }

    /// Returns the latest deliveries for a room, oldest first.
    pub(super) fn in_room(&self, room: RoomId) -> Vec<Arc<Delivery>> {
        let latest = self.latest.lock();
        let numbers = latest.rooms.get(&room).into_iter().flatten();
        let deliveries = numbers.filter_map(|number| latest.deliveries.get(number));
        deliveries.cloned().collect()
    }

    /// Returns a receiver that changes with each delivery.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use glance_sdk::model::Event;

    #[test]
    fn oldest_deliveries_are_removed_above_the_limits() {
        let records = Records::default();
        let add = |room: u64, text: String| {
            records.add(Delivery {
                webhook_id: 1,
                oauth_id: "id".into(),
                room_id: room.into(),
                event: Event::RoomMessage,
                url: String::new(),
                body: serde_json::json!({ "item": [{ "message": text }] }),
                at: SystemTime::UNIX_EPOCH,
                attempts: 1,
                took: Duration::ZERO,
                outcome: Outcome::Failed(String::new()),
            });
        };
        let kept = |room: u64| records.in_room(room.into()).len();
        for _ in 0..=KEPT_PER_ROOM {
            add(1, String::new());
        }
        add(2, String::new());
        assert_eq!((kept(1), kept(2)), (KEPT_PER_ROOM, 1));

        let third = || "x".repeat(MAX_BYTES / 3);
        add(1, third());
        add(3, third());
        assert_eq!((kept(1), kept(2), kept(3)), (KEPT_PER_ROOM, 1, 1));
        add(4, third());
        assert_eq!((kept(1), kept(2), kept(3), kept(4)), (0, 0, 1, 1));
        assert_eq!(records.latest.lock().rooms.len(), 2);
        add(2, third());
        add(2, third());
        assert_eq!((kept(3), kept(4), kept(2)), (0, 0, 2));
        let kept = records.latest.lock();
        assert_eq!((kept.rooms.len(), kept.deliveries.len()), (1, 2));
    }
}
