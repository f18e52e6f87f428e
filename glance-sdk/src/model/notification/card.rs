//! Cards: notifications with a title, a picture and attributes.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};

use crate::model::open_enum::open_enum;
use crate::model::{Extra, Picture};

/// A notification with a title, a picture and attributes.
///
/// ```
/// use glance_sdk::model::{Card, CardStyle, Notification};
///
/// let card = Card::new(CardStyle::Application, "build-7", "Build 7 failed")
///     .url("https://ci.example.com/7")
///     .description("Two tests failed.")
///     .attribute("Branch", "main");
/// let notification = Notification::text("Build 7 failed").card(card);
/// assert_eq!(serde_json::to_value(&notification)?["card"]["style"], "application");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Card {
    /// The subject of the card.
    pub style: CardStyle,
    /// The id; every known client sends one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text under the heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// The size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<CardFormat>,
    /// The URL that a click opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Thumbnail>,
    /// The icon beside the heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Picture>,
    /// The line that replaces a collapsed card.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<Activity>,
    /// Labels with values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<Attribute>>,
    /// The metadata for the condition `card_matches` of an action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Card {
    /// Creates a card with only a heading.
    pub fn new(style: CardStyle, id: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            style,
            id: Some(id.into()),
            title: Some(title.into()),
            description: None,
            format: None,
            url: None,
            thumbnail: None,
            icon: None,
            activity: None,
            attributes: None,
            metadata: None,
            extra: Extra::new(),
        }
    }

    /// Sets the text under the heading.
    ///
    /// ```
    /// use glance_sdk::model::notification::{Card, CardStyle, DescriptionText};
    ///
    /// let card = Card::new(CardStyle::Application, "build-7", "Build 7")
    ///     .description(DescriptionText::html("<b>412</b> tests pass."));
    /// assert_eq!(serde_json::to_value(&card)?["description"]["format"], "html");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn description(mut self, description: impl Into<Description>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets the size.
    ///
    /// ```
    /// use glance_sdk::model::notification::{Card, CardFormat, CardStyle};
    ///
    /// let card = Card::new(CardStyle::Link, "post-9", "What is new").format(CardFormat::Medium);
    /// assert_eq!(serde_json::to_value(&card)?["format"], "medium");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn format(mut self, format: CardFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets the URL that a click opens.
    ///
    /// ```
    /// use glance_sdk::model::notification::{Card, CardStyle};
    ///
    /// let card = Card::new(CardStyle::Link, "post-9", "What is new").url("https://example.com/blog/9");
    /// assert_eq!(serde_json::to_value(&card)?["url"], "https://example.com/blog/9");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets the picture.
    ///
    /// ```
    /// use glance_sdk::model::notification::{Card, CardStyle, Thumbnail};
    ///
    /// let card = Card::new(CardStyle::Image, "plan", "The plan")
    ///     .thumbnail(Thumbnail::new("https://example.com/plan-small.png"));
    /// assert_eq!(serde_json::to_value(&card)?["thumbnail"]["url"], "https://example.com/plan-small.png");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn thumbnail(mut self, thumbnail: Thumbnail) -> Self {
        self.thumbnail = Some(thumbnail);
        self
    }

    /// Sets the icon beside the heading.
    ///
    /// ```
    /// use glance_sdk::model::notification::{Card, CardStyle};
    ///
    /// let card = Card::new(CardStyle::Application, "build-7", "Build 7").icon("https://ci.example.com/ci.svg");
    /// assert_eq!(serde_json::to_value(&card)?["icon"], "https://ci.example.com/ci.svg");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn icon(mut self, icon: impl Into<Picture>) -> Self {
        self.icon = Some(icon.into());
        self
    }

    /// Sets the line that replaces a collapsed card.
    ///
    /// ```
    /// use glance_sdk::model::notification::{Activity, Card, CardStyle};
    ///
    /// let card = Card::new(CardStyle::Application, "build-7", "Build 7")
    ///     .activity(Activity::html("<b>Build 7</b> passed"));
    /// assert_eq!(serde_json::to_value(&card)?["activity"]["html"], "<b>Build 7</b> passed");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn activity(mut self, activity: Activity) -> Self {
        self.activity = Some(activity);
        self
    }

    /// Adds a label with a value.
    ///
    /// ```
    /// use glance_sdk::model::notification::{AttributeStyle, AttributeValue, Card, CardStyle};
    ///
    /// let passed = AttributeValue::from("passed").style(AttributeStyle::LozengeSuccess);
    /// let card = Card::new(CardStyle::Application, "build-7", "Build 7")
    ///     .attribute("Branch", "main")
    ///     .attribute("Result", passed);
    /// assert_eq!(
    ///     serde_json::to_value(&card)?["attributes"],
    ///     serde_json::json!([
    ///         { "label": "Branch", "value": { "label": "main" } },
    ///         { "label": "Result", "value": { "label": "passed", "style": "lozenge-success" } }
    ///     ])
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn attribute(mut self, label: impl Into<String>, value: impl Into<AttributeValue>) -> Self {
        let attribute = Attribute::new(label, value);
        self.attributes.get_or_insert_default().push(attribute);
        self
    }

    /// Sets the metadata for the condition `card_matches` of an action.
    ///
    /// ```
    /// use glance_sdk::model::notification::{Card, CardStyle};
    ///
    /// let card = Card::new(CardStyle::Application, "build-7", "Build 7")
    ///     .metadata(serde_json::json!({ "result": "failed" }));
    /// assert_eq!(card.metadata.unwrap()["result"], "failed");
    /// ```
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<Value>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }
}

