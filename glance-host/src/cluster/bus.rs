//! Delivers events to the open pages that they concern.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use glance_sdk::model::RoomId;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::broadcast;

use crate::model::Version;
use crate::model::bounded_map::evict_unused;
use crate::model::event::{Committed, Event, Topic};
use crate::storage::EventReceiver;

/// The number of events that wait for a slow receiver. A receiver that is further behind has to start over.
const BACKLOG: usize = 256;

/// Carries events to open pages: those of stored changes, which come from the storage, and others. The bus stores
/// nothing: a receiver that lags reads the log of events.
pub(crate) trait Bus: fmt::Debug + EventReceiver {
    /// Sends an event that is not the effect of a stored change to all current receivers of the topic; there may be
    /// none.
    fn publish(&self, topic: Topic, event: Event);

    /// Receives the events of a room, and those of all rooms, from now on.
    fn subscribe(&self, room: RoomId) -> broadcast::Receiver<Arc<Delivery>>;

    /// Receives the events of [`Topic::Access`] from now on.
    fn subscribe_access(&self) -> broadcast::Receiver<Arc<Delivery>>;

    /// Counts the published [`Event::Changed`]. The number grows before a receiver gets the event, so data
    /// that was read at the current number is not older than any event received so far.
    fn generation(&self) -> u64;
}

/// An event on its way to the receivers of this node.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The number of an event that is in the log.
    pub(crate) version: Option<Version>,
    pub(crate) event: Event,
    pub(crate) derived: Derived,
}

/// A value that the first receiver of an event computes for all others on this node.
#[derive(Debug, Default)]
pub(crate) struct Derived(OnceLock<Box<dyn Any + Send + Sync>>);

impl Derived {
    /// Returns the value, after computing it if this is the first call. Returns `None` if another type was
    /// stored before.
    pub(crate) fn get_or_init<T: Send + Sync + 'static>(
        &self,
        init: impl FnOnce() -> T,
    ) -> Option<&T> {
        self.0.get_or_init(|| Box::new(init())).downcast_ref()
    }
}

/// A bus within one process.
#[derive(Debug)]
pub(crate) struct LocalBus {
    rooms: Mutex<HashMap<RoomId, broadcast::Sender<Arc<Delivery>>>>,
    access: broadcast::Sender<Arc<Delivery>>,
    generation: AtomicU64,
}

impl Default for LocalBus {
    fn default() -> Self {
        Self {
            rooms: Mutex::default(),
            access: broadcast::channel(BACKLOG).0,
            generation: AtomicU64::default(),
        }
    }
}

impl LocalBus {
    /// Locks the channels. Callers only look up or send, and sending does not wait for receivers.
    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, broadcast::Sender<Arc<Delivery>>>> {
        self.rooms.lock()
    }
}

impl LocalBus {
    fn send(&self, topic: Topic, version: Option<Version>, event: Event) {
        if matches!(event, Event::Changed) {
            self.generation.fetch_add(1, Ordering::SeqCst);
        }
        let delivery = Arc::new(Delivery {
            version,
            event,
            derived: Derived::default(),
        });
        // An error means that there is no receiver.
        match topic {
            Topic::Room(room) => {
                if let Some(sender) = self.rooms().get(&room) {
                    let _ = sender.send(delivery);
                }
            }
            Topic::AllRooms => {
                for sender in self.rooms().values() {
                    let _ = sender.send(Arc::clone(&delivery));
                }
            }
            Topic::Access => {
                let _ = self.access.send(delivery);
            }
        }
    }
}

impl EventReceiver for LocalBus {
    fn receive(&self, event: Committed) {
        self.send(event.topic, event.version, event.event);
    }
}

impl Bus for LocalBus {
    fn publish(&self, topic: Topic, event: Event) {
        self.send(topic, None, event);
    }

    fn subscribe(&self, room: RoomId) -> broadcast::Receiver<Arc<Delivery>> {
        let mut rooms = self.rooms();
        evict_unused(&mut rooms, |sender| sender.receiver_count() > 0);
        rooms
            .entry(room)
            .or_insert_with(|| broadcast::channel(BACKLOG).0)
            .subscribe()
    }

    fn subscribe_access(&self) -> broadcast::Receiver<Arc<Delivery>> {
        self.access.subscribe()
    }

    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::broadcast::error::TryRecvError;

    use super::*;
    use crate::model::event::AccessChange;

    #[test]
    fn channel_of_room_without_receivers_is_evicted() {
        let bus = LocalBus::default();
        let mut watched = bus.subscribe(RoomId::new(0));
        for room in 1..10_000 {
            drop(bus.subscribe(RoomId::new(room)));
        }
        assert!(bus.rooms().len() < 100);
        bus.publish(Topic::Room(RoomId::new(0)), Event::Changed);
        assert_eq!(watched.try_recv().unwrap().event, Event::Changed);
        assert_eq!(bus.generation(), 1);
    }

    #[test]
    fn topics_reach_their_receivers_only() {
        let bus = LocalBus::default();
        let (mut one, mut two) = (bus.subscribe(1.into()), bus.subscribe(2.into()));
        let mut access = bus.subscribe_access();
        bus.publish(Topic::Room(1.into()), Event::Changed);
        bus.publish(Topic::AllRooms, Event::QueryAgain("a".into()));
        let ended = Event::Access(AccessChange::Person(1.into()));
        bus.publish(Topic::Access, ended.clone());

        assert_eq!(one.try_recv().unwrap().event, Event::Changed);
        let (first, second) = (one.try_recv().unwrap(), two.try_recv().unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(access.try_recv().unwrap().event, ended);
        for receiver in [&mut one, &mut two, &mut access] {
            assert!(matches!(receiver.try_recv(), Err(TryRecvError::Empty)));
        }
    }

    #[test]
    fn derived_value_is_computed_once() {
        let derived = Derived::default();
        assert_eq!(derived.get_or_init(|| 1_u8), Some(&1));
        assert_eq!(derived.get_or_init(|| 2_u8), Some(&1));
        assert_eq!(derived.get_or_init(|| "another type"), None);
    }
}
