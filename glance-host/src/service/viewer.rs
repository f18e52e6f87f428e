//! The connection of one person to one room: queries each glance, evaluates its conditions, takes pushes,
//! and computes what the person sees.
//!
//! The page in a browser and the viewer of a test use the same code. Data that a condition hides never
//! leaves the host. The viewers of a room share everything that does not depend on the person: the list of
//! glances (`lineup`), and the rendered data with its bytes (`prepared`). A viewer has no task of its own:
//! the connection or test that owns it polls it.

mod arrivals;
mod board;
mod failed_lines;
mod inspect;
mod lineup;
mod prepared;
mod retries;
mod sidebar;
mod wake_gate;

use std::collections::{HashSet, VecDeque};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{BoxFuture, Fuse};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use glance_sdk::model::{RoomId, UserId};
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};

pub(crate) use board::{Change, MissedEntries};
pub(crate) use inspect::{News, Report};
pub(crate) use sidebar::{DatedLine, Quiet};
pub use sidebar::{Line, LineState, ShownStatus, Sidebar, Stale, TargetRef};

use crate::cluster::attendance::{Attendance, Attending};
use crate::cluster::bus::{Bus, Delivery, Derived};
use crate::content::image_urls::ImageUrls;
use crate::model::clock::Clock;
use crate::model::event::{Event, LoggedBody, LoggedEvent, Position};
use crate::model::host_info::HostInfo;
use crate::model::shutdown::Shutdown;
use crate::model::{Push, Source};
use crate::service::glance_queries::{GlanceQueries, QueryResult};
use crate::service::presence::Presence;
use crate::service::webhooks::Webhooks;
use crate::storage::{Storage, StorageError};
use arrivals::Arrivals;
use board::{Board, NewAnswer, PendingQuery, PersonInRoom, Stored, StoredValue};
use failed_lines::FailedLines;
use inspect::Inspection;
use lineup::{Lineup, Lineups};
use retries::{Place, Retries};
use wake_gate::WakeGate;

/// A request to a viewer.
#[derive(Debug)]
pub(crate) enum Command {
    /// Query this glance again.
    Retry(String),
    /// Query this glance again where it is still failed, and say whether that brought data. What is
    /// shown stays until then.
    RetryQuietly(String, oneshot::Sender<bool>),
    /// Tell the page of pushes of these add-ons, of which it has frames.
    Follow(HashSet<String>),
    /// Begin or end the inspection of the glances.
    Inspect(bool),
    /// Say why the glance with this key shows or does not, or which glances there are.
    #[cfg(feature = "testing")]
    Explain(String, oneshot::Sender<Result<String, Vec<String>>>),
}

/// Boxed, because a channel has room for many from the beginning.
pub(crate) type Commands = mpsc::Sender<Box<Command>>;

/// The capacity of the command channel. A page that reads its stream never fills it.
const MAX_COMMANDS: usize = 100;

/// The answer to a query: the glance, the number of the query, and the result; no result if the host failed.
type Answered = Box<(Arc<prepared::Prepared>, u64, Option<Arc<QueryResult>>)>;

/// The problem of a query that failed in the host.
const HOST_FAILED: &str = "The host could not send the query; its log says why.";

/// Connects viewers, and holds what all viewers share.
#[derive(Debug)]
pub(crate) struct Viewers {
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
    attendance: Attendance,
    presence: Presence,
    queries: GlanceQueries,
    webhooks: Webhooks,
    info: Arc<HostInfo>,
    clock: Clock,
    shutdown: Shutdown,
    lineups: Lineups,
    retries: Retries,
    arrivals: Arrivals,
}

/// The connection of one person to one room. Dropping it disconnects them.
pub(crate) struct Viewer {
    viewers: Arc<Viewers>,
    room: RoomId,
    user: UserId,
    /// The time zone that the person's page sent, which may not be stored yet.
    zone: Option<Box<str>>,
    /// Whether the person counts as being in the room.
    is_present: bool,
    board: Board,
    /// Changes that are not on the board.
    pending: VecDeque<Change>,
    followed: HashSet<String>,
    failed: FailedLines,
    /// Present while somebody inspects.
    inspection: Option<Box<Inspection>>,
    /// Whether the inspector must be sent new reports.
    is_news: bool,
    events: broadcast::Receiver<Arc<Delivery>>,
    /// The position in the events that the viewer has handled.
    position: Position,
    commands: Commands,
    rare: WakeGate<RareInputs>,
    attending: Option<Attending>,
}

