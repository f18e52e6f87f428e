//! The room page's live connection: server-sent events from its viewer.
//!
//! | event | data |
//! |---|---|
//! | `sidebar` | `{page, lines}`: all lines, at each (re)connection; `page` names the connection |
//! | `line` | one line that is new or changed |
//! | `gone` | the id of a line that no longer shows |
//! | `entry` | what was written into the room |
//! | `missed` | nothing: entries were written that are not told, so read the timeline again |

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use futures_util::{Stream, StreamExt, stream};
use glance_sdk::auth::random_alphanumeric;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, interval_at};

use super::pages::PageError;
use super::visit::Visit;
use crate::shared::Shared;
use crate::state::StateError;
use crate::viewer::{Change, Command, Commands, Viewer};

/// How often a connection says that it lives: what stands between would end a silent one.
const BEAT: Duration = Duration::from_secs(15);

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
    Visit { room, user }: Visit,
) -> Result<Response, PageError> {
    let viewer = Viewer::connect(shared, room.id, user.id).await?;
    let viewer = viewer.ok_or(PageError::NoRoom)?;
    let page = random_alphanumeric(20).map_err(|cause| StateError(cause.to_string()))?;
    pages.all().insert(page.clone(), viewer.commands());
    let connection = Connection {
        pages,
        page,
        viewer,
        is_new: true,
        waiting: Vec::new().into_iter(),
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let events = kept_alive(stream::unfold(connection, Connection::next));
    Ok((headers, Body::from_stream(events.map(Ok::<_, Infallible>))).into_response())
}

struct Connection {
    pages: Pages,
    page: String,
    viewer: Viewer,
    is_new: bool,
    waiting: std::vec::IntoIter<Change>,
}

impl Connection {
    async fn next(mut self) -> Option<(Bytes, Self)> {
        if self.is_new {
            self.is_new = false;
            // What it says is all that there is to tell so far.
            self.viewer.changes();
            let now = self.viewer.sidebar();
            let lines: Vec<_> = now.lines.iter().map(|line| &**line).collect();
            let sidebar = event("sidebar", &json!({ "page": self.page, "lines": lines }));
            return Some((sidebar, self));
        }
        loop {
            if let Some(change) = self.waiting.next() {
                return Some((written(&change), self));
            }
            if !self.viewer.happens().await {
                return None;
            }
            self.waiting = self.viewer.changes().into_iter();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.pages.all().remove(&self.page);
    }
}

/// The bytes of a line are the same for all who see it.
fn written(change: &Change) -> Bytes {
    match change {
        Change::Line(content) => content.written(|line| event("line", line)),
        Change::Gone(id) => event("gone", id),
        Change::Entry(written) => framed("entry", &written.shown),
        Change::Missed => event("missed", &()),
    }
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    // Our own types: strings, numbers and lists of them. JSON has no line break.
    framed(name, &serde_json::to_string(data).unwrap_or_default())
}

fn framed(name: &str, json: &str) -> Bytes {
    format!("event: {name}\ndata: {json}\n\n").into()
}

/// The events, and a comment from time to time.
fn kept_alive(events: impl Stream<Item = Bytes>) -> impl Stream<Item = Bytes> {
    let mut events = Box::pin(events);
    let mut beat = interval_at(Instant::now() + BEAT, BEAT);
    stream::poll_fn(move |context| match events.as_mut().poll_next(context) {
        Poll::Pending => {
            let comment = |_| Some(Bytes::from_static(b":\n\n"));
            beat.poll_tick(context).map(comment)
        }
        ready => ready,
    })
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
        Some(commands) if commands.send(Command::Retry(id)).is_ok() => StatusCode::NO_CONTENT,
        _ => StatusCode::NOT_FOUND,
    }
}
