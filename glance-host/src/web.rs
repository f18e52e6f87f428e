//! The pages people open.

mod events;
mod guard;
mod integrations;
mod pages;
mod panel;
mod timeline;
mod visit;

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
            "/rooms/{room}/timeline",
            get(timeline::read).post(timeline::say),
        )
        .route(
            "/rooms/{room}/integrations",
            get(integrations::list).post(integrations::install),
        )
        .route(
            "/rooms/{room}/integrations/remove",
            post(integrations::remove),
        )
        .route("/assets/{*file}", get(asset))
        .layer(Extension(events::Pages::default()))
        .layer(middleware::from_fn_with_state(
            Arc::clone(shared),
            guard::check,
        ))
}

/// What pages load, by its address under `/assets/`.
const ASSETS: &[(&str, &str)] = &[
    ("host.css", include_str!("../assets/host.css")),
    ("icon.svg", include_str!("../assets/icon.svg")),
    ("room.js", include_str!("../assets/room.js")),
    ("room/card.js", include_str!("../assets/room/card.js")),
    (
        "room/composer.js",
        include_str!("../assets/room/composer.js"),
    ),
    ("room/draw.js", include_str!("../assets/room/draw.js")),
    ("room/entry.js", include_str!("../assets/room/entry.js")),
    ("room/glance.js", include_str!("../assets/room/glance.js")),
    ("room/markup.js", include_str!("../assets/room/markup.js")),
    ("room/panel.js", include_str!("../assets/room/panel.js")),
    ("room/sidebar.js", include_str!("../assets/room/sidebar.js")),
    ("room/stream.js", include_str!("../assets/room/stream.js")),
    (
        "room/timeline.js",
        include_str!("../assets/room/timeline.js"),
    ),
    ("room/views.js", include_str!("../assets/room/views.js")),
];

async fn asset(Path(file): Path<String>) -> Response {
    let content_type = match file.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        _ => "image/svg+xml",
    };
    let found = ASSETS.iter().find(|(name, _)| *name == file);
    match found {
        Some((_, text)) => (
            [
                (header::CONTENT_TYPE, content_type),
                (header::CACHE_CONTROL, "no-cache"),
            ],
            *text,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