open_enum! {
    /// The subject of a card.
    pub enum CardStyle {
        /// A file.
        File = "file",
        /// A picture.
        Image = "image",
        /// An object of an application.
        Application = "application",
        /// A page.
        Link = "link",
        /// A video or a sound.
        Media = "media",
    }
}

open_enum! {
    /// The size of a card.
    pub enum CardFormat {
        /// Small.
        Compact = "compact",
        /// Medium.
        Medium = "medium",
    }
}

/// The text under a card's heading.
///
/// ```
/// use glance_sdk::model::notification::{Description, DescriptionText};
///
/// assert_eq!(serde_json::to_value(Description::from("All tests pass."))?, "All tests pass.");
/// let html = Description::from(DescriptionText::html("<b>All</b> tests pass."));
/// assert_eq!(
///     serde_json::to_value(html)?,
///     serde_json::json!({ "value": "<b>All</b> tests pass.", "format": "html" })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Description {
    /// Plain text.
    Text(String),
    /// Text with a format.
    Formatted(DescriptionText),
    /// A shape that this version does not know.
    Other(Value),
}

impl From<String> for Description {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<DescriptionText> for Description {
    fn from(text: DescriptionText) -> Self {
        Self::Formatted(text)
    }
}

impl From<&str> for Description {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

// Implemented by hand: a derived implementation would treat an object with a duplicate key as an
// unknown shape.
impl<'de> Deserialize<'de> for Description {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(text) => Self::Text(text),
            other => match DescriptionText::deserialize(&other) {
                Ok(text) => Self::Formatted(text),
                Err(_) => Self::Other(other),
            },
        })
    }
}

/// Text with a format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DescriptionText {
    /// The text.
    pub value: String,
    /// The format; of HTML hosts keep `a`, `b`, `i`, `strong` and `span`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<super::MessageFormat>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl DescriptionText {
    /// Creates a description from HTML. Escape other text first.
    pub fn html(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            format: Some(super::MessageFormat::Html),
            extra: Extra::new(),
        }
    }
}

/// A card's picture.
///
/// ```
/// use glance_sdk::model::notification::Thumbnail;
///
/// let mut picture = Thumbnail::new("https://example.com/plan.png");
/// picture.url_2x = Some("https://example.com/plan@2x.png".to_owned());
/// (picture.width, picture.height) = (Some(400.into()), Some(300.into()));
/// assert_eq!(serde_json::to_value(&picture)?["width"], 400);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Thumbnail {
    /// The picture at 1x.
    pub url: String,
    /// The picture at 2x.
    #[serde(rename = "url@2x", skip_serializing_if = "Option::is_none")]
    pub url_2x: Option<String>,
    /// The width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<Number>,
    /// The height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<Number>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Thumbnail {
    /// Creates a picture for plain screens.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            url_2x: None,
            width: None,
            height: None,
            extra: Extra::new(),
        }
    }
}

/// The line that replaces a collapsed card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Activity {
    /// HTML, of which hosts keep `a`, `b`, `i`, `strong` and `span`.
    pub html: String,
    /// The icon before the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Picture>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Activity {
    /// Creates a line from HTML. Escape other text first.
    pub fn html(html: impl Into<String>) -> Self {
        Self {
            html: html.into(),
            icon: None,
            extra: Extra::new(),
        }
    }
}

/// A label with a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attribute {
    /// The label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The value.
    pub value: AttributeValue,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Attribute {
    /// Creates a label with a value.
    pub fn new(label: impl Into<String>, value: impl Into<AttributeValue>) -> Self {
        Self {
            label: Some(label.into()),
            value: value.into(),
            extra: Extra::new(),
        }
    }
}

/// The value of an attribute.
///
/// ```
/// use glance_sdk::model::notification::{AttributeStyle, AttributeValue};
///
/// let value = AttributeValue::from("3 broken")
///     .style(AttributeStyle::LozengeError)
///     .url("https://ci.example.com/broken");
/// assert_eq!(
///     serde_json::to_value(&value)?,
///     serde_json::json!({
///         "label": "3 broken", "style": "lozenge-error", "url": "https://ci.example.com/broken"
///     })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttributeValue {
    /// The displayed text.
    pub label: String,
    /// The style.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<AttributeStyle>,
    /// The URL that a click opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The icon before the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Picture>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<T: Into<String>> From<T> for AttributeValue {
    fn from(label: T) -> Self {
        Self {
            label: label.into(),
            style: None,
            url: None,
            icon: None,
            extra: Extra::new(),
        }
    }
}

impl AttributeValue {
    /// Sets the style.
    #[must_use]
    pub fn style(mut self, style: AttributeStyle) -> Self {
        self.style = Some(style);
        self
    }

    /// Sets the URL that a click opens.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets the icon before the value.
    #[must_use]
    pub fn icon(mut self, icon: impl Into<Picture>) -> Self {
        self.icon = Some(icon.into());
        self
    }
}

open_enum! {
    /// The style of an attribute's value. The names differ from those of a glance's lozenge.
    pub enum AttributeStyle {
        /// A gray lozenge.
        Lozenge = "lozenge",
        /// A green lozenge.
        LozengeSuccess = "lozenge-success",
        /// A red lozenge.
        LozengeError = "lozenge-error",
        /// A yellow lozenge.
        LozengeCurrent = "lozenge-current",
        /// A blue lozenge.
        LozengeComplete = "lozenge-complete",
        /// A brown lozenge.
        LozengeMoved = "lozenge-moved",
    }
}
