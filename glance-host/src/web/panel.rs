//! Opens a panel: gives the page its address with a token made for this opening.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::pages::PageError;
use super::visit::Visit;
use crate::outgoing;
use crate::shared::Shared;
use crate::viewer::PanelRef;

pub(super) async fn open(
    State(shared): State<Arc<Shared>>,
    Visit { room, user }: Visit,
    Json(PanelRef { add_on, panel }): Json<PanelRef>,
) -> Result<Response, PageError> {
    let here = shared.state.installations_in(room.id).await?;
    let installed = here
        .iter()
        .find(|installed| installed.descriptor.key == add_on);
    let Some(installed) = installed else {
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
