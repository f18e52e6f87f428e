//! The `dialog` capability: a page of the add-on in a window over the chat.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::open_enum::open_enum;
use super::{Authentication, Extra, Text, present};

/// A page of the add-on in a window over the chat. Only one is open at a time.
///
/// ```
/// use glance_sdk::model::{Dialog, DialogAction, DialogOptions, DialogSize};
///
/// let options = DialogOptions::default()
///     .size(DialogSize::pixels(400, 200))
///     .primary_action(DialogAction::new("Assign"));
/// let dialog = Dialog::new("assign", "Assign", "https://add-on.example.com/assign").options(options);
/// assert_eq!(
///     serde_json::to_value(&dialog)?["options"],
///     serde_json::json!({
///         "size": { "width": "400px", "height": "200px" },
///         "primaryAction": { "name": { "value": "Assign" } }
///     })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dialog {
    /// 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on.
    pub key: String,
    /// The heading of the window.
    pub title: Text,
    /// The absolute URL of the page. The host fills in `{dotted.path}` variables.
    pub url: String,
    /// Whether the host opens the page with a signed request. The default is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// The appearance of the window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<DialogOptions>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Dialog {
    /// Creates a dialog with the default appearance: medium, with a button that closes it.
    pub fn new(key: impl Into<String>, title: impl Into<Text>, url: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            title: title.into(),
            url: url.into(),
            authentication: None,
            options: None,
            extra: Extra::new(),
        }
    }

    /// Returns whether the host opens the page with a signed request.
    pub fn authentication(&self) -> &Authentication {
        self.authentication.as_ref().unwrap_or(&Authentication::Jwt)
    }

    /// Makes hosts open the page without a signed request.
    ///
    /// ```
    /// use glance_sdk::model::{Authentication, Dialog};
    ///
    /// let dialog = Dialog::new("help", "Help", "https://example.com/help").unsigned();
    /// assert_eq!(dialog.authentication(), &Authentication::None);
    /// ```
    #[must_use]
    pub fn unsigned(mut self) -> Self {
        self.authentication = Some(Authentication::None);
        self
    }

    /// Sets the appearance of the window.
    ///
    /// ```
    /// use glance_sdk::model::{Dialog, DialogOptions, NamedSize};
    ///
    /// let dialog = Dialog::new("assign", "Assign", "https://add-on.example.com/assign")
    ///     .options(DialogOptions::default().size(NamedSize::Large));
    /// assert_eq!(serde_json::to_value(&dialog)?["options"], serde_json::json!({ "size": "large" }));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn options(mut self, options: DialogOptions) -> Self {
        self.options = Some(options);
        self
    }
}

/// The appearance of a dialog.
///
/// ```
/// use glance_sdk::model::{DialogAction, DialogOptions, DialogStyle, NamedSize};
///
/// let options = DialogOptions::default()
///     .style(DialogStyle::Warning)
///     .size(NamedSize::Small)
///     .primary_action(DialogAction::new("Delete"))
///     .hint("Nobody can undo this.");
/// assert_eq!(
///     serde_json::to_value(&options)?,
///     serde_json::json!({
///         "style": "warning",
///         "size": "small",
///         "primaryAction": { "name": { "value": "Delete" } },
///         "hint": { "value": "Nobody can undo this." }
///     })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct DialogOptions {
    /// The style. The default is normal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<DialogStyle>,
    /// The size. The default is medium.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub size: Option<DialogSize>,
    /// The main button.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_action: Option<DialogAction>,
    /// The other buttons. The default is a button that closes the dialog; an empty list shows none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secondary_actions: Option<Vec<DialogAction>>,
    /// A text to the left of the buttons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<Text>,
    /// A field in the heading that filters the content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<DialogFilter>,
    /// Members that this version does not know; the schema allows none.
    #[serde(flatten)]
    pub extra: Extra,
}

impl DialogOptions {
    /// Sets the style.
    #[must_use]
    pub fn style(mut self, style: DialogStyle) -> Self {
        self.style = Some(style);
        self
    }

    /// Sets the size: a [`NamedSize`], or [`DialogSize::pixels`].
    #[must_use]
    pub fn size(mut self, size: impl Into<DialogSize>) -> Self {
        self.size = Some(size.into());
        self
    }

    /// Sets the main button.
    #[must_use]
    pub fn primary_action(mut self, action: DialogAction) -> Self {
        self.primary_action = Some(action);
        self
    }

