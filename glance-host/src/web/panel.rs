//! Opens a panel: gives the page its address with a token made for this opening.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::pages::{PageError, find};
use crate::outgoing;
use crate::shared::Shared;
use crate::viewer::PanelRef;

pub(super) async fn open(
    State(shared): State<Arc<Shared>>,
    Path(room): Path<String>,
    Json(PanelRef { add_on, panel }): Json<PanelRef>,
) -> Result<Response, PageError> {
    let room = find(&shared, &room).await?;
    let here = shared.state.installations_in(room.id).await?;
    let user = shared.state.user(shared.local_user).await?;
    let installed = here
        .iter()
        .find(|installed| installed.descriptor.key == add_on);
    let (Some(installed), Some(user)) = (installed, user) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let Some(panel) = installed.descriptor.web_panel(&panel) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    match outgoing::panel_url(&shared, installed, panel, &room, &user) {
        Ok(url) => {
            Ok(Json(json!({ "name": panel.name.value, "url": url.as_str() })).into_response())
        }
        Err(problem) => {
            tracing::warn!(add_on, panel = panel.key, "cannot open a panel: {problem}");
            Ok((StatusCode::BAD_GATEWAY, problem).into_response())
        }
    }
}
