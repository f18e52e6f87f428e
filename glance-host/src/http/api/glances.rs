//! `.../extension/glance/{key}`: runtime glances, in a room or in all rooms.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use glance_sdk::model::Glance;
use glance_sdk::validate;

use super::error::ApiError;
use super::extension::ExtensionPath;
use crate::service::extensions::Extensions;

pub(super) async fn read(
    State(extensions): State<Extensions>,
    ExtensionPath { caller, place, key }: ExtensionPath,
) -> Result<Json<Glance>, ApiError> {
    Ok(Json(
        extensions.glance(caller.installed(), place, &key).await?,
    ))
}

pub(super) async fn create(
    State(extensions): State<Extensions>,
    path: ExtensionPath,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let glance = path.parse(&body, "glance", validate::glance)?;
    extensions
        .put_glance(path.caller.installed(), path.place, glance)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    State(extensions): State<Extensions>,
    ExtensionPath { caller, place, key }: ExtensionPath,
) -> Result<StatusCode, ApiError> {
    extensions
        .remove_glance(caller.installed(), place, &key)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
