//! Pushes in the background and coalesces them.

mod queue;

use std::collections::HashMap;
use std::hash::RandomState;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;
use tracing::Instrument as _;

pub use queue::To;
use queue::{Glances, Put, Queue};

use super::{Client, Installations, Instance, Method, meter};
use crate::base_url::complete;
use crate::glance::Glance;
use crate::model::{Audience, GlanceData, OauthId};
use crate::{Error, ErrorKind, Result};

/// The backoff after a first call without a response; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// The longest backoff for a host that does not respond.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Accepts the current data of glances from any task without waiting, and delivers the newest data
/// to the host.
///
/// A pusher keeps only the newest data per target, skips unchanged data, combines several glances
/// of one target into one call, stays below the rate limit, and retries after temporary failures.
/// It makes the calls of one installation one after the other, so an older value never arrives
/// last. While a host does not respond, the newest data waits. Cloning is cheap; the clones share
/// the queue.
///
/// The handlers of an add-on extract a pusher; [`Server::run`](crate::addon::Server::run) sends the
/// remaining pushes before it ends.
///
/// ```no_run
/// use glance_sdk::client::{Pusher, To};
/// use glance_sdk::prelude::*;
///
/// # #[glance(key = "builds", name = "Builds", icon = "/i.svg")]
/// # async fn builds() -> GlanceData { GlanceData::new(label!("x")) }
/// # async fn example(pusher: Pusher, oauth_id: OauthId) -> glance_sdk::Result<()> {
/// for done in 1..=10_000 {
///     pusher.push::<builds>(&oauth_id, To::Room(42.into()), GlanceData::new(label!("{done} done")))?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Pusher {
    shared: Arc<Shared>,
}

/// The counts of pushed values by outcome, and of calls.
///
/// ```
/// use glance_sdk::prelude::*;
///
/// # use glance_host::Host;
/// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
/// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = room.install(AddOn::new("com.example.builds", "Builds").glance::<builds>()).await;
/// # let (client, room_id) = (add_on.client().await, room.room.id);
/// # let mut viewer = room.viewer("ann").await;
/// # viewer.glance::<builds>().await;
/// let pusher = add_on.pusher();
/// for broken in [1, 2, 2] {
///     let data = GlanceData::new(label!("<b>{broken}</b> broken builds"));
///     pusher.push::<builds>(add_on.oauth_id(), room_id.into(), data)?;
/// }
/// pusher.flush().await;
/// let pushed = pusher.pushed();
/// assert_eq!(pushed.sent + pushed.merged + pushed.unchanged, 3);
/// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Pushed {
    /// The number of calls that the host accepted.
    pub calls: u64,
    /// The number of values in these calls.
    pub sent: u64,
    /// The number of values that newer ones replaced before they were sent.
    pub merged: u64,
    /// The number of values that the host had already.
    pub unchanged: u64,
    /// The number of values that the host refused, or that were not sent because the host is in a
    /// network that the add-on may not call.
    pub failed: u64,
    /// The number of values that still waited at the shutdown, or whose installation was removed.
    pub dropped: u64,
    /// The number of values that wait now.
    pub waiting: u64,
}

#[derive(Debug)]
struct Shared {
    installations: Installations,
    state: Mutex<State>,
    /// The number of installations with waiting data.
    working: watch::Sender<usize>,
    hasher: RandomState,
    counts: Counts,
}

#[derive(Debug)]
struct Counts {
    calls: AtomicU64,
    sent: Count,
    merged: Count,
    unchanged: Count,
    failed: Count,
    dropped: Count,
}

/// A count of values with one outcome.
#[derive(Debug)]
struct Count {
    data: AtomicU64,
    outcome: &'static str,
}

#[derive(Debug, Default)]
struct State {
    queues: HashMap<OauthId, Queue>,
    /// Whether the pusher refuses new data.
    is_closed: bool,
    /// Whether the pusher has stopped sending.
    is_over: bool,
}

impl State {
    fn waiting(&self) -> usize {
        self.queues.values().map(Queue::len).sum()
    }

    fn tell(&self) {
        if cfg!(feature = "metrics") {
            meter::waiting(self.waiting());
        }
    }
}