/// Everything that a viewer reacts to.
enum ViewerInput {
    Ended,
    Beat,
    Commanded(Box<Command>),
    Answered(Result<Answered, JoinError>),
    Event(Result<Arc<Delivery>, RecvError>),
    WebhookDelivered,
}

/// The inputs that are rarely ready, unlike events.
struct RareInputs {
    ended: Fuse<BoxFuture<'static, ()>>,
    pulse: stream::Fuse<BoxStream<'static, ()>>,
    commanded: mpsc::Receiver<Box<Command>>,
    queries: JoinSet<Answered>,
}

impl RareInputs {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<ViewerInput> {
        if self.ended.poll_unpin(context).is_ready() {
            return Poll::Ready(ViewerInput::Ended);
        }
        match self.pulse.poll_next_unpin(context) {
            Poll::Ready(Some(())) => return Poll::Ready(ViewerInput::Beat),
            Poll::Ready(None) => return Poll::Ready(ViewerInput::Ended),
            Poll::Pending => {}
        }
        if let Poll::Ready(Some(command)) = self.commanded.poll_recv(context) {
            return Poll::Ready(ViewerInput::Commanded(command));
        }
        match self.queries.poll_join_next(context) {
            Poll::Ready(Some(answered)) => Poll::Ready(ViewerInput::Answered(answered)),
            _ => Poll::Pending,
        }
    }
}

impl Viewers {
    #[expect(
        clippy::too_many_arguments,
        reason = "a service gets each collaborator by itself"
    )]
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        bus: Arc<dyn Bus>,
        attendance: Attendance,
        presence: Presence,
        queries: GlanceQueries,
        webhooks: Webhooks,
        image_urls: Arc<ImageUrls>,
        info: Arc<HostInfo>,
        clock: Clock,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            lineups: Lineups::new(image_urls),
            retries: Retries::new(clock.clone()),
            arrivals: Arrivals::new(clock.clone()),
            storage,
            bus,
            attendance,
            presence,
            queries,
            webhooks,
            info,
            clock,
            shutdown,
        }
    }

    /// Connects a person to a room. Returns `None` if there is no such room or person. A person who is not
    /// present counts nowhere as being in the room. The viewer passes on each beat of the pulse, and ends with
    /// it.
    pub(crate) async fn connect(
        self: &Arc<Self>,
        room: RoomId,
        user: UserId,
        is_present: bool,
        zone: Option<&str>,
        pulse: BoxStream<'static, ()>,
    ) -> Result<Option<Viewer>, StorageError> {
        // Subscribe before reading, so that no event in between is missed, and read the position first: what is read
        // afterwards contains all events up to it.
        let events = self.bus.subscribe(room);
        let Some(position) = self.storage.position(room).await? else {
            return Ok(None);
        };
        let Some((place, lineup, stored)) = self.look(room, user, zone).await? else {
            return Ok(None);
        };
        let attending = self.attendance.enter(room, is_present.then_some(user));
        if is_present {
            self.settle_presence(room, user);
        }
        let (commands, commanded) = mpsc::channel(MAX_COMMANDS);
        let rare = RareInputs {
            ended: self.shutdown.begun().boxed().fuse(),
            pulse: pulse.fuse(),
            commanded,
            queries: JoinSet::new(),
        };
        let mut viewer = Viewer {
            board: Board::new(Arc::clone(&place)),
            pending: VecDeque::new(),
            followed: HashSet::new(),
            failed: FailedLines::default(),
            inspection: None,
            is_news: false,
            events,
            position,
            commands,
            rare: WakeGate::new(rare),
            attending: Some(attending),
            viewers: Arc::clone(self),
            room,
            user,
            zone: zone.map(Box::from),
            is_present,
        };
        let queries = viewer.board.load(place, lineup, &stored);
        viewer.query_later(queries);
        Ok(Some(viewer))
    }

    /// Sends presence webhooks in the background.
    fn settle_presence(&self, room: RoomId, user: UserId) {
        // Without a runtime the host has ended, and no webhook is sent.
        if let Ok(runtime) = Handle::try_current() {
            let presence = self.presence.clone();
            runtime.spawn(async move { presence.settle(room, user).await });
        }
    }

    /// Returns the sidebar with stored data only. Returns `None` if there is no such room or person.
    pub(crate) async fn stored_sidebar(
        &self,
        room: RoomId,
        user: UserId,
    ) -> Result<Option<Sidebar>, StorageError> {
        let looked = self.look(room, user, None).await?;
        Ok(looked.map(|(place, lineup, stored)| {
            let mut board = Board::new(Arc::clone(&place));
            board.load(place, lineup, &stored);
            board.sidebar()
        }))
    }

    /// Reads a room, its person, its glances and their stored data.
    async fn look(
        &self,
        room: RoomId,
        user: UserId,
        zone: Option<&str>,
    ) -> Result<Option<(Arc<PersonInRoom>, Arc<Lineup>, Stored)>, StorageError> {
        let (Some(room), Some(mut user)) = (
            self.storage.room(room).await?,
            self.storage.user(user).await?,
        ) else {
            return Ok(None);
        };
        if let Some(zone) = zone {
            zone.clone_into(&mut user.timezone);
        }
        let lineups = &self.lineups;
        let lineup = lineups.of(room.id, &*self.storage, &*self.bus).await?;
        let stored = self.storage.latest(room.id, user.id).await?;
        let stored = stored
            .into_iter()
            // The technical account is of many people: what one of them got is for nobody else.
            .filter(|value| value.is_for_everyone || !user.is_technical)
            .map(|value| {
                let key = (value.oauth_id.clone(), value.key.clone());
                let age = self.queries.age(&value);
                (key, StoredValue { value, age })
            })
            .collect();
        Ok(Some((
            Arc::new(PersonInRoom { room, user }),
            lineup,
            stored,
        )))
    }
}

