//! The add-ons of a room for its page: modules that can be open, and actions.

use std::collections::{BTreeMap, HashMap};

use glance_sdk::model::{OauthId, RoomId, UserId};
use serde_json::{Value, json};

use super::actions::{self, Offered};
use crate::content::wire::version;
use crate::http::state::AppState;
use crate::model::Installed;
use crate::model::event::Push;
use crate::storage::StorageError;

/// Reads the add-ons of one room for one person.
pub(in crate::http::web) struct RoomAddOns {
    app: AppState,
    room: RoomId,
    user: UserId,
    /// The key of each installation's add-on, as of the last read.
    add_ons: HashMap<OauthId, String>,
}

impl RoomAddOns {
    pub(in crate::http::web) fn new(app: AppState, room: RoomId, user: UserId) -> Self {
        Self {
            app,
            room,
            user,
            add_ons: HashMap::new(),
        }
    }

    /// Returns the data of the event `here`: the modules of each add-on, each with a value that changes with it; the
    /// actions beside the input field; and whether there are actions on messages.
    pub(in crate::http::web) async fn look(&mut self) -> Result<Value, StorageError> {
        let state = &self.app.storage;
        let (room, user) = (state.room(self.room).await?, state.user(self.user).await?);
        let (Some(room), Some(user)) = (room, user) else {
            return Ok(json!({ "addOns": {}, "input": [], "message": false }));
        };
        let installations = state.installations_in(room.id).await?;
        let mut modules = BTreeMap::new();
        self.add_ons.clear();
        for installed in &installations {
            let (key, id) = (&installed.descriptor.key, &installed.oauth_id);
            modules.insert(key, versions(installed));
            self.add_ons.insert(id.clone(), key.clone());
        }
        let input = actions::offered(&self.app, &room, &user, None).await?;
        Ok(json!({
            "addOns": modules,
            "input": input.iter().map(Offered::written).collect::<Vec<_>>(),
            "message": actions::any_on_messages(&self.app, &room).await?,
        }))
    }

    /// Returns the key of the add-on that pushed, if the push is for this person.
    pub(in crate::http::web) fn add_on(&self, push: &Push) -> Option<&str> {
        let is_for_them = push.user.is_none_or(|user| user == self.user);
        let add_on = self.add_ons.get(&push.oauth_id);
        add_on.map(String::as_str).filter(|_| is_for_them)
    }
}

/// Lists panels and dialogs by key. A new installation of the same add-on needs new tokens.
fn versions(installed: &Installed) -> BTreeMap<&str, String> {
    let capabilities = &installed.descriptor.capabilities;
    let id = &installed.oauth_id;
    let panels = capabilities.web_panels().iter();
    let dialogs = capabilities.dialogs().iter();
    panels
        .map(|panel| (panel.key.as_str(), version(&(id, panel))))
        .chain(dialogs.map(|dialog| (dialog.key.as_str(), version(&(id, dialog)))))
        .collect()
}
