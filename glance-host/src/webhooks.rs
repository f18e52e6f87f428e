//! Calls the webhooks that listen for what happens in a room.
//!
//! Each installation has a queue of its own: its calls keep their order, and one that is slow,
//! hangs or is down holds up nobody else. What does not fit into the queue is dropped. When the host
//! ends, a call under way comes to its end, and what waits is not told.

mod delivery;
mod happening;
mod record;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glance_sdk::model::{OauthId, RoomId};
use regex::Regex;
use tokio::sync::watch;

use crate::pattern;
use crate::shared::Shared;
use crate::state::{Installed, RegisteredWebhook, StateError};
use delivery::Job;
use happening::Told;
pub(crate) use record::Records;

pub use happening::Happening;
pub use record::{Delivery, KEPT_PER_ROOM, Outcome};

/// How many calls of one installation may wait.
const QUEUE: usize = 100;

/// How many compiled patterns are kept, each of some megabytes at most; past that all are compiled anew.
const PATTERNS: usize = 100;

/// The calls under way, and what became of the latest.
#[derive(Default)]
pub(crate) struct Webhooks {
    /// What waits, by installation. Each entry has a task that works it off.
    queues: Mutex<HashMap<OauthId, VecDeque<Job>>>,
    /// Changes as a queue comes to its end.
    worked_off: watch::Sender<()>,
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
    let mut listening = shared.state.webhooks_on(&event, room).await?;
    if listening.is_empty() {
        return Ok(());
    }
    let Some(room) = shared.state.room(room).await? else {
        return Ok(());
    };
    let told = Arc::new(Told::new(shared, room, event, happening).await?);
    listening.retain(|(installed, _)| told.author.as_ref() != Some(&installed.oauth_id));
    for (installed, registered) in wanted(shared, &told, listening).await? {
        let job = Job::new(Arc::clone(&told), installed, registered);
        shared.webhooks.push(shared, job);
    }
    Ok(())
}

type Listening = Vec<(Arc<Installed>, RegisteredWebhook)>;

/// Those whose pattern finds something in what is told. A pattern may take its time: it is looked for
/// where it holds up no connection.
async fn wanted(
    shared: &Arc<Shared>,
    told: &Arc<Told>,
    mut listening: Listening,
) -> Result<Listening, StateError> {
    let has_pattern = |(_, one): &(_, RegisteredWebhook)| one.webhook.pattern.is_some();
    if told.text.is_none() || !listening.iter().any(has_pattern) {
        return Ok(listening);
    }
    let (shared, told) = (Arc::clone(shared), Arc::clone(told));
    let looking = tokio::task::spawn_blocking(move || {
        listening.retain(|(_, one)| match (&one.webhook.pattern, &told.text) {
            (Some(pattern), Some(text)) => shared.webhooks.finds(pattern, text),
            _ => true,
        });
        listening
    });
    let ended = |cause| StateError(format!("the patterns of webhooks ended early: {cause}"));
    looking.await.map_err(ended)
}

impl Webhooks {
    /// Whether a pattern finds something in a text; one that cannot be compiled never does.
    fn finds(&self, pattern: &str, text: &str) -> bool {
        let known = lock(&self.patterns).get(pattern).cloned();
        let compiled = known.unwrap_or_else(|| {
            let compiled = pattern::compile(pattern).ok();
            let mut patterns = lock(&self.patterns);
            if patterns.len() >= PATTERNS {
                patterns.clear();
            }
            patterns.insert(pattern.to_owned(), compiled.clone());
            compiled
        });
        compiled.is_some_and(|compiled| pattern::finds(&compiled, text))
    }

    fn push(&self, shared: &Arc<Shared>, job: Job) {
        match lock(&self.queues).entry(job.oauth_id().clone()) {
            Entry::Occupied(mut queue) if queue.get().len() < QUEUE => {
                queue.get_mut().push_back(job);
            }
            Entry::Occupied(_) => {
                let why = format!("{QUEUE} calls of its add-on wait already");
                let delivery = job.skipped(why);
                shared.metrics.delivered(&delivery.outcome);
                self.records.add(delivery);
            }
            Entry::Vacant(queue) => {
                let oauth_id = queue.key().clone();
                queue.insert(VecDeque::from([job]));
                tokio::spawn(work(Arc::clone(shared), oauth_id));
            }
        }
    }

    /// The next call of an installation, none where the host has ended; without one its queue is gone.
    fn next(&self, oauth_id: &OauthId, has_ended: bool) -> Option<Job> {
        let mut queues = lock(&self.queues);
        let next = queues.get_mut(oauth_id)?.pop_front();
        let next = next.filter(|_| !has_ended);
        if next.is_none() {
            queues.remove(oauth_id);
            self.worked_off.send_replace(());
        }
        next
    }

    /// Completes once no call of an installation waits or is under way.
    pub(crate) async fn idle(&self, oauth_id: &OauthId) {
        self.settled(|queues| !queues.contains_key(oauth_id)).await;
    }

    /// Completes once no call at all waits or is under way.
    pub(crate) async fn all_idle(&self) {
        self.settled(HashMap::is_empty).await;
    }

    async fn settled(&self, is_so: impl Fn(&HashMap<OauthId, VecDeque<Job>>) -> bool) {
        let mut worked_off = self.worked_off.subscribe();
        while !is_so(&lock(&self.queues)) {
            // The sender is a part of this.
            let _ = worked_off.changed().await;
        }
    }
}

/// Works off the queue of an installation, until the host ends.
async fn work(shared: Arc<Shared>, oauth_id: OauthId) {
    let webhooks = &shared.webhooks;
    while let Some(job) = webhooks.next(&oauth_id, shared.has_ended()) {
        let delivery = job.deliver(&shared).await;
        shared.metrics.delivered(&delivery.outcome);
        webhooks.records.add(delivery);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
