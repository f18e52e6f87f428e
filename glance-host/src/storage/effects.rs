//! The effects of a change: events, webhook calls, and a function that runs after its commit.

use std::fmt;

use super::SignedIn;
use crate::model::event::{AccessChange, Event, Topic};
use crate::model::{DroppedCalls, Installed, NewCalls, Room};

/// The effects of a change.
///
/// Events and webhook calls are stored in the transaction of the change. After the commit a storage passes the events to
/// its [receivers](super::EventReceiver), in the order of the commits, so pages see the entries of a room in the stored
/// order. All this happens even if the caller stopped waiting for its change.
#[derive(Default)]
pub struct Effects {
    events: Vec<(Topic, Event)>,
    calls: Vec<NewCalls>,
    on_commit: Option<OnCommit>,
}

type OnCommit = Box<dyn FnOnce(&[DroppedCalls]) + Send>;

/// Returns the effects of the creation of a room.
pub type RoomEffects = Box<dyn FnOnce(&Room) -> Effects + Send>;

/// Returns the effects of a change to an installation.
pub type InstallationEffects = Box<dyn FnOnce(&Installed) -> Effects + Send>;

/// Returns the effects of signing in.
pub type SignInEffects = Box<dyn FnOnce(&SignedIn) -> Effects + Send>;

impl Effects {
    /// Returns the effects of a change that has none.
    pub fn none() -> Self {
        Self::default()
    }

    /// Stores webhook calls, and runs a function after the commit, which gets those that were not stored. It must not
    /// wait: the effects of the next changes do.
    pub fn calls(calls: Vec<NewCalls>, run: impl FnOnce(&[DroppedCalls]) + Send + 'static) -> Self {
        Self {
            calls,
            on_commit: Some(Box::new(run)),
            ..Self::default()
        }
    }

    /// Adds an event.
    #[must_use]
    pub fn event(mut self, topic: Topic, event: Event) -> Self {
        self.events.push((topic, event));
        self
    }

    /// Adds the event that somebody's access changed.
    #[must_use]
    pub fn access(self, change: AccessChange) -> Self {
        self.event(Topic::Access, Event::Access(change))
    }

    /// Takes the events out. A storage numbers and writes them in the transaction of the change.
    pub fn take_events(&mut self) -> Vec<(Topic, Event)> {
        std::mem::take(&mut self.events)
    }

    /// Takes the webhook calls out. A storage writes them in the transaction of the change.
    pub fn take_calls(&mut self) -> Vec<NewCalls> {
        std::mem::take(&mut self.calls)
    }

    /// Runs the function. A storage calls this after the commit, with the calls that it did not store.
    pub fn committed(self, dropped: &[DroppedCalls]) {
        if let Some(run) = self.on_commit {
            run(dropped);
        }
    }
}

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects")
            .field("events", &self.events)
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}
