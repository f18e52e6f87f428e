//! A room's sidebar on another site: the web component, and the page inside it. A viewer token in each request says
//! who looks, never a cookie. So the page itself is the same for everyone, and contains the room's glances only if the
//! host shows the room to everyone.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use glance_sdk::model::RoomId;
use serde::Deserialize;
use serde_json::json;

use super::pages::{PageError, render, stored_sidebar};
use super::room_access::Embedded;
use super::{events, frames, guard};
use crate::http::state::AppState;
use crate::model::clock::Clock;
use crate::service::embed::Embeds;
use crate::service::viewer::Viewers;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/embed/rooms/{room}", get(page))
        .route("/embed/rooms/{room}/events", get(events::stream))
        .route(
            "/embed/rooms/{room}/pages/{page}/retry",
            post(events::retry),
        )
        .route(
            "/embed/rooms/{room}/pages/{page}/frames",
            post(events::follow),
        )
        .merge(frames::everywhere("/embed/rooms/{room}"))
        .layer(Extension(Embedded))
        .route("/assets/glance-sidebar.js", get(component))
}

/// The parameters of the address. A Matrix client adds others, which are not trusted.
#[derive(Deserialize)]
struct EmbedQuery {
    theme: Option<String>,
}

async fn page(
    State(embeds): State<Embeds>,
    State(viewers): State<Arc<Viewers>>,
    State(clock): State<Clock>,
    Path(room): Path<String>,
    Query(EmbedQuery { theme }): Query<EmbedQuery>,
) -> Result<Response, PageError> {
    let id: RoomId = room.parse().map_err(|_| PageError::NoRoom)?;
    let guest = embeds.visitor(id, None).await?;
    let is_open = guest.is_some();
    let origins = embeds.config.origins().join(" ");
    let ancestors = match (origins.as_str(), is_open) {
        ("", true) => String::new(),
        ("", false) => "frame-ancestors 'none'".to_owned(),
        (origins, _) => format!("frame-ancestors {origins}"),
    };
    let sidebar = match guest {
        Some(guest) => stored_sidebar(&viewers, &clock, id, guest.user.id).await?,
        None => json!({ "lines": [], "watched": 0 }),
    };
    let values = json!({
        "room": { "id": id },
        "sidebar": sidebar,
        "origins": origins,
        "is_open": is_open,
        "theme": theme.filter(|theme| ["dark", "light"].contains(&theme.as_str())),
    });
    let policy = guard::policy_framed_by(&ancestors);
    let page = render(StatusCode::OK, "embed.html", values);
    Ok(([(header::CONTENT_SECURITY_POLICY, policy)], page).into_response())
}

/// Serves the component to pages of every origin; the page inside it decides what they may show.
async fn component() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=300"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ];
    (headers, include_str!("../../../assets/glance-sidebar.js")).into_response()
}
