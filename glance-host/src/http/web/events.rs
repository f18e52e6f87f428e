//! The room page's live connection: server-sent events from its viewer.
//!
//! | event | data |
//! |---|---|
//! | `sidebar` | `{page, now, lines}`: all lines, at each (re)connection; `page` names the connection, `now` is the time |
//! | `line` | one line that is new or changed |
//! | `gone` | the id of a line that no longer shows |
//! | `quiet` | `{watched, notSetUp}`: no line shows; the number of glances, and the add-ons that need settings |
//! | `entry` | a new entry of the room; empty on another site |
//! | `missed` | empty: there may be other entries than the page has, so it reads the timeline |
//! | `here` | modules and actions: at the beginning, and when add-ons changed |
//! | `inspection` | while somebody inspects, see [`inspect`](super::inspect) |
//! | `pushed` | `{addOn, key, metadata}`: a push, if the page has a frame of its add-on |
//!
//! The id of an event is the [`Position`] of the page after it. A page that reconnects sends the last id
//! (`Last-Event-ID`): it gets the entries after that, or `missed` if the log does not have them all. A first connection
//! begins with `missed` too.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{FromRef, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::extract::JsonBody;
use glance_sdk::model::RoomId;
use glance_sdk::serve::Streaming;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, interval_at};

use super::frames::RoomAddOns;
use super::inspect::Inspector;
use super::pages::PageError;
use super::room_access::{Guest, OpenPage, RoomAccess};
use crate::http::state::AppState;
use crate::model::clock::Clock;
use crate::model::event::Position;
use crate::model::{Push, Version, time_zone};
use crate::service::actions::Actions;
use crate::service::people::People;
use crate::service::timeline::{BATCH, Timeline};
use crate::service::viewer::{Change, Command, Commands, MissedEntries, Quiet, Viewer, Viewers};
use crate::service::webhooks::Webhooks;
use crate::storage::{Storage, StorageError};

/// The interval of keep-alive comments: proxies close silent connections.
const BEAT: Duration = Duration::from_secs(15);

/// The open pages by name.
#[derive(Clone, Default)]
pub(super) struct OpenPages(Arc<Mutex<HashMap<String, (RoomId, Commands)>>>);

impl OpenPages {
    fn all(&self) -> MutexGuard<'_, HashMap<String, (RoomId, Commands)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forwards a command to the viewer of a page of this room.
    pub(super) fn send(&self, room: &str, page: &str, command: Command) -> StatusCode {
        let pages = self.all();
        let Some((_, commands)) = pages.get(page).filter(|(of, _)| of.to_string() == room) else {
            return StatusCode::NOT_FOUND;
        };
        match commands.try_send(Box::new(command)) {
            Ok(()) => StatusCode::NO_CONTENT,
            // The page does not read its events.
            Err(TrySendError::Full(_)) => StatusCode::TOO_MANY_REQUESTS,
            Err(TrySendError::Closed(_)) => StatusCode::NOT_FOUND,
        }
    }
}

/// The query of an event stream.
#[derive(Deserialize)]
pub(super) struct EventsQuery {
    /// Whether the page inspects from the beginning, including the first queries.
    inspect: Option<String>,
}

/// The services that event streams read.
pub(super) struct EventSources {
    viewers: Arc<Viewers>,
    webhooks: Webhooks,
    actions: Actions,
    timeline: Timeline,
    storage: Arc<dyn Storage>,
    clock: Clock,
}

impl FromRef<AppState> for EventSources {
    fn from_ref(app: &AppState) -> Self {
        Self {
            viewers: Arc::clone(&app.viewers),
            webhooks: app.webhooks.clone(),
            actions: app.actions.clone(),
            timeline: app.timeline.clone(),
            storage: Arc::clone(&app.storage),
            clock: app.clock.clone(),
        }
    }
}

