//! Calls the webhooks of add-ons for events in rooms.
//!
//! Each installation has a queue of its own: its calls keep their order, and an add-on that is slow, hangs or is
//! down, or whose patterns are expensive, delays its own calls only. Events that do not fit into a queue are
//! dropped. On shutdown the host completes the call that it is sending and drops the queued ones.

mod delivery;
mod record;
mod room_event;

use std::collections::hash_map;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use glance_sdk::model::{OauthId, RoomId};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::cluster::rate_limits::Limits;
use crate::content::pattern;
use crate::model::clock::Clock;
use crate::model::shutdown::Shutdown;
use crate::model::{Delivery, Entry, Room};
use crate::service::addon_calls::AddOnCalls;
use crate::service::directory::Directory;
use crate::service::metrics::Metrics;
use crate::service::timeline::{AppendError, Timeline};
use crate::storage::Storage;
use delivery::Job;
use record::Records;
use room_event::{Payload, PayloadError};

pub use record::KEPT_PER_ROOM;
pub use room_event::RoomEvent;

/// The number of events that an installation's queue holds.
const QUEUE: usize = 100;

/// The queued calls by installation; each queue has a task that sends them. The calls for one event are one element,
/// because their patterns are matched together.
type Queues = HashMap<OauthId, VecDeque<Vec<Job>>>;

/// Calls webhooks. Clones share the queues and the records.
#[derive(Clone)]
pub(crate) struct Webhooks {
    storage: Arc<dyn Storage>,
    directory: Directory,
    timeline: Timeline,
    addon_calls: AddOnCalls,
    limits: Arc<Limits>,
    metrics: Arc<Metrics>,
    clock: Clock,
    shutdown: Shutdown,
    /// Calls are queued on a thread outside of the runtime, too.
    runtime: Handle,
    state: Arc<State>,
}

/// The state that all clones share.
#[derive(Default)]
struct State {
    queues: Mutex<Queues>,
    /// Notified when a queue becomes empty.
    emptied: watch::Sender<()>,
    records: Records,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").finish_non_exhaustive()
    }
}

/// The calls for one event, by installation.
#[derive(Default)]
pub(crate) struct Calls(HashMap<OauthId, Vec<Job>>);

