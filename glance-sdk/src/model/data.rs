//! Glance data, the content of query responses and pushes.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Extra, Icon, Lozenge, Status, present, truncate};
use crate::no_metadata::NoMetadata;

/// The data of a glance: its label, status and metadata.
///
/// `M` is the metadata for the glance's conditions: a struct that derives
/// [`GlanceMetadata`](crate::metadata::GlanceMetadata), [`NoMetadata`], or a [`serde_json::Value`]
/// for data of another program's glance.
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
    /// The lozenge or icon to the right of the label.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub status: Option<Status>,
    /// The metadata for conditions. A push replaces all of it.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub metadata: Option<M>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<M> GlanceData<M> {
    /// Creates data with only a label.
    pub fn new(label: Label) -> Self {
        Self {
            label,
            status: None,
            metadata: None,
            extra: Extra::new(),
        }
    }

    /// Shows a colored word to the right of the label, cut as described at [`Status::lozenge`].
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

    /// Shows an image to the right of the label.
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

    /// Sets the metadata for conditions.
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

/// The response to a query: data, or any other JSON value, such as an error message.
///
/// [`validate::glance_data`](crate::validate::glance_data) lists the mistakes that a host refuses.
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
    /// Any other value, which puts the glance into the error state.
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
/// [`label!`](crate::label!) creates a label from a literal and escapes interpolated values;
/// [`Label::text`] escapes its whole text; [`Label::html`] takes HTML.
///
/// A host accepts 1 to 1000 UTF-16 units and otherwise shows "Can't load". A longer label is
/// therefore cut and ends in `…`, never within a tag or a character reference, and open tags are
/// closed; an empty one becomes a single `…`. The log warns of both. Deserialized labels, in a host
/// or from a file, are unchanged.
///
/// ```
/// use glance_sdk::model::Label;
///
/// assert_eq!(Label::html("<b>4</b> open").as_html(), "<b>4</b> open");
/// assert_eq!(Label::text("<b>").as_html(), "&lt;b&gt;");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// `Some(None)` is an explicit `null`, which is serialized as such.
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
    /// Creates a label from HTML. Use [`Label::text`] or [`label!`](crate::label!) for other text,
    /// which they escape.
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

    /// Returns the HTML, which is empty if a push omitted it.
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
