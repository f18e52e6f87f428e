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
use super::extension::At;
use crate::model::event::Event;
use crate::model::{MAX_RUNTIME_ACTIONS, Place, RuntimeAction};
use crate::service::shared::Shared;

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    at: At,
) -> Result<Json<Action>, ApiError> {
    if let Some(declared) = declared(&at) {
        return Ok(Json(declared.clone()));
    }
    let id = &at.caller.installed.oauth_id;
    let created = shared.state.action(id, at.place, &at.key).await?;
    created.map(Json).ok_or_else(|| not_found(&at.key))
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    at: At,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let action = at.parse(&body, "action", validate::action)?;
    at.check_reach("action")?;
    refuse_declared(&at, "replaced")?;
    let created = RuntimeAction {
        oauth_id: at.caller.installed.oauth_id.clone(),
        place: at.place,
        action,
    };
    if !shared.state.put_action(&created).await? {
        let place = match at.place {
            Place::Room(_) => "actions in this room",
            Place::Global => "global actions",
        };
        let message = format!("There are {MAX_RUNTIME_ACTIONS} {place}, which is the maximum");
        return Err(ApiError::quota(message));
    }
    shared.bus.publish(at.to(), Event::Changed);
    let place = match at.place {
        Place::Room(room) => format!("/room/{room}"),
        Place::Global => String::new(),
    };
    let url = format!(
        "{}{place}/extension/action/{}",
        shared.info.api_url(),
        at.key
    );
    let answer = json!({ "key": at.key, "links": { "self": url } });
    Ok((StatusCode::CREATED, Json(answer)))
}

pub(super) async fn remove(
    State(shared): State<Arc<Shared>>,
    at: At,
) -> Result<StatusCode, ApiError> {
    refuse_declared(&at, "removed")?;
    let id = &at.caller.installed.oauth_id;
    if !shared.state.remove_action(id, at.place, &at.key).await? {
        return Err(not_found(&at.key));
    }
    shared.bus.publish(at.to(), Event::Changed);
    Ok(StatusCode::NO_CONTENT)
}

fn declared(at: &At) -> Option<&Action> {
    let mut declared = at.caller.installed.descriptor.capabilities.actions().iter();
    declared.find(|action| action.key == at.key)
}

fn refuse_declared(at: &At, what: &str) -> Result<(), ApiError> {
    match declared(at) {
        None => Ok(()),
        Some(action) => Err(ApiError::forbidden(format!(
            "The action {} is declared in the descriptor and cannot be {what}",
            action.key
        ))),
    }
}

fn not_found(key: &str) -> ApiError {
    ApiError::not_found(format!("Action {key} not found"))
}