impl Pusher {
    /// Creates a pusher for these installations. Pushing requires a Tokio runtime.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use glance_sdk::client::{Installations, Pusher};
    /// use glance_sdk::store::MemoryStore;
    ///
    /// let installations = Installations::from_env(Arc::new(MemoryStore::default()))?;
    /// let pusher = Pusher::new(installations);
    /// assert_eq!(pusher.pushed().waiting, 0);
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    pub fn new(installations: Installations) -> Self {
        let shared = Shared {
            installations,
            state: Mutex::default(),
            working: watch::Sender::new(0),
            hasher: RandomState::new(),
            counts: Counts::new(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Enqueues new data of the glance `G` and returns at once. The outcome appears in
    /// [`pushed`](Self::pushed) and in the log.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// # use glance_host::Host;
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds").glance::<builds>()).await;
    /// # let (client, room_id) = (add_on.client().await, room.room.id);
    /// # let mut viewer = room.viewer("ann").await;
    /// # viewer.glance::<builds>().await;
    /// let data = GlanceData::new(label!("<b>3</b> broken builds"));
    /// add_on.pusher().push::<builds>(add_on.oauth_id(), To::Room(room_id), data)?;
    /// viewer.label("builds", "3 broken builds").await;
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if the data cannot be serialized as JSON,
    /// [`ErrorKind::ShuttingDown`] after [`shutdown`](Self::shutdown), and [`ErrorKind::Invalid`]
    /// if the icon is a path of the add-on and the base URL is not known, or if the data is for one
    /// person, but everyone in a room sees the same data of this glance
    /// ([`Audience::Room`](crate::model::Audience::Room)).
    pub fn push<G: Glance>(
        &self,
        oauth_id: &OauthId,
        to: To,
        data: GlanceData<G::Metadata>,
    ) -> Result<()> {
        check_audience::<G>(to)?;
        self.push_typed(oauth_id, to, G::KEY, data)
    }

    /// Enqueues new data of an instance of the runtime glance `G`.
    ///
    /// ```no_run
    /// use glance_sdk::client::Instance;
    /// # use glance_sdk::extract::InstanceId;
    /// use glance_sdk::prelude::*;
    ///
    /// # #[glance(key = "ticket", name = "Ticket", icon = "/ticket.svg")]
    /// # async fn ticket(InstanceId(id): InstanceId) -> GlanceData { GlanceData::new(label!("{id}")) }
    /// # fn example(pusher: Pusher, oauth_id: OauthId) -> glance_sdk::Result<()> {
    /// let instance = Instance::<ticket>::new(17)?;
    /// let data = GlanceData::new(label!("Ticket 17 is <b>closed</b>"));
    /// pusher.push_instance(&oauth_id, To::Room(42.into()), &instance, data)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Returns the errors of [`push`](Self::push).
    pub fn push_instance<G: Glance>(
        &self,
        oauth_id: &OauthId,
        to: To,
        instance: &Instance<G>,
        data: GlanceData<G::Metadata>,
    ) -> Result<()> {
        check_audience::<G>(to)?;
        self.push_typed(oauth_id, to, instance.key(), data)
    }

    fn push_typed(
        &self,
        oauth_id: &OauthId,
        to: To,
        key: &str,
        data: GlanceData<impl Serialize>,
    ) -> Result<()> {
        let data = serde_json::to_value(data).map_err(|cause| {
            let what = format!("cannot serialize the data of {key}");
            Error::new(ErrorKind::Configuration, what).with_source(cause)
        })?;
        self.push_raw(oauth_id, to, key, data)
    }

    /// Enqueues new data of a glance that was created at run time.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// # use glance_host::Host;
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds").glance::<builds>()).await;
    /// # let (client, room_id) = (add_on.client().await, room.room.id);
    /// # let mut viewer = room.viewer("ann").await;
    /// # viewer.glance::<builds>().await;
    /// let data = serde_json::json!({ "label": { "type": "html", "value": "<b>4</b> broken builds" } });
    /// add_on.pusher().push_raw(add_on.oauth_id(), To::Room(room_id), "builds", data)?;
    /// viewer.label("builds", "4 broken builds").await;
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::ShuttingDown`] after [`shutdown`](Self::shutdown), and
    /// [`ErrorKind::Invalid`] if the icon is a path of the add-on and the base URL is not known.
    pub fn push_raw(&self, oauth_id: &OauthId, to: To, key: &str, mut data: Value) -> Result<()> {
        complete(self.shared.installations.base_url(), &mut data)?;
        let mut state = self.shared.state();
        if state.is_closed {
            return Err(Error::new(
                ErrorKind::ShuttingDown,
                "the pusher has been shut down",
            ));
        }
        let queue = state.queues.entry(oauth_id.clone()).or_default();
        match queue.put(to, key, data, &self.shared.hasher) {
            Put::Unchanged => self.shared.counts.unchanged.add(1),
            Put::Waits { merged } => self.shared.counts.merged.add(merged),
        }
        if queue.begin() {
            self.shared.working.send_modify(|working| *working += 1);
            tokio::spawn(work(Arc::clone(&self.shared), oauth_id.clone()));
        }
        Ok(())
    }

    /// Returns the counts so far.
    pub fn pushed(&self) -> Pushed {
        let counts = &self.shared.counts;
        Pushed {
            calls: counts.calls.load(Ordering::Relaxed),
            sent: counts.sent.get(),
            merged: counts.merged.get(),
            unchanged: counts.unchanged.get(),
            failed: counts.failed.get(),
            dropped: counts.dropped.get(),
            waiting: self.shared.state().waiting() as u64,
        }
    }

    /// Completes when no data waits or is being sent.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// # use glance_host::Host;
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds").glance::<builds>()).await;
    /// # let (client, room_id) = (add_on.client().await, room.room.id);
    /// # let mut viewer = room.viewer("ann").await;
    /// # viewer.glance::<builds>().await;
    /// # let (pusher, oauth_id) = (add_on.pusher(), add_on.oauth_id());
    /// pusher.push::<builds>(oauth_id, To::Group, GlanceData::new(label!("<b>5</b> broken builds")))?;
    /// pusher.flush().await;
    /// assert_eq!((pusher.pushed().sent, pusher.pushed().waiting), (1, 0));
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub async fn flush(&self) {
        let mut working = self.shared.working.subscribe();
        // The sender lives in `shared`, so this cannot fail.
        let _ = working.wait_for(|working| *working == 0).await;
    }

    /// Refuses new data and sends the waiting data for at most this long. Drops the rest.
    ///
    /// ```
    /// use glance_sdk::prelude::*;
    ///
    /// # use glance_host::Host;
    /// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// # let add_on = room.install(AddOn::new("com.example.builds", "Builds").glance::<builds>()).await;
    /// # let (client, room_id) = (add_on.client().await, room.room.id);
    /// # let mut viewer = room.viewer("ann").await;
    /// # viewer.glance::<builds>().await;
    /// use std::time::Duration;
    ///
    /// # use glance_sdk::ErrorKind;
    /// # let (pusher, oauth_id) = (add_on.pusher(), add_on.oauth_id());
    /// let pushed = pusher.shutdown(Duration::from_secs(5)).await;
    /// assert_eq!(pushed.dropped, 0);
    ///
    /// let late = GlanceData::new(label!("too late"));
    /// let error = pusher.push::<builds>(oauth_id, To::Group, late).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::ShuttingDown);
    /// # Ok::<(), glance_sdk::Error>(()) }).unwrap();
    /// ```
    pub async fn shutdown(&self, within: Duration) -> Pushed {
        self.shared.state().is_closed = true;
        if tokio::time::timeout(within, self.flush()).await.is_err() {
            let mut state = self.shared.state();
            state.is_over = true;
            for (_, queue) in state.queues.drain() {
                self.shared.counts.dropped.add(queue.len());
            }
        }
        self.pushed()
    }
}

/// Refuses to push a glance that everyone in a room sees alike to one person.
fn check_audience<G: Glance>(to: To) -> Result<()> {
    if to.user().is_some() && G::descriptor().audience_or_default() == &Audience::Room {
        let key = G::KEY;
        let what = format!(
            "everyone in a room sees the same data of the glance `{key}`, so it cannot be pushed to one \
             person; push it to the room or to the group"
        );
        return Err(Error::new(ErrorKind::Invalid, what));
    }
    Ok(())
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the next call; `None` ends the worker.
    fn next(&self, oauth_id: &OauthId) -> Option<(To, Glances)> {
        let mut state = self.state();
        let next = state.queues.get_mut(oauth_id)?.next();
        state.tell();
        next
    }

    fn accepted(&self, oauth_id: &OauthId, to: To, glances: &Glances) {
        self.counts.calls.fetch_add(1, Ordering::Relaxed);
        self.counts.sent.add(glances.len());
        if let Some(queue) = self.state().queues.get_mut(oauth_id) {
            queue.accepted(to, glances);
        }
    }

    /// Enqueues unsent data again.
    fn put_back(&self, oauth_id: &OauthId, to: To, glances: Glances) {
        match self.state().queues.get_mut(oauth_id) {
            Some(queue) => self.counts.merged.add(queue.put_back(to, glances)),
            None => self.counts.dropped.add(glances.len()),
        }
    }

    /// Drops all data of a removed installation.
    fn forget(&self, oauth_id: &OauthId, lost: usize) {
        let mut state = self.state();
        let waiting = state.queues.remove(oauth_id).map_or(0, |queue| queue.len());
        state.tell();
        self.counts.dropped.add(lost + waiting);
    }

    async fn rate_limit_lifts_in(&self, oauth_id: &OauthId) -> Duration {
        match self.installations.client(oauth_id).await {
            Ok(client) => client.shared.limits.resets_in().max(FIRST_WAIT),
            Err(_) => FIRST_WAIT,
        }
    }
}

impl Counts {
    fn new() -> Self {
        let count = |outcome| Count {
            data: AtomicU64::default(),
            outcome,
        };
        Self {
            calls: AtomicU64::default(),
            sent: count("sent"),
            merged: count("merged"),
            unchanged: count("unchanged"),
            failed: count("failed"),
            dropped: count("dropped"),
        }
    }
}

impl Count {
    fn add(&self, data: usize) {
        if data > 0 {
            let data = data as u64;
            self.data.fetch_add(data, Ordering::Relaxed);
            meter::pushes(self.outcome, data);
        }
    }

    fn get(&self) -> u64 {
        self.data.load(Ordering::Relaxed)
    }
}

/// Sends the waiting data of one installation until none is left.
async fn work(shared: Arc<Shared>, oauth_id: OauthId) {
    let mut wait = FIRST_WAIT;
    while let Some((to, glances)) = shared.next(&oauth_id) {
        let Err(error) = send(&shared, &oauth_id, to, &glances).await else {
            shared.accepted(&oauth_id, to, &glances);
            wait = FIRST_WAIT;
            continue;
        };
        match error.kind() {
            ErrorKind::RateLimited => {
                let lifted = shared.rate_limit_lifts_in(&oauth_id).await;
                tracing::info!(%oauth_id, wait = ?lifted, "pushes are waiting for the rate limit");
                shared.put_back(&oauth_id, to, glances);
                tokio::time::sleep(lifted).await;
            }
            ErrorKind::Unreachable | ErrorKind::Storage => {
                tracing::warn!(%oauth_id, ?wait, error = %format_args!("{error:#}"), "push failed; retrying");
                shared.put_back(&oauth_id, to, glances);
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
            }
            ErrorKind::NotInstalled | ErrorKind::Unauthorized => {
                // The log mentions a refused installation once, not with each push.
                if !shared.installations.is_gone(&oauth_id) {
                    tracing::warn!(%oauth_id, error = %format_args!("{error:#}"), "pushes dropped");
                }
                shared.forget(&oauth_id, glances.len());
                break;
            }
            _ => refused(&shared, &oauth_id, to, glances, &error).await,
        }
    }
    shared.working.send_modify(|working| *working -= 1);
}

/// Handles a refused call: one of its glances may be the cause, so each is sent in a call of its
/// own.
async fn refused(shared: &Shared, oauth_id: &OauthId, to: To, glances: Glances, error: &Error) {
    if glances.len() == 1 {
        tracing::warn!(%oauth_id, ?to, error = %format_args!("{error:#}"), "push refused");
        shared.counts.failed.add(1);
        return;
    }
    for glance in glances {
        let alone = Glances::from([glance]);
        match send(shared, oauth_id, to, &alone).await {
            Ok(()) => shared.accepted(oauth_id, to, &alone),
            Err(error) => {
                tracing::warn!(%oauth_id, ?to, error = %format_args!("{error:#}"), "push refused");
                shared.counts.failed.add(1);
            }
        }
    }
}

async fn send(shared: &Shared, oauth_id: &OauthId, to: To, glances: &Glances) -> Result<()> {
    #[derive(Serialize)]
    struct New<'a> {
        key: &'a str,
        content: &'a Value,
    }
    #[derive(Serialize)]
    struct Update<'a> {
        glance: Vec<New<'a>>,
    }
    let entries = glances.iter().map(|(key, data)| New {
        key,
        content: &data.value,
    });
    let update = Update {
        glance: entries.collect(),
    };
    let client = shared.installations.client(oauth_id).await?;
    let room = to.room().map(|room| room.to_string());
    let keys = glances.keys().map(String::as_str);
    let span = client.push_span(to.name(), room.as_deref(), keys);
    client.push_to(to, &update).instrument(span).await
}

impl Client {
    async fn push_to(&self, to: To, update: &impl Serialize) -> Result<()> {
        let room = to.room().map(|room| room.to_string());
        let user = to.user().map(|user| user.to_string());
        let mut path = vec!["addon", "ui"];
        path.extend(room.iter().flat_map(|room| ["room", room.as_str()]));
        path.extend(user.iter().flat_map(|user| ["user", user.as_str()]));
        self.send(Method::Post, &path, Some(update)).await
    }
}
