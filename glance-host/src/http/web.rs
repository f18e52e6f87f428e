//! The pages for people.

mod connect;
mod cookies;
mod embed;
mod events;
mod frames;
mod guard;
mod icon;
mod inspect;
mod integrations;
mod messages;
#[cfg(feature = "openid")]
mod openid;
mod pages;
mod people;
mod room_access;
mod rooms;
mod sign_in;
mod timeline;
mod tokens;

use axum::extract::Path;
use axum::handler::Handler;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router, middleware};

use crate::http::body_limit;
use crate::http::state::AppState;

pub(crate) fn router(app: &AppState) -> Router<AppState> {
    let router = Router::new();
    #[cfg(feature = "openid")]
    let router = router
        .route("/sign-in/begin", get(openid::begin))
        .route("/sign-in/callback", get(openid::callback));
    let router = router
        .route("/", get(rooms::list))
        .route("/sign-in", get(sign_in::page).post(sign_in::by_name))
        .route("/sign-out", post(sign_in::out))
        .route("/messages", get(messages::list))
        .route("/people", get(people::list))
        .route("/people/{user}/role", form(people::set_role, "/people"))
        .route("/people/{user}/removed", form(people::remove, "/people"))
        .route("/tokens", get(tokens::list).post(tokens::create))
        .route("/tokens/{token}/revoke", form(tokens::revoke, "/tokens"))
        .route("/rooms", form(rooms::create, "/"))
        .route(
            "/rooms/{room}/settings",
            get(rooms::settings).post(rooms::change),
        )
        .route("/rooms/{room}/archived", form(rooms::archive, "settings"))
        .route("/rooms/{room}/remove", form(rooms::remove, "settings"))
        .route("/rooms/{room}/members", form(rooms::add_member, "settings"))
        .route(
            "/rooms/{room}/members/remove",
            form(rooms::remove_member, "../settings"),
        )
        .route("/rooms/{room}", get(pages::room))
        .route("/rooms/{room}/events", get(events::stream))
        .route("/rooms/{room}/pages/{page}/retry", post(events::retry))
        .route("/rooms/{room}/pages/{page}/frames", post(events::follow))
        .route("/rooms/{room}/pages/{page}/inspect", post(inspect::inspect))
        .merge(frames::router())
        .merge(connect::router())
        .merge(embed::router())
        .merge(integrations::router())
        .route(
            "/rooms/{room}/timeline",
            get(timeline::read).post(timeline::post),
        )
        .route("/assets/{*file}", get(asset))
        .route("/icon/{oauth_id}/{signed}", get(icon::serve))
        .fallback(pages::nothing)
        .method_not_allowed_fallback(pages::nothing_to_open)
        .layer(Extension(events::OpenPages::default()));
    body_limit::limited(router, app)
        .layer(middleware::from_fn_with_state(app.clone(), guard::check))
}

/// A route that accepts a form. Its response may be an error page, which a person may reload: a GET redirects to the
/// page with the form.
fn form<H, T>(handler: H, page: &'static str) -> MethodRouter<AppState>
where
    H: Handler<T, AppState>,
    T: 'static,
{
    post(handler).get(async move || Redirect::to(page))
}

/// The files that pages load, by their path under `/assets/`.
const ASSETS: &[(&str, &str)] = &[
    ("embed.js", include_str!("../../assets/embed.js")),
    ("host.css", include_str!("../../assets/host.css")),
    ("icon.svg", include_str!("../../assets/icon.svg")),
    ("frames.js", include_str!("../../assets/frames.js")),
    (
        "integrations.js",
        include_str!("../../assets/integrations.js"),
    ),
    (
        "integrations/back.js",
        include_str!("../../assets/integrations/back.js"),
    ),
    (
        "integrations/frame.js",
        include_str!("../../assets/integrations/frame.js"),
    ),
    ("messages.js", include_str!("../../assets/messages.js")),
    ("room.js", include_str!("../../assets/room.js")),
    (
        "room/actions.js",
        include_str!("../../assets/room/actions.js"),
    ),
    (
        "room/addon-events.js",
        include_str!("../../assets/room/addon-events.js"),
    ),
    ("room/card.js", include_str!("../../assets/room/card.js")),
    (
        "room/composer.js",
        include_str!("../../assets/room/composer.js"),
    ),
    (
        "room/dialog.js",
        include_str!("../../assets/room/dialog.js"),
    ),
    ("room/dom.js", include_str!("../../assets/room/dom.js")),
    ("room/entry.js", include_str!("../../assets/room/entry.js")),
    (
        "room/events.js",
        include_str!("../../assets/room/events.js"),
    ),
    (
        "room/glance.js",
        include_str!("../../assets/room/glance.js"),
    ),
    (
        "room/inspection.js",
        include_str!("../../assets/room/inspection.js"),
    ),
    (
        "room/inspector.js",
        include_str!("../../assets/room/inspector.js"),
    ),
    (
        "room/javascript-api.js",
        include_str!("../../assets/room/javascript-api.js"),
    ),
    (
        "room/markup.js",
        include_str!("../../assets/room/markup.js"),
    ),
    ("room/panel.js", include_str!("../../assets/room/panel.js")),
    (
        "room/printable.js",
        include_str!("../../assets/room/printable.js"),
    ),
    ("room/reply.js", include_str!("../../assets/room/reply.js")),
    (
        "room/session-storage.js",
        include_str!("../../assets/room/session-storage.js"),
    ),
    (
        "room/sidebar.js",
        include_str!("../../assets/room/sidebar.js"),
    ),
    (
        "room/stream.js",
        include_str!("../../assets/room/stream.js"),
    ),
    (
        "room/target.js",
        include_str!("../../assets/room/target.js"),
    ),
    (
        "room/timeline.js",
        include_str!("../../assets/room/timeline.js"),
    ),
    ("room/views.js", include_str!("../../assets/room/views.js")),
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
