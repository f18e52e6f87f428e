//! Glance data: what a query answers and a push carries.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Extra, Icon, Lozenge, Status, present, truncate};
use crate::metadata::NoMetadata;

/// The data of a glance: its label, status and metadata.
///
/// `M` is what the glance's conditions may test: a struct that derives
/// [`GlanceMetadata`](crate::metadata::GlanceMetadata), [`NoMetadata`], or a
/// [`serde_json::Value`] for data of a glance that this program did not write.
///
/// ```
/// use glance_sdk::model::{GlanceData, Label, Lozenge};
///
/// let data: GlanceData = GlanceData::new(Label::text("Build")).lozenge(Lozenge::Success, "PASSED");
/// assert_eq!(
///     serde_json::to_value(&data)?,
///     serde_json::json!({
///         "label": { "type": "html", "value": "Build" },
///         "status": { "type": "lozenge", "value": { "type": "success", "label": "PASSED" } }
///     })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "M: Deserialize<'de>"))]
#[non_exhaustive]
pub struct GlanceData<M = NoMetadata> {
    /// The line of text.
    pub label: Label,
    /// What stands at its right.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub status: Option<Status>,
    /// What conditions may test; a push replaces it whole.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<M>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<M> GlanceData<M> {
    /// Data with a label and nothing else.
    pub fn new(label: Label) -> Self {
        Self {
            label,
            status: None,
            metadata: None,
            extra: Extra::new(),
        }
    }

    /// Shows a coloured word at the right, cut as [`Status::lozenge`] says.
    ///
    /// ```
    /// use glance_sdk::model::{GlanceData, Label, Lozenge};
    ///
    /// let data: GlanceData = GlanceData::new(Label::text("4 incidents")).lozenge(Lozenge::Error, "OPEN");
    /// assert_eq!(
    ///     serde_json::to_value(&data)?["status"]["value"],
    ///     serde_json::json!({ "type": "error", "label": "OPEN" })
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn lozenge(mut self, kind: Lozenge, label: impl Into<String>) -> Self {
        self.status = Some(Status::lozenge(kind, label));
        self
    }

    /// Shows an image at the right.
    ///
    /// ```
    /// use glance_sdk::model::{GlanceData, Icon, Label};
    ///
    /// let data: GlanceData =
    ///     GlanceData::new(Label::text("Sunny")).icon(Icon::new("https://weather.example.com/sun.svg"));
    /// assert_eq!(serde_json::to_value(&data)?["status"]["type"], "icon");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.status = Some(Status::Icon(icon));
        self
    }

    /// Sets what conditions may test.
    ///
    /// ```
    /// use glance_sdk::model::{GlanceData, Label};
    ///
    /// let data = GlanceData::new(Label::text("4 incidents")).metadata(serde_json::json!({ "open": 4 }));
    /// assert_eq!(serde_json::to_value(&data)?["metadata"]["open"], 4);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn metadata(mut self, metadata: M) -> Self {
        self.metadata = Some(metadata);
        self
    }
}

/// What a query answered: data, or something that is none, such as the text of an error.
///
/// [`validate::glance_data`](crate::validate::glance_data) says what a host refuses.
///
/// ```
/// use glance_sdk::model::QueryAnswer;
///
/// let answer: QueryAnswer = serde_json::from_str(r#"{ "label": { "type": "html", "value": "Build" } }"#)?;
/// assert!(matches!(answer, QueryAnswer::Data(_)));
/// let answer: QueryAnswer = serde_json::from_str(r#""out of order""#)?;
/// assert!(matches!(answer, QueryAnswer::Other(_)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum QueryAnswer {
    /// Glance data.
    Data(Box<GlanceData<Value>>),
    /// Anything else, which puts the glance into the error state.
    Other(Value),
}

impl<'de> Deserialize<'de> for QueryAnswer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Value::deserialize(deserializer)?;
        Ok(match GlanceData::deserialize(&raw) {
            Ok(data) => Self::Data(Box::new(data)),
            Err(_) => Self::Other(raw),
        })
    }
}

/// A glance's line of text: HTML of which hosts keep `b`, `strong`, `em` and `i`.
///
/// [`label!`](crate::label!) makes one from a literal and escapes what it interpolates;
/// [`Label::text`] escapes a whole text; [`Label::html`] takes HTML.
///
/// A host takes 1 to 1000 UTF-16 units and shows "Can't load" instead of any other label. So a
/// longer one is cut and ends in `…`, never within a tag or a character reference and with what
/// is open closed; an empty one is `…` alone. The log warns of both. A label that was read, by a
/// host or from a file, is kept as it came.
///
/// ```
/// use glance_sdk::model::Label;
///
/// assert_eq!(Label::html("<b>4</b> open").as_html(), "<b>4</b> open");
/// assert_eq!(Label::text("<b>").as_html(), "&lt;b&gt;");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// `Some(None)` is an explicit `null`, which is written back.
    #[serde(
        rename = "type",
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    kind: Option<Option<String>>,
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    value: Option<Option<String>>,
    #[serde(flatten)]
    extra: Extra,
}

impl Label {
    /// A label from HTML. Text from elsewhere belongs into [`Label::text`] or
    /// [`label!`](crate::label!), which escape it.
    ///
    /// ```
    /// use glance_sdk::model::Label;
    ///
    /// let branch = "x".repeat(2000);
    /// let label = Label::html(format!("<b>{branch}</b>"));
    /// assert!(label.as_html().ends_with("x…</b>"));
    /// assert_eq!(label.as_html().encode_utf16().count(), 1000);
    /// ```
    pub fn html(html: impl Into<String>) -> Self {
        Self {
            kind: Some(Some("html".to_owned())),
            value: Some(Some(truncate::label(html.into()))),
            extra: Extra::new(),
        }
    }

    /// The HTML, empty where a push left it out.
    pub fn as_html(&self) -> &str {
        self.value
            .as_ref()
            .and_then(Option::as_deref)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn odd_data_survives_a_round_trip() {
        for sent in [
            json!({"label": {"type": "html", "value": "x"}, "metadata": null}),
            json!({"label": {"type": "html", "value": "x"}, "status": null}),
            json!({"label": {"type": "html"}}),
            json!({"label": {"type": null, "value": null}}),
            json!({"label": {"type": "html", "value": "", "more": [1]}, "metadata": "{}", "a": {}}),
            json!({"label": {"value": "x", "type": "text"}, "status": {}}),
        ] {
            let data: GlanceData<Value> = serde_json::from_value(sent.clone()).unwrap();
            assert_eq!(serde_json::to_value(&data).unwrap(), sent);
        }
    }
}
