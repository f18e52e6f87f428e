//! Calls the webhooks of add-ons for events in rooms.
//!
//! Storage keeps the calls from the transaction of their event until they are over, so a restart loses none. Each
//! installation has a task of its own while it has calls: they keep their order, and an add-on that is slow, hangs or is
//! down, or whose patterns are expensive, delays its own calls only. Events beyond the limits of storage are dropped. A
//! call that was being sent when the host ended may have arrived and is not repeated.

mod delivery;
mod record;
mod room_event;

use std::collections::hash_map;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use glance_sdk::model::{Event, OauthId, RoomId};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::cluster::rate_limits::Limits;
use crate::content::pattern;
use crate::model::clock::Clock;
use crate::model::shutdown::Shutdown;
use crate::model::{
    Delivery, DropReason, DroppedCalls, Entry, Installed, MAX_QUEUED_EVENTS, NewCalls, QueuedCalls,
    RegisteredWebhook, Room, User, WebhookCall, WebhookEvent,
};
use crate::service::addon_calls::AddOnCalls;
use crate::service::directory::Directory;
use crate::service::metrics::Metrics;
use crate::service::timeline::{AppendError, Timeline};
use crate::storage::{Effects, RoomEffects, Storage, StorageError};
use delivery::Job;
use record::Records;
use room_event::PayloadError;

pub use record::KEPT_PER_ROOM;
pub use room_event::RoomEvent;

/// The pause after storage failed.
const STORAGE_PAUSE: Duration = Duration::from_secs(5);

/// A room that does not exist, for the events that only the add-ons of all rooms get.
const NO_ROOM: RoomId = RoomId::new(0);

/// Calls webhooks. Clones share the tasks and the records.
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
    /// Tasks are spawned from the thread that writes to storage, too.
    runtime: Handle,
    state: Arc<State>,
}

/// The installations whose task runs, and whether calls were stored since it last looked for some.
type Running = HashMap<OauthId, bool>;

/// The state that all clones share.
#[derive(Default)]
struct State {
    running: Mutex<Running>,
    /// Notified when a task ends.
    ended: watch::Sender<()>,
    records: Records,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").finish_non_exhaustive()
    }
}

/// Calls that are not stored yet.
#[derive(Default)]
pub(crate) struct Calls(Vec<NewCalls>);

impl Calls {
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }
}

