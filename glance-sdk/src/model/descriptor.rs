//! The capabilities descriptor, in which an add-on describes itself to hosts.

use serde::{Deserialize, Serialize};

use super::{
    Action, AdminPage, Configurable, Dialog, ExternalPage, Extra, Glance, HipchatApiConsumer,
    Installable, Oauth2Consumer, Oauth2Provider, WebPanel, Webhook, Webhooks,
};

/// The capabilities descriptor. An add-on serves it, and the host reads it during the installation.
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
    /// The id of the add-on, for example `com.example.incidents`; empty if missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub key: String,
    /// The name for people; empty if missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// A sentence for the list of integrations.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The supported versions of the add-on API, `minimum:maximum`. The default is `1:1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// The add-on's links.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
    /// The vendor of the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Vendor>,
    /// The capabilities of the add-on.
    #[serde(
        default = "Capabilities::missing",
        skip_serializing_if = "Capabilities::is_missing"
    )]
    pub capabilities: Capabilities,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Descriptor {
    /// Creates a descriptor without capabilities. `self_url` is its own absolute URL.
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

    /// Returns the glance with this key.
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

    /// Returns the glance with this key, for changes.
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

    /// Returns the dialog with this key.
    pub fn dialog(&self, key: &str) -> Option<&Dialog> {
        self.capabilities
            .dialogs()
            .iter()
            .find(|dialog| dialog.key == key)
    }

    /// Returns the web panel with this key.
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
    /// The absolute URL of the descriptor (`self` in JSON).
    #[serde(rename = "self")]
    pub self_url: String,
    /// A page about the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Links {
    /// Creates links with the only required URL.
    pub fn new(self_url: impl Into<String>) -> Self {
        Self {
            self_url: self_url.into(),
            homepage: None,
            extra: Extra::new(),
        }
    }
}

/// The vendor of the add-on.
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
    /// The vendor's name.
    pub name: String,
    /// The vendor's website.
    pub url: String,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Vendor {
    /// Creates a vendor; both members are required.
    pub fn new(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            extra: Extra::new(),
        }
    }
}

/// The capabilities of an add-on.
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
    /// The installation of the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installable: Option<Installable>,
    /// The scopes and the sender of the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hipchat_api_consumer: Option<HipchatApiConsumer>,
    /// The page on which people configure the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configurable: Option<Configurable>,
    /// The page on which administrators of the group manage the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_page: Option<AdminPage>,
    /// The glances, at most 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glance: Option<Vec<Glance>>,
    /// The pages for the sidebar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_panel: Option<Vec<WebPanel>>,
    /// The windows over the chat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialog: Option<Vec<Dialog>>,
    /// The pages in windows of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_page: Option<Vec<ExternalPage>>,
    /// The items in the menus of messages and of the input field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Vec<Action>>,
    /// The webhooks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhooks>,
    /// The redirection URLs of the add-on's own OAuth client.
    #[serde(rename = "oauth2Consumer", skip_serializing_if = "Option::is_none")]
    pub oauth2_consumer: Option<Oauth2Consumer>,
    /// The add-on's own OAuth endpoints.
    #[serde(rename = "oauth2Provider", skip_serializing_if = "Option::is_none")]
    pub oauth2_provider: Option<Oauth2Provider>,
    /// Capabilities without a type in this version.
    #[serde(flatten)]
    pub extra: Extra,
    /// Distinguishes a descriptor without the member from one with an empty member.
    #[serde(skip)]
    missing: bool,
}

impl Capabilities {
    /// Returns the glances, which are empty if the list is missing.
    pub fn glances(&self) -> &[Glance] {
        self.glance.as_deref().unwrap_or_default()
    }

    /// Returns the web panels, which are empty if the list is missing.
    pub fn web_panels(&self) -> &[WebPanel] {
        self.web_panel.as_deref().unwrap_or_default()
    }

    /// Returns the dialogs, which are empty if the list is missing.
    pub fn dialogs(&self) -> &[Dialog] {
        self.dialog.as_deref().unwrap_or_default()
    }

    /// Returns the external pages, which are empty if the list is missing.
    pub fn external_pages(&self) -> &[ExternalPage] {
        self.external_page.as_deref().unwrap_or_default()
    }

    /// Returns the actions, which are empty if the list is missing.
    pub fn actions(&self) -> &[Action] {
        self.action.as_deref().unwrap_or_default()
    }

    /// Returns the webhooks, which are empty if missing. A single webhook without a list counts as
    /// a list of one.
    pub fn webhooks(&self) -> &[Webhook] {
        self.webhook.as_ref().map_or(&[], Webhooks::as_slice)
    }

    /// Returns the webhooks, for changes.
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
