//! Blocker bugs of the current sprint, fed by Jira's webhooks.
//!
//! `jira` receives deliveries, `delivery` and `sprint_field` parse them; `issues` and `rooms` store
//! data in the tables of `schema`; `panel` is the page on which people choose the room's project.
//! `settle` creates the glance of the blockers in a room after the room has chosen a project. The
//! glances themselves are here.

mod delivery;
mod issues;
mod jira;
mod panel;
mod rooms;
mod schema;
mod settle;
mod sprint_field;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_lc_rs::hmac;
use example_database::Database;
use glance_sdk::prelude::*;
use glance_sdk::store::SqliteStore;
use tokio::sync::{Mutex, Notify};

use issues::Issues;
use rooms::{Room, Rooms};

/// The metadata for the condition of [`struct@set_up`].
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
pub struct SetUp {
    /// Whether the room shows a project's blockers.
    pub is_configured: bool,
}

/// Asks the room's owner to choose a project; the only glance in the descriptor.
#[glance(key = "blockers-set-up", name = "Blockers", icon = "/icon.svg", target = "blockers-panel",
         weight = 110, audience = "room", when(!is_configured && user::is_room_owner))]
pub async fn set_up(
    query: RoomQuery,
    State(app): State<Blockers>,
) -> Result<GlanceData<SetUp>, Failure> {
    let room = app.rooms.get(query.oauth_id(), query.room_id()).await?;
    Ok(set_up_data(&room))
}

fn set_up_data(room: &Room) -> GlanceData<SetUp> {
    GlanceData::new(label!("Choose a Jira project")).metadata(SetUp {
        is_configured: room.is_shown(),
    })
}

/// The metadata for the condition of [`struct@blockers`].
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
pub struct OpenBlockers {
    /// The number of bugs that block the sprint.
    pub count: u64,
}

/// Shows the number of bugs that block the sprint of the room's project. The add-on creates this
/// glance at run time, in rooms with a project.
#[glance(key = "blockers", name = "Blockers", icon = "/icon.svg", target = "blockers-panel",
         weight = 110, audience = "room", when(count > 0))]
pub async fn blockers(
    query: RoomQuery,
    State(app): State<Blockers>,
) -> Result<GlanceData<OpenBlockers>, Failure> {
    let room = app.rooms.get(query.oauth_id(), query.room_id()).await?;
    app.blockers_data(&room).await
}

/// The state that the add-on's handlers share.
#[derive(Debug, Clone)]
pub struct Blockers {
    data: PathBuf,
    issues: Issues,
    rooms: Rooms,
    jira: Arc<hmac::Key>,
    pushing: Arc<Mutex<()>>,
    settling: Arc<Mutex<()>>,
    /// Notified if a room could not be settled.
    behind: Arc<Notify>,
}

impl Blockers {
    /// Opens the data in this folder. Accepts deliveries that are signed with this secret.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder or its database cannot be used.
    pub fn open(data: &Path, jira_secret: &str) -> Result<Self, String> {
        std::fs::create_dir_all(data)
            .map_err(|cause| format!("cannot use the data folder {}: {cause}", data.display()))?;
        let database = Database::open(&data.join("blockers.sqlite"), schema::STEPS)?;
        Ok(Self {
            data: data.to_owned(),
            issues: Issues(database.clone()),
            rooms: Rooms(database),
            jira: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, jira_secret.as_bytes())),
            pushing: Arc::default(),
            settling: Arc::default(),
            behind: Arc::default(),
        })
    }

    /// Creates the add-on.
    ///
    /// # Errors
    ///
    /// Returns an error if the database of its installations cannot be used.
    pub fn add_on(&self) -> Result<AddOn<Self>, String> {
        let installations = SqliteStore::open(self.data.join("blockers-installations.sqlite"))
            .map_err(|cause| format!("{cause:#}"))?;
        Ok(AddOn::new("glance.example.blockers", "Blockers")
            .description("Shows how many bugs block the current sprint.")
            .state(self.clone())
            .store(installations)
            .on_update(async |app: Self, client| {
                app.rooms.moved(client.installation().oauth_id()).await?;
                app.behind.notify_one();
                Ok::<_, glance_sdk::Error>(())
            })
            .on_uninstall(async |app: Self, gone| app.rooms.forget(gone.oauth_id()).await)
            .glance::<set_up>()
            .runtime_glance::<blockers>()
            .live_pages()
            .web_panel(
                "blockers-panel",
                "Blockers",
                get(panel::show).post(panel::save),
            )
            .route("/hooks/jira", jira::route())
            .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg")))
    }

    /// Pushes the current glances of the room, one room at a time, so that older data is not pushed
    /// last.
    async fn push(&self, pusher: &Pusher, oauth_id: &OauthId, room: RoomId) -> Result<(), Failure> {
        let _turn = self.pushing.lock().await;
        let now = self.rooms.get(oauth_id, room).await?;
        pusher.push::<set_up>(oauth_id, To::Room(room), set_up_data(&now))?;
        if now.is_shown() {
            let data = self.blockers_data(&now).await?;
            pusher.push::<blockers>(oauth_id, To::Room(room), data)?;
        }
        Ok(())
    }

    async fn blockers_data(&self, room: &Room) -> Result<GlanceData<OpenBlockers>, Failure> {
        let project = room.project.as_deref().unwrap_or_default();
        let count = self.issues.blockers_in(project).await?.len() as u64;
        let label = match count {
            1 => label!("<b>1</b> blocker in {project}"),
            _ => label!("<b>{count}</b> blockers in {project}"),
        };
        Ok(GlanceData::new(label)
            .lozenge(Lozenge::Error, "BLOCKED")
            .metadata(OpenBlockers { count }))
    }
}