/// The webhooks of one installation for an event.
struct Listener {
    installed: Arc<Installed>,
    webhooks: Vec<RegisteredWebhook>,
}

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

    /// Makes the calls that an earlier run of the host left.
    pub(crate) async fn start(&self) -> Result<(), StorageError> {
        for oauth_id in self.storage.installations_with_calls().await? {
            self.wake(oauth_id);
        }
        Ok(())
    }

    /// Stores the calls for an event that changes nothing in storage.
    pub(crate) async fn call(&self, room: RoomId, event: RoomEvent) {
        let calls = self.prepare(room, &event).await;
        if calls.0.is_empty() {
            return;
        }
        if let Err(error) = self.storage.queue_calls(self.effects(calls)).await {
            let error = format!("{error:#}");
            tracing::error!(%room, error, "storing webhook calls failed");
        }
    }

    /// Posts an entry unless the room has one with its id: appends it to the timeline and calls webhooks.
    /// Returns whether the entry is new. `sender` is the installation that sends it.
    pub(crate) async fn post(
        &self,
        entry: &Entry,
        sender: Option<&Installed>,
    ) -> Result<bool, AppendError> {
        let event = RoomEvent::Written(Box::new(entry.clone()));
        let calls = self.prepare(entry.room_id, &event).await;
        let effects = self.effects(calls);
        self.timeline.append(entry, sender, effects).await
    }

    /// Prepares the calls for an event. Logs a failure and returns no calls then: the event happens anyway.
    pub(crate) async fn prepare(&self, room: RoomId, event: &RoomEvent) -> Calls {
        logged(room, self.calls(room, None, event).await)
    }

    /// Prepares the calls for an event in a room, whose payloads describe the room like this.
    pub(crate) async fn prepare_for(&self, room: &Room, event: &RoomEvent) -> Calls {
        logged(room.id, self.calls(room.id, Some(room), event).await)
    }

    /// Returns the effects of the creation of a room: its calls.
    pub(crate) async fn prepare_creation(&self, owner: Option<User>) -> RoomEffects {
        let listeners = self.listeners(&Event::RoomCreated, NO_ROOM, None).await;
        let listeners = listeners.unwrap_or_else(|error| {
            let error = format!("{error:#}");
            tracing::error!(error, "reading the webhooks of a new room failed");
            Vec::new()
        });
        let (Some(owner), false) = (owner, listeners.is_empty()) else {
            return Box::new(|_| Effects::none());
        };
        let webhooks = self.clone();
        Box::new(move |room| {
            let at = webhooks.now();
            let event = room_event::describe_created(&webhooks.directory, room, &owner, at);
            let calls = event.map(|event| calls(event, listeners));
            webhooks.effects(logged(room.id, calls))
        })
    }

    async fn calls(
        &self,
        room: RoomId,
        described: Option<&Room>,
        event: &RoomEvent,
    ) -> Result<Calls, PayloadError> {
        let Some(kind) = event.event() else {
            return Ok(Calls::default());
        };
        let listeners = self.listeners(&kind, room, event.author()).await?;
        if listeners.is_empty() {
            return Ok(Calls::default());
        }
        let stored = match described {
            Some(_) => None,
            None => self.storage.room(room).await?,
        };
        let Some(room) = described.or(stored.as_ref()) else {
            return Ok(Calls::default());
        };
        let (storage, directory) = (&*self.storage, &self.directory);
        let event = room_event::describe(storage, directory, room, event, kind, self.now());
        Ok(calls(event.await?, listeners))
    }

    /// Returns the installations with webhooks for an event, without the one that caused it.
    async fn listeners(
        &self,
        kind: &Event,
        room: RoomId,
        author: Option<&OauthId>,
    ) -> Result<Vec<Listener>, StorageError> {
        let mut listeners: Vec<Listener> = Vec::new();
        for (installed, webhook) in self.storage.webhooks_on(kind, room).await? {
            if author == Some(&installed.oauth_id) {
                continue;
            }
            let known = listeners
                .iter_mut()
                .find(|known| known.installed.oauth_id == installed.oauth_id);
            match known {
                Some(known) => known.webhooks.push(webhook),
                None => listeners.push(Listener {
                    installed,
                    webhooks: vec![webhook],
                }),
            }
        }
        Ok(listeners)
    }

    /// Returns effects that store calls, and make them after the commit.
    pub(crate) fn effects(&self, calls: Calls) -> Effects {
        if calls.0.is_empty() {
            return Effects::none();
        }
        let called: HashSet<_> = calls.0.iter().map(|calls| calls.oauth_id.clone()).collect();
        let webhooks = self.clone();
        Effects::calls(calls.0, move |dropped| {
            if !dropped.is_empty() {
                let (recorder, dropped) = (webhooks.clone(), dropped.to_vec());
                // Records contain the bodies of all calls; the thread that writes to storage has no time for that.
                let record = async move {
                    for dropped in &dropped {
                        recorder.record_dropped(dropped);
                    }
                };
                webhooks.runtime.spawn(record);
            }
            for oauth_id in called {
                webhooks.wake(oauth_id);
            }
        })
    }

    /// Lets the task of an installation look for calls, or starts it. This may run on the thread that writes to storage.
    fn wake(&self, oauth_id: OauthId) {
        match self.state.running.lock().entry(oauth_id) {
            hash_map::Entry::Occupied(mut running) => {
                running.insert(true);
            }
            hash_map::Entry::Vacant(none) => {
                let oauth_id = none.key().clone();
                none.insert(false);
                let webhooks = self.clone();
                self.runtime
                    .spawn(async move { webhooks.run(&oauth_id).await });
            }
        }
    }

    /// Makes the stored calls of an installation, oldest first, until there are none or the host shuts down.
    async fn run(&self, oauth_id: &OauthId) {
        while !self.shutdown.has_begun() {
            let next = || self.storage.next_calls(oauth_id);
            match self.until_stored(next).await {
                Some(Some(queued)) => self.make(queued).await,
                Some(None) if self.ended(oauth_id) => return,
                Some(None) => {}
                None => break,
            }
        }
        // The calls stay in storage for the next start.
        self.state.running.lock().remove(oauth_id);
        self.state.ended.send_replace(());
    }

    /// Ends the task of an installation that has no calls. Returns false if calls were stored since it last looked.
    fn ended(&self, oauth_id: &OauthId) -> bool {
        let mut running = self.state.running.lock();
        if running.get_mut(oauth_id).is_some_and(std::mem::take) {
            return false;
        }
        running.remove(oauth_id);
        self.state.ended.send_replace(());
        true
    }

    /// Makes calls that are stored for one event, from the current one on.
    async fn make(&self, queued: QueuedCalls) {
        let QueuedCalls {
            number,
            calls,
            mut position,
            is_sending,
        } = queued;
        if is_sending {
            if let Some(job) = Job::new(number, position, &calls) {
                self.record(job.interrupted());
            }
            position += 1;
        }
        let left = position..count(&calls);
        let jobs = left.filter_map(|position| Job::new(number, position, &calls));
        for job in matching(&calls.oauth_id, jobs.collect()).await {
            position = job.position;
            if self.shutdown.has_begun() {
                let mark = || self.storage.mark_waiting(number, position);
                let _ = self.until_stored(mark).await;
                return;
            }
            match job.deliver(self).await {
                Some(delivery) => self.record(delivery),
                None => return,
            }
        }
        let delete = || self.storage.delete_calls(number);
        let _ = self.until_stored(delete).await;
    }

    /// Uses storage, again after a pause while it fails. Returns `None` if it still fails when the host shuts down.
    #[expect(
        clippy::disallowed_methods,
        reason = "storage recovers in real time, also in a test whose clock stands still"
    )]
    async fn until_stored<T, F>(&self, mut use_storage: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StorageError>>,
    {
        loop {
            match use_storage().await {
                Ok(value) => return Some(value),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(error, "using stored webhook calls failed");
                }
            }
            tokio::select! {
                () = tokio::time::sleep(STORAGE_PAUSE) => {}
                () = self.shutdown.begun() => return None,
            }
        }
    }

    fn record_dropped(&self, dropped: &DroppedCalls) {
        let why = match dropped.reason {
            DropReason::Full => {
                format!("{MAX_QUEUED_EVENTS} events wait for its add-on already, or events of 4 MB")
            }
            DropReason::Removed => "its add-on was removed".to_owned(),
        };
        let positions = 0..count(&dropped.calls);
        for job in positions.filter_map(|position| Job::new(0, position, &dropped.calls)) {
            self.record(job.skipped(why.clone()));
        }
    }

    /// Returns the time in microseconds since 1970.
    fn now(&self) -> i64 {
        micros(self.clock.system_time())
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

    /// Completes when no call of an installation waits or is being sent, or the host shuts down.
    pub(crate) async fn idle(&self, oauth_id: &OauthId) {
        self.wait_until(|running| !running.contains_key(oauth_id))
            .await;
    }

    /// Completes when no call at all waits or is being sent, or the host shuts down.
    pub(crate) async fn all_idle(&self) {
        self.wait_until(HashMap::is_empty).await;
    }

    async fn wait_until(&self, condition: impl Fn(&Running) -> bool) {
        let mut ended = self.state.ended.subscribe();
        while !condition(&self.state.running.lock()) {
            // It cannot fail: the sender lives as long as `self`.
            let _ = ended.changed().await;
        }
    }
}

/// Returns the calls of these installations for an event.
fn calls(event: WebhookEvent, listeners: Vec<Listener>) -> Calls {
    let event = Arc::new(event);
    // The calls for the deletion of a room are made after its installations were removed.
    let outlives = event.event == Event::RoomDeleted;
    let calls = listeners.into_iter().map(|listener| {
        let Listener {
            installed,
            webhooks,
        } = listener;
        let calls = webhooks.into_iter().map(|registered| WebhookCall {
            id: registered.id,
            webhook: registered.webhook,
        });
        NewCalls {
            event: Arc::clone(&event),
            oauth_id: installed.oauth_id.clone(),
            last_secret: outlives.then(|| installed.oauth_secret.clone()),
            calls: calls.collect(),
        }
    });
    Calls(calls.collect())
}

fn count(calls: &NewCalls) -> u32 {
    u32::try_from(calls.calls.len()).unwrap_or(u32::MAX)
}

fn logged(room: RoomId, calls: Result<Calls, PayloadError>) -> Calls {
    calls.unwrap_or_else(|error| {
        let error = format!("{error:#}");
        tracing::error!(%room, error, "preparing webhook calls failed");
        Calls::default()
    })
}

/// Returns a time in microseconds since 1970.
fn micros(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
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
