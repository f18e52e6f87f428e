//! Open pull requests per room, fed by GitHub's webhooks.
//!
//! `github` reads a delivery, `pulls` remembers, `panel` is the page on which people choose the
//! room's repositories; the glance itself is here.

mod github;
mod panel;
mod pulls;

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::hmac;
use glance_sdk::prelude::*;
use glance_sdk::store::SqliteStore;
use tokio::sync::Mutex;

use pulls::{Pulls, Summary};

/// What the glance's condition tests.
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
pub struct PullRequests {
    /// Whether the room has chosen a repository.
    pub is_configured: bool,
    /// How many pull requests wait for a review; drafts do not.
    pub count: u32,
    /// The one that waits longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Oldest>,
}

/// The pull request that waits longest.
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
pub struct Oldest {
    /// For how many whole days.
    pub days: u32,
}

/// How many pull requests are open in the room's repositories.
#[glance(key = "pull-requests", name = "Pull requests", icon = "/icon.svg",
         target = "pull-requests-panel", when(is_configured && count > 0))]
pub async fn pull_requests(
    query: GlanceQuery,
    State(app): State<App>,
) -> Result<GlanceData<PullRequests>, Failure> {
    Ok(glance_data(
        &app.pulls.summary(query.oauth_id(), query.room_id()).await?,
    ))
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

/// What the add-on's handlers share.
#[derive(Debug, Clone)]
pub struct App {
    pulls: Pulls,
    github: Arc<hmac::Key>,
    pushing: Arc<Mutex<()>>,
}

/// The add-on. It keeps its data in this folder and believes deliveries that are signed with this
/// secret.
///
/// # Errors
///
/// Where the folder or a database in it cannot be used.
pub fn add_on(data: &Path, github_secret: &str) -> Result<AddOn<App>, String> {
    std::fs::create_dir_all(data)
        .map_err(|cause| format!("the data folder {} cannot be used: {cause}", data.display()))?;
    let app = App {
        pulls: Pulls::open(&data.join("pull-requests.sqlite"))?,
        github: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, github_secret.as_bytes())),
        pushing: Arc::default(),
    };
    let installations = SqliteStore::open(data.join("pull-requests-installations.sqlite"))
        .map_err(|cause| cause.to_string())?;
    Ok(AddOn::new("glance.example.pull-requests", "Pull requests")
        .description("Shows how many pull requests wait for a review.")
        .state(app)
        .store(installations)
        .on_uninstall(async |app: App, gone| app.pulls.forget(gone.oauth_id()).await)
        .glance::<pull_requests>()
        .web_panel(
            "pull-requests-panel",
            "Pull requests",
            get(panel::show).post(panel::save),
        )
        .route("/hooks/github", github::route())
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg")))
}

/// Pushes the room's newest data. One room at a time, so that what was read first is not pushed last.
async fn push(app: &App, pusher: &Pusher, oauth_id: &OauthId, room: RoomId) -> Result<(), Failure> {
    let _turn = app.pushing.lock().await;
    let data = glance_data(&app.pulls.summary(oauth_id, room).await?);
    Ok(pusher.push::<pull_requests>(oauth_id, To::Room(room), data)?)
}
