//! Fan-out: what happens in a room reaches everyone who looks at it.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glance_sdk::model::{OauthId, RoomId, UserId};
use tokio::sync::broadcast;

use crate::model::Entry;
use crate::model::bounded_map::evict_unused;
use crate::service::viewer::Contents;

pub use crate::model::glance_data::{Data, TooLarge};

/// How many events a slow viewer may be behind before it starts over.
const BACKLOG: usize = 256;

/// Something that viewers of a room must know.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// An add-on pushed new data.
    Pushed(Arc<Push>),
    /// An add-on came, went or changed, or a glance was created or removed.
    Changed,
    /// The host introduced itself to an add-on again: what failed before may work now.
    Introduced(OauthId),
    /// An add-on's data may be out of date, so every viewer queries its glances again.
    QueryAgain(OauthId),
    /// Something was written into the room.
    Written(Arc<Written>),
}

/// What was written into a room.
#[derive(Debug)]
pub struct Written {
    /// The entry.
    pub entry: Entry,
    /// What every page shows of it, in JSON: made once, however many look.
    pub shown: String,
}

/// New data of glances.
#[derive(Debug)]
#[non_exhaustive]
pub struct Push {
    /// Whose glances.
    pub oauth_id: OauthId,
    /// Only for this person, or for everyone.
    pub user: Option<UserId>,
    /// What is new of each.
    pub glances: Vec<NewData>,
}

impl Push {
    /// A push of these keys and their data.
    pub fn new(
        oauth_id: OauthId,
        user: Option<UserId>,
        glances: impl IntoIterator<Item = (String, Data)>,
    ) -> Self {
        let new = |(key, data)| NewData {
            key,
            data,
            contents: Contents::default(),
        };
        Self {
            oauth_id,
            user,
            glances: glances.into_iter().map(new).collect(),
        }
    }
}

/// New data of one glance.
#[derive(Debug)]
#[non_exhaustive]
pub struct NewData {
    /// The glance's key.
    pub key: String,
    /// The data.
    pub data: Data,
    /// What it comes to, worked out once for all who see it.
    pub(crate) contents: Contents,
}

/// Where events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum To {
    /// To one room.
    Room(RoomId),
    /// To all rooms.
    All,
}

/// Carries events from where they happen to everyone who looks.
pub trait Hub: fmt::Debug + Send + Sync + 'static {
    /// Carries an event. Nobody may be there; it is not kept.
    fn publish(&self, to: To, event: Event);

    /// The events of a room from now on. A receiver that lags must take everything for changed.
    fn subscribe(&self, room: RoomId) -> broadcast::Receiver<Event>;

    /// How many [`Event::Changed`] were carried, counted before anyone receives them: what was read
    /// at an earlier number may be old.
    fn changes(&self) -> u64;
}

type Rooms = HashMap<RoomId, broadcast::Sender<Event>>;

/// Carries events within one process.
#[derive(Debug, Default)]
pub struct LocalHub {
    rooms: Mutex<Rooms>,
    changes: AtomicU64,
}

impl LocalHub {
    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub for LocalHub {
    fn publish(&self, to: To, event: Event) {
        if matches!(event, Event::Changed) {
            self.changes.fetch_add(1, Ordering::SeqCst);
        }
        let rooms = self.rooms();
        match to {
            To::Room(room) => {
                if let Some(sender) = rooms.get(&room) {
                    let _ = sender.send(event);
                }
            }
            To::All => {
                for sender in rooms.values() {
                    let _ = sender.send(event.clone());
                }
            }
        }
    }

    fn subscribe(&self, room: RoomId) -> broadcast::Receiver<Event> {
        let mut rooms = self.rooms();
        evict_unused(&mut rooms, |sender| sender.receiver_count() > 0);
        rooms
            .entry(room)
            .or_insert_with(|| broadcast::channel(BACKLOG).0)
            .subscribe()
    }

    fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_that_nobody_looks_at_is_forgotten() {
        let hub = LocalHub::default();
        let mut looked_at = hub.subscribe(RoomId::new(0));
        for room in 1..10_000 {
            drop(hub.subscribe(RoomId::new(room)));
        }
        assert!(hub.rooms().len() < 100);
        hub.publish(To::Room(RoomId::new(0)), Event::Changed);
        assert!(matches!(looked_at.try_recv(), Ok(Event::Changed)));
        assert_eq!(hub.changes(), 1);
    }
}
