//! The REST API under `/v2`: what add-ons call.

mod caller;
mod capabilities;
mod error;
mod glances;
mod history;
mod messages;
mod notifications;
mod token;
mod ui;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};

use crate::shared::Shared;
use error::ApiError;

/// More than any request of the protocol has.
const MAX_BODY_BYTES: usize = 1024 * 1024;

pub(crate) fn router() -> Router<Arc<Shared>> {
    let glance = get(glances::read)
        .put(glances::create)
        .delete(glances::remove);
    let webhook = get(webhooks::read_by_key)
        .put(webhooks::create_by_key)
        .delete(webhooks::remove_by_key);
    let old_webhook = get(webhooks::read_by_id).delete(webhooks::remove_by_id);
    Router::new()
        .route("/capabilities", get(capabilities::read))
        .route("/oauth/token", post(token::create))
        .route("/addon/ui", post(ui::group))
        .route("/addon/ui/room/{room}", post(ui::room))
        .route("/addon/ui/user/{user}", post(ui::user))
        .route("/addon/ui/room/{room}/user/{user}", post(ui::user_in_room))
        .route("/extension/glance/{key}", glance.clone())
        .route("/room/{room}/extension/glance/{key}", glance)
        .route("/room/{room}/notification", post(notifications::create))
        .route("/room/{room}/extension/webhook/{name}", webhook)
        .route(
            "/room/{room}/webhook",
            get(webhooks::list).post(webhooks::create),
        )
        .route("/room/{room}/webhook/{name}", old_webhook)
        .route("/room/{room}/message", post(messages::create))
        .route("/room/{room}/reply", post(messages::reply))
        .route("/room/{room}/history", get(history::pages))
        .route("/room/{room}/history/latest", get(history::latest))
        .fallback(|| async { ApiError::not_found("There is no such method") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "This address has no such method",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}
