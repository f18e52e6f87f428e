//! `.../extension/glance/{key}`: runtime glances, in a room or in all rooms.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use glance_sdk::model::Glance;
use glance_sdk::validate;

use super::error::ApiError;
use super::extension::At;
use crate::service::extensions::Extensions;

pub(super) async fn read(
    State(extensions): State<Extensions>,
    At { caller, place, key }: At,
) -> Result<Json<Glance>, ApiError> {
    Ok(Json(
        extensions.glance(&caller.installed, place, &key).await?,
    ))
}

pub(super) async fn create(
    State(extensions): State<Extensions>,
    at: At,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let glance = at.parse(&body, "glance", validate::glance)?;
    extensions
        .put_glance(&at.caller.installed, at.place, glance)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    State(extensions): State<Extensions>,
    At { caller, place, key }: At,
) -> Result<StatusCode, ApiError> {
    extensions
        .remove_glance(&caller.installed, place, &key)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
