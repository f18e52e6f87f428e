//! The pages for people.

mod assets;
mod connect;
mod cookies;
mod embed;
mod events;
mod frames;
mod guard;
mod icon;
mod inspect;
mod integrations;
mod mentions;
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

use axum::handler::Handler;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router, middleware};
use tower_http::compression::CompressionLayer;

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
        .route("/rooms/{room}/people", get(mentions::list))
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
        .route("/assets/{*file}", get(assets::serve))
        .route("/icon/{oauth_id}/{signed}", get(icon::serve))
        .fallback(pages::nothing)
        .method_not_allowed_fallback(pages::nothing_to_open)
        .layer(Extension(events::OpenPages::default()));
    body_limit::limited(router, app)
        .layer(CompressionLayer::new())
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
