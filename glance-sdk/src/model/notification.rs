//! Notifications, the messages of add-ons.
//!
//! ```
//! use glance_sdk::model::notification::{Card, CardStyle, Color, Notification};
//!
//! let card = Card::new(CardStyle::Application, "build-7", "Build 7 passed");
//! let notification = Notification::text("Build 7 passed.").color(Color::Green).card(card);
//! # assert!(notification.card.is_some());
//! ```

mod card;

use serde::{Deserialize, Serialize};

use super::Extra;
use super::open_enum::open_enum;

pub use card::{
    Activity, Attribute, AttributeStyle, AttributeValue, Card, CardFormat, CardStyle, Description,
    DescriptionText, Thumbnail,
};

/// A message of an add-on in a room; also the response to a webhook, which the host then posts
/// there.
///
/// ```
/// use glance_sdk::model::{Color, Notification};
///
/// let notification = Notification::text("The build is green.").color(Color::Green);
/// assert_eq!(
///     serde_json::to_value(&notification)?,
///     serde_json::json!({
///         "message": "The build is green.", "message_format": "text", "color": "green"
///     })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Notification {
    /// 1 to 10,000 characters. Clients without support for cards show it instead of the card.
    pub message: String,
    /// The format of the message. The default is HTML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_format: Option<MessageFormat>,
    /// The background color. The default is yellow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// Whether to alert people. The default is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<bool>,
    /// A label beside the sender's name, up to 64 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The id of the message under which to show the notification, up to 36 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attach_to: Option<String>,
    /// A card, shown instead of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Notification {
    /// Creates a message from HTML. Escape other text first.
    ///
    /// ```
    /// use glance_sdk::label::Escaped;
    /// use glance_sdk::model::Notification;
    ///
    /// let branch = "a<b";
    /// let notification = Notification::html(format!("<b>{}</b> is green.", Escaped(branch)));
    /// assert_eq!(notification.message, "<b>a&lt;b</b> is green.");
    /// ```
    pub fn html(message: impl Into<String>) -> Self {
        Self::new(message, MessageFormat::Html)
    }

    /// Creates a message from plain text, in which hosts find links, mentions and emoticons.
    ///
    /// ```
    /// use glance_sdk::model::Notification;
    ///
    /// let notification = Notification::text("@here (success) https://ci.example.com/7 is green.");
    /// assert_eq!(serde_json::to_value(&notification)?["message_format"], "text");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn text(message: impl Into<String>) -> Self {
        Self::new(message, MessageFormat::Text)
    }

    fn new(message: impl Into<String>, format: MessageFormat) -> Self {
        Self {
            message: message.into(),
            message_format: Some(format),
            color: None,
            notify: None,
            from: None,
            attach_to: None,
            card: None,
            extra: Extra::new(),
        }
    }

    /// Sets the background color.
    ///
    /// ```
    /// use glance_sdk::model::{Color, Notification};
    ///
    /// let notification = Notification::text("The build is broken.").color(Color::Red);
    /// assert_eq!(serde_json::to_value(&notification)?["color"], "red");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn color(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    /// Alerts people.
    ///
    /// ```
    /// use glance_sdk::model::Notification;
    ///
    /// let notification = Notification::text("The site is down.").notify();
    /// assert_eq!(serde_json::to_value(&notification)?["notify"], true);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn notify(mut self) -> Self {
        self.notify = Some(true);
        self
    }

    /// Sets the label beside the sender's name: up to 64 characters.
    ///
    /// ```
    /// use glance_sdk::model::Notification;
    ///
    /// let notification = Notification::text("Deployed.").from_label("staging");
    /// assert_eq!(serde_json::to_value(&notification)?["from"], "staging");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn from_label(mut self, label: impl Into<String>) -> Self {
        self.from = Some(label.into());
        self
    }

    /// Shows the notification under the message with this id.
    ///
    /// ```
    /// use glance_sdk::model::Notification;
    /// use glance_sdk::model::webhook::Message;
    ///
    /// # let said = Message::new("Does the build pass?");
    /// let mut answer = Notification::text("It does.");
    /// if let Some(id) = said.id {
    ///     answer = answer.attach_to(id);
    /// }
    /// ```
    #[must_use]
    pub fn attach_to(mut self, message_id: impl Into<String>) -> Self {
        self.attach_to = Some(message_id.into());
        self
    }

    /// Shows a card instead of the message.
    ///
    /// ```
    /// use glance_sdk::model::Notification;
    /// use glance_sdk::model::notification::{Card, CardStyle};
    ///
    /// let card = Card::new(CardStyle::Application, "build-7", "Build 7").description("All tests pass.");
    /// let notification = Notification::text("Build 7: all tests pass.").card(card);
    /// assert!(notification.card.is_some());
    /// ```
    #[must_use]
    pub fn card(mut self, card: Card) -> Self {
        self.card = Some(card);
        self
    }
}

open_enum! {
    /// The format of a message.
    ///
    /// ```
    /// use glance_sdk::model::notification::{MessageFormat, Notification};
    ///
    /// assert_eq!(Notification::html("<b>Green</b>").message_format, Some(MessageFormat::Html));
    /// ```
    pub enum MessageFormat {
        /// HTML, of which hosts keep a subset.
        Html = "html",
        /// Plain text.
        Text = "text",
    }
}

open_enum! {
    /// The background color of a notification.
    ///
    /// ```
    /// use glance_sdk::model::Color;
    ///
    /// let broken = 2;
    /// let color = if broken > 0 { Color::Red } else { Color::Green };
    /// assert_eq!(color.as_str(), "red");
    /// ```
    pub enum Color {
        /// Yellow, the default.
        Yellow = "yellow",
        /// Green.
        Green = "green",
        /// Red.
        Red = "red",
        /// Purple.
        Purple = "purple",
        /// Grey.
        Gray = "gray",
        /// A random color.
        Random = "random",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn odd_notifications_survive_a_round_trip() {
        for sent in [
            json!({"message": ""}),
            json!({"message": "x", "format": "html", "color": "teal", "notify": false}),
            json!({"message": "x", "card": {"style": "list", "id": "1", "title": "t", "icon": "i", "description": "d"}}),
            json!({"message": "x", "card": {"style": "link", "id": "1", "title": "t",
                "description": {"value": "d", "format": "text"},
                "icon": {"url": "i", "url@2x": "j"},
                "thumbnail": {"url": "t", "width": 3000, "height": 2.5},
                "activity": {"html": "<b>x</b>", "icon": {"url": "i"}},
                "attributes": [{"label": "l", "value": {"label": "v", "style": "lozenge-success", "icon": "i"}}],
                "metadata": {"a": [1]}, "more": 1}}),
        ] {
            let notification: Notification = serde_json::from_value(sent.clone()).unwrap();
            assert_eq!(serde_json::to_value(&notification).unwrap(), sent);
        }
    }

    #[test]
    fn last_duplicate_member_of_description_counts() {
        let text = r#"{"message": "x", "card": {"style": "link", "id": "i", "title": "t",
            "description": {"value": 1, "format": "text", "value": "d"}}}"#;
        let read: Notification = crate::json::from_str(text).unwrap();
        let description = read.card.unwrap().description;
        assert!(
            matches!(description, Some(card::Description::Formatted(text)) if text.value == "d")
        );
    }
}
