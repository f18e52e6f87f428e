//! The REST API for add-ons, under `/v2`.

mod actions;
mod admit;
mod caller;
pub(crate) mod capabilities;
mod emoticons;
mod error;
mod extension;
mod glances;
mod history;
mod messages;
mod notifications;
mod page;
mod people;
mod private;
mod rooms;
mod token;
mod ui;
mod viewer_token;
mod webhooks;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{any, get, post, put};
use axum::{Router, middleware};

use crate::http::state::AppState;
use error::ApiError;

/// The largest body. It is not much larger than the protocol needs, because a page that does not read keeps pushed
/// and posted content alive.
const MAX_BODY_BYTES: usize = 256 * 1024;

pub(crate) fn router(app: &AppState) -> Router {
    let glance = get(glances::read)
        .put(glances::create)
        .delete(glances::remove);
    let webhook = get(webhooks::read_by_key)
        .put(webhooks::create_by_key)
        .delete(webhooks::remove_by_key);
    let old_webhook = get(webhooks::read_by_id).delete(webhooks::remove_by_id);
    let action = get(actions::read)
        .put(actions::create)
        .delete(actions::remove);
    let routes = Router::new()
        .route("/capabilities", get(capabilities::read))
        .route(
            "/capabilities/addon/schema",
            get(capabilities::descriptor_schema),
        )
        .route("/oauth/token", post(token::create))
        .route(
            "/oauth/token/{token}",
            get(token::read_token).delete(token::remove),
        )
        .route("/addon/ui", post(ui::group))
        .route("/addon/ui/room/{room}", post(ui::room))
        .route("/addon/ui/user/{user}", post(ui::user))
        .route("/addon/ui/room/{room}/user/{user}", post(ui::user_in_room))
        .route("/extension/action/{key}", action.clone())
        .route("/room/{room}/extension/action/{key}", action)
        .route("/extension/{kind}/{key}", any(extension::unknown))
        .route(
            "/room/{room}/extension/{kind}/{key}",
            any(extension::unknown),
        )
        .route("/extension/glance/{key}", glance.clone())
        .route("/room/{room}/extension/glance/{key}", glance)
        .route("/room", get(rooms::list).post(rooms::create))
        .route(
            "/room/{room}",
            get(rooms::read).put(rooms::change).delete(rooms::delete),
        )
        .route("/room/{room}/topic", put(rooms::set_topic))
        .route("/room/{room}/participant", get(rooms::participants))
        .route("/room/{room}/member", get(rooms::members))
        .route(
            "/room/{room}/member/{user}",
            put(rooms::add_member).delete(rooms::remove_member),
        )
        .route("/viewer-token", post(viewer_token::create))
        .route("/emoticon", get(emoticons::list))
        .route("/user", get(people::list))
        .route("/user/{user}", get(people::read))
        .route("/user/{user}/message", post(private::create))
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
        .with_state(app.clone());
    // The address is normalized before routing. One layer is cheaper than several.
    Router::new().fallback_service(routes).layer((
        DefaultBodyLimit::max(MAX_BODY_BYTES),
        middleware::from_fn_with_state(app.clone(), admit::admit),
    ))
}
