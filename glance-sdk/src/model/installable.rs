//! The `installable` capability: who may install the add-on and how the host tells it.

use serde::{Deserialize, Serialize};

use super::Extra;

/// How the add-on is installed.
///
/// Most add-ons name a `callback_url` and nothing else.
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
    /// Whether one room may install it; yes where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_room: Option<bool>,
    /// Whether the whole group may install it; yes where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_global: Option<bool>,
    /// Where the host posts the [installation data](super::InstallationData), and, with the
    /// OAuth id appended, sends a DELETE on removal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// Where the host posts an update: the installation data without its secret. Declaring it
    /// keeps the OAuth id; where it is absent an update is another installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_callback_url: Option<String>,
    /// Where the browser goes after an installation, with the query parameters `redirect_url`
    /// and `installable_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installed_url: Option<String>,
    /// Where the browser goes after the removal, with the same parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uninstalled_url: Option<String>,
    /// Where the browser goes after an update, with the same parameters; `installed_url` where
    /// it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_url: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Installable {
    /// Installed by a post to this absolute address, by rooms and groups alike.
    pub fn new(callback_url: impl Into<String>) -> Self {
        Self {
            callback_url: Some(callback_url.into()),
            ..Self::default()
        }
    }

    /// Whether one room may install it.
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

    /// Whether the whole group may install it.
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