    /// Sets the other buttons. Without any, people close the dialog with the primary action or
    /// Escape.
    ///
    /// ```
    /// use glance_sdk::model::{DialogAction, DialogOptions};
    ///
    /// let options = DialogOptions::default()
    ///     .primary_action(DialogAction::new("Save"))
    ///     .secondary_actions([DialogAction::new("Test").key("test"), DialogAction::new("Cancel")]);
    /// assert_eq!(serde_json::to_value(&options)?["secondaryActions"][0]["key"], "test");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn secondary_actions(mut self, actions: impl IntoIterator<Item = DialogAction>) -> Self {
        self.secondary_actions = Some(actions.into_iter().collect());
        self
    }

    /// Sets the text to the left of the buttons.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<Text>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a field to the heading that filters the content.
    ///
    /// ```
    /// use glance_sdk::model::{DialogFilter, DialogOptions};
    ///
    /// let options = DialogOptions::default().filter(DialogFilter::new("Find a build"));
    /// assert_eq!(
    ///     serde_json::to_value(&options)?["filter"],
    ///     serde_json::json!({ "placeholder": { "value": "Find a build" } })
    /// );
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn filter(mut self, filter: DialogFilter) -> Self {
        self.filter = Some(filter);
        self
    }
}

open_enum! {
    /// The style of a dialog.
    pub enum DialogStyle {
        /// The default style.
        Normal = "normal",
        /// For confirmations of actions that cannot be undone.
        Warning = "warning",
    }
}

/// The size of a dialog.
///
/// ```
/// use glance_sdk::model::{DialogSize, NamedSize};
///
/// assert_eq!(serde_json::to_value(DialogSize::from(NamedSize::Small))?, "small");
/// assert_eq!(
///     serde_json::to_value(DialogSize::pixels(400, 200))?,
///     serde_json::json!({ "width": "400px", "height": "200px" })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum DialogSize {
    /// A named size of the host.
    Named(NamedSize),
    /// A custom size.
    Custom(CustomSize),
    /// A shape that this version does not know.
    Other(Value),
}

impl DialogSize {
    /// Creates a custom size in pixels; hosts limit it to their window.
    pub fn pixels(width: u32, height: u32) -> Self {
        Self::Custom(CustomSize {
            width: format!("{width}px"),
            height: format!("{height}px"),
            extra: Extra::new(),
        })
    }
}

impl From<NamedSize> for DialogSize {
    fn from(size: NamedSize) -> Self {
        Self::Named(size)
    }
}

impl<'de> Deserialize<'de> for DialogSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(name) => Self::Named(NamedSize::from(name.as_str())),
            other => match CustomSize::deserialize(&other) {
                Ok(size) => Self::Custom(size),
                Err(_) => Self::Other(other),
            },
        })
    }
}

open_enum! {
    /// The named sizes of dialogs.
    pub enum NamedSize {
        /// 400 pixels wide.
        Small = "small",
        /// 600 pixels wide, the default.
        Medium = "medium",
        /// 800 pixels wide.
        Large = "large",
        /// 980 pixels wide.
        Xlarge = "xlarge",
    }
}

/// A custom size of a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CustomSize {
    /// A number with `px` or `%`, for example `400px`.
    pub width: String,
    /// A number with `px` or `%`, for example `50%`.
    pub height: String,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// A button of a dialog.
///
/// ```
/// use glance_sdk::model::DialogAction;
///
/// let action = DialogAction::new("Deploy").key("deploy").disabled();
/// assert_eq!(
///     serde_json::to_value(&action)?,
///     serde_json::json!({ "name": { "value": "Deploy" }, "key": "deploy", "enabled": false })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DialogAction {
    /// The text on the button.
    pub name: Text,
    /// Whether the button is enabled at first. The default is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// The name of the button in the page's `dialog-button-click` event. The default is
    /// `primary-action-selected` for the primary action, and nothing for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl DialogAction {
    /// Creates an enabled button.
    pub fn new(name: impl Into<Text>) -> Self {
        Self {
            name: name.into(),
            enabled: None,
            key: None,
            extra: Extra::new(),
        }
    }

    /// Shows the button disabled until the page enables it.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.enabled = Some(false);
        self
    }

    /// Shows the button enabled, which is the hosts' default.
    #[must_use]
    pub fn enabled(mut self) -> Self {
        self.enabled = Some(true);
        self
    }

    /// Sets the name of the button in the page's `dialog-button-click` event.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }
}

/// A field that filters a dialog's content. The page receives its text as `dialog-filter-changed`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DialogFilter {
    /// The placeholder of the empty field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placeholder: Option<Text>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl DialogFilter {
    /// Creates a field with this placeholder.
    pub fn new(placeholder: impl Into<Text>) -> Self {
        Self {
            placeholder: Some(placeholder.into()),
            extra: Extra::new(),
        }
    }
}
