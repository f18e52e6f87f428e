//! What one person sees: the lines of the sidebar.

use std::sync::Arc;

use glance_sdk::model::Icon;
use serde::Serialize;

use crate::content::label;

/// All glances that show, in their order.
///
/// ```
/// use glance_host::Host;
/// use glance_sdk::prelude::*;
///
/// # #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
/// # async fn builds() -> GlanceData { GlanceData::new(label!("<b>2</b> broken builds")) }
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let host = Host::start().await;
/// # let room = host.room("ops").await;
/// # let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
/// let _add_on = room.install(add_on).await;
/// let sidebar = room.viewer("ann").await.settled().await;
/// assert_eq!(sidebar.line("builds").unwrap().label_text(), "2 broken builds");
/// assert!(sidebar.line("tests").is_none());
/// # });
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Sidebar {
    /// The lines from the top.
    pub lines: Vec<Arc<Line>>,
    /// How many glances wait for their data, shown or not.
    pub loading: usize,
}

impl Sidebar {
    /// The line of the glance with this key.
    pub fn line(&self, key: &str) -> Option<&Arc<Line>> {
        self.lines.iter().find(|line| line.key == key)
    }
}

/// One glance that shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Line {
    /// Names it in the room: the add-on's key and its own.
    pub id: String,
    /// Its key.
    pub key: String,
    /// The add-on's name.
    pub add_on: String,
    /// Its name.
    pub name: String,
    /// The image before it, by way of the host.
    pub icon: Icon,
    /// Its place: weight, then the add-on's key, then its own.
    pub order: (i64, String, String),
    /// What is shown.
    #[serde(flatten)]
    pub state: LineState,
    /// What a click opens.
    pub target: Option<TargetRef>,
}

impl Line {
    /// The label's text without markup; empty where there is no data.
    pub fn label_text(&self) -> String {
        match &self.state {
            LineState::Ready { label, .. } => label::text(label),
            _ => String::new(),
        }
    }

    /// The colour and word of its lozenge.
    pub fn lozenge(&self) -> Option<(&str, &str)> {
        match &self.state {
            LineState::Ready {
                status: Some(ShownStatus::Lozenge { kind, label }),
                ..
            } => Some((kind, label)),
            _ => None,
        }
    }

    /// The image that is its status, as the page shows it: by way of the host.
    ///
    /// ```
    /// use glance_host::Host;
    /// use glance_sdk::model::Icon;
    /// use glance_sdk::prelude::*;
    ///
    /// #[glance(key = "builds", name = "Builds", icon = "https://example.com/builds.svg")]
    /// async fn builds() -> GlanceData {
    ///     GlanceData::new(label!("Builds")).icon(Icon::new("https://example.com/red.svg"))
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let host = Host::start().await;
    /// # let room = host.room("ops").await;
    /// let add_on = AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// let _add_on = room.install(add_on).await;
    /// let line = room.viewer("ann").await.glance::<builds>().await;
    /// assert!(line.status_icon().is_some());
    /// assert_eq!(line.lozenge(), None);
    /// # });
    /// ```
    pub fn status_icon(&self) -> Option<&Icon> {
        match &self.state {
            LineState::Ready {
                status: Some(ShownStatus::Icon(icon)),
                ..
            } => Some(icon),
            _ => None,
        }
    }

    /// Whether its query failed.
    pub fn is_failed(&self) -> bool {
        matches!(self.state, LineState::Failed { .. })
    }
}

/// What a line shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
#[non_exhaustive]
pub enum LineState {
    /// Its name: it has no `queryUrl` and got no push.
    Named,
    /// That its data is on the way.
    Loading,
    /// Its data.
    Ready {
        /// The label's HTML, sanitized.
        label: String,
        /// What stands at its right.
        status: Option<ShownStatus>,
    },
    /// Its name, that it cannot be loaded, and a way to try again.
    Failed {
        /// Why, for developers.
        problem: String,
    },
}

/// What stands at the right of a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ShownStatus {
    /// A coloured word.
    Lozenge {
        /// The colour, as the add-on wrote it.
        kind: String,
        /// The word.
        label: String,
    },
    /// An image, by way of the host.
    Icon(Icon),
}

/// Names what a glance opens: a web panel, dialog or external page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TargetRef {
    /// The add-on's key.
    pub add_on: String,
    /// The key of the panel, dialog or page.
    pub key: String,
}
