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
    /// What it is about.
    pub style: CardStyle,
    /// Names it; every known client sends one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The text under the heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// How much room it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<CardFormat>,
    /// What a click opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Thumbnail>,
    /// Shown beside the heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Picture>,
    /// The line that stands for it while it is folded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<Activity>,
    /// Labels and their values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<Attribute>>,
    /// What the condition `card_matches` of an action may test.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Card {
    /// A card with a heading and nothing else.
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
    #[must_use]
    pub fn description(mut self, description: impl Into<Description>) -> Self {
        self.description = Some(description.into());
        self
    }

    /// Sets how much room the card takes.
    #[must_use]
    pub fn format(mut self, format: CardFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Sets the address that a click opens.
    #[must_use]
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets the picture.
    #[must_use]
    pub fn thumbnail(mut self, thumbnail: Thumbnail) -> Self {
        self.thumbnail = Some(thumbnail);
        self
    }

    /// Sets the icon beside the heading.
    #[must_use]
    pub fn icon(mut self, icon: impl Into<Picture>) -> Self {
        self.icon = Some(icon.into());
        self
    }

    /// Sets the line that stands for the card while it is folded.
    #[must_use]
    pub fn activity(mut self, activity: Activity) -> Self {
        self.activity = Some(activity);
        self
    }

    /// Adds a label and its value.
    #[must_use]
    pub fn attribute(mut self, label: impl Into<String>, value: impl Into<AttributeValue>) -> Self {
        let attribute = Attribute::new(label, value);
        self.attributes.get_or_insert_default().push(attribute);
        self
    }

    /// Sets what the condition `card_matches` of an action may test.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<Value>) -> Self {
        self.metadata = Some(metadata.into());
        self
    }
}

open_enum! {
    /// What a card is about.
    pub enum CardStyle {
        /// A file.
        File = "file",
        /// A picture.
        Image = "image",
        /// Something of an application.
        Application = "application",
        /// A page.
        Link = "link",
        /// A film or a sound.
        Media = "media",
    }
}

open_enum! {
    /// How much room a card takes.
    pub enum CardFormat {
        /// Little.
        Compact = "compact",
        /// More.
        Medium = "medium",
    }
}

/// The text under a card's heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Description {
    /// Plain text.
    Text(String),
    /// Text of a named format.
    Formatted(DescriptionText),
    /// A shape this version does not know.
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

// By hand: a derived one would take an object with a duplicate key for an unknown shape.
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

/// Text of a named format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DescriptionText {
    /// The text.
    pub value: String,
    /// How it is written; of HTML hosts keep `a`, `b`, `i`, `strong` and `span`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<super::MessageFormat>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl DescriptionText {
    /// HTML, as it is: text from elsewhere has to be escaped before.
    pub fn html(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            format: Some(super::MessageFormat::Html),
            extra: Extra::new(),
        }
    }
}

/// A card's picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Thumbnail {
    /// The picture at 1x.
    pub url: String,
    /// The picture at 2x.
    #[serde(rename = "url@2x", skip_serializing_if = "Option::is_none")]
    pub url_2x: Option<String>,
    /// Its width in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<Number>,
    /// Its height in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<Number>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Thumbnail {
    /// A picture for plain screens.
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

/// The line that stands for a card while it is folded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Activity {
    /// HTML, of which hosts keep `a`, `b`, `i`, `strong` and `span`.
    pub html: String,
    /// Shown before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Picture>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Activity {
    /// A line of HTML, as it is: text from elsewhere has to be escaped before.
    pub fn html(html: impl Into<String>) -> Self {
        Self {
            html: html.into(),
            icon: None,
            extra: Extra::new(),
        }
    }
}

/// A label and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Attribute {
    /// The label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The value.
    pub value: AttributeValue,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Attribute {
    /// A label with a value.
    pub fn new(label: impl Into<String>, value: impl Into<AttributeValue>) -> Self {
        Self {
            label: Some(label.into()),
            value: value.into(),
            extra: Extra::new(),
        }
    }
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AttributeValue {
    /// What people read.
    pub label: String,
    /// How it looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<AttributeStyle>,
    /// What a click opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Shown before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Picture>,
    /// Members this version does not know.
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
    /// Sets how the value looks.
    #[must_use]
    pub fn style(mut self, style: AttributeStyle) -> Self {
        self.style = Some(style);
        self
    }

    /// Sets the address that a click opens.
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
    /// How the value of an attribute looks. The names differ from those of a glance's lozenge.
    pub enum AttributeStyle {
        /// A grey lozenge.
        Lozenge = "lozenge",
        /// A green one.
        LozengeSuccess = "lozenge-success",
        /// A red one.
        LozengeError = "lozenge-error",
        /// A yellow one.
        LozengeCurrent = "lozenge-current",
        /// A blue one.
        LozengeComplete = "lozenge-complete",
        /// A brown one.
        LozengeMoved = "lozenge-moved",
    }
}
