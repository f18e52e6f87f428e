//! Open pull requests per room, fed by GitHub's webhooks.
//!
//! `github` receives deliveries; `pulls`, `repositories` and `rooms` store data in the tables of
//! `schema`; `panel` is the page on which people choose the room's repositories. The glances
//! themselves are here.

mod github;
mod panel;
mod pulls;
mod repositories;
mod rooms;
mod schema;

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::hmac;
use example_database::Database;
use glance_sdk::prelude::*;
use glance_sdk::store::SqliteStore;
use time::OffsetDateTime;
use tokio::sync::Mutex;

use pulls::Pulls;
use rooms::Rooms;

/// A room of an installation.
type Place = (OauthId, RoomId);

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// The metadata for the condition of [`struct@set_up`].
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
pub struct SetUp {
    /// Whether the room has chosen a repository.
    pub is_configured: bool,
}

/// Asks the room's owner to choose repositories.
#[glance(key = "pull-requests-set-up", name = "Pull requests", icon = "/icon.svg",
         target = "pull-requests-panel", audience = "room",
         when(!is_configured && user::is_room_owner))]
pub async fn set_up(
    query: RoomQuery,
    State(app): State<App>,
) -> Result<GlanceData<SetUp>, Failure> {
    let summary = app.summary(query.oauth_id(), query.room_id()).await?;
    Ok(set_up_data(&summary))
}

fn set_up_data(summary: &Summary) -> GlanceData<SetUp> {
    GlanceData::new(label!("Choose GitHub repositories")).metadata(SetUp {
        is_configured: summary.is_configured,
    })
}

/// The metadata for the condition of [`struct@pull_requests`].
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
pub struct PullRequests {
    /// Whether the room has chosen a repository.
    pub is_configured: bool,
    /// The number of pull requests that wait for a review; drafts do not.
    pub count: u32,
    /// The one that has waited longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Oldest>,
}

/// The pull request that has waited longest.
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
pub struct Oldest {
    /// The number of whole days.
    pub days: u32,
}

/// Shows the number of open pull requests in the room's repositories.
#[glance(key = "pull-requests", name = "Pull requests", icon = "/icon.svg",
         target = "pull-requests-panel", audience = "room",
         when(is_configured && count > 0))]
pub async fn pull_requests(
    query: RoomQuery,
    State(app): State<App>,
) -> Result<GlanceData<PullRequests>, Failure> {
    let summary = app.summary(query.oauth_id(), query.room_id()).await?;
    Ok(glance_data(&summary))
}

fn glance_data(summary: &Summary) -> GlanceData<PullRequests> {
    let Summary {
        count, oldest_days, ..
    } = *summary;
    let label = match count {
        1 => label!("<b>1</b> open pull request"),
        _ => label!("<b>{count}</b> open pull requests"),
    };
    let is_stale = oldest_days.is_some_and(|days| days > summary.stale_days);
    let (kind, word) = if is_stale {
        (Lozenge::Error, "STALE")
    } else {
        (Lozenge::Current, "REVIEW")
    };
    GlanceData::new(label)
        .lozenge(kind, word)
        .metadata(PullRequests {
            is_configured: summary.is_configured,
            count,
            oldest: oldest_days.map(|days| Oldest { days }),
        })
}

/// The state that the add-on's handlers share.
#[derive(Debug, Clone)]
pub struct App {
    pulls: Pulls,
    rooms: Rooms,
    github: Arc<hmac::Key>,
    pushing: Arc<Mutex<()>>,
}

/// The content of a room's glances.
struct Summary {
    is_configured: bool,
    count: u32,
    drafts: u32,
    oldest_days: Option<u32>,
    stale_days: u32,
}

impl App {
    async fn summary(&self, oauth_id: &OauthId, room: RoomId) -> Result<Summary, Failure> {
        let settings = self.rooms.settings(oauth_id, room).await?;
        let pulls = self.pulls.open_in(oauth_id, room).await?;
        let ready = || pulls.iter().filter(|pull| !pull.is_draft);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let oldest = ready().map(|pull| pull.opened_at).min();
        let count = |pulls: usize| u32::try_from(pulls).unwrap_or(u32::MAX);
        Ok(Summary {
            is_configured: !settings.repositories.is_empty(),
            count: count(ready().count()),
            drafts: count(pulls.len() - ready().count()),
            oldest_days: oldest.map(|opened_at| {
                let days = now.saturating_sub(opened_at).max(0) / SECONDS_PER_DAY;
                u32::try_from(days).unwrap_or(u32::MAX)
            }),
            stale_days: settings.stale_days,
        })
    }
}

/// Creates the add-on. It keeps its data in this folder and accepts deliveries that are signed with
/// this secret.
///
/// # Errors
///
/// Returns an error if the folder or a database in it cannot be used.
pub fn add_on(data: &Path, github_secret: &str) -> Result<AddOn<App>, String> {
    std::fs::create_dir_all(data)
        .map_err(|cause| format!("cannot use the data folder {}: {cause}", data.display()))?;
    let database = Database::open(&data.join("pull-requests.sqlite"), schema::STEPS)?;
    let app = App {
        pulls: Pulls(database.clone()),
        rooms: Rooms(database),
        github: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, github_secret.as_bytes())),
        pushing: Arc::default(),
    };
    let installations = SqliteStore::open(data.join("pull-requests-installations.sqlite"))
        .map_err(|cause| format!("{cause:#}"))?;
    Ok(AddOn::new("glance.example.pull-requests", "Pull requests")
        .description("Shows the number of pull requests that wait for a review.")
        .state(app)
        .store(installations)
        .on_uninstall(async |app: App, gone| app.rooms.forget(gone.oauth_id()).await)
        .glance::<set_up>()
        .glance::<pull_requests>()
        .live_pages()
        .web_panel(
            "pull-requests-panel",
            "Pull requests",
            get(panel::show).post(panel::save),
        )
        .route("/hooks/github", github::route())
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg")))
}

/// Pushes the current glances of the room, one room at a time, so that older data is not pushed
/// last.
async fn push(app: &App, pusher: &Pusher, oauth_id: &OauthId, room: RoomId) -> Result<(), Failure> {
    let _turn = app.pushing.lock().await;
    let summary = app.summary(oauth_id, room).await?;
    let to = To::Room(room);
    pusher.push::<set_up>(oauth_id, to, set_up_data(&summary))?;
    Ok(pusher.push::<pull_requests>(oauth_id, to, glance_data(&summary))?)
}
