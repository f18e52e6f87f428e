//! The JSON of an installation for scripts.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::FromRef;
use glance_sdk::model::RoomId;
use serde_json::{Value, json};

use crate::content::wire;
use crate::http::api::capabilities;
use crate::http::state::AppState;
use crate::model::host_info::HostInfo;
use crate::model::{Installed, ListedInstallation};
use crate::service::install;
use crate::service::install::approval;
use crate::storage::{Storage, StorageError};

/// Renders installations, and caches the names of their rooms.
pub(super) struct Entries {
    storage: Arc<dyn Storage>,
    info: Arc<HostInfo>,
    rooms: HashMap<RoomId, Option<String>>,
}

impl FromRef<AppState> for Entries {
    fn from_ref(app: &AppState) -> Self {
        Self {
            storage: Arc::clone(&app.storage),
            info: Arc::clone(&app.info),
            rooms: HashMap::new(),
        }
    }
}

impl Entries {
    /// Renders an installation. The URL of its descriptor has no query and no credentials, because scripts log it.
    pub(super) async fn write(
        &mut self,
        listed: &ListedInstallation,
    ) -> Result<Value, StorageError> {
        let ListedInstallation {
            installed,
            is_accepted,
            installed_at,
        } = listed;
        let room = match installed.room_id {
            Some(id) => json!({ "id": id, "name": self.room(id).await? }),
            None => Value::Null,
        };
        let is_in_address = installed.descriptor_url.starts_with("data:");
        let url = (!is_in_address).then(|| install::plain(&installed.descriptor_url));
        let scopes = approval::scopes(&installed.descriptor).iter();
        Ok(json!({
            "id": installed.oauth_id,
            "key": installed.descriptor.key,
            "name": installed.descriptor.name,
            "room": room,
            "state": match is_accepted {
                true => "installed",
                false => "installing",
            },
            "installed_at": installed_at.map(wire::time),
            "descriptor_url": url,
            "scopes": scopes.map(scope).collect::<Vec<_>>(),
            "page": page(&self.info, installed),
        }))
    }

    async fn room(&mut self, id: RoomId) -> Result<Option<String>, StorageError> {
        if let Some(name) = self.rooms.get(&id) {
            return Ok(name.clone());
        }
        let room = self.storage.room(id).await?;
        let name = room.map(|room| room.name);
        self.rooms.insert(id, name.clone());
        Ok(name)
    }
}

/// Renders a scope with its description.
pub(super) fn scope(scope: &glance_sdk::model::Scope) -> Value {
    let what = capabilities::describe(scope).unwrap_or("Opens nothing on this host");
    json!({ "id": scope.as_str(), "what": what })
}

/// Returns the URL of the page for an installation.
fn page(info: &HostInfo, installed: &Installed) -> String {
    let (base, id) = (&info.base_url, &installed.oauth_id);
    match installed.room_id {
        Some(room) => format!("{base}/rooms/{room}/integrations#{id}"),
        None => format!("{base}/integrations#{id}"),
    }
}
