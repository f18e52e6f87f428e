//! The lines of the sidebar that one person sees.

use std::collections::BTreeSet;
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
    /// For each line the time when what it shows last changed, in milliseconds since 1970; `None` without data.
    pub(super) changed_at: Vec<Option<i64>>,
    /// The number of glances in the room, shown or not.
    pub(crate) watched: usize,
}

impl Sidebar {
    /// Returns the line of the glance with this key.
    pub fn line(&self, key: &str) -> Option<&Arc<Line>> {
        self.lines.iter().find(|line| line.key == key)
    }

    /// Returns the lines as a page gets them: with the times when they changed.
    pub(crate) fn dated_lines(&self) -> impl Iterator<Item = DatedLine<'_>> {
        let dated = self.lines.iter().zip(&self.changed_at);
        dated.map(|(line, &changed_at)| DatedLine { line, changed_at })
    }

    /// Returns whether a query of a glance with this key is under way. The line may show older data meanwhile.
    pub fn is_loading(&self, key: &str) -> bool {
        self.loading_keys.iter().any(|loading| loading == key)
    }
}

/// A line with the time when what it shows last changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DatedLine<'a> {
    #[serde(flatten)]
    pub(crate) line: &'a Line,
    /// In milliseconds since 1970; `None` without data.
    pub(crate) changed_at: Option<i64>,
}

/// The facts that a page explains its empty sidebar with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Quiet {
    /// The number of glances in the room.
    pub(crate) watched: usize,
    /// The names of the add-ons that have a page for their settings and have not sent any data.
    pub(crate) not_set_up: BTreeSet<String>,
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

    /// Returns the first number in the label that stands alone in bold.
    pub(crate) fn count(&self) -> Option<u32> {
        let LineState::Ready { label, .. } = &self.state else {
            return None;
        };
        let pieces = label.split(['<', '>']).collect::<Vec<_>>();
        let mut parts = pieces.windows(3);
        let found = parts.find(|part| {
            matches!(part[0], "b" | "strong")
                && part[2].starts_with('/')
                && part[1].len() <= 9
                && !part[1].is_empty()
                && part[1].bytes().all(|byte| byte.is_ascii_digit())
        });
        found?[1].parse().ok()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_is_the_first_number_that_stands_alone_in_bold() {
        for (label, count) in [
            ("<b>4</b> open", Some(4)),
            ("open: <strong>0</strong>", Some(0)),
            ("<i>of</i> <b>a few</b>, <b>12</b>", Some(12)),
            ("<b>999999999</b>", Some(999_999_999)),
            ("<b>1000000000</b>", None),
            ("<b>-4</b>", None),
            ("<b>4 open</b>", None),
            ("<b><i>4</i></b>", None),
            ("<b></b>", None),
            ("4 open", None),
            ("&lt;b&gt;4&lt;/b&gt;", None),
        ] {
            let line = Line {
                id: String::new(),
                key: String::new(),
                add_on: String::new(),
                name: String::new(),
                icon: Icon::new("https://example.com/i.svg"),
                order: (0, String::new(), String::new()),
                state: LineState::Ready {
                    label: label.to_owned(),
                    status: None,
                },
                target: None,
                stale: None,
            };
            assert_eq!(line.count(), count, "{label}");
        }
    }
}
