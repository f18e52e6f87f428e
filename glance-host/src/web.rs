//! The pages people open.

mod events;
mod guard;
mod integrations;
mod pages;
mod panel;

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};

use crate::shared::Shared;

pub(crate) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(pages::home))
        .route("/rooms/{room}", get(pages::room))
        .route("/rooms/{room}/events", get(events::stream))
        .route("/rooms/{room}/pages/{page}/retry", post(events::retry))
        .route("/rooms/{room}/panel", post(panel::open))
        .route(
            "/rooms/{room}/integrations",
            get(integrations::list).post(integrations::install),
        )
        .route(
            "/rooms/{room}/integrations/remove",
            post(integrations::remove),
        )
        .route("/assets/{file}", get(asset))
        .layer(Extension(events::Pages::default()))
        .layer(middleware::from_fn_with_state(
            Arc::clone(shared),
            guard::check,
        ))
}

async fn asset(Path(file): Path<String>) -> Response {
    let (content_type, text) = match file.as_str() {
        "host.css" => (
            "text/css; charset=utf-8",
            include_str!("../assets/host.css"),
        ),
        "room.js" => (
            "text/javascript; charset=utf-8",
            include_str!("../assets/room.js"),
        ),
        "icon.svg" => ("image/svg+xml", include_str!("../assets/icon.svg")),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    (
        [
            (header::CONTENT_TYPE, content_type),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        text,
    )
        .into_response()
}