pub(super) async fn stream(
    State(sources): State<EventSources>,
    Extension(pages): Extension<OpenPages>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
    open_page: OpenPage,
    access: RoomAccess,
) -> Result<Response, PageError> {
    let is_embedded = open_page.is_embedded();
    // Nobody inspects on another site: it would receive what people posted.
    let inspects = query.inspect.is_some() && access.may_manage() && !is_embedded;
    let RoomAccess { room, user } = access;
    let add_ons = RoomAddOns::new(
        Arc::clone(&sources.storage),
        sources.actions,
        room.id,
        user.id,
    );
    let inspector = Inspector::new(sources.storage, sources.webhooks, room.id, user.id);
    let is_present = !open_page.is_guest();
    let zone = time_zone_header(&headers).filter(|_| is_present);
    let pulse = pulse(open_page.ends());
    let viewer = sources
        .viewers
        .connect(room.id, user.id, is_present, zone, pulse)
        .await?;
    let mut viewer = viewer.ok_or(PageError::NoRoom)?;
    viewer.inspect(inspects);
    let page = random_alphanumeric(20).map_err(StorageError::other)?;
    let open = (room.id, viewer.commands());
    pages.all().insert(page.clone(), open);
    let missed = last_event_id(&headers).map(|after| MissedEntries {
        after,
        last: viewer.position().version,
    });
    let connection = Box::new(Connection {
        pages,
        page,
        room: room.id,
        add_ons,
        inspector,
        timeline: sources.timeline,
        viewer,
        is_embedded,
        is_new: true,
        missed,
        sent: Version::default(),
        clock: sources.clock,
        quiet: None,
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        // Without this header nginx buffers events.
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    let events = stream::unfold(connection, |mut connection| async {
        let bytes = connection.next().await?;
        Some((Ok::<_, Infallible>(bytes), connection))
    });
    let streaming = Extension(Streaming);
    Ok((headers, streaming, Body::from_stream(events)).into_response())
}

struct Connection {
    pages: OpenPages,
    page: String,
    room: RoomId,
    add_ons: RoomAddOns,
    inspector: Inspector,
    timeline: Timeline,
    viewer: Viewer,
    is_embedded: bool,
    is_new: bool,
    /// The entries that the page missed and gets before further changes.
    missed: Option<MissedEntries>,
    /// The last position that the page was sent.
    sent: Version,
    clock: Clock,
    /// The last event `quiet` of the page; `None` while a glance shows.
    quiet: Option<Quiet>,
}

impl Connection {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_new {
            self.is_new = false;
            // The sidebar below contains all changes so far.
            while self.viewer.change().is_some() {}
            let now = self.viewer.sidebar();
            let lines: Vec<_> = now.dated_lines().collect();
            let sidebar = event(
                "sidebar",
                &json!({ "page": self.page, "now": self.clock.now_millis(), "lines": lines }),
            );
            let add_ons = self.add_ons().await;
            let inspection = self.inspection().await;
            let entries = match self.missed.take() {
                Some(missed) => self.missed_entries(missed).await,
                None => self.start_over(),
            };
            return Some([sidebar, add_ons, inspection, entries].concat().into());
        }
        loop {
            if let Some(missed) = self.missed.take() {
                return Some(self.missed_entries(missed).await);
            }
            if let Some(change) = self.viewer.change() {
                return Some(self.bytes_of(&change).await);
            }
            let quiet = self.viewer.quiet();
            if quiet != self.quiet {
                self.quiet.clone_from(&quiet);
                if let Some(quiet) = quiet {
                    return Some(event("quiet", &quiet));
                }
            }
            if !self.viewer.next_input().await {
                return None;
            }
        }
    }

    /// Returns the bytes of a change. The bytes of a line are the same for everyone who sees it.
    async fn bytes_of(&mut self, change: &Change) -> Bytes {
        match change {
            Change::Line(content) => content.written(|line| event("line", line)),
            Change::Gone(id) => event("gone", id),
            Change::Entry(posted, version) => self.entry(*version, &posted.rendered).into(),
            Change::Behind(missed) => self.missed_entries(missed.clone()).await,
            Change::Missed => self.start_over(),
            Change::Beat if self.sent != self.viewer.position().version => {
                let id = self.id(self.viewer.position().version);
                format!("{id}\n").into()
            }
            Change::Beat => Bytes::from_static(b":\n\n"),
            Change::Installed => self.add_ons().await,
            Change::Pushed(push) => self.pushed(push),
            Change::Inspected => self.inspection().await,
        }
    }

    /// Returns an event with an entry, and the position after it.
    fn entry(&mut self, version: Version, rendered: &str) -> String {
        let id = self.id(version);
        // Frames learn that there is an entry; its content stays in the room.
        let data = if self.is_embedded { "null" } else { rendered };
        format!("{id}event: entry\ndata: {data}\n\n")
    }

    /// Returns the line with the position of the page, after the event with this number.
    fn id(&mut self, version: Version) -> String {
        self.sent = version;
        let epoch = self.viewer.position().epoch.clone();
        format!("id: {}\n", Position { epoch, version })
    }

    /// Returns the next entries that the page missed. The others remain in `missed`.
    async fn missed_entries(&mut self, mut missed: MissedEntries) -> Bytes {
        let MissedEntries { after, last } = &mut missed;
        // Boxed, as in `add_ons`.
        let read = Box::pin(self.timeline.missed(self.room, after, *last)).await;
        let Some(entries) = read else {
            return self.start_over();
        };
        let mut bytes = String::new();
        for (version, rendered) in &entries {
            after.version = *version;
            bytes += &self.entry(*version, rendered);
        }
        if entries.len() < BATCH as usize {
            bytes += &self.id(*last);
            bytes += "\n";
        } else {
            self.missed = Some(missed);
        }
        bytes.into()
    }

    /// Lets the page read the timeline, which contains all entries up to the position.
    fn start_over(&mut self) -> Bytes {
        let id = self.id(self.viewer.position().version);
        format!("{id}event: missed\ndata: null\n\n").into()
    }

    async fn inspection(&mut self) -> Bytes {
        let Some(news) = self.viewer.news() else {
            return Bytes::new();
        };
        let json = Box::pin(self.inspector.event(news)).await;
        json.map_or_else(Bytes::new, |json| framed("inspection", &json))
    }

    async fn add_ons(&mut self) -> Bytes {
        // Boxed: it is rare, and a waiting connection should not reserve memory for it.
        match Box::pin(self.add_ons.read()).await {
            Ok(add_ons) => event("here", &add_ons),
            Err(cause) => {
                // The page keeps what it has; the next change reads again.
                tracing::error!(
                    error = format!("{cause:#}"),
                    "cannot read the add-ons of an open page"
                );
                Bytes::new()
            }
        }
    }

    /// Returns the event of a push, if the page has a frame of its add-on: data of hidden glances leaves the host
    /// only for the pages of its own add-on.
    fn pushed(&self, push: &Push) -> Bytes {
        let add_on = self.add_ons.of_push(push);
        let Some(add_on) = add_on.filter(|add_on| self.viewer.follows(add_on)) else {
            return Bytes::new();
        };
        let events = push.glances.iter().map(|new| {
            let metadata = &new.data.metadata;
            event(
                "pushed",
                &json!({ "addOn": add_on, "key": new.key, "metadata": metadata }),
            )
        });
        events.collect::<Vec<_>>().concat().into()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.pages.all().remove(&self.page);
    }
}

/// Returns the position that the page sent when it reconnected.
fn last_event_id(headers: &HeaderMap) -> Option<Position> {
    headers.get("last-event-id")?.to_str().ok()?.parse().ok()
}

fn event(name: &str, data: &impl Serialize) -> Bytes {
    // Our own types: strings, numbers and lists of them. JSON contains no line break.
    framed(name, &serde_json::to_string(data).unwrap_or_default())
}

fn framed(name: &str, json: &str) -> Bytes {
    format!("event: {name}\ndata: {json}\n\n").into()
}

/// Returns a stream that ticks until the person's access ends.
fn pulse(ends: impl Future<Output = ()> + Send + 'static) -> BoxStream<'static, ()> {
    let beat = interval_at(Instant::now() + BEAT, BEAT);
    let beats = stream::unfold(beat, |mut beat| async {
        beat.tick().await;
        Some(((), beat))
    });
    beats.take_until(ends).boxed()
}

#[derive(Deserialize)]
pub(super) struct RetryRequest {
    id: String,
}

/// "Try again": queries one glance again, for one open page.
pub(super) async fn retry(
    Extension(pages): Extension<OpenPages>,
    _: RoomAccess,
    Path((room, page)): Path<(String, String)>,
    JsonBody(RetryRequest { id }): JsonBody<RetryRequest>,
) -> StatusCode {
    pages.send(&room, &page, Command::Retry(id))
}

/// The largest number of add-ons that a page follows.
const MAX_FOLLOWED: usize = 100;

/// The longest key of an add-on, in bytes.
const MAX_KEY: usize = 1000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FollowRequest {
    add_ons: HashSet<String>,
}

/// Stores which add-ons a page has frames of, so that it receives their pushes, and the browser's time zone.
pub(super) async fn follow(
    State(people): State<People>,
    Extension(pages): Extension<OpenPages>,
    Guest(is_guest): Guest,
    access: RoomAccess,
    Path((room, page)): Path<(String, String)>,
    headers: HeaderMap,
    JsonBody(FollowRequest { add_ons }): JsonBody<FollowRequest>,
) -> Result<StatusCode, PageError> {
    if add_ons.len() > MAX_FOLLOWED || add_ons.iter().any(|key| key.len() > MAX_KEY) {
        return Ok(StatusCode::BAD_REQUEST);
    }
    if let Some(zone) = time_zone_header(&headers).filter(|_| !is_guest) {
        // The page sends it again.
        if let Err(error) = people.set_time_zone(&access.user, zone).await {
            let error = format!("{error:#}");
            tracing::error!(user = %access.user.id, error, "storing a time zone failed");
        }
    }
    Ok(pages.send(&room, &page, Command::Follow(add_ons)))
}

/// Returns the time zone of the browser, which a room's page sends.
fn time_zone_header(headers: &HeaderMap) -> Option<&str> {
    let zone = headers.get("time-zone")?.to_str().ok()?;
    time_zone::is_name(zone).then_some(zone)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn a_page_that_reads_nothing_is_told_no_more() {
        let pages = OpenPages::default();
        let (commands, commanded) = mpsc::channel(2);
        let open = (RoomId::new(1), commands);
        pages.all().insert("page".to_owned(), open);
        let retry = |room, page| pages.send(room, page, Command::Retry("a:b".to_owned()));
        assert_eq!(retry("2", "page"), StatusCode::NOT_FOUND);
        assert_eq!(retry("1", "other"), StatusCode::NOT_FOUND);
        assert_eq!(retry("1", "page"), StatusCode::NO_CONTENT);
        assert_eq!(retry("1", "page"), StatusCode::NO_CONTENT);
        assert_eq!(retry("1", "page"), StatusCode::TOO_MANY_REQUESTS);
        drop(commanded);
        assert_eq!(retry("1", "page"), StatusCode::NOT_FOUND);
    }
}
