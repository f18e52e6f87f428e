//! One connected person in one room: asks each glance, evaluates its conditions, takes pushes, and
//! says what is shown.
//!
//! The page in a browser and the viewer of a test are both thin skins over this. What a condition
//! hides never leaves the host.

mod board;
mod sidebar;

use std::sync::Arc;

use glance_sdk::model::{RoomId, UserId};
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

pub use sidebar::{Line, LineState, PanelRef, ShownStatus, Sidebar};

use crate::attendance::Attending;
use crate::hub::Event;
use crate::shared::Shared;
use crate::state::StateError;
use crate::{outgoing, presence};
use board::{Ask, Board};

/// What a person can ask of their viewer.
#[derive(Debug)]
pub(crate) enum Command {
    /// Query this glance again.
    Retry(String),
}

pub(crate) type Commands = mpsc::UnboundedSender<Command>;

/// One connected person in one room. Dropping it disconnects them.
#[derive(Debug)]
pub struct Viewer {
    sidebar: watch::Receiver<Sidebar>,
    commands: Commands,
    _attending: Attending,
}

impl Viewer {
    /// Connects a person to a room, or says that there is no such room or person.
    pub(crate) async fn connect(
        shared: Arc<Shared>,
        room: RoomId,
        user: UserId,
    ) -> Result<Option<Self>, StateError> {
        // First listen, then look: nothing that happens in between is missed.
        let events = shared.hub.subscribe(room);
        let mut board = Board::default();
        let mut asks = Vec::new();
        if !reload(&shared, &mut board, room, user, &mut asks).await? {
            return Ok(None);
        }
        let attending = shared.attendance.enter(room, user);
        let (sidebar, receiver) = watch::channel(board.sidebar());
        let (commands, requests) = mpsc::unbounded_channel();
        let task = Task {
            shared,
            room,
            user,
            board,
            sidebar,
            queries: JoinSet::new(),
        };
        tokio::spawn(task.run(asks, events, requests));
        Ok(Some(Self {
            sidebar: receiver,
            commands,
            _attending: attending,
        }))
    }

    /// What is shown now.
    pub fn sidebar(&self) -> Sidebar {
        self.sidebar.borrow().clone()
    }

    /// Completes when what is shown has changed since the last look; false when the host ended, or
    /// the room was deleted.
    pub async fn changed(&mut self) -> bool {
        self.sidebar.changed().await.is_ok()
    }

    /// What is shown now; it counts as looked at.
    pub(crate) fn look(&mut self) -> Sidebar {
        self.sidebar.borrow_and_update().clone()
    }

    /// Queries a glance again, as "Try again" does.
    pub fn retry(&self, id: &str) {
        let _ = self.commands.send(Command::Retry(id.to_owned()));
    }

    pub(crate) fn commands(&self) -> Commands {
        self.commands.clone()
    }
}

/// The answer to one query: which glance, which asking, what came.
type Answered = (String, u64, Result<Value, String>);

struct Task {
    shared: Arc<Shared>,
    room: RoomId,
    user: UserId,
    board: Board,
    sidebar: watch::Sender<Sidebar>,
    queries: JoinSet<Answered>,
}

impl Task {
    async fn run(
        mut self,
        asks: Vec<Ask>,
        events: broadcast::Receiver<Event>,
        requests: mpsc::UnboundedReceiver<Command>,
    ) {
        self.ask(asks);
        presence::settle(&self.shared, self.room, self.user).await;
        self.follow(events, requests).await;
        presence::settle(&self.shared, self.room, self.user).await;
    }

    /// Until the viewer or the host is gone.
    async fn follow(
        &mut self,
        mut events: broadcast::Receiver<Event>,
        mut requests: mpsc::UnboundedReceiver<Command>,
    ) {
        let ended = self.shared.ended();
        tokio::pin!(ended);
        loop {
            tokio::select! {
                () = &mut ended => return,
                // The viewer is gone.
                () = self.sidebar.closed() => return,
                event = events.recv() => match event {
                    Ok(Event::Pushed(push)) if push.user.is_none_or(|user| user == self.user) => {
                        for (key, data) in &push.glances {
                            self.board.push(&push.oauth_id, key, data);
                        }
                    }
                    Ok(Event::Pushed(_) | Event::Written(_)) => continue,
                    Ok(Event::Changed) if self.reload(false).await => {}
                    Err(broadcast::error::RecvError::Lagged(_)) if self.reload(true).await => {}
                    // The room is gone.
                    Ok(Event::Changed) | Err(broadcast::error::RecvError::Lagged(_)) => return,
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                Some(command) = requests.recv() => match command {
                    Command::Retry(id) => {
                        let asks = self.board.retry(&id);
                        self.ask(asks);
                    }
                },
                Some(answered) = self.queries.join_next() => match answered {
                    Ok((id, asking, answer)) => self.board.answered(&id, asking, answer),
                    Err(cause) => tracing::error!("a query ended early: {cause}"),
                },
            }
            let shown = self.board.sidebar();
            self.sidebar.send_if_modified(|old| {
                let changed = *old != shown;
                if changed {
                    *old = shown;
                }
                changed
            });
        }
    }

    /// Looks up what there is now; `afresh` also asks for all data again, as events were missed.
    /// False where there is no such room or person any more.
    async fn reload(&mut self, afresh: bool) -> bool {
        let mut asks = Vec::new();
        let found = reload(
            &self.shared,
            &mut self.board,
            self.room,
            self.user,
            &mut asks,
        )
        .await;
        match found {
            Ok(true) => {}
            Ok(false) => return false,
            // What is shown stays; the next change looks again.
            Err(cause) => tracing::error!("cannot reload a room: {cause}"),
        }
        if afresh {
            asks = self.board.ask_all();
        }
        self.ask(asks);
        true
    }

    fn ask(&mut self, asks: Vec<Ask>) {
        for ask in asks {
            let shared = Arc::clone(&self.shared);
            self.queries.spawn(async move {
                let Ask {
                    id,
                    asking,
                    installed,
                    glance,
                    facts,
                } = ask;
                let answer =
                    outgoing::query(&shared, &installed, &glance, &facts.room, &facts.user).await;
                if let Err(problem) = &answer {
                    tracing::warn!(glance = id, "cannot load: {problem}");
                }
                (id, asking, answer)
            });
        }
    }
}

async fn reload(
    shared: &Shared,
    board: &mut Board,
    room: RoomId,
    user: UserId,
    asks: &mut Vec<Ask>,
) -> Result<bool, StateError> {
    let (Some(room), Some(user)) = (
        shared.state.room(room).await?,
        shared.state.user(user).await?,
    ) else {
        return Ok(false);
    };
    let mut installations = Vec::new();
    for installed in shared.state.installations_in(room.id).await? {
        let runtime = shared
            .state
            .glances_in(&installed.oauth_id, room.id)
            .await?;
        installations.push((Arc::new(installed), runtime));
    }
    *asks = board.load(room, user, installations);
    Ok(true)
}
