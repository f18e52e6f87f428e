//! Records of the latest deliveries, for inspectors and tests.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use glance_sdk::model::RoomId;
use serde_json::Value;
use tokio::sync::watch;

use super::lock;
use crate::model::{Delivery, Outcome};

/// The number of deliveries that are kept per room.
pub const KEPT_PER_ROOM: usize = 100;

/// The size of all records in bytes; the oldest are removed to stay below it.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Estimates how much memory a delivery takes.
fn delivery_bytes(delivery: &Delivery) -> usize {
    let said = match &delivery.outcome {
        Outcome::Answered { said, problem, .. } => {
            said.len() + problem.as_ref().map_or(0, String::len)
        }
        Outcome::Failed(why) | Outcome::Skipped(why) => why.len(),
    };
    size_of::<Delivery>() + delivery.url.len() + bytes(&delivery.body) + said
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
    kept: Mutex<Kept>,
    count: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    /// From the oldest to the newest, by their number.
    calls: BTreeMap<u64, Arc<Delivery>>,
    /// The numbers of each room's.
    rooms: HashMap<RoomId, VecDeque<u64>>,
    bytes: usize,
    calls_so_far: u64,
}

impl Kept {
    fn add(&mut self, delivery: Delivery) {
        self.bytes += delivery_bytes(&delivery);
        self.calls_so_far += 1;
        let room = self.rooms.entry(delivery.room_id).or_default();
        room.push_back(self.calls_so_far);
        let too_old = room.front().copied().filter(|_| room.len() > KEPT_PER_ROOM);
        self.calls.insert(self.calls_so_far, Arc::new(delivery));
        if let Some(number) = too_old {
            self.forget(number);
        }
        while self.bytes > MAX_BYTES
            && let Some((oldest, _)) = self.calls.first_key_value()
        {
            self.forget(*oldest);
        }
    }

    /// Forgets the oldest of a room.
    fn forget(&mut self, number: u64) {
        let Some(delivery) = self.calls.remove(&number) else {
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
            kept: Mutex::default(),
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
                Some(problem) => {
                    tracing::warn!(%oauth_id, %event, status, problem, "webhook answer not posted");
                }
                None => tracing::debug!(%oauth_id, %event, status, "webhook delivered"),
            },
            Outcome::Failed(why) => {
                tracing::warn!(%oauth_id, %event, why, "webhook delivery failed");
            }
            Outcome::Skipped(why) => {
                tracing::warn!(%oauth_id, %event, why, "webhook not called");
            }
        }
        lock(&self.kept).add(delivery);
        self.count.send_modify(|count| *count += 1);
    }

    /// Returns the latest deliveries for a room, oldest first.
    pub(super) fn of(&self, room: RoomId) -> Vec<Arc<Delivery>> {
        let kept = lock(&self.kept);
        let numbers = kept.rooms.get(&room).into_iter().flatten();
        let calls = numbers.filter_map(|number| kept.calls.get(number));
        calls.cloned().collect()
    }

    /// Returns a receiver that changes with each delivery.
    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.count.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use glance_sdk::model::Event;

    use super::*;

    #[test]
    fn the_oldest_are_forgotten_where_they_are_too_many_or_too_long() {
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
        let kept = |room: u64| records.of(room.into()).len();
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
        assert_eq!(lock(&records.kept).rooms.len(), 2);
        add(2, third());
        add(2, third());
        assert_eq!((kept(3), kept(4), kept(2)), (0, 0, 2));
        let kept = lock(&records.kept);
        assert_eq!((kept.rooms.len(), kept.calls.len()), (1, 2));
    }
}
