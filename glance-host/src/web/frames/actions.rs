//! Which actions are offered to a person, on a message or beside the input field.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use glance_sdk::evaluate::{Facts, Program};
use glance_sdk::model::{Action, ActionLocation};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Refusal;
use super::message::Message;
use crate::module;
use crate::shared::Shared;
use crate::state::{Installed, Room, StateError, User};
use crate::web::visit::Visit;

/// An action that is offered.
pub(super) struct Offered {
    pub(super) installed: Arc<Installed>,
    pub(super) action: Action,
}

impl Offered {
    pub(super) fn written(&self) -> Value {
        json!({
            "addOn": self.installed.descriptor.key,
            "addOnName": self.installed.descriptor.name,
            "key": self.action.key,
            "name": self.action.name.value,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    message: String,
}

/// The actions on one message, judged when its menu is opened.
pub(super) async fn of_message(
    State(shared): State<Arc<Shared>>,
    Visit { room, user }: Visit,
    Json(Asked { message }): Json<Asked>,
) -> Result<Json<Vec<Value>>, Refusal> {
    let message = Arc::new(find_message(&shared, &room, &message).await?);
    let offered = offered(&shared, &room, &user, Some(&message)).await?;
    Ok(Json(offered.iter().map(Offered::written).collect()))
}

pub(super) async fn find_message(
    shared: &Shared,
    room: &Room,
    id: &str,
) -> Result<Message, Refusal> {
    let entry = shared.state.entry(room.id, id).await?;
    let entry = entry.ok_or_else(|| Refusal::not_found("The message is not in this room"))?;
    Ok(Message::new(shared, &entry).await?)
}

/// Those whose conditions hold, by weight: on a message, or beside the input field without one.
pub(super) async fn offered(
    shared: &Shared,
    room: &Room,
    user: &User,
    message: Option<&Arc<Message>>,
) -> Result<Vec<Offered>, StateError> {
    let all = all(shared, room).await?;
    let Some(message) = message else {
        return Ok(judged(all, room, user, None));
    };
    // Add-ons test messages by patterns, which may take their time.
    let (room, user, message) = (room.clone(), user.clone(), Arc::clone(message));
    let judging = tokio::task::spawn_blocking(move || judged(all, &room, &user, Some(&message)));
    let ended = |cause| StateError(format!("the actions on a message ended early: {cause}"));
    judging.await.map_err(ended)
}

fn judged(
    mut offered: Vec<Offered>,
    room: &Room,
    user: &User,
    message: Option<&Message>,
) -> Vec<Offered> {
    let location = match message {
        Some(_) => ActionLocation::Message,
        None => ActionLocation::Input,
    };
    let tested = message.map(|message| message.tested(user));
    let mut facts = Facts::default();
    facts.room_is_public = room.is_public;
    facts.user_is_admin = user.is_admin;
    facts.user_is_guest = user.is_guest;
    facts.user_is_room_owner = room.owner == user.id;
    facts.message = tested.as_ref();
    offered.retain(|Offered { installed, action }| {
        action.location == location
            && action
                .target
                .key()
                .is_some_and(|key| module::opens(&installed.descriptor, key))
            && Program::new(action.conditions()).holds(&facts)
    });
    offered.sort_by(|a, b| order(a).cmp(&order(b)));
    offered
}

/// Whether an add-on of the room has an action on messages, on whichever.
pub(super) async fn any_on_messages(shared: &Shared, room: &Room) -> Result<bool, StateError> {
    let all = all(shared, room).await?;
    Ok(all
        .iter()
        .any(|offered| offered.action.location == ActionLocation::Message))
}

fn order(offered: &Offered) -> (i64, &str, &str) {
    let Offered { installed, action } = offered;
    (
        action.weight_or_default(),
        &installed.descriptor.key,
        &action.key,
    )
}

/// Those of descriptors and of runtime. One of a room stands before a global one of its key.
async fn all(shared: &Shared, room: &Room) -> Result<Vec<Offered>, StateError> {
    let mut all = Vec::new();
    for installed in shared.state.installations_in(room.id).await? {
        let runtime = shared
            .state
            .actions_in(&installed.oauth_id, room.id)
            .await?;
        let runtime = runtime.into_iter().map(|created| created.action);
        let declared = installed.descriptor.capabilities.actions().to_vec();
        let installed = Arc::new(installed);
        let mut keys = HashSet::new();
        for action in declared.into_iter().chain(runtime) {
            if keys.insert(action.key.clone()) {
                let installed = Arc::clone(&installed);
                all.push(Offered { installed, action });
            }
        }
    }
    Ok(all)
}
