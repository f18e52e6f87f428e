//! A room's firing alerts, fed by Prometheus Alertmanager's webhook.
//!
//! `alertmanager` receives messages and `message` parses them; `alerts` stores data; `announce`
//! notifies rooms of critical alerts and their end; `panel` is the page on which people choose the
//! labels that the room watches, which `labels` parses. The glances themselves are here.

mod alertmanager;
mod alerts;
mod announce;
mod labels;
mod message;
mod panel;

use std::path::Path;
use std::sync::Arc;

use glance_sdk::model::{Scope, Secret};
use glance_sdk::prelude::*;
use glance_sdk::store::SqliteStore;
use tokio::sync::Mutex;

use alerts::{Alert, Alerts, Place};

/// The metadata for the condition of [`struct@set_up`].
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
pub struct SetUp {
    /// Whether the room watches any labels.
    pub is_configured: bool,
}

/// Asks the room's owner to choose labels.
#[glance(key = "incidents-set-up", name = "Incidents", icon = "/icon.svg",
         target = "incidents-panel", weight = 130, audience = "room",
         when(!is_configured && user::is_room_owner))]
pub async fn set_up(
    query: RoomQuery,
    State(app): State<App>,
) -> Result<GlanceData<SetUp>, Failure> {
    let place = (query.oauth_id().clone(), query.room_id());
    app.set_up_data(&place).await
}

/// The metadata for the condition of [`struct@incidents`].
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
pub struct Incidents {
    /// The number of firing alerts that the room watches.
    pub open: u64,
    /// The highest severity among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worst: Option<Severity>,
}

/// The severity of an alert, in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, GlanceMetadata)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For information.
    Info,
    /// The alert has another severity, or none, so it may be important.
    Unknown,
    /// Needs attention.
    Warning,
    /// Needs immediate attention.
    Critical,
}

impl Severity {
    /// Returns the value in the label `severity`.
    fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl From<&str> for Severity {
    fn from(label: &str) -> Self {
        match label.to_ascii_lowercase().as_str() {
            // `none` marks alerts that always fire, such as `Watchdog` in kube-prometheus.
            "info" | "none" => Self::Info,
            "warning" => Self::Warning,
            "critical" => Self::Critical,
            _ => Self::Unknown,
        }
    }
}

/// Shows the number of firing alerts that the room watches. If all of them are for information
/// only, the glance is hidden.
#[glance(key = "incidents", name = "Incidents", icon = "/icon.svg", target = "incidents-panel",
         weight = 130, audience = "room", when(open > 0 && worst != Severity::Info))]
pub async fn incidents(
    query: RoomQuery,
    State(app): State<App>,
) -> Result<GlanceData<Incidents>, Failure> {
    let place = (query.oauth_id().clone(), query.room_id());
    Ok(glance_data(&app.alerts.firing_in(&place).await?))
}

/// Returns the data of these alerts, which are sorted by descending severity.
fn glance_data(firing: &[Alert]) -> GlanceData<Incidents> {
    let open = firing.len() as u64;
    let worst = firing.first().map(|alert| alert.severity);
    let label = match open {
        1 => label!("<b>1</b> open incident"),
        _ => label!("<b>{open}</b> open incidents"),
    };
    let (kind, word) = match worst {
        Some(Severity::Critical) => (Lozenge::Error, "CRITICAL"),
        Some(Severity::Warning) => (Lozenge::Current, "WARNING"),
        Some(Severity::Unknown) => (Lozenge::Current, "FIRING"),
        Some(Severity::Info) => (Lozenge::Default, "INFO"),
        None => (Lozenge::Success, "OK"),
    };
    GlanceData::new(label)
        .lozenge(kind, word)
        .metadata(Incidents { open, worst })
}

/// The state that the add-on's handlers share.
#[derive(Debug, Clone)]
pub struct App {
    alerts: Alerts,
    alertmanager: Secret,
    pushing: Arc<Mutex<()>>,
}

impl App {
    async fn set_up_data(&self, place: &Place) -> Result<GlanceData<SetUp>, Failure> {
        let is_configured = !self.alerts.watched(place).await?.is_empty();
        Ok(GlanceData::new(label!("Choose alerts to watch")).metadata(SetUp { is_configured }))
    }
}

/// Creates the add-on. It keeps its data in this folder and accepts messages with this secret.
///
/// # Errors
///
/// Returns an error if the folder or a database in it cannot be used.
pub fn add_on(data: &Path, alertmanager_secret: &str) -> Result<AddOn<App>, String> {
    std::fs::create_dir_all(data)
        .map_err(|cause| format!("cannot use the data folder {}: {cause}", data.display()))?;
    let app = App {
        alerts: Alerts::open(&data.join("incidents.sqlite"))?,
        alertmanager: alertmanager_secret.into(),
        pushing: Arc::default(),
    };
    let installations = SqliteStore::open(data.join("incidents-installations.sqlite"))
        .map_err(|cause| format!("{cause:#}"))?;
    Ok(AddOn::new("glance.example.incidents", "Incidents")
        .description(
            "Shows the firing alerts, and notifies the room when critical ones start and end.",
        )
        // To attach the notification about the end of an incident to the first one, the add-on
        // finds that one in the room's history. Without the last scope it is not attached.
        .scopes([
            Scope::SendNotification,
            Scope::ViewGroup,
            Scope::ViewRoom,
            Scope::ViewMessages,
        ])
        .state(app)
        .store(installations)
        .on_uninstall(async |app: App, gone| app.alerts.forget(gone.oauth_id()).await)
        .glance::<set_up>()
        .glance::<incidents>()
        .live_pages()
        .web_panel(
            "incidents-panel",
            "Incidents",
            get(panel::show).post(panel::save),
        )
        .route("/hooks/alertmanager", alertmanager::route())
        .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg")))
}

/// Pushes the current glances of the room, one room at a time, so that older data is not pushed
/// last.
async fn push(app: &App, pusher: &Pusher, place: &Place) -> Result<(), Failure> {
    let _turn = app.pushing.lock().await;
    let (oauth_id, to) = (&place.0, To::Room(place.1));
    pusher.push::<set_up>(oauth_id, to, app.set_up_data(place).await?)?;
    let data = glance_data(&app.alerts.firing_in(place).await?);
    Ok(pusher.push::<incidents>(oauth_id, to, data)?)
}
