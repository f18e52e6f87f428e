//! Shows a line in a room while a deployment runs there, and only there: a glance that the add-on creates and removes
//! at run time.

mod panel;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use glance_sdk::client::Client;
use glance_sdk::glance::Glance;
use glance_sdk::prelude::*;
use glance_sdk::{Error, ErrorKind};

/// Opens the panel. The descriptor declares it, so every room shows it.
#[glance(key = "{{ name }}", name = "{{ title }}", icon = "/icon.svg", target = "{{ name }}-panel")]
pub async fn {{ glance }}() -> GlanceData {
    GlanceData::new(label!("{{ title }}"))
}

/// What is deployed now. The add-on creates this glance where a deployment begins and removes it at the end.
#[glance(key = "{{ name }}-now", name = "Deployment", icon = "/icon.svg", target = "{{ name }}-panel")]
pub async fn deployment(query: GlanceQuery, State(app): State<Deployments>) -> GlanceData {
    data(app.version(query.oauth_id(), query.room_id()).as_deref())
}

fn data(version: Option<&str>) -> GlanceData {
    match version {
        Some(version) => GlanceData::new(label!("Deploying <b>{version}</b>"))
            .lozenge(Lozenge::Current, "RUNNING"),
        // A room may show the line for a moment longer, or after this program was restarted.
        None => GlanceData::new(label!("No deployment runs")),
    }
}

/// The deployments that run now, one in a room at most. Keep what must outlive the program in a database.
#[derive(Clone, Default)]
pub struct Deployments(Arc<Mutex<BTreeMap<(OauthId, RoomId), String>>>);

impl Deployments {
    /// Begins the deployment of this version: the room shows its line.
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
        // A room that had the line already shows the new version.
        client
            .room(room)
            .push::<deployment>(data(Some(version)))
            .await
    }

    /// Ends the room's deployment, whether one ran or not: the line goes away.
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

    /// Forgets the deployments of an installation that is gone.
    fn forget(&self, oauth_id: &OauthId) -> glance_sdk::Result<()> {
        self.running().retain(|(of, _), _| of != oauth_id);
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<(OauthId, RoomId), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The add-on.
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
