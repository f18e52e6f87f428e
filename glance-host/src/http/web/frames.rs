//! The requests of add-on pages, which the room page forwards.

pub(crate) mod actions;
mod frame_api;
mod message;
mod room_addons;
pub(crate) mod target;
mod template;

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;

use crate::http::state::AppState;
use crate::http::unavailable::with_retry_after;
use crate::model::{Installed, Room};
use crate::storage::StorageError;

pub(super) use room_addons::RoomAddOns;

pub(super) fn router() -> Router<AppState> {
    everywhere("/rooms/{room}")
        .route("/rooms/{room}/actions", post(actions::of_message))
        .route("/rooms/{room}/frames/enter", post(frame_api::enter))
}

/// The routes that also exist for sidebars on other sites.
pub(super) fn everywhere(at: &str) -> Router<AppState> {
    Router::new()
        .route(&format!("{at}/open"), post(target::open))
        .route(&format!("{at}/frames/token"), post(frame_api::token))
        .route(&format!("{at}/frames/room"), post(frame_api::room))
        .route(
            &format!("{at}/frames/participants"),
            post(frame_api::participants),
        )
        .route(&format!("{at}/frames/user"), post(frame_api::user))
}

/// The refusal of a request; the add-on's script gets the sentence.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) String);

impl Refusal {
    fn not_found(why: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, why.into())
    }
}

impl From<StorageError> for Refusal {
    fn from(cause: StorageError) -> Self {
        tracing::error!("{cause:#}");
        let why = "The host cannot reach its database now; try again";
        Self(StatusCode::SERVICE_UNAVAILABLE, why.to_owned())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        with_retry_after((self.0, Json(json!({ "error": self.1 }))).into_response())
    }
}

/// Returns the add-on with this key if it is installed in the room.
async fn installed(app: &AppState, room: &Room, add_on: &str) -> Result<Installed, Refusal> {
    let here = app.storage.installations_in(room.id).await?;
    let found = here.into_iter().find(|one| one.descriptor.key == add_on);
    found.ok_or_else(|| Refusal::not_found("The add-on is not installed in this room"))
}
