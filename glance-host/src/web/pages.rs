//! Pages from templates; whatever is put into them is escaped.

use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use minijinja::Environment;
use serde_json::{Value, json};

use super::visit::Visit;
use crate::shared::Shared;
use crate::state::StateError;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    for (name, text) in [
        ("page.html", include_str!("../../assets/page.html")),
        ("room.html", include_str!("../../assets/room.html")),
        (
            "integrations.html",
            include_str!("../../assets/integrations.html"),
        ),
        ("message.html", include_str!("../../assets/message.html")),
        (
            "integrations/review.html",
            include_str!("../../assets/integrations/review.html"),
        ),
        (
            "integrations/leave.html",
            include_str!("../../assets/integrations/leave.html"),
        ),
        (
            "integrations/frame.html",
            include_str!("../../assets/integrations/frame.html"),
        ),
    ] {
        if let Err(cause) = templates.add_template(name, text) {
            tracing::error!("the template {name} is wrong: {cause:#}");
        }
    }
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

/// A page with one sentence.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    render(
        status,
        "message.html",
        json!({ "title": title, "text": text }),
    )
}

/// A page that could not be made.
pub(super) enum PageError {
    NoRoom,
    /// The person may not; one sentence says who may.
    NotAllowed(&'static str),
    /// What the address names is gone.
    Gone(&'static str),
    State(StateError),
}

impl From<StateError> for PageError {
    fn from(cause: StateError) -> Self {
        Self::State(cause)
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
            Self::NotAllowed(why) => message(StatusCode::FORBIDDEN, "Not for you", why),
            Self::Gone(why) => message(StatusCode::NOT_FOUND, "No longer there", why),
            Self::State(cause) => {
                tracing::error!("{cause}");
                message(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "Something went wrong",
                    "The host could not read its database; its log says more.",
                )
            }
        }
    }
}

pub(super) async fn home(State(shared): State<Arc<Shared>>) -> Result<Response, PageError> {
    let first = shared.state.first_room().await?.ok_or(PageError::NoRoom)?;
    Ok(Redirect::to(&format!("/rooms/{}", first.id)).into_response())
}

pub(super) async fn room(
    State(shared): State<Arc<Shared>>,
    visit: Visit,
) -> Result<Response, PageError> {
    let may_inspect = visit.may_manage();
    let Visit { room, user } = visit;
    let rooms = shared.state.rooms().await?;
    let rooms: Vec<_> = rooms
        .iter()
        .map(|other| json!({ "id": other.id, "name": other.name, "current": other.id == room.id }))
        .collect();
    let values = json!({
        "group": shared.group.name,
        "room": { "id": room.id, "name": room.name, "topic": room.topic },
        "rooms": rooms,
        "user": { "id": user.id, "mention": user.mention_name() },
        "may_inspect": may_inspect,
    });
    Ok(render(StatusCode::OK, "room.html", values))
}
