//! `POST /v2/viewer-token`: a token that opens a room's sidebar on another site. HipChat had no such call.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use glance_sdk::model::Scope;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use crate::model::host_info::HostInfo;
use crate::service::directory::Directory;
use crate::service::embed::{self, Embeds, ViewerTokenRefused};

#[derive(Deserialize)]
struct ViewerTokenRequest {
    room_id: Id,
    user_id: Option<Id>,
}

/// A number, or text as in an address.
#[derive(Deserialize)]
#[serde(untagged)]
enum Id {
    Number(u64),
    Text(String),
}

impl Id {
    fn text(self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

pub(super) async fn create(
    State(directory): State<Directory>,
    State(embeds): State<Embeds>,
    State(info): State<Arc<HostInfo>>,
    caller: Caller,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    caller.needs(&[Scope::ViewerToken])?;
    embeds.check_sites()?;
    let request: ViewerTokenRequest = glance_sdk::json::from_slice(&body).map_err(|cause| {
        ApiError::bad_request(format!(
            "The body names no `room_id`, or no fit `user_id`: {cause}"
        ))
    })?;
    let room = caller.room(&directory, &request.room_id.text()).await?;
    let user = match request.user_id {
        Some(user) => {
            embeds.check_names_person(caller.installed())?;
            Some(caller.user(&directory, &user.text()).await?.id)
        }
        None => None,
    };
    Ok(Json(json!({
        "token": embeds.token(caller.installed(), room.id, user),
        "expires_in": embed::TOKEN_SECONDS,
        "sidebar_url": format!("{}/embed/rooms/{}", info.base_url, room.id),
    })))
}

impl From<ViewerTokenRefused> for ApiError {
    fn from(refused: ViewerTokenRefused) -> Self {
        Self::forbidden(refused.to_string())
    }
}
