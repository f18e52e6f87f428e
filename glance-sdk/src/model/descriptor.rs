//! The capabilities descriptor: what an add-on tells the host about itself.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::{Extra, Glance, Icon, Text};

/// The capabilities descriptor, served by the add-on and read by the host at installation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Descriptor {
    /// Names the add-on, for example `com.example.incidents`; empty where it is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// Shown to people; empty where it is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// One sentence for the list of integrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where the add-on lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
    /// Who makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Vendor>,
    /// What it adds to a room.
    #[serde(default, skip_serializing_if = "Capabilities::is_empty")]
    pub capabilities: Capabilities,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Descriptor {
    /// A descriptor that adds nothing yet. `self_url` is its own absolute address.
    pub fn new(
        key: impl Into<String>,
        name: impl Into<String>,
        self_url: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            description: None,
            links: Some(Links::new(self_url)),
            vendor: None,
            capabilities: Capabilities::default(),
            extra: Extra::new(),
        }
    }

    /// The glance with this key.
    pub fn glance(&self, key: &str) -> Option<&Glance> {
        self.capabilities
            .glances()
            .iter()
            .find(|glance| glance.key == key)
    }

    /// The web panel with this key.
    pub fn web_panel(&self, key: &str) -> Option<&WebPanel> {
        self.capabilities
            .web_panels()
            .iter()
            .find(|panel| panel.key == key)
    }
}

/// The descriptor's links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Links {
    /// The absolute address of the descriptor (`self` on the wire).
    #[serde(rename = "self")]
    pub self_url: String,
    /// A page about the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Links {
    /// The one link every descriptor has.
    pub fn new(self_url: impl Into<String>) -> Self {
        Self {
            self_url: self_url.into(),
            homepage: None,
            extra: Extra::new(),
        }
    }
}

/// Who makes the add-on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Vendor {
    /// The maker's name.
    pub name: String,
    /// The maker's site.
    pub url: String,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Vendor {
    /// A vendor; both members are required on the wire.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            extra: Extra::new(),
        }
    }
}

/// What an add-on adds to a room.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Capabilities {
    /// How the add-on is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installable: Option<Installable>,
    /// What the add-on may call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hipchat_api_consumer: Option<HipchatApiConsumer>,
    /// Its glances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance: Option<Vec<Glance>>,
    /// Its pages for the sidebar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_panel: Option<Vec<WebPanel>>,
    /// Capabilities this version does not type.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Capabilities {
    /// Its glances, none where the list is missing.
    pub fn glances(&self) -> &[Glance] {
        self.glance.as_deref().unwrap_or_default()
    }

    /// Its web panels, none where the list is missing.
    pub fn web_panels(&self) -> &[WebPanel] {
        self.web_panel.as_deref().unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// How the add-on is installed.
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
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What the add-on may call, and under which name it speaks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HipchatApiConsumer {
    /// The scopes of its tokens.
    pub scopes: Vec<Scope>,
    /// The sender's name on its messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_name: Option<String>,
    /// `avatar` and members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl HipchatApiConsumer {
    /// A consumer with these scopes.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Self {
        Self {
            scopes: scopes.into_iter().collect(),
            ..Self::default()
        }
    }
}

open_enum! {
    /// What a token allows.
    pub enum Scope {
        /// Post notifications to rooms.
        SendNotification = "send_notification",
        /// Send private messages.
        SendMessage = "send_message",
        /// See rooms and their participants; push to a room.
        ViewRoom = "view_room",
        /// Administer rooms.
        AdminRoom = "admin_room",
        /// See users and rooms of the group; push to the group and to users.
        ViewGroup = "view_group",
        /// Administer the group.
        AdminGroup = "admin_group",
        /// Create, change and remove rooms.
        ManageRooms = "manage_rooms",
        /// Read messages.
        ViewMessages = "view_messages",
        /// Import data; for selected add-ons only.
        ImportData = "import_data",
    }
}

/// A page of the add-on, opened in the sidebar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebPanel {
    /// 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on.
    pub key: String,
    /// The panel's heading.
    pub name: Text,
    /// The page's absolute address; opened with a signed request.
    pub url: String,
    /// Where it opens: `hipchat.sidebar.right`.
    pub location: String,
    /// Shown beside the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Icon>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl WebPanel {
    /// A panel of the right sidebar, the only place there is.
    pub fn new(key: impl Into<String>, name: impl Into<Text>, url: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            url: url.into(),
            location: "hipchat.sidebar.right".to_owned(),
            icon: None,
            extra: Extra::new(),
        }
    }
}
