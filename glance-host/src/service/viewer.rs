//! One connected person in one room: asks each glance, evaluates its conditions, takes pushes, and
//! says what is shown.
//!
//! The page in a browser and the viewer of a test are both thin skins over this. What a condition
//! hides never leaves the host. What is the same for many is worked out once: the glances of a room
//! (`lineup`), what pushed data comes to and its bytes (`prepared`). A viewer has no task of its
//! own: whoever shows it, drives it.

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

use futures_util::future::{BoxFuture, Fuse};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use glance_sdk::model::{RoomId, UserId};
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::{JoinError, JoinSet};

pub(crate) use board::Change;
pub(crate) use inspect::{News, Report, millis};
pub(crate) use lineup::Lineups;
pub(crate) use prepared::Contents;
pub(crate) use retries::Retries;
pub use sidebar::{Line, LineState, ShownStatus, Sidebar, TargetRef};

use crate::cluster::attendance::Attending;
use crate::cluster::bus::{Event, Push};
use crate::service::addon_calls::Queried;
use crate::service::shared::Shared;
use crate::service::{addon_calls, presence};
use crate::storage::StorageError;
use board::{Ask, Board, Where};
use failed_lines::FailedLines;
use inspect::Inspection;
use lineup::Lineup;
use retries::Place;
use wake_gate::WakeGate;

/// What a person can ask of their viewer.
#[derive(Debug)]
pub(crate) enum Command {
    /// Query this glance again.
    Retry(String),
    /// Query this glance again where it is still failed, and say whether that brought data. What is
    /// shown stays until then.
    TryAgain(String, oneshot::Sender<bool>),
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

/// More commands than wait for a viewer whose page reads what it is told.
const MAX_COMMANDS: usize = 100;

/// The answer to one query: which glance, which asking, what came.
type Answered = Box<(Arc<prepared::Prepared>, u64, Queried)>;

/// One connected person in one room. Dropping it disconnects them.
pub(crate) struct Viewer {
    shared: Arc<Shared>,
    room: RoomId,
    user: UserId,
    /// Where the person is by what their page says, which may not be kept yet.
    zone: Option<Box<str>>,
    /// Whether others see that this person is there.
    is_present: bool,
    board: Board,
    /// What else must be told.
    heard: VecDeque<Change>,
    followed: HashSet<String>,
    failed: FailedLines,
    /// While somebody inspects.
    inspection: Option<Box<Inspection>>,
    /// Whether who inspects must be told again.
    is_news: bool,
    events: broadcast::Receiver<Event>,
    commands: Commands,
    rare: WakeGate<Rare>,
    attending: Option<Attending>,
}

/// What a viewer waits for.
enum Happened {
    Ended,
    Beat,
    Commanded(Box<Command>),
    Answered(Result<Answered, JoinError>),
    Carried(Result<Event, RecvError>),
    Delivered,
}

/// What events mostly find as it was.
struct Rare {
    ended: Fuse<BoxFuture<'static, ()>>,
    pulse: stream::Fuse<BoxStream<'static, ()>>,
    commanded: mpsc::Receiver<Box<Command>>,
    queries: JoinSet<Answered>,
}

impl Rare {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Happened> {
        if self.ended.poll_unpin(context).is_ready() {
            return Poll::Ready(Happened::Ended);
        }
        match self.pulse.poll_next_unpin(context) {
            Poll::Ready(Some(())) => return Poll::Ready(Happened::Beat),
            Poll::Ready(None) => return Poll::Ready(Happened::Ended),
            Poll::Pending => {}
        }
        if let Poll::Ready(Some(command)) = self.commanded.poll_recv(context) {
            return Poll::Ready(Happened::Commanded(command));
        }
        match self.queries.poll_join_next(context) {
            Poll::Ready(Some(answered)) => Poll::Ready(Happened::Answered(answered)),
            _ => Poll::Pending,
        }
    }
}

impl Viewer {
    /// Connects a person to a room, or says that there is no such room or person. Who is not present
    /// looks, and nobody is told. Each beat of the pulse is told, and the viewer ends where it ends.
    pub(crate) async fn connect(
        shared: Arc<Shared>,
        room: RoomId,
        user: UserId,
        is_present: bool,
        zone: Option<&str>,
        pulse: BoxStream<'static, ()>,
    ) -> Result<Option<Self>, StorageError> {
        // First listen, then look: nothing that happens in between is missed.
        let events = shared.hub.subscribe(room);
        let Some((place, lineup)) = look(&shared, room, user, zone).await? else {
            return Ok(None);
        };
        let attending = shared.attendance.enter(room, is_present.then_some(user));
        if is_present {
            settle(&shared, room, user);
        }
        let (commands, commanded) = mpsc::channel(MAX_COMMANDS);
        let rare = Rare {
            ended: shared.ended().boxed().fuse(),
            pulse: pulse.fuse(),
            commanded,
            queries: JoinSet::new(),
        };
        let mut viewer = Self {
            board: Board::new(Arc::clone(&place)),
            heard: VecDeque::new(),
            followed: HashSet::new(),
            failed: FailedLines::default(),
            inspection: None,
            is_news: false,
            events,
            commands,
            rare: WakeGate::new(rare),
            attending: Some(attending),
            shared,
            room,
            user,
            zone: zone.map(Box::from),
            is_present,
        };
        let asks = viewer.board.load(place, lineup);
        viewer.ask(asks);
        Ok(Some(viewer))
    }

