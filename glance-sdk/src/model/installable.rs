//! The `installable` capability: who may install the add-on, and the URLs of the installation.

use serde::{Deserialize, Serialize};

use super::Extra;

/// The installation of the add-on.
///
/// Most add-ons only set a `callback_url`.
///
/// ```
/// use glance_sdk::model::Installable;
///
/// let installable = Installable::new("https://add-on.example.com/installed");
/// assert!(installable.for_rooms() && installable.for_groups());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Installable {
    /// Whether a single room may install the add-on. The default is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_room: Option<bool>,
    /// Whether the whole group may install the add-on. The default is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_global: Option<bool>,
    /// The URL to which the host posts the [installation data](super::InstallationData), and to
    /// which it sends a DELETE with the OAuth id appended at the removal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// The URL to which the host posts an update: the installation data without its secret. With it
    /// an update keeps the OAuth id; without it an update is another installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_callback_url: Option<String>,
    /// The URL that the browser opens after an installation, with the query parameters
    /// `redirect_url` and `installable_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_url: Option<String>,
    /// The URL that the browser opens after the removal, with the same parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uninstalled_url: Option<String>,
    /// The URL that the browser opens after an update, with the same parameters. The default is
    /// `installed_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_url: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Installable {
    /// Creates a capability with this absolute callback URL, for rooms and groups.
    pub fn new(callback_url: impl Into<String>) -> Self {
        Self {
            callback_url: Some(callback_url.into()),
            ..Self::default()
        }
    }

    /// Returns whether a single room may install the add-on.
    ///
    /// ```
    /// use glance_sdk::model::Installable;
    ///
    /// let mut installable = Installable::new("https://add-on.example.com/installed");
    /// installable.allow_room = Some(false);
    /// assert!(!installable.for_rooms());
    /// ```
    pub fn for_rooms(&self) -> bool {
        self.allow_room.unwrap_or(true)
    }

    /// Returns whether the whole group may install the add-on.
    ///
    /// ```
    /// use glance_sdk::model::Installable;
    ///
    /// let mut installable = Installable::new("https://add-on.example.com/installed");
    /// installable.allow_global = Some(false);
    /// assert!(!installable.for_groups());
    /// ```
    pub fn for_groups(&self) -> bool {
        self.allow_global.unwrap_or(true)
    }
}
