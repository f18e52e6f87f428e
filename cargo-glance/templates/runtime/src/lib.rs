//! Shows a glance in a room only while a deployment runs there: the add-on creates and removes it
//! at run time.

mod panel;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glance_sdk::client::Client;
use glance_sdk::glance::Glance;
use glance_sdk::prelude::*;
use glance_sdk::{Error, ErrorKind};

/// Opens the panel. The descriptor declares this glance, so every room shows it.
#[glance(key = "{{ name }}", name = "{{ title }}", icon = "/icon.svg", target = "{{ name }}-panel",
         audience = "room")]
pub async fn {{ glance }}() -> GlanceData {
    GlanceData::new(label!("{{ title }}"))
}

/// Shows the running deployment. The add-on creates this glance when a deployment starts and
/// removes it at the end.
#[glance(key = "{{ name }}-now", name = "Deployment", icon = "/icon.svg", target = "{{ name }}-panel",
         audience = "room")]
pub async fn deployment(query: RoomQuery, State(app): State<Deployments>) -> GlanceData {
    data(app.version(query.oauth_id(), query.room_id()).as_deref())
}

fn data(version: Option<&str>) -> GlanceData {
    match version {
        Some(version) => GlanceData::new(label!("Deploying <b>{version}</b>"))
            .lozenge(Lozenge::Current, "RUNNING"),
        // A room may show the glance for a moment longer, or after a restart of this program.
        None => GlanceData::new(label!("No deployment running")),
    }
}

/// The running deployments, at most one per room. Store them in a database if they must survive a
/// restart.
#[derive(Clone, Default)]
pub struct Deployments(Arc<Mutex<BTreeMap<(OauthId, RoomId), String>>>);

impl Deployments {
    /// Starts the deployment of this version: the room shows the glance.
    pub(crate) async fn begin(
        &self,
        client: &Client,
        room: RoomId,
        version: &str,
    ) -> glance_sdk::Result<()> {
        let at = (client.installation().oauth_id().clone(), room);
        self.running().insert(at, version.to_owned());
        client
            .room(room)
            .glances()
            .create_registered::<deployment>()
            .await?;
        // If the room had the glance already, it shows the new version.
        client
            .room(room)
            .push::<deployment>(data(Some(version)))
            .await
    }

    /// Ends the room's deployment, whether or not one is running: the glance disappears.
    pub(crate) async fn end(&self, client: &Client, room: RoomId) -> glance_sdk::Result<()> {
        let at = (client.installation().oauth_id().clone(), room);
        self.running().remove(&at);
        let removed = client.room(room).glances().remove(deployment::KEY).await;
        let is_absent = |error: &Error| error.kind() == ErrorKind::NotFound;
        match removed {
            Err(error) if !is_absent(&error) => Err(error),
            _ => Ok(()),
        }
    }

    pub(crate) fn version(&self, oauth_id: &OauthId, room: RoomId) -> Option<String> {
        self.running().get(&(oauth_id.clone(), room)).cloned()
    }

    /// Removes the deployments of an uninstalled add-on.
    fn forget(&self, oauth_id: &OauthId) -> glance_sdk::Result<()> {
        self.running().retain(|(of, _), _| of != oauth_id);
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<(OauthId, RoomId), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Creates the add-on.
pub fn add_on() -> AddOn<Deployments> {
    AddOn::new("com.example.{{ name }}", "{{ title }}")
        .description("Shows deployments while they run.")
        .state(Deployments::default())
        .on_uninstall(async |app: Deployments, gone| app.forget(gone.oauth_id()))
        .glance::<{{ glance }}>()
        .runtime_glance::<deployment>()
        .web_panel("{{ name }}-panel", "{{ title }}", get(panel::show).post(panel::change))
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg"))
}
