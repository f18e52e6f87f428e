//! `.../extension/glance/{key}`: runtime glances, in a room or in all rooms.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use glance_sdk::model::Glance;
use glance_sdk::validate;

use super::caller::Caller;
use super::error::ApiError;
use super::extension::At;
use crate::model::event::Event;
use crate::model::{MAX_RUNTIME_GLANCES, Place, Restriction, RuntimeGlance};
use crate::service::shared::Shared;

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    At { caller, place, key }: At,
) -> Result<Json<Glance>, ApiError> {
    let installed = &caller.installed;
    if let Some(declared) = installed.descriptor.glance(&key) {
        return Ok(Json(declared.clone()));
    }
    let created = shared
        .state
        .glance(&installed.oauth_id, place, &key)
        .await?;
    created.map(Json).ok_or_else(|| not_found(&key))
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    at: At,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let glance = at.parse(&body, "glance", validate::glance)?;
    at.check_reach("glance")?;
    refuse_declared(&at.caller, &at.key, "replaced")?;
    let created = RuntimeGlance {
        oauth_id: at.caller.installed.oauth_id.clone(),
        place: at.place,
        glance,
    };
    shared
        .state
        .put_glance(&created)
        .await?
        .map_err(|rule| refusal(rule, at.place, &at.key))?;
    shared.bus.publish(at.to(), Event::Changed);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    at: At,
) -> Result<StatusCode, ApiError> {
    refuse_declared(&at.caller, &at.key, "removed")?;
    let id = &at.caller.installed.oauth_id;
    if !shared.state.remove_glance(id, at.place, &at.key).await? {
        return Err(not_found(&at.key));
    }
    shared.bus.publish(at.to(), Event::Changed);
    Ok(StatusCode::NO_CONTENT)
}

fn refuse_declared(caller: &Caller, key: &str, what: &str) -> Result<(), ApiError> {
    match caller.installed.descriptor.glance(key) {
        None => Ok(()),
        Some(_) => Err(ApiError::forbidden(format!(
            "The glance {key} is declared in the descriptor and cannot be {what}"
        ))),
    }
}

fn refusal(restriction: Restriction, place: Place, key: &str) -> ApiError {
    match (restriction, place) {
        (Restriction::TooMany, Place::Room(_)) => ApiError::quota(format!(
            "There are {MAX_RUNTIME_GLANCES} glances in this room, which is the maximum"
        )),
        (Restriction::TooMany, Place::Global) => ApiError::quota(format!(
            "There are {MAX_RUNTIME_GLANCES} global glances, which is the maximum"
        )),
        (Restriction::KeyElsewhere, Place::Global) => ApiError::key_taken(format!(
            "A room has a glance with the key {key}; a global glance needs another"
        )),
        (Restriction::KeyElsewhere, Place::Room(_)) => ApiError::key_taken(format!(
            "A global glance has the key {key}; a room's glance needs another"
        )),
    }
}

fn not_found(key: &str) -> ApiError {
    ApiError::not_found(format!("Glance {key} not found"))
}