    /// What is shown now.
    pub(crate) fn sidebar(&self) -> Sidebar {
        self.board.sidebar()
    }

    /// The next of what must be told to who has been told all before.
    pub(crate) fn change(&mut self) -> Option<Change> {
        let heard = self.heard.pop_front();
        heard.or_else(|| self.board.change()).or_else(|| {
            let is_new = std::mem::take(&mut self.is_news);
            is_new.then_some(Change::Inspected)
        })
    }

    /// Whether the page has frames of this add-on.
    pub(crate) fn follows(&self, add_on: &str) -> bool {
        self.followed.contains(add_on)
    }

    /// Begins or ends the inspection of the glances. Without one nothing of them is kept.
    pub(crate) fn inspect(&mut self, is_inspected: bool) {
        let new = || Box::new(Inspection::new(self.shared.webhooks.records.watch()));
        self.inspection = is_inspected.then(new);
        self.is_news = is_inspected;
    }

    /// What who inspects must be told.
    pub(crate) fn news(&mut self) -> Option<News> {
        let inspection = self.inspection.as_mut()?;
        Some(inspection.news(self.board.known()))
    }

    pub(crate) fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// Completes when something happened, which may change what is shown; false once the host or the
    /// room is gone. Whoever stops waiting must not come back: what happened may be lost.
    pub(crate) async fn happens(&mut self) -> bool {
        let happened = tokio::select! {
            biased;
            rare = poll_fn(|context| self.rare.poll(context, Rare::poll)) => rare,
            event = self.events.recv() => Happened::Carried(event),
            () = Inspection::delivered(&mut self.inspection) => Happened::Delivered,
        };
        self.is_news = self.inspection.is_some();
        match happened {
            Happened::Ended | Happened::Carried(Err(RecvError::Closed)) => {
                return false;
            }
            Happened::Commanded(command) => match *command {
                Command::Retry(id) => {
                    let ask = self.board.retry(&id);
                    self.ask(ask);
                }
                Command::TryAgain(id, outcome) => self.try_again(&id, outcome),
                Command::Follow(add_ons) => self.followed = add_ons,
                Command::Inspect(is_inspected) => self.inspect(is_inspected),
                #[cfg(feature = "testing")]
                Command::Explain(key, to) => return Box::pin(self.explain(&key, to)).await,
            },
            Happened::Beat => self.heard.push_back(Change::Beat),
            Happened::Delivered => {}
            Happened::Answered(Ok(answered)) => {
                let (glance, asking, queried) = *answered;
                self.answered(&glance, asking, queried);
            }
            Happened::Answered(Err(cause)) => tracing::error!("a query ended early: {cause}"),
            Happened::Carried(event) => return self.take(event.ok()).await,
        }
        self.failed.forget_loaded(&self.board);
        true
    }

    /// Takes an event, or that events were missed, and all that came behind it: only what is shown
    /// in the end is told. False where the room is gone.
    async fn take(&mut self, first: Option<Event>) -> bool {
        let mut next = Some(first);
        while let Some(event) = next {
            match event {
                Some(Event::Pushed(push)) => {
                    self.pushed(&push);
                    if !self.followed.is_empty() {
                        self.heard.push_back(Change::Pushed(push));
                    }
                }
                Some(Event::Changed) if self.reload(false).await => {
                    self.heard.push_back(Change::Installed);
                }
                Some(Event::Introduced(add_on)) => {
                    let asks = self.board.ask_failed(&add_on);
                    self.ask(asks);
                }
                Some(Event::QueryAgain(add_on)) => {
                    let asks = self.board.ask_add_on(&add_on);
                    self.ask(asks);
                }
                Some(Event::Written(written)) => self.heard.push_back(Change::Entry(written)),
                None if self.reload(true).await => {
                    self.heard.extend([Change::Installed, Change::Missed]);
                }
                Some(Event::Changed) | None => return false,
            }
            next = self.carried();
        }
        self.failed.forget_loaded(&self.board);
        true
    }

