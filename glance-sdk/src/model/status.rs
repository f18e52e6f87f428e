//! The status of a glance: a lozenge or an icon to the right of the label.

use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::open_enum::open_enum;
use super::{Extra, Icon, truncate};

open_enum! {
    /// The color of a lozenge.
    ///
    /// HipChat's last web client knew `default`, `success`, `error`, `current`, `new` and `moved`,
    /// and refused data with any other kind. glance-host supports `complete` too, and shows an
    /// unknown kind in gray.
    ///
    /// ```
    /// use glance_sdk::model::{GlanceData, Label, Lozenge};
    ///
    /// let data: GlanceData = GlanceData::new(Label::text("Build 7")).lozenge(Lozenge::Current, "RUNNING");
    /// assert_eq!(serde_json::to_value(&data)?["status"]["value"]["type"], "current");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum Lozenge {
        /// Gray.
        Default = "default",
        /// Green: success.
        Success = "success",
        /// Red: an error.
        Error = "error",
        /// Yellow: in progress.
        Current = "current",
        /// Gray: new.
        New = "new",
        /// Brown: moved.
        Moved = "moved",
        /// Blue: complete.
        Complete = "complete",
    }
}

/// The lozenge or icon to the right of the label.
///
/// ```
/// use glance_sdk::model::{Icon, Lozenge, Status};
///
/// assert_eq!(
///     serde_json::to_value(Status::lozenge(Lozenge::Success, "PASSED"))?,
///     serde_json::json!({ "type": "lozenge", "value": { "type": "success", "label": "PASSED" } })
/// );
/// let icon = Status::Icon(Icon::new("https://ci.example.com/passed.svg"));
/// assert_eq!(serde_json::to_value(icon)?["type"], "icon");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// A colored word.
    Lozenge(LozengeStatus),
    /// An image.
    Icon(Icon),
    /// A shape that this version does not know.
    Other(Value),
}

/// A colored word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LozengeStatus {
    /// The color.
    #[serde(rename = "type")]
    pub kind: Lozenge,
    /// 1 to 20 UTF-16 units. This text is serialized unchanged.
    pub label: String,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Status {
    /// Creates a lozenge with this color and word.
    ///
    /// A host accepts 1 to 20 UTF-16 units and otherwise shows "Can't load" instead of the whole
    /// glance. A longer word is therefore cut at a character and ends in `…`, and an empty one
    /// becomes a single `…`; the log warns of both.
    ///
    /// ```
    /// use glance_sdk::model::{Lozenge, Status};
    ///
    /// let Status::Lozenge(lozenge) = Status::lozenge(Lozenge::Current, "WAITING FOR A REVIEWER")
    /// else { unreachable!() };
    /// assert_eq!(lozenge.label, "WAITING FOR A REVIE…");
    /// ```
    pub fn lozenge(kind: Lozenge, label: impl Into<String>) -> Self {
        Self::Lozenge(LozengeStatus {
            kind,
            label: truncate::lozenge(label.into()),
            extra: Extra::new(),
        })
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn tagged<S: Serializer>(
            serializer: S,
            kind: &str,
            value: &impl Serialize,
        ) -> Result<S::Ok, S::Error> {
            let mut map = serializer.serialize_map(Some(2))?;
            map.serialize_entry("type", kind)?;
            map.serialize_entry("value", value)?;
            map.end()
        }
        match self {
            Self::Lozenge(lozenge) => tagged(serializer, "lozenge", lozenge),
            Self::Icon(icon) => tagged(serializer, "icon", icon),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        let known = raw
            .as_object()
            .filter(|object| object.len() == 2)
            .and_then(|object| {
                let value = object.get("value")?;
                match object.get("type")?.as_str()? {
                    "lozenge" => LozengeStatus::deserialize(value).ok().map(Self::Lozenge),
                    "icon" => Icon::deserialize(value).ok().map(Self::Icon),
                    _ => None,
                }
            });
        Ok(known.unwrap_or(Self::Other(raw)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn known_and_unknown_statuses_survive_a_round_trip() {
        for (sent, known) in [
            (
                json!({"type": "lozenge", "value": {"type": "current", "label": "REVIEW"}}),
                true,
            ),
            (
                json!({"type": "lozenge", "value": {"type": "", "label": "", "color": "red"}}),
                true,
            ),
            (
                json!({"type": "icon", "value": {"url": "/i.png", "url@2x": "/i2.png"}}),
                true,
            ),
            (
                json!({"type": "lozenge", "value": {"url": "/i.png", "url@2x": "/i2.png"}}),
                false,
            ),
            (json!({"type": "text", "value": "hello"}), false),
            (
                json!({"type": "icon", "value": {"url": "/i.png"}, "more": 1}),
                false,
            ),
            (json!(null), false),
        ] {
            let status: Status = serde_json::from_value(sent.clone()).unwrap();
            assert_eq!(!matches!(status, Status::Other(_)), known, "{sent}");
            assert_eq!(serde_json::to_value(&status).unwrap(), sent);
        }
    }
}
