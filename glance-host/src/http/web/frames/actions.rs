//! The actions on a message.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use glance_sdk::extract::JsonBody;
use serde::Deserialize;
use serde_json::Value;

use super::Refusal;
use crate::http::web::room_access::RoomAccess;
use crate::service::actions::{Actions, OfferedAction};
use crate::service::targets::TargetError;

#[derive(Deserialize)]
pub(super) struct ActionsRequest {
    message: String,
}

/// Lists the actions on one message. The page asks when a menu opens.
pub(super) async fn of_message(
    State(actions): State<Actions>,
    RoomAccess { room, user }: RoomAccess,
    JsonBody(ActionsRequest { message }): JsonBody<ActionsRequest>,
) -> Result<Json<Vec<Value>>, Refusal> {
    let message = actions.find_message(&room, &message).await?;
    let message = message.ok_or(TargetError::NoMessage)?;
    let message = Arc::new(message);
    let offered = actions.offered(&room, &user, Some(&message)).await?;
    Ok(Json(offered.iter().map(OfferedAction::json).collect()))
}
