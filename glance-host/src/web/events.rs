//! The room page's live connection: server-sent events from its viewer.
//!
//! | event | data |
//! |---|---|
//! | `sidebar` | `{page, lines}`: all lines, at each (re)connection; `page` names the connection |
//! | `line` | one line that is new or changed |
//! | `gone` | the id of a line that no longer shows |
//! | `entry` | what was written into the room |
//! | `missed` | nothing: entries were written that are not told, so read the timeline again |
//! | `here` | what can be open and the actions: at the beginning, and when add-ons changed |
//! | `pushed` | `{addOn, key, metadata}`: a push, where a frame of its add-on is open |

use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{Extension, Json};
use futures_util::{Stream, stream};
use glance_sdk::auth::random_alphanumeric;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::{self, error::RecvError};

use super::frames::Here;
use super::pages::PageError;
use super::visit::Visit;
use crate::hub::{self, Push};
use crate::shared::Shared;
use crate::state::StateError;
use crate::viewer::{Command, Commands, Sidebar, Viewer};

/// The pages that are open, by the name each was given.
#[derive(Clone, Default)]
pub(super) struct Pages(Arc<Mutex<HashMap<String, Page>>>);

/// An open page, as requests about it find it.
struct Page {
    commands: Commands,
    /// The add-ons that it has frames of.
    followed: HashSet<String>,
}

impl Pages {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Page>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn stream(
    State(shared): State<Arc<Shared>>,
    Extension(pages): Extension<Pages>,
    Visit { room, user }: Visit,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, PageError> {
    // First listen: the page reads the timeline once it is connected, and misses nothing.
    let happening = shared.hub.subscribe(room.id);
    let viewer = Viewer::connect(Arc::clone(&shared), room.id, user.id).await?;
    let viewer = viewer.ok_or(PageError::NoRoom)?;
    let page = random_alphanumeric(20).map_err(|cause| StateError(cause.to_string()))?;
    let open = Page {
        commands: viewer.commands(),
        followed: HashSet::new(),
    };
    pages.all().insert(page.clone(), open);
    let connection = Connection {
        pages,
        page,
        here: Here::new(shared, room.id, user.id),
        viewer,
        happening,
        sent: None,
        waiting: VecDeque::new(),
    };
    Ok(Sse::new(stream::unfold(connection, Connection::next)).keep_alive(KeepAlive::default()))
}

struct Connection {
    pages: Pages,
    page: String,
    here: Here,
    viewer: Viewer,
    happening: broadcast::Receiver<hub::Event>,
    sent: Option<Sidebar>,
    waiting: VecDeque<Event>,
}

impl Connection {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some((Ok(event), self));
            }
            if self.sent.is_some() {
                tokio::select! {
                    changed = self.viewer.changed() => if !changed {
                        return None;
                    },
                    happened = self.happening.recv() => {
                        let told = self.tell(happened).await?;
                        self.waiting.extend(told);
                        continue;
                    }
                }
            }
            let now = self.viewer.look();
            self.waiting = match &self.sent {
                None => VecDeque::from([event(
                    "sidebar",
                    &json!({ "page": self.page, "lines": now.lines.iter().map(|line| &**line).collect::<Vec<_>>() }),
                )]),
                Some(before) => difference(before, &now),
            };
            if self.sent.is_none() {
                let here = self.look().await;
                self.waiting.extend(here);
            }
            self.sent = Some(now);
        }
    }

    /// What the page is told of something that happened; `None` where the host ended.
    async fn tell(&mut self, happened: Result<hub::Event, RecvError>) -> Option<Vec<Event>> {
        Some(match happened {
            Ok(hub::Event::Changed) => self.look().await.into_iter().collect(),
            Err(RecvError::Lagged(_)) => {
                let here = self.look().await;
                here.into_iter().chain([event("missed", &())]).collect()
            }
            Ok(hub::Event::Pushed(push)) => self.pushed(&push),
            Ok(hub::Event::Written(written)) => {
                vec![Event::default().event("entry").data(&written.shown)]
            }
            Err(RecvError::Closed) => return None,
        })
    }

    async fn look(&mut self) -> Option<Event> {
        match self.here.look().await {
            Ok(here) => Some(event("here", &here)),
            Err(cause) => {
                // What the page knows stays; the next change looks again.
                tracing::error!("cannot look up what is installed: {cause}");
                None
            }
        }
    }

    /// A push goes to a page with a frame of its add-on: data of a hidden glance leaves the host
    /// for the pages of its own add-on only.
    fn pushed(&self, push: &Push) -> Vec<Event> {
        let pages = self.pages.all();
        let Some(page) = pages.get(&self.page) else {
            return Vec::new();
        };
        let Some(add_on) = self.here.add_on(push) else {
            return Vec::new();
        };
        if !page.followed.contains(add_on) {
            return Vec::new();
        }
        let told = push.glances.iter().map(|(key, data)| {
            let metadata = data.get("metadata");
            let told = json!({ "addOn": add_on, "key": key, "metadata": metadata });
            event("pushed", &told)
        });
        told.collect()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.pages.all().remove(&self.page);
    }
}

fn difference(before: &Sidebar, now: &Sidebar) -> VecDeque<Event> {
    let gone = before
        .lines
        .iter()
        .filter(|old| !now.lines.iter().any(|line| line.id == old.id))
        .map(|old| event("gone", &old.id));
    let changed = now
        .lines
        .iter()
        .filter(|line| !before.lines.contains(line))
        .map(|line| event("line", &**line));
    gone.chain(changed).collect()
}

fn event(name: &str, data: &impl serde::Serialize) -> Event {
    // Our own types: strings, numbers and lists of them.
    Event::default()
        .event(name)
        .json_data(data)
        .unwrap_or_default()
}

#[derive(Deserialize)]
pub(super) struct Retry {
    id: String,
}

/// "Try again": asks one glance's data anew, for one open page.
pub(super) async fn retry(
    Extension(pages): Extension<Pages>,
    Path((_, page)): Path<(String, String)>,
    Json(Retry { id }): Json<Retry>,
) -> StatusCode {
    match pages.all().get(&page) {
        Some(page) if page.commands.send(Command::Retry(id)).is_ok() => StatusCode::NO_CONTENT,
        _ => StatusCode::NOT_FOUND,
    }
}

/// More add-ons than a page has frames of.
const MAX_FOLLOWED: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Follow {
    add_ons: HashSet<String>,
}

/// Says of which add-ons a page has frames, for they are told of pushes.
pub(super) async fn follow(
    Extension(pages): Extension<Pages>,
    Path((_, page)): Path<(String, String)>,
    Json(Follow { add_ons }): Json<Follow>,
) -> StatusCode {
    if add_ons.len() > MAX_FOLLOWED {
        return StatusCode::BAD_REQUEST;
    }
    match pages.all().get_mut(&page) {
        Some(page) => {
            page.followed = add_ons;
            StatusCode::NO_CONTENT
        }
        None => StatusCode::NOT_FOUND,
    }
}
