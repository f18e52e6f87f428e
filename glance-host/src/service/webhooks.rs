//! Calls the webhooks that listen for what happens in a room.
//!
//! Each installation has a queue of its own: its calls keep their order, and one that is slow,
//! hangs or is down, or whose patterns are costly, holds up nobody else. What does not fit into the
//! queue is dropped. When the host ends, a call under way comes to its end, and what waits is not told.

mod delivery;
mod record;
mod room_event;

use std::collections::hash_map;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glance_sdk::model::{OauthId, RoomId};
use tokio::sync::watch;

use crate::content::pattern;
use crate::model::Entry;
use crate::service::shared::Shared;
use crate::storage::StorageError;
use delivery::Job;
pub(crate) use record::Records;
use room_event::Told;

pub use record::KEPT_PER_ROOM;
pub use room_event::RoomEvent;

/// How many events may wait for one installation.
const QUEUE: usize = 100;

/// What waits, by installation; each has a task that works it off. The calls for one event stand
/// together, as some of their patterns will find nothing in it.
type Queues = HashMap<OauthId, VecDeque<Vec<Job>>>;

/// The calls under way, and what became of the latest.
#[derive(Default)]
pub(crate) struct Webhooks {
    queues: Mutex<Queues>,
    /// Changes as a queue comes to its end.
    worked_off: watch::Sender<()>,
    pub(crate) records: Records,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").finish_non_exhaustive()
    }
}

/// What is to be called for an event, by installation.
#[derive(Default)]
pub(crate) struct Calls(HashMap<OauthId, Vec<Job>>);

impl Calls {
    pub(crate) fn queue(self, shared: &Arc<Shared>) {
        for (oauth_id, jobs) in self.0 {
            shared.webhooks.push(shared, oauth_id, jobs);
        }
    }
}

/// Posts an entry unless the room has one with its id: appends it to the timeline and calls webhooks. Returns
/// whether the entry is new.
pub(crate) async fn post(shared: &Arc<Shared>, entry: &Entry) -> Result<bool, StorageError> {
    let event = RoomEvent::Written(Box::new(entry.clone()));
    let calls = calls(shared, entry.room_id, &event).await;
    let queue = || calls.queue(shared);
    shared.timeline.append(entry, queue).await
}

/// Calls the webhooks that listen for this; returns once all calls wait in their queues.
pub(crate) async fn tell(shared: &Arc<Shared>, room: RoomId, event: RoomEvent) {
    calls(shared, room, &event).await.queue(shared);
}

/// The calls of the webhooks that listen for this. What fails is logged: what happens happens.
pub(crate) async fn calls(shared: &Shared, room: RoomId, event: &RoomEvent) -> Calls {
    let calls = try_calls(shared, room, event).await;
    calls.unwrap_or_else(|cause| {
        tracing::error!(%room, "webhooks were not called: {cause:#}");
        Calls::default()
    })
}

async fn try_calls(
    shared: &Shared,
    room: RoomId,
    event: &RoomEvent,
) -> Result<Calls, StorageError> {
    let mut calls = Calls::default();
    let Some(kind) = event.event() else {
        return Ok(calls);
    };
    let listening = shared.state.webhooks_on(&kind, room).await?;
    if listening.is_empty() {
        return Ok(calls);
    }
    let Some(room) = shared.state.room(room).await? else {
        return Ok(calls);
    };
    let told = Arc::new(Told::new(shared, room, kind, event).await?);
    for (installed, registered) in listening {
        if told.author.as_ref() != Some(&installed.oauth_id) {
            let jobs = calls.0.entry(installed.oauth_id.clone()).or_default();
            jobs.push(Job::new(
                &shared.clock,
                Arc::clone(&told),
                installed,
                registered,
            ));
        }
    }
    Ok(calls)
}

impl Webhooks {
    fn push(&self, shared: &Arc<Shared>, oauth_id: OauthId, jobs: Vec<Job>) {
        match lock(&self.queues).entry(oauth_id) {
            hash_map::Entry::Occupied(mut queue) if queue.get().len() < QUEUE => {
                queue.get_mut().push_back(jobs);
            }
            hash_map::Entry::Occupied(_) => {
                for job in jobs {
                    let why = format!("{QUEUE} events wait for its add-on already");
                    let delivery = job.skipped(why);
                    shared.metrics.delivered(&delivery.outcome);
                    self.records.add(delivery);
                }
            }
            hash_map::Entry::Vacant(queue) => {
                let oauth_id = queue.key().clone();
                queue.insert(VecDeque::from([jobs]));
                tokio::spawn(work(Arc::clone(shared), oauth_id));
            }
        }
    }

    /// The next calls of an installation, none where the host has ended; without any its queue is gone.
    fn next(&self, oauth_id: &OauthId, has_ended: bool) -> Option<Vec<Job>> {
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

    async fn settled(&self, is_so: impl Fn(&Queues) -> bool) {
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
    while let Some(jobs) = webhooks.next(&oauth_id, shared.shutdown.has_begun()) {
        for job in wanted(jobs).await {
            if shared.shutdown.has_begun() {
                break;
            }
            let delivery = job.deliver(&shared).await;
            shared.metrics.delivered(&delivery.outcome);
            webhooks.records.add(delivery);
        }
    }
}

/// Those whose pattern finds something in what is told. A pattern may take its time: it is looked for
/// where it holds up no connection.
async fn wanted(mut jobs: Vec<Job>) -> Vec<Job> {
    if jobs.iter().all(|job| job.searched().is_none()) {
        return jobs;
    }
    let finds = |(pattern, text): (&str, &str)| {
        pattern::compiled(pattern).is_ok_and(|pattern| pattern::finds(&pattern, text))
    };
    let looking = pattern::aside(move || {
        jobs.retain(|job| job.searched().is_none_or(finds));
        jobs
    });
    looking.await.unwrap_or_else(|cause| {
        tracing::error!("webhooks were not called: {cause:#}");
        Vec::new()
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
