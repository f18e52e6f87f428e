//! The capabilities descriptor: what an add-on tells the host about itself.

use serde::{Deserialize, Serialize};

use super::{
    Action, AdminPage, Configurable, Dialog, ExternalPage, Extra, Glance, HipchatApiConsumer,
    Installable, Oauth2Consumer, Oauth2Provider, WebPanel, Webhook, Webhooks,
};

/// The capabilities descriptor, served by the add-on and read by the host at installation.
///
/// ```
/// use glance_sdk::model::{Descriptor, Glance, Icon};
///
/// let mut descriptor = Descriptor::new("com.example.ci", "CI", "https://ci.example.com/");
/// let icon = Icon::new("https://ci.example.com/build.svg");
/// descriptor.capabilities.glance = Some(vec![Glance::new("builds", "Builds", icon)]);
/// let written = serde_json::to_value(&descriptor)?;
/// assert_eq!(written["capabilities"]["glance"][0]["key"], "builds");
/// assert_eq!(serde_json::from_value::<Descriptor>(written)?, descriptor);
/// # Ok::<(), serde_json::Error>(())
/// ```
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
    /// The versions of the add-on API it is written for, `minimum:maximum`; `1:1` where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Where the add-on lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
    /// Who makes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Vendor>,
    /// What it adds to a room.
    #[serde(
        default = "Capabilities::missing",
        skip_serializing_if = "Capabilities::is_missing"
    )]
    pub capabilities: Capabilities,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Descriptor {
    /// A descriptor that adds nothing yet. `self_url` is its own absolute address.
    ///
    /// ```
    /// use glance_sdk::model::Descriptor;
    ///
    /// let descriptor = Descriptor::new("com.example.ci", "CI", "https://ci.example.com/");
    /// assert_eq!(descriptor.links.unwrap().self_url, "https://ci.example.com/");
    /// ```
    pub fn new(
        key: impl Into<String>,
        name: impl Into<String>,
        self_url: impl Into<String>,
    ) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            description: None,
            api_version: None,
            links: Some(Links::new(self_url)),
            vendor: None,
            capabilities: Capabilities::default(),
            extra: Extra::new(),
        }
    }

    /// The glance with this key.
    ///
    /// ```
    /// use glance_sdk::model::{Descriptor, Glance, Icon};
    ///
    /// let mut descriptor = Descriptor::new("com.example.ci", "CI", "https://ci.example.com/");
    /// let icon = Icon::new("https://ci.example.com/build.svg");
    /// descriptor.capabilities.glance = Some(vec![Glance::new("builds", "Builds", icon)]);
    /// assert_eq!(descriptor.glance("builds").unwrap().name, "Builds".into());
    /// assert_eq!(descriptor.glance("tests"), None);
    /// ```
    pub fn glance(&self, key: &str) -> Option<&Glance> {
        self.capabilities
            .glances()
            .iter()
            .find(|glance| glance.key == key)
    }

    /// The glance with this key, to be changed.
    ///
    /// ```
    /// use glance_sdk::model::{Descriptor, Glance, Icon};
    ///
    /// let mut descriptor = Descriptor::new("com.example.ci", "CI", "https://ci.example.com/");
    /// let icon = Icon::new("https://ci.example.com/build.svg");
    /// descriptor.capabilities.glance = Some(vec![Glance::new("builds", "Builds", icon)]);
    /// if let Some(glance) = descriptor.glance_mut("builds") {
    ///     glance.weight = Some(10);
    /// }
    /// assert_eq!(descriptor.glance("builds").unwrap().weight, Some(10));
    /// ```
    pub fn glance_mut(&mut self, key: &str) -> Option<&mut Glance> {
        let mut glances = self.capabilities.glance.iter_mut().flatten();
        glances.find(|glance| glance.key == key)
    }

    /// The dialog with this key.
    pub fn dialog(&self, key: &str) -> Option<&Dialog> {
        self.capabilities
            .dialogs()
            .iter()
            .find(|dialog| dialog.key == key)
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
///
/// ```
/// use glance_sdk::model::Links;
///
/// let mut links = Links::new("https://ci.example.com/");
/// links.homepage = Some("https://example.com/ci".to_owned());
/// assert_eq!(
///     serde_json::to_value(&links)?,
///     serde_json::json!({ "self": "https://ci.example.com/", "homepage": "https://example.com/ci" })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
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
///
/// ```
/// use glance_sdk::model::{Descriptor, Vendor};
///
/// let mut descriptor = Descriptor::new("com.example.ci", "CI", "https://ci.example.com/");
/// descriptor.vendor = Some(Vendor::new("Example", "https://example.com"));
/// assert_eq!(
///     serde_json::to_value(&descriptor)?["vendor"],
///     serde_json::json!({ "name": "Example", "url": "https://example.com" })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
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
///
/// ```
/// use glance_sdk::model::Capabilities;
///
/// let capabilities: Capabilities = serde_json::from_str(
///     r#"{
///         "glance": [{ "key": "builds", "name": { "value": "Builds" }, "icon": { "url": "/b.svg" } }],
///         "webhook": { "event": "room_message", "url": "https://ci.example.com/said" }
///     }"#,
/// )?;
/// assert_eq!(capabilities.glances()[0].key, "builds");
/// assert_eq!(capabilities.webhooks().len(), 1);
/// assert!(capabilities.dialogs().is_empty());
/// # Ok::<(), serde_json::Error>(())
/// ```
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
    /// The page on which people set it up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configurable: Option<Configurable>,
    /// The page on which administrators of the group manage it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_page: Option<AdminPage>,
    /// Its glances, 10 at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance: Option<Vec<Glance>>,
    /// Its pages for the sidebar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_panel: Option<Vec<WebPanel>>,
    /// Its windows over the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialog: Option<Vec<Dialog>>,
    /// Its pages in windows of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_page: Option<Vec<ExternalPage>>,
    /// Its entries in the menus of messages and of the input field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Vec<Action>>,
    /// What it wants to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhooks>,
    /// Where the host may send people back to.
    #[serde(rename = "oauth2Consumer", skip_serializing_if = "Option::is_none")]
    pub oauth2_consumer: Option<Oauth2Consumer>,
    /// Where it gives tokens itself.
    #[serde(rename = "oauth2Provider", skip_serializing_if = "Option::is_none")]
    pub oauth2_provider: Option<Oauth2Provider>,
    /// Capabilities this version does not type.
    #[serde(flatten)]
    pub extra: Extra,
    /// Keeps a descriptor without the member apart from one where it is empty.
    #[serde(skip)]
    missing: bool,
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

    /// Its dialogs, none where the list is missing.
    pub fn dialogs(&self) -> &[Dialog] {
        self.dialog.as_deref().unwrap_or_default()
    }

    /// Its external pages, none where the list is missing.
    pub fn external_pages(&self) -> &[ExternalPage] {
        self.external_page.as_deref().unwrap_or_default()
    }

    /// Its actions, none where the list is missing.
    pub fn actions(&self) -> &[Action] {
        self.action.as_deref().unwrap_or_default()
    }

    /// Its webhooks, none where they are missing, one where one stands alone.
    pub fn webhooks(&self) -> &[Webhook] {
        self.webhook.as_ref().map_or(&[], Webhooks::as_slice)
    }

    /// Its webhooks, to be changed.
    pub fn webhooks_mut(&mut self) -> &mut [Webhook] {
        self.webhook
            .as_mut()
            .map_or(&mut [], Webhooks::as_mut_slice)
    }

    fn missing() -> Self {
        Self {
            missing: true,
            ..Self::default()
        }
    }

    fn is_missing(&self) -> bool {
        *self == Self::missing()
    }
}