impl Viewer {
    /// Returns the sidebar as the person sees it now.
    pub(crate) fn sidebar(&self) -> Sidebar {
        self.board.sidebar()
    }

    /// Returns what the page says without a line. Returns `None` if a glance shows or may still show.
    pub(crate) fn quiet(&self) -> Option<Quiet> {
        self.board.quiet()
    }

    /// Returns the next change that the page has not been sent yet.
    pub(crate) fn change(&mut self) -> Option<Change> {
        let pending = self.pending.pop_front();
        pending.or_else(|| self.board.change()).or_else(|| {
            let is_new = std::mem::take(&mut self.is_news);
            is_new.then_some(Change::Inspected)
        })
    }

    /// Returns whether the page has frames of this add-on.
    pub(crate) fn follows(&self, add_on: &str) -> bool {
        self.followed.contains(add_on)
    }

    /// Starts or ends the inspection of the glances. A viewer keeps notes only while it is inspected.
    pub(crate) fn inspect(&mut self, is_inspected: bool) {
        let new = || Box::new(Inspection::new(self.viewers.webhooks.watch_deliveries()));
        self.inspection = is_inspected.then(new);
        self.is_news = is_inspected;
    }

    /// Returns what the inspector has not been sent yet, or `None` if nobody inspects.
    pub(crate) fn news(&mut self) -> Option<News> {
        let inspection = self.inspection.as_mut()?;
        Some(inspection.news(self.board.known()))
    }

    /// Returns the position in the room's events: what the viewer returned so far contains all events up to it.
    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    pub(crate) fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// Waits for the next input and handles it. Returns false once the host or the room is gone. Not cancel
    /// safe: after dropping the future, the viewer may have lost an input.
    pub(crate) async fn next_input(&mut self) -> bool {
        let input = tokio::select! {
            biased;
            rare = poll_fn(|context| self.rare.poll(context, RareInputs::poll)) => rare,
            event = self.events.recv() => ViewerInput::Event(event),
            () = Inspection::delivered(&mut self.inspection) => ViewerInput::WebhookDelivered,
        };
        self.is_news = self.inspection.is_some();
        match input {
            ViewerInput::Ended | ViewerInput::Event(Err(RecvError::Closed)) => {
                return false;
            }
            ViewerInput::Commanded(command) => match *command {
                Command::Retry(id) => {
                    let query = self.board.retry(&id);
                    self.query(query);
                }
                Command::RetryQuietly(id, outcome) => self.retry_quietly(&id, outcome),
                Command::Follow(add_ons) => self.followed = add_ons,
                Command::Inspect(is_inspected) => self.inspect(is_inspected),
                #[cfg(feature = "testing")]
                Command::Explain(key, to) => return Box::pin(self.explain(&key, to)).await,
            },
            ViewerInput::Beat => self.pending.push_back(Change::Beat),
            ViewerInput::WebhookDelivered => {}
            ViewerInput::Answered(Ok(answered)) => {
                let (glance, query_number, result) = *answered;
                self.answered(&glance, query_number, result.as_deref());
            }
            ViewerInput::Answered(Err(cause)) => tracing::error!(%cause, "glance query panicked"),
            ViewerInput::Event(event) => return self.take(event.ok()).await,
        }
        self.failed.forget_loaded(&self.board);
        true
    }

