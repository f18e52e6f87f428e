//! `.../extension/glance/{key}`: glances created at runtime, in a room or in all rooms.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use glance_sdk::model::Glance;
use glance_sdk::validate::{self, Severity};
use serde::Deserialize;
use serde_json::Value;

use super::caller::Caller;
use super::error::ApiError;
use crate::hub::{Event, To};
use crate::shared::Shared;
use crate::state::{MAX_RUNTIME_GLANCES, Place, Restriction, RuntimeGlance};

/// One glance in one place, and who asks for it.
pub(super) struct At {
    caller: Caller,
    place: Place,
    key: String,
}

impl FromRequestParts<Arc<Shared>> for At {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, shared).await?;
        // Nobody wrote down which scope HipChat wanted, and add-ons ask for any.
        caller.needs(&[])?;
        let Path(mut path) = Path::<HashMap<String, String>>::from_request_parts(parts, shared)
            .await
            .map_err(|cause| ApiError::bad_request(cause.body_text()))?;
        let place = match path.get("room") {
            Some(room) => Place::Room(caller.room(shared, room).await?.id),
            None => Place::Global,
        };
        Ok(Self {
            caller,
            place,
            key: path.remove("key").unwrap_or_default(),
        })
    }
}

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
    At { caller, place, key }: At,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    let glance = parse(&body, &key)?;
    if place == Place::Global && caller.installed.room_id.is_some() {
        return Err(ApiError::forbidden(
            "This integration is installed in one room and cannot create a global glance",
        ));
    }
    refuse_declared(&caller, &key, "replaced")?;
    let oauth_id = caller.installed.oauth_id.clone();
    let created = RuntimeGlance {
        oauth_id,
        place,
        glance,
    };
    shared
        .state
        .put_glance(&created)
        .await?
        .map_err(|rule| refusal(rule, place, &key))?;
    shared.hub.publish(to(place), Event::Changed);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    At { caller, place, key }: At,
) -> Result<StatusCode, ApiError> {
    refuse_declared(&caller, &key, "removed")?;
    if !shared
        .state
        .remove_glance(&caller.installed.oauth_id, place, &key)
        .await?
    {
        return Err(not_found(&key));
    }
    shared.hub.publish(to(place), Event::Changed);
    Ok(StatusCode::NO_CONTENT)
}

fn parse(body: &[u8], key: &str) -> Result<Glance, ApiError> {
    let document: Value = serde_json::from_slice(body)
        .map_err(|cause| ApiError::bad_request(format!("The body is no JSON: {cause}")))?;
    let problems = validate::glance(&document);
    if let Some(problem) = problems
        .iter()
        .find(|problem| problem.severity == Severity::Error)
    {
        return Err(ApiError::bad_request(problem.to_string()));
    }
    let glance = Glance::deserialize(document)
        .map_err(|cause| ApiError::bad_request(format!("The body is no glance: {cause}")))?;
    if glance.key != key {
        return Err(ApiError::bad_request(format!(
            "/key: the glance has the key {}, the address {key}; they must be the same",
            glance.key
        )));
    }
    Ok(glance)
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
    let message = match (restriction, place) {
        (Restriction::TooMany, Place::Room(_)) => {
            format!("There are {MAX_RUNTIME_GLANCES} glances in this room, which is the maximum")
        }
        (Restriction::TooMany, Place::Global) => {
            format!("There are {MAX_RUNTIME_GLANCES} global glances, which is the maximum")
        }
        (Restriction::KeyElsewhere, Place::Global) => {
            format!("A room has a glance with the key {key}; a global glance needs another")
        }
        (Restriction::KeyElsewhere, Place::Room(_)) => {
            format!("A global glance has the key {key}; a room's glance needs another")
        }
    };
    ApiError::new(StatusCode::CONFLICT, message)
}

fn not_found(key: &str) -> ApiError {
    ApiError::not_found(format!("Glance {key} not found"))
}

fn to(place: Place) -> To {
    match place {
        Place::Room(room) => To::Room(room),
        Place::Global => To::All,
    }
}
