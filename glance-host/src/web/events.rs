//! The room page's live connection: server-sent events from its viewer.
//!
//! | event | data |
//! |---|---|
//! | `sidebar` | `{page, lines}`: all lines, at each (re)connection; `page` names the connection |
//! | `line` | one line that is new or changed |
//! | `gone` | the id of a line that no longer shows |

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{Extension, Json};
use futures_util::{Stream, StreamExt as _, stream};
use glance_sdk::auth::random_alphanumeric;
use serde::Deserialize;
use serde_json::json;

use super::pages::PageError;
use super::visit::{Stay, Visit};
use crate::shared::Shared;
use crate::state::StateError;
use crate::viewer::{Command, Commands, Sidebar, Viewer};

/// The pages that are open, by the name each was given.
#[derive(Clone, Default)]
pub(super) struct Pages(Arc<Mutex<HashMap<String, Commands>>>);

impl Pages {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Commands>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn stream(
    State(shared): State<Arc<Shared>>,
    Extension(pages): Extension<Pages>,
    stay: Stay,
    Visit { room, user }: Visit,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, PageError> {
    let viewer = Viewer::connect(Arc::clone(&shared), room.id, user.id).await?;
    let viewer = viewer.ok_or(PageError::NoRoom)?;
    let page = random_alphanumeric(20).map_err(|cause| StateError(cause.to_string()))?;
    pages.all().insert(page.clone(), viewer.commands());
    let connection = Connection {
        pages,
        page,
        viewer,
        sent: None,
        waiting: VecDeque::new(),
    };
    let events = stream::unfold(connection, Connection::next).take_until(stay.ends());
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

struct Connection {
    pages: Pages,
    page: String,
    viewer: Viewer,
    sent: Option<Sidebar>,
    waiting: VecDeque<Event>,
}

impl Connection {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some((Ok(event), self));
            }
            if self.sent.is_some() && !self.viewer.changed().await {
                return None;
            }
            let now = self.viewer.look();
            self.waiting = match &self.sent {
                None => VecDeque::from([event(
                    "sidebar",
                    &json!({ "page": self.page, "lines": now.lines.iter().map(|line| &**line).collect::<Vec<_>>() }),
                )]),
                Some(before) => difference(before, &now),
            };
            self.sent = Some(now);
        }
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
    _: Visit,
    Path((_, page)): Path<(String, String)>,
    Json(Retry { id }): Json<Retry>,
) -> StatusCode {
    match pages.all().get(&page) {
        Some(commands) if commands.send(Command::Retry(id)).is_ok() => StatusCode::NO_CONTENT,
        _ => StatusCode::NOT_FOUND,
    }
}
