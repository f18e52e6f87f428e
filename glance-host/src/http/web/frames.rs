//! The requests of add-on pages, which the room page forwards.

mod actions;
mod frame_api;
mod room_addons;

use axum::Json;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::json;

use crate::http::state::AppState;
use crate::http::unavailable::{self, with_retry_after};
use crate::service::targets::TargetError;
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
        .route(&format!("{at}/open"), post(frame_api::open))
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
struct Refusal(StatusCode, String);

impl Refusal {
    fn not_found(why: impl Into<String>) -> Self {
        Self(StatusCode::NOT_FOUND, why.into())
    }
}

impl From<StorageError> for Refusal {
    fn from(cause: StorageError) -> Self {
        tracing::error!("{cause:#}");
        let why = format!("{}. Try again", unavailable::sentence(&cause));
        Self(StatusCode::SERVICE_UNAVAILABLE, why)
    }
}

impl From<TargetError> for Refusal {
    fn from(error: TargetError) -> Self {
        let status = match error {
            TargetError::Storage(cause) => return cause.into(),
            TargetError::NoKey => StatusCode::BAD_REQUEST,
            TargetError::Unusable(_) => StatusCode::BAD_GATEWAY,
            TargetError::NoAddOn | TargetError::NoMessage | TargetError::NotFound(_) => {
                StatusCode::NOT_FOUND
            }
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        with_retry_after((self.0, Json(json!({ "error": self.1 }))).into_response())
    }
}
