//! Renders pages from templates, which escape all values.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use glance_sdk::model::{RoomId, UserId};
use minijinja::Environment;
use serde::Serialize;
use serde_json::{Value, json};

use super::assets;
use super::room_access::RoomAccess;
use super::sign_in;
use crate::content::age;
use crate::http::unavailable::{self, with_retry_after};
use crate::model::User;
use crate::model::clock::Clock;
use crate::model::host_info::HostInfo;
use crate::service::sign_in::{IdentityError, SignInMethod, SignInState};
use crate::service::viewer::{DatedLine, Viewers};
use crate::storage::{Storage, StorageError};

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    for (name, text) in assets::templates() {
        if let Err(cause) = templates.add_template(name, text) {
            tracing::error!("the template {name} is wrong: {cause:#}");
        }
    }
    templates.add_function("asset", assets::url);
    templates.add_function("script", |name: &str| {
        minijinja::Value::from_safe_string(assets::script(name))
    });
    templates
});

pub(super) fn render(status: StatusCode, template: &str, values: Value) -> Response {
    let rendered = TEMPLATES
        .get_template(template)
        .and_then(|template| template.render(minijinja::value::Serde(values)));
    match rendered {
        Ok(page) => (status, Html(page)).into_response(),
        Err(cause) => {
            tracing::error!("the page {template} cannot be made: {cause:#}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Answers unknown paths.
pub(super) async fn nothing() -> Response {
    message(
        StatusCode::NOT_FOUND,
        "Nothing here",
        "There is no page at this address. It may have a typing error.",
    )
}

/// Answers paths that have no page, such as the target of a form.
pub(super) async fn nothing_to_open() -> Response {
    message(
        StatusCode::METHOD_NOT_ALLOWED,
        "Nothing to open here",
        "Pages send something to this address; it shows nothing by itself.",
    )
}

/// Renders a page with one sentence.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    render(
        status,
        "message.html",
        json!({ "title": title, "text": text }),
    )
}

/// The error of a page.
pub(super) enum PageError {
    NoRoom,
    /// Nobody is signed in. After sign-in the browser returns to this page.
    SignIn(Option<String>),
    /// The proxy's headers are not accepted, for this reason.
    UnknownPerson(IdentityError),
    /// The person may not do this, for this reason.
    NotAllowed(&'static str),
    /// The address names something that is gone.
    Gone(&'static str),
    Storage(StorageError),
}

impl From<StorageError> for PageError {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::NoRoom => message(
                StatusCode::NOT_FOUND,
                "No such room",
                "There is no room at this address. It may have been removed.",
            ),
            Self::SignIn(Some(to)) => Redirect::to(&sign_in::address(&to)).into_response(),
            Self::SignIn(None) => (StatusCode::UNAUTHORIZED, "Sign in first").into_response(),
            Self::UnknownPerson(why) => {
                message(StatusCode::UNAUTHORIZED, "Who are you?", &why.to_string())
            }
            Self::NotAllowed(why) => message(StatusCode::FORBIDDEN, "Not allowed", why),
            Self::Gone(why) => message(StatusCode::NOT_FOUND, "No longer there", why),
            Self::Storage(cause) => {
                tracing::error!("{cause:#}");
                with_retry_after(message(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "Try again in a moment",
                    &format!("{}. Its log says more.", unavailable::sentence(&cause)),
                ))
            }
        }
    }
}

/// Returns the person for the top of a page; `None` if it is always the person at this machine.
pub(super) fn who(sign_in: &SignInState, user: &User) -> Value {
    if sign_in.is_local() {
        return Value::Null;
    }
    let signs_out = !matches!(sign_in.method, SignInMethod::Proxy(_));
    json!({ "name": user.name, "is_admin": user.is_admin, "signs_out": signs_out })
}

/// The number of other rooms on a room's page; the list of rooms has all.
const ROOMS: u32 = 50;

pub(super) async fn room(
    State(storage): State<Arc<dyn Storage>>,
    State(viewers): State<Arc<Viewers>>,
    State(info): State<Arc<HostInfo>>,
    State(clock): State<Clock>,
    State(sign_in): State<Arc<SignInState>>,
    access: RoomAccess,
) -> Result<Response, PageError> {
    let RoomAccess { room, user } = &access;
    let mut rooms = storage.rooms_open_to(user, ROOMS + 1).await?;
    let has_more_rooms = rooms.len() > ROOMS as usize;
    rooms.truncate(ROOMS as usize);
    if rooms.iter().all(|other| other.id != room.id) {
        rooms.push(room.clone());
    }
    let rooms: Vec<_> = rooms
        .iter()
        .map(|other| json!({ "id": other.id, "name": other.name, "current": other.id == room.id }))
        .collect();
    let values = json!({
        "group": info.group.name,
        "room": {
            "id": room.id, "name": room.name, "topic": room.topic,
            "is_public": room.is_public, "is_archived": room.is_archived,
        },
        "rooms": rooms,
        "has_more_rooms": has_more_rooms,
        "who": who(&sign_in, user),
        "unread": storage.count_unread(user.id).await?,
        "may_manage": access.may_manage(),
        "sidebar": stored_sidebar(&viewers, &clock, room.id, user.id).await?,
        "user": { "id": user.id, "mention": user.mention_name() },
    });
    Ok(render(StatusCode::OK, "room.html", values))
}

/// Returns the sidebar with stored data, which a page shows until it is connected: the lines, and the number of all
/// glances.
pub(super) async fn stored_sidebar(
    viewers: &Viewers,
    clock: &Clock,
    room: RoomId,
    user: UserId,
) -> Result<Value, StorageError> {
    let sidebar = viewers
        .stored_sidebar(room, user)
        .await?
        .unwrap_or_default();
    let now = clock.now_millis();
    let lines: Vec<_> = sidebar
        .dated_lines()
        .map(|dated| WrittenLine {
            about: match dated.changed_at {
                Some(at) => age::changed(at, now),
                None => dated.line.add_on.clone(),
            },
            count: dated.line.count(),
            dated,
        })
        .collect();
    Ok(json!({ "lines": lines, "watched": sidebar.watched }))
}

/// A line in the text of a page.
#[derive(Serialize)]
struct WrittenLine<'a> {
    #[serde(flatten)]
    dated: DatedLine<'a>,
    /// The second line of the text.
    about: String,
    /// The number in the label.
    count: Option<u32>,
}
