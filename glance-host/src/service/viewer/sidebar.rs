//! The lines of the sidebar that one person sees.

use std::sync::Arc;

use glance_sdk::model::Icon;
use serde::Serialize;

use crate::content::label;

/// All visible glances, in their order.
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
    /// The lines from top to bottom.
    pub lines: Vec<Arc<Line>>,
    /// The number of glances whose query is under way, shown or not.
    pub loading: usize,
    /// The keys of these glances.
    pub(super) loading_keys: Vec<String>,
}

impl Sidebar {
    /// Returns the line of the glance with this key.
    pub fn line(&self, key: &str) -> Option<&Arc<Line>> {
        self.lines.iter().find(|line| line.key == key)
    }

    /// Returns whether a query of a glance with this key is under way. The line may show older data meanwhile.
    pub fn is_loading(&self, key: &str) -> bool {
        self.loading_keys.iter().any(|loading| loading == key)
    }
}

/// One visible glance.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Line {
    /// The id in the room: the add-on's key and the glance's key.
    pub id: String,
    /// The glance's key.
    pub key: String,
    /// The add-on's name.
    pub add_on: String,
    /// The glance's name.
    pub name: String,
    /// The icon, by way of the host.
    pub icon: Icon,
    /// The sort key: weight, then the add-on's key, then the glance's key.
    pub order: (i64, String, String),
    /// The state of the data.
    #[serde(flatten)]
    pub state: LineState,
    /// The target that a click opens.
    pub target: Option<TargetRef>,
    /// Why the data may be out of date; `None` if the latest query succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale: Option<Stale>,
}

/// The age of data after a query failed, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Stale {
    /// The time when the host received the data, in milliseconds since 1970.
    pub since: i64,
    /// The reason, for developers.
    pub problem: String,
}

impl Line {
    /// Returns the label's text without markup; empty without data.
    pub fn label_text(&self) -> String {
        match &self.state {
            LineState::Ready { label, .. } => label::text(label),
            _ => String::new(),
        }
    }

    /// Returns the colour and text of the lozenge.
    pub fn lozenge(&self) -> Option<(&str, &str)> {
        match &self.state {
            LineState::Ready {
                status: Some(ShownStatus::Lozenge { kind, label }),
                ..
            } => Some((kind, label)),
            _ => None,
        }
    }

    /// Returns the status icon as the page shows it: by way of the host.
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

    /// Returns whether the query failed and there is no data. With older data the line shows that, and is
    /// [stale](Self::stale).
    pub fn is_failed(&self) -> bool {
        matches!(self.state, LineState::Failed { .. })
    }
}

/// The state of a line's data.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase")]
#[non_exhaustive]
pub enum LineState {
    /// The line shows its name: the glance has no `queryUrl` and got no push.
    Named,
    /// The query is pending.
    Loading,
    /// The line shows data.
    Ready {
        /// The label as sanitized HTML.
        label: String,
        /// The status to its right.
        status: Option<ShownStatus>,
    },
    /// The query failed: the line shows its name, and a way to retry.
    Failed {
        /// The reason, for developers.
        problem: String,
    },
}

/// The status to the right of a label.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ShownStatus {
    /// A coloured text.
    Lozenge {
        /// The colour, as the add-on wrote it.
        kind: String,
        /// The text.
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
