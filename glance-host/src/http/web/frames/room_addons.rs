//! The add-ons of a room for its page: modules that can be open, and actions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use glance_sdk::model::{OauthId, RoomId, UserId};
use serde_json::{Value, json};

use crate::content::wire::version;
use crate::model::Installed;
use crate::model::Push;
use crate::service::actions::{Actions, OfferedAction};
use crate::storage::{Storage, StorageError};

/// Reads the add-ons of one room for one person.
pub(in crate::http::web) struct RoomAddOns {
    storage: Arc<dyn Storage>,
    actions: Actions,
    room: RoomId,
    user: UserId,
    /// The key of each installation's add-on, as of the last read.
    add_ons: HashMap<OauthId, String>,
}

impl RoomAddOns {
    pub(in crate::http::web) fn new(
        storage: Arc<dyn Storage>,
        actions: Actions,
        room: RoomId,
        user: UserId,
    ) -> Self {
        Self {
            storage,
            actions,
            room,
            user,
            add_ons: HashMap::new(),
        }
    }

    /// Returns the data of the event `here`: the modules of each add-on, each with a value that changes with it; the
    /// actions beside the input field; and whether there are actions on messages.
    pub(in crate::http::web) async fn read(&mut self) -> Result<Value, StorageError> {
        let storage = &self.storage;
        let (room, user) = (
            storage.room(self.room).await?,
            storage.user(self.user).await?,
        );
        let (Some(room), Some(user)) = (room, user) else {
            return Ok(json!({ "addOns": {}, "input": [], "message": false }));
        };
        let installations = storage.installations_in(room.id).await?;
        let mut modules = BTreeMap::new();
        self.add_ons.clear();
        for installed in &installations {
            let (key, id) = (&installed.descriptor.key, &installed.oauth_id);
            modules.insert(key, versions(installed));
            self.add_ons.insert(id.clone(), key.clone());
        }
        let input = self.actions.offered(&room, &user, None).await?;
        Ok(json!({
            "addOns": modules,
            "input": input.iter().map(OfferedAction::json).collect::<Vec<_>>(),
            "message": self.actions.any_on_messages(&room).await?,
        }))
    }

    /// Returns the key of the add-on that pushed, if the push is for this person.
    pub(in crate::http::web) fn of_push(&self, push: &Push) -> Option<&str> {
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
