//! `.../extension/action/{key}`: runtime actions, in a room or in all rooms.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use glance_sdk::model::Action;
use glance_sdk::validate;
use serde_json::{Value, json};

use super::error::ApiError;
use super::extension::ExtensionPath;
use crate::model::Place;
use crate::model::host_info::HostInfo;
use crate::service::extensions::Extensions;

pub(super) async fn read(
    State(extensions): State<Extensions>,
    ExtensionPath { caller, place, key }: ExtensionPath,
) -> Result<Json<Action>, ApiError> {
    Ok(Json(
        extensions.action(caller.installed(), place, &key).await?,
    ))
}

pub(super) async fn create(
    State(extensions): State<Extensions>,
    State(info): State<Arc<HostInfo>>,
    path: ExtensionPath,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let action = path.parse(&body, "action", validate::action)?;
    let ExtensionPath { caller, place, key } = path;
    extensions
        .put_action(caller.installed(), place, action)
        .await?;
    let place = match place {
        Place::Room(room) => format!("/room/{room}"),
        Place::Global => String::new(),
    };
    let url = format!("{}{place}/extension/action/{key}", info.api_url());
    let answer = json!({ "key": key, "links": { "self": url } });
    Ok((StatusCode::CREATED, Json(answer)))
}

pub(super) async fn remove(
    State(extensions): State<Extensions>,
    ExtensionPath { caller, place, key }: ExtensionPath,
) -> Result<StatusCode, ApiError> {
    extensions
        .remove_action(caller.installed(), place, &key)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
