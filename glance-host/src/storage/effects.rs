//! The effects of a change: webhook calls, and functions that run after its commit.

use std::fmt;

use crate::model::{DroppedCalls, NewCalls, Room};

/// The effects of a change.
///
/// Webhook calls are stored in the transaction of the change. Functions run after its commit, those of one handle of a
/// storage in the order of their commits, so pages see the entries of a room in the stored order. They run even if the
/// caller stopped waiting for its change. They must not wait: the next ones do.
#[derive(Default)]
pub struct Effects {
    calls: Vec<NewCalls>,
    on_commit: Vec<OnCommit>,
}

type OnCommit = Box<dyn FnOnce(&[DroppedCalls]) + Send>;

/// Returns the effects of the creation of a room.
pub type RoomEffects = Box<dyn FnOnce(&Room) -> Effects + Send>;

impl Effects {
    /// Returns the effects of a change that has none.
    pub fn none() -> Self {
        Self::default()
    }

    /// Stores webhook calls, and runs a function after the commit, which gets those that were not stored.
    pub fn calls(calls: Vec<NewCalls>, run: impl FnOnce(&[DroppedCalls]) + Send + 'static) -> Self {
        Self {
            calls,
            on_commit: vec![Box::new(run)],
        }
    }

    /// Adds a function that runs after the commit.
    #[must_use]
    pub fn on_commit(mut self, run: impl FnOnce() + Send + 'static) -> Self {
        self.on_commit.push(Box::new(|_| run()));
        self
    }

    /// Takes the webhook calls out. A storage writes them in the transaction of the change.
    pub fn take_calls(&mut self) -> Vec<NewCalls> {
        std::mem::take(&mut self.calls)
    }

    /// Runs the functions. A storage calls this after the commit, with the calls that it did not store.
    pub fn committed(self, dropped: &[DroppedCalls]) {
        for run in self.on_commit {
            run(dropped);
        }
    }
}

impl fmt::Debug for Effects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Effects")
            .field("calls", &self.calls)
            .finish_non_exhaustive()
    }
}
