//! Fan-out: what happens in a room reaches everyone who looks at it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use glance_sdk::model::{OauthId, RoomId, UserId};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::state::Entry;

/// How many events a slow viewer may be behind before it starts over.
const BACKLOG: usize = 256;

/// Something that viewers of a room must know.
#[derive(Debug, Clone)]
pub enum Event {
    /// An add-on pushed new data.
    Pushed(Arc<Push>),
    /// An add-on came, went or changed, or a glance was created or removed.
    Changed,
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
pub struct Push {
    /// Whose glances.
    pub oauth_id: OauthId,
    /// Only for this person, or for everyone.
    pub user: Option<UserId>,
    /// Key and data of each.
    pub glances: Vec<(String, Value)>,
}

/// Where events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

/// Carries events within one process.
#[derive(Debug, Default)]
pub struct LocalHub {
    rooms: Mutex<HashMap<RoomId, broadcast::Sender<Event>>>,
}

impl Hub for LocalHub {
    fn publish(&self, to: To, event: Event) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody looks at a room without receivers: forget it.
        rooms.retain(|_, sender| sender.receiver_count() > 0);
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
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms
            .entry(room)
            .or_insert_with(|| broadcast::channel(BACKLOG).0)
            .subscribe()
    }
}