    /// Handles an event, or a gap (`None`), and everything that waits behind it: only the final state is
    /// sent. Returns false if the room is gone.
    async fn take(&mut self, first: Option<Arc<Delivery>>) -> bool {
        let mut next = Some(first);
        while let Some(delivery) = next {
            let goes_on = match delivery {
                Some(delivery) => self.handle(&delivery).await,
                None => self.catch_up().await,
            };
            if !goes_on {
                return false;
            }
            next = self.next_delivery();
        }
        self.failed.forget_loaded(&self.board);
        true
    }

    /// Handles an event, unless the log or the state that was read contained it. Returns false if the room is gone.
    async fn handle(&mut self, delivery: &Delivery) -> bool {
        let seen = self.position.version;
        let version = delivery.version.unwrap_or(seen);
        self.position.version = seen.advanced_to(version);
        // The list of glances that was read may be from before a change until the bus delivers it.
        let was_seen = delivery.version.is_some() && !version.is_after(seen);
        if was_seen && !matches!(delivery.event, Event::Changed) {
            return true;
        }
        match &delivery.event {
            Event::Pushed(push) => {
                self.pushed(push, &delivery.derived);
                if !self.followed.is_empty() {
                    self.pending.push_back(Change::Pushed(Arc::clone(push)));
                }
            }
            Event::Answered(answer) => {
                self.board.push(answer, Source::Query, &delivery.derived);
            }
            Event::Changed => {
                if !self.reload(false).await {
                    return false;
                }
                self.pending.push_back(Change::Installed);
            }
            Event::Introduced(add_on) => {
                let queries = self.board.query_failed(add_on);
                self.query(queries);
            }
            Event::QueryAgain(add_on) => {
                let queries = self.board.query_add_on(add_on);
                self.query(queries);
            }
            Event::Posted(posted) => {
                let entry = Change::Entry(Arc::clone(posted), version);
                self.pending.push_back(entry);
            }
            // Pages receive it on a channel of its own.
            Event::Access(_) => {}
        }
        true
    }

    /// Handles the events that the bus no longer has: reads them from the log, or starts over if the log has not all.
    /// Returns false if the room is gone.
    async fn catch_up(&mut self) -> bool {
        // Boxed, as in `reload`.
        let read = self.viewers.storage.events_after(self.room, &self.position);
        let events = match Box::pin(read).await {
            Ok(Some(events)) => events,
            Ok(None) => return Box::pin(self.start_over()).await,
            Err(cause) => {
                tracing::error!(room = %self.room, error = format!("{cause:#}"), "reading missed events failed");
                return Box::pin(self.start_over()).await;
            }
        };
        // Answers to queries are stored, but in no log.
        if !self.reload(false).await {
            return false;
        }
        let after = self.position.clone();
        let mut has_entries = false;
        for LoggedEvent { version, body } in events {
            let event = match body {
                LoggedBody::Event(event) => event,
                LoggedBody::Posted(_) => {
                    self.position.version = self.position.version.advanced_to(version);
                    has_entries = true;
                    continue;
                }
            };
            let delivery = Delivery {
                version: Some(version),
                event,
                derived: Derived::default(),
            };
            if !Box::pin(self.handle(&delivery)).await {
                return false;
            }
        }
        if has_entries {
            let last = self.position.version;
            let missed = MissedEntries { after, last };
            self.pending.push_back(Change::Behind(missed));
        }
        true
    }

    /// Reads everything again. Returns false if the room is gone.
    async fn start_over(&mut self) -> bool {
        match self.viewers.storage.position(self.room).await {
            Ok(Some(position)) => self.position = position,
            Ok(None) => return false,
            Err(cause) => {
                tracing::error!(room = %self.room, error = format!("{cause:#}"), "reading a position failed");
            }
        }
        if !self.reload(true).await {
            return false;
        }
        self.pending.extend([Change::Installed, Change::Missed]);
        true
    }