    /// What was carried by now, as [`take`](Self::take) takes it.
    fn carried(&mut self) -> Option<Option<Event>> {
        match self.events.try_recv() {
            Ok(event) => Some(Some(event)),
            Err(TryRecvError::Lagged(_)) => Some(None),
            Err(TryRecvError::Empty | TryRecvError::Closed) => None,
        }
    }

    fn pushed(&mut self, push: &Push) {
        self.board.push(push);
        if let Some(inspection) = &mut self.inspection {
            inspection.pushed(push, self.user, self.board.known());
        }
    }

    fn answered(&mut self, glance: &prepared::Prepared, asking: u64, queried: Queried) {
        let id = &glance.id;
        let is_late = !self.board.awaits(id, asking);
        if let Some(inspection) = &mut self.inspection {
            inspection.answered(id, &queried, is_late, &self.shared.base_url);
        }
        if is_late {
            return;
        }
        let has_data = queried.data.is_ok();
        self.board.answered(id, asking, queried.data);
        let place = Place {
            room: self.room,
            oauth_id: glance.installed.oauth_id.clone(),
            glance: glance.glance.key.clone(),
        };
        let retries = &self.shared.retries;
        let failed = &mut self.failed;
        failed.answered(id, has_data, place, &self.commands, retries);
    }

    /// Sends the query of a failed line again.
    fn try_again(&mut self, id: &str, outcome: oneshot::Sender<bool>) {
        if self.failed.begin(id, outcome) {
            let ask = self.board.try_again(id);
            self.ask(ask);
        }
    }

    /// Explains a glance by all that was carried until now. False where the room is gone.
    #[cfg(feature = "testing")]
    async fn explain(
        &mut self,
        key: &str,
        to: oneshot::Sender<Result<String, Vec<String>>>,
    ) -> bool {
        let goes_on = match self.carried() {
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

    /// Looks up what there is now; `afresh` also asks for all data again, as events were missed.
    /// False where there is no such room or person any more.
    async fn reload(&mut self, afresh: bool) -> bool {
        // Boxed: it is rare, and who waits for an event should not keep room for it.
        let looked = look(&self.shared, self.room, self.user, self.zone.as_deref());
        let looked = Box::pin(looked).await;
        let mut asks = match looked {
            Ok(Some((place, lineup))) => self.board.load(place, lineup),
            Ok(None) => return false,
            // What is shown stays; the next change looks again.
            Err(cause) => {
                tracing::error!("cannot reload a room: {cause:#}");
                Vec::new()
            }
        };
        if afresh {
            asks = self.board.ask_all();
        }
        self.ask(asks);
        true
    }

    fn ask(&mut self, asks: impl IntoIterator<Item = Ask>) {
        for ask in asks {
            let shared = Arc::clone(&self.shared);
            self.rare.get_mut().queries.spawn(async move {
                let Ask {
                    asking,
                    prepared,
                    place,
                } = ask;
                let (installed, glance) = (&prepared.installed, &prepared.glance);
                let queried =
                    addon_calls::query(&shared, installed, glance, &place.room, &place.user).await;
                if let Err(problem) = &queried.data {
                    tracing::warn!(glance = prepared.id, "cannot load: {problem}");
                }
                Box::new((prepared, asking, queried))
            });
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.attending = None;
        if self.is_present {
            settle(&self.shared, self.room, self.user);
        }
    }
}

/// Tells in the background who came or left.
fn settle(shared: &Arc<Shared>, room: RoomId, user: UserId) {
    // Without a runtime the host is gone, and there is nobody to tell.
    if let Ok(runtime) = Handle::try_current() {
        let shared = Arc::clone(shared);
        runtime.spawn(async move { presence::settle(&shared, room, user).await });
    }
}

/// What there is in a room now, and who is there.
async fn look(
    shared: &Shared,
    room: RoomId,
    user: UserId,
    zone: Option<&str>,
) -> Result<Option<(Arc<Where>, Arc<Lineup>)>, StorageError> {
    let (Some(room), Some(mut user)) = (
        shared.state.room(room).await?,
        shared.state.user(user).await?,
    ) else {
        return Ok(None);
    };
    if let Some(zone) = zone {
        zone.clone_into(&mut user.timezone);
    }
    let lineup = shared
        .lineups
        .of(room.id, &*shared.state, &*shared.hub)
        .await?;
    Ok(Some((Arc::new(Where { room, user }), lineup)))
}
