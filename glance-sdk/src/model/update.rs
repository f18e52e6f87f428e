//! The UI update, the body of a push.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Extra, GlanceData};

/// The body of a push: new data for one or several glances of the add-on.
///
/// ```
/// use glance_sdk::model::{GlanceData, Label, UiUpdate};
///
/// let data: GlanceData = GlanceData::new(Label::text("4 incidents"));
/// assert_eq!(
///     serde_json::to_value(UiUpdate::one("incidents", data))?,
///     serde_json::json!({ "glance": [{
///         "key": "incidents",
///         "content": { "label": { "type": "html", "value": "4 incidents" } }
///     }] })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "M: Deserialize<'de>"))]
#[non_exhaustive]
pub struct UiUpdate<M = Value> {
    /// One entry per glance.
    pub glance: Vec<GlanceUpdate<M>>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<M> UiUpdate<M> {
    /// Creates an update of one glance.
    pub fn one(key: impl Into<String>, content: GlanceData<M>) -> Self {
        Self {
            glance: vec![GlanceUpdate {
                key: key.into(),
                content,
                extra: Extra::new(),
            }],
            extra: Extra::new(),
        }
    }
}

/// New data for one glance. It replaces the previous data completely, including the metadata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "M: Deserialize<'de>"))]
#[non_exhaustive]
pub struct GlanceUpdate<M = Value> {
    /// The glance's key.
    pub key: String,
    /// Its new data.
    pub content: GlanceData<M>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