    /// Returns the next delivery that waits, as [`take`](Self::take) takes it.
    fn next_delivery(&mut self) -> Option<Option<Arc<Delivery>>> {
        match self.events.try_recv() {
            Ok(delivery) => Some(Some(delivery)),
            Err(TryRecvError::Lagged(_)) => Some(None),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }

    fn pushed(&mut self, push: &Push, derived: &Derived) {
        self.board.push(push, Source::Push, derived);
        if let Some(inspection) = &mut self.inspection {
            let at = self.viewers.clock.system_time();
            inspection.pushed(push, at, self.user, self.board.known());
        }
    }

    fn answered(
        &mut self,
        glance: &prepared::Prepared,
        query_number: u64,
        result: Option<&QueryResult>,
    ) {
        let id = &glance.id;
        let is_late = !self.board.awaits(id, query_number);
        if let (Some(inspection), Some(result)) = (&mut self.inspection, result) {
            let base_url = &self.viewers.info.base_url;
            inspection.answered(id, &result.queried, is_late, base_url);
        }
        if is_late {
            return;
        }
        let answer = match result {
            None => Err(HOST_FAILED.to_owned()),
            Some(result) => match &result.queried.data {
                Ok(data) => Ok(NewAnswer {
                    data: data.clone(),
                    version: result.version,
                    at: result.at,
                }),
                Err(error) => Err(error.to_string()),
            },
        };
        let has_data = answer.is_ok();
        self.board.answered(id, query_number, answer);
        let place = Place {
            room: self.room,
            oauth_id: glance.installed.oauth_id.clone(),
            glance: glance.glance.key.clone(),
        };
        let retries = &self.viewers.retries;
        let failed = &mut self.failed;
        failed.answered(id, has_data, place, &self.commands, retries);
    }

    /// Retries the query of a failed line.
    fn retry_quietly(&mut self, id: &str, outcome: oneshot::Sender<bool>) {
        if self.failed.begin(id, outcome) {
            let query = self.board.retry_quietly(id);
            self.query(query);
        }
    }

    /// Explains a glance after handling all deliveries that wait. Returns false if the room is gone.
    #[cfg(feature = "testing")]
    async fn explain(
        &mut self,
        key: &str,
        to: oneshot::Sender<Result<String, Vec<String>>>,
    ) -> bool {
        let goes_on = match self.next_delivery() {
            Some(first) => self.take(first).await,
            None => true,
        };
        let mut known = self.board.known();
        let why = known.find_map(|known| (known.glance.key == key).then_some(known.outcome));
        let keys = self.board.known().map(|known| known.glance.key.clone());
        // Who asked may be gone.
        let _ = to.send(why.map(|why| why.to_string()).ok_or_else(|| keys.collect()));
        goes_on
    }

    /// Reads the room and its glances again; `afresh` also queries all glances, because events were missed.
    /// Returns false if the room or the person is gone.
    async fn reload(&mut self, afresh: bool) -> bool {
        // Boxed: it is rare, and a waiting viewer should not reserve memory for it.
        let zone = self.zone.as_deref();
        let looked = self.viewers.look(self.room, self.user, zone);
        let looked = Box::pin(looked).await;
        let mut queries = match looked {
            Ok(Some((place, lineup, stored))) => self.board.load(place, lineup, &stored),
            Ok(None) => return false,
            // The page keeps what it shows; the next change reads again.
            Err(cause) => {
                tracing::error!(room = %self.room, error = format!("{cause:#}"), "reloading a room failed");
                Vec::new()
            }
        };
        match afresh {
            true => {
                queries = self.board.query_all();
                self.query_later(queries);
            }
            false => self.query(queries),
        }
        true
    }

    fn query(&mut self, queries: impl IntoIterator<Item = PendingQuery>) {
        self.query_after(Duration::ZERO, queries);
    }

    /// Sends queries as one of many pages may that arrive together.
    fn query_later(&mut self, queries: impl IntoIterator<Item = PendingQuery>) {
        let wait = self.viewers.arrivals.arrive(retries::chance());
        self.query_after(wait, queries);
    }

    /// Sends queries; those of glances that show data wait.
    #[expect(
        clippy::disallowed_methods,
        reason = "add-ons are spared in real time, also in a test whose clock stands still"
    )]
    fn query_after(&mut self, wait: Duration, queries: impl IntoIterator<Item = PendingQuery>) {
        for query in queries {
            let service = self.viewers.queries.clone();
            let wait = wait * u32::from(query.has_data);
            self.rare.get_mut().queries.spawn(async move {
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
                let PendingQuery {
                    query_number,
                    is_repeated,
                    prepared,
                    place,
                    ..
                } = query;
                let (installed, glance) = (&prepared.installed, &prepared.glance);
                let result =
                    service.query(installed, glance, &place.room, &place.user, is_repeated);
                let result = result.await;
                let data = result.as_ref().map(|result| &result.queried.data);
                if let Some(Err(problem)) = data {
                    tracing::warn!(glance = prepared.id, %problem, "glance query failed");
                }
                Box::new((prepared, query_number, result))
            });
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.attending = None;
        if self.is_present {
            self.viewers.settle_presence(self.room, self.user);
        }
    }
}
