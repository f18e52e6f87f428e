//! The actions that a person is offered, on a message or beside the input field.

mod message;

use std::collections::HashSet;
use std::sync::Arc;

use glance_sdk::evaluate::{Facts, Program};
use glance_sdk::model::{Action, ActionLocation, Descriptor};
use serde_json::{Value, json};

use crate::content::pattern;
use crate::content::pattern::PatternBudget;
use crate::model::module;
use crate::model::{Installed, Room, User};
use crate::storage::{Storage, StorageError};

pub(crate) use message::ActionMessage;

/// An offered action.
pub(crate) struct OfferedAction {
    pub(crate) installed: Arc<Installed>,
    pub(crate) action: Action,
}

impl OfferedAction {
    /// Renders the action for the page.
    pub(crate) fn json(&self) -> Value {
        json!({
            "addOn": self.installed.descriptor.key,
            "addOnName": self.installed.descriptor.name,
            "key": self.action.key,
            "name": self.action.name.value,
        })
    }
}

/// Finds the actions of a room's add-ons.
#[derive(Debug, Clone)]
pub(crate) struct Actions {
    storage: Arc<dyn Storage>,
}

impl Actions {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Finds the message with this id in a room.
    pub(crate) async fn find_message(
        &self,
        room: &Room,
        id: &str,
    ) -> Result<Option<ActionMessage>, StorageError> {
        match self.storage.entry(room.id, id).await? {
            Some(entry) => Ok(Some(ActionMessage::new(&*self.storage, &entry).await?)),
            None => Ok(None),
        }
    }

    /// Returns the actions whose conditions hold, by weight: on a message, or without one beside the input field.
    pub(crate) async fn offered(
        &self,
        room: &Room,
        user: &User,
        message: Option<&Arc<ActionMessage>>,
    ) -> Result<Vec<OfferedAction>, StorageError> {
        let location = match message {
            Some(_) => ActionLocation::Message,
            None => ActionLocation::Input,
        };
        let mut offered = Vec::new();
        for (installed, actions) in self.all(room).await? {
            let judged = judged(&installed.descriptor, actions, &location);
            let looks = judged.iter().any(|(_, program)| program.patterns() > 0);
            let holding = match message {
                // Each add-on in turn, so that no task collects all actions and a removed add-on costs nothing.
                Some(message) if looks => {
                    let (room, user, message) = (room.clone(), user.clone(), Arc::clone(message));
                    pattern::run_limited(move || holding(judged, &room, &user, Some(&message)))
                        .await
                        .map_err(StorageError::other)?
                }
                message => holding(judged, room, user, message.map(Arc::as_ref)),
            };
            let installed = Arc::new(installed);
            offered.extend(holding.into_iter().map(|action| {
                let installed = Arc::clone(&installed);
                OfferedAction { installed, action }
            }));
        }
        offered.sort_by(|a, b| order(a).cmp(&order(b)));
        Ok(offered)
    }

    /// Returns whether an add-on of the room has an action on any message.
    pub(crate) async fn any_on_messages(&self, room: &Room) -> Result<bool, StorageError> {
        let all = self.all(room).await?;
        let mut actions = all.iter().flat_map(|(_, actions)| actions);
        Ok(actions.any(|action| action.location == ActionLocation::Message))
    }

    /// Returns declared and runtime actions by installation. A room's action hides a global one with the same key.
    async fn all(&self, room: &Room) -> Result<Vec<(Installed, Vec<Action>)>, StorageError> {
        let mut all = Vec::new();
        for installed in self.storage.installations_in(room.id).await? {
            let id = &installed.oauth_id;
            let runtime = self.storage.actions_in(id, room.id).await?;
            let runtime = runtime.into_iter().map(|created| created.action);
            let declared = installed.descriptor.capabilities.actions().iter().cloned();
            let mut keys = HashSet::new();
            let mut actions: Vec<_> = declared.chain(runtime).collect();
            actions.retain(|action| keys.insert(action.key.clone()));
            all.push((installed, actions));
        }
        Ok(all)
    }
}

type Judged = Vec<(Action, Program)>;

/// Returns the actions of an add-on for a location, with their conditions.
fn judged(descriptor: &Descriptor, actions: Vec<Action>, location: &ActionLocation) -> Judged {
    let mut budget = PatternBudget::default();
    let programs = actions.into_iter().map(|action| {
        let program = Program::new(action.conditions());
        (action, program)
    });
    programs
        .filter(|(_, program)| budget.covers(program))
        .filter(|(action, _)| {
            let key = action.target.key();
            action.location == *location && key.is_some_and(|key| module::opens(descriptor, key))
        })
        .collect()
}

fn holding(
    judged: Judged,
    room: &Room,
    user: &User,
    message: Option<&ActionMessage>,
) -> Vec<Action> {
    let tested = message.map(|message| message.tested(user));
    let mut facts = Facts::default();
    facts.room_is_public = room.is_public;
    facts.user_is_admin = user.is_admin;
    facts.user_is_guest = user.is_guest;
    facts.user_is_room_owner = room.owner == user.id;
    facts.message = tested.as_ref();
    let holding = judged.into_iter().filter(|(_, all)| all.holds(&facts));
    holding.map(|(action, _)| action).collect()
}

fn order(offered: &OfferedAction) -> (i64, &str, &str) {
    let OfferedAction { installed, action } = offered;
    (
        action.weight_or_default(),
        &installed.descriptor.key,
        &action.key,
    )
}
