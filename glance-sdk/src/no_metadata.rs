//! The default type of a glance's metadata, which both the model and the conditions use.

use serde::{Deserialize, Serialize};

/// The metadata of a glance that has none.
///
/// ```
/// use glance_sdk::metadata::NoMetadata;
/// use glance_sdk::model::{GlanceData, Label};
///
/// let data: GlanceData<NoMetadata> = GlanceData::new(Label::text("Hello"));
/// assert!(serde_json::to_value(&data)?.get("metadata").is_none());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NoMetadata {}
