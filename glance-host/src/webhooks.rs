//! Calls the webhooks that listen for what happens in a room.
//!
//! Each installation has a queue of its own: its calls keep their order, and one that is slow,
//! hangs or is down holds up nobody else. What does not fit into the queue is dropped, and what waits
//! when the host ends is not told.

mod delivery;
mod happening;
mod record;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use glance_sdk::model::{OauthId, RoomId};
use regex::Regex;
use tokio::sync::Notify;

use crate::pattern;
use crate::shared::Shared;
use crate::state::StateError;
use delivery::Job;
use happening::Told;
pub(crate) use record::Records;

pub use happening::Happening;
pub use record::{Delivery, KEPT_PER_ROOM, Outcome};

/// How many calls of one installation may wait.
const QUEUE: usize = 100;

/// How long is waited for the calls of an add-on that is to go.
const FAREWELL: Duration = Duration::from_secs(10);

/// How many compiled patterns are kept; past that all are compiled anew.
const PATTERNS: usize = 500;

/// The calls under way, and what became of the latest.
#[derive(Default)]
pub(crate) struct Webhooks {
    /// What waits, by installation. Each entry has a task that works it off.
    queues: Mutex<HashMap<OauthId, VecDeque<Job>>>,
    /// A queue is gone.
    emptied: Notify,
    patterns: Mutex<HashMap<String, Option<Regex>>>,
    pub(crate) records: Records,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").finish_non_exhaustive()
    }
}

/// Calls the webhooks that listen for this; returns once all calls wait in their queues. What fails
/// is logged: what happened has happened.
pub(crate) async fn tell(shared: &Arc<Shared>, room: RoomId, happening: Happening) {
    if let Err(cause) = try_tell(shared, room, &happening).await {
        tracing::error!(%room, "webhooks were not called: {cause}");
    }
}

async fn try_tell(
    shared: &Arc<Shared>,
    room: RoomId,
    happening: &Happening,
) -> Result<(), StateError> {
    let Some(event) = happening.event() else {
        return Ok(());
    };
    let listening = shared.state.webhooks_on(&event, room).await?;
    if listening.is_empty() {
        return Ok(());
    }
    let Some(room) = shared.state.room(room).await? else {
        return Ok(());
    };
    let told = Arc::new(Told::new(shared, room, event, happening).await?);
    for (installed, registered) in listening {
        let is_own = told.author.as_ref() == Some(&installed.oauth_id);
        let is_wanted = match (&registered.webhook.pattern, &told.text) {
            (Some(pattern), Some(text)) => shared.webhooks.finds(pattern, text),
            _ => true,
        };
        if !is_own && is_wanted {
            let job = Job::new(Arc::clone(&told), installed, registered);
            shared.webhooks.push(shared, job);
        }
    }
    Ok(())
}

/// Waits until an installation has been told everything, so that it is before it goes; a slow one is
/// not waited for long.
pub(crate) async fn settle(shared: &Shared, oauth_id: &OauthId) {
    let settled = async {
        loop {
            let emptied = shared.webhooks.emptied.notified();
            if !lock(&shared.webhooks.queues).contains_key(oauth_id) {
                return;
            }
            emptied.await;
        }
    };
    let _ = tokio::time::timeout(FAREWELL, settled).await;
}

impl Webhooks {
    /// Whether a pattern finds something in a text; one that cannot be compiled never does.
    fn finds(&self, pattern: &str, text: &str) -> bool {
        let mut patterns = lock(&self.patterns);
        if patterns.len() >= PATTERNS {
            patterns.clear();
        }
        let compiled = patterns
            .entry(pattern.to_owned())
            .or_insert_with(|| pattern::compile(pattern).ok())
            .clone();
        drop(patterns);
        compiled.is_some_and(|compiled| pattern::finds(&compiled, text))
    }

    fn push(&self, shared: &Arc<Shared>, job: Job) {
        match lock(&self.queues).entry(job.oauth_id().clone()) {
            Entry::Occupied(mut queue) if queue.get().len() < QUEUE => {
                queue.get_mut().push_back(job);
            }
            Entry::Occupied(_) => {
                let why = format!("{QUEUE} calls of its add-on wait already");
                self.records.add(job.skipped(why));
            }
            Entry::Vacant(queue) => {
                let oauth_id = queue.key().clone();
                queue.insert(VecDeque::from([job]));
                tokio::spawn(work(Arc::clone(shared), oauth_id));
            }
        }
    }

    /// The next call of an installation; without one its queue is gone.
    fn next(&self, oauth_id: &OauthId) -> Option<Job> {
        let mut queues = lock(&self.queues);
        let next = queues.get_mut(oauth_id)?.pop_front();
        if next.is_none() {
            queues.remove(oauth_id);
            self.emptied.notify_waiters();
        }
        next
    }
}

/// Works off the queue of an installation.
async fn work(shared: Arc<Shared>, oauth_id: OauthId) {
    let working = async {
        while let Some(job) = shared.webhooks.next(&oauth_id) {
            let delivery = job.deliver(&shared).await;
            shared.webhooks.records.add(delivery);
        }
    };
    tokio::select! {
        () = shared.ended() => {}
        () = working => {}
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