impl Webhooks {
    #[expect(
        clippy::too_many_arguments,
        reason = "a service gets each collaborator by itself"
    )]
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        directory: Directory,
        timeline: Timeline,
        addon_calls: AddOnCalls,
        limits: Arc<Limits>,
        metrics: Arc<Metrics>,
        clock: Clock,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            storage,
            directory,
            timeline,
            addon_calls,
            limits,
            metrics,
            clock,
            shutdown,
            runtime: Handle::current(),
            state: Arc::default(),
        }
    }

    /// Queues the calls of the webhooks for an event.
    pub(crate) async fn call(&self, room: RoomId, event: RoomEvent) {
        let calls = self.prepare(room, &event).await;
        self.queue(calls);
    }

    /// Posts an entry unless the room has one with its id: appends it to the timeline and calls webhooks.
    /// Returns whether the entry is new.
    pub(crate) async fn post(&self, entry: &Entry) -> Result<bool, AppendError> {
        let event = RoomEvent::Written(Box::new(entry.clone()));
        let calls = self.prepare(entry.room_id, &event).await;
        let webhooks = self.clone();
        let queue = move || webhooks.queue(calls);
        self.timeline.append(entry, queue).await
    }

    /// Prepares the calls for an event. Logs a failure and returns no calls then: the event happens anyway.
    pub(crate) async fn prepare(&self, room: RoomId, event: &RoomEvent) -> Calls {
        self.prepared(room, None, event).await
    }

    /// Prepares the calls for an event in a room, whose payloads describe the room like this.
    pub(crate) async fn prepare_for(&self, room: &Room, event: &RoomEvent) -> Calls {
        self.prepared(room.id, Some(room), event).await
    }

    async fn prepared(&self, room: RoomId, described: Option<&Room>, event: &RoomEvent) -> Calls {
        let calls = self.calls(room, described, event).await;
        calls.unwrap_or_else(|error| {
            let error = format!("{error:#}");
            tracing::error!(%room, error, "preparing webhook calls failed");
            Calls::default()
        })
    }

    async fn calls(
        &self,
        room: RoomId,
        described: Option<&Room>,
        event: &RoomEvent,
    ) -> Result<Calls, PayloadError> {
        let mut calls = Calls::default();
        let Some(kind) = event.event() else {
            return Ok(calls);
        };
        let webhooks = self.storage.webhooks_on(&kind, room).await?;
        if webhooks.is_empty() {
            return Ok(calls);
        }
        let stored = match described {
            Some(_) => None,
            None => self.storage.room(room).await?,
        };
        let Some(room) = described.cloned().or(stored) else {
            return Ok(calls);
        };
        let payload = Payload::new(&*self.storage, &self.directory, room, kind, event).await?;
        let payload = Arc::new(payload);
        for (installed, registered) in webhooks {
            if payload.author.as_ref() != Some(&installed.oauth_id) {
                let jobs = calls.0.entry(installed.oauth_id.clone()).or_default();
                jobs.push(Job::new(
                    &self.clock,
                    Arc::clone(&payload),
                    installed,
                    registered,
                ));
            }
        }
        Ok(calls)
    }

    /// Queues calls. This may run on the thread that writes to storage.
    pub(crate) fn queue(&self, calls: Calls) {
        for (oauth_id, jobs) in calls.0 {
            self.push(oauth_id, jobs);
        }
    }

    fn push(&self, oauth_id: OauthId, jobs: Vec<Job>) {
        match self.state.queues.lock().entry(oauth_id) {
            hash_map::Entry::Occupied(mut queue) if queue.get().len() < QUEUE => {
                queue.get_mut().push_back(jobs);
            }
            hash_map::Entry::Occupied(_) => {
                for job in jobs {
                    let why = format!("{QUEUE} events wait for its add-on already");
                    self.record(job.skipped(why));
                }
            }
            hash_map::Entry::Vacant(queue) => {
                let oauth_id = queue.key().clone();
                queue.insert(VecDeque::from([jobs]));
                let webhooks = self.clone();
                self.runtime
                    .spawn(async move { webhooks.run_queue(&oauth_id).await });
            }
        }
    }

    /// Sends the queued calls of an installation until its queue is empty or the host shuts down.
    async fn run_queue(&self, oauth_id: &OauthId) {
        while let Some(jobs) = self.next(oauth_id) {
            for job in matching(oauth_id, jobs).await {
                if self.shutdown.has_begun() {
                    break;
                }
                self.record(job.deliver(self).await);
            }
        }
    }

    /// Takes the next calls of an installation; none if the host shuts down. Removes an empty queue.
    fn next(&self, oauth_id: &OauthId) -> Option<Vec<Job>> {
        let mut queues = self.state.queues.lock();
        let next = queues.get_mut(oauth_id)?.pop_front();
        let next = next.filter(|_| !self.shutdown.has_begun());
        if next.is_none() {
            queues.remove(oauth_id);
            self.state.emptied.send_replace(());
        }
        next
    }

    fn record(&self, delivery: Delivery) {
        self.metrics.delivered(&delivery.outcome);
        self.state.records.add(delivery);
    }

    /// Returns the latest deliveries for a room, oldest first.
    pub(crate) fn deliveries(&self, room: RoomId) -> Vec<Arc<Delivery>> {
        self.state.records.in_room(room)
    }

    /// Returns a receiver that changes with each delivery.
    pub(crate) fn watch_deliveries(&self) -> watch::Receiver<u64> {
        self.state.records.watch()
    }

    /// Completes when no call of an installation is queued or being sent.
    pub(crate) async fn idle(&self, oauth_id: &OauthId) {
        self.wait_until(|queues| !queues.contains_key(oauth_id))
            .await;
    }

    /// Completes when no call at all is queued or being sent.
    pub(crate) async fn all_idle(&self) {
        self.wait_until(HashMap::is_empty).await;
    }

    async fn wait_until(&self, condition: impl Fn(&Queues) -> bool) {
        let mut emptied = self.state.emptied.subscribe();
        while !condition(&self.state.queues.lock()) {
            // It cannot fail: the sender lives as long as `self`.
            let _ = emptied.changed().await;
        }
    }
}

/// Returns the calls whose pattern matches. Patterns run on blocking threads because one can take long.
async fn matching(oauth_id: &OauthId, mut jobs: Vec<Job>) -> Vec<Job> {
    if jobs.iter().all(|job| job.pattern_and_text().is_none()) {
        return jobs;
    }
    let matches = |(pattern, text): (&str, &str)| {
        pattern::compiled(pattern).is_ok_and(|pattern| pattern::is_match(&pattern, text))
    };
    let matched = pattern::run_limited(move || {
        jobs.retain(|job| job.pattern_and_text().is_none_or(matches));
        jobs
    });
    matched.await.unwrap_or_else(|error| {
        let error = format!("{error:#}");
        tracing::error!(installation = %oauth_id, error, "matching webhook patterns failed");
        Vec::new()
    })
}
