//! The pages of an add-on that a host opens: panels, configuration, administration, external pages.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::{Condition, Extra, Icon, Text};

open_enum! {
    /// Whether a host signs its requests to a URL.
    pub enum Authentication {
        /// The host signs its requests.
        Jwt = "jwt",
        /// The host does not sign its requests.
        None = "none",
    }
}

/// A page of the add-on, opened in the sidebar.
///
/// ```
/// use glance_sdk::model::{Authentication, WebPanel};
///
/// let panel = WebPanel::new("builds", "Builds", "https://add-on.example.com/builds");
/// assert_eq!(panel.authentication(), &Authentication::Jwt);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebPanel {
    /// 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on.
    pub key: String,
    /// The heading of the panel.
    pub name: Text,
    /// The absolute URL of the page. The host fills in `{dotted.path}` variables.
    pub url: String,
    /// The location: `hipchat.sidebar.right` is the only one.
    pub location: String,
    /// The icon beside the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Icon>,
    /// The position: panels are sorted in ascending order. The default is 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    /// The conditions, all of which must hold for the panel to appear; all names except
    /// `glance_matches`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Whether the host opens the page with a signed request. The default is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl WebPanel {
    /// Creates a panel for the right sidebar.
    pub fn new(key: impl Into<String>, name: impl Into<Text>, url: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            url: url.into(),
            location: "hipchat.sidebar.right".to_owned(),
            icon: None,
            weight: None,
            conditions: None,
            authentication: None,
            extra: Extra::new(),
        }
    }

    /// Sets the image beside the name.
    ///
    /// ```
    /// use glance_sdk::model::{Icon, WebPanel};
    ///
    /// let panel = WebPanel::new("builds", "Builds", "https://add-on.example.com/builds")
    ///     .icon(Icon::new("https://add-on.example.com/builds.svg"));
    /// assert_eq!(serde_json::to_value(&panel)?["icon"]["url"], "https://add-on.example.com/builds.svg");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Sets the position: panels are sorted by weight in ascending order.
    #[must_use]
    pub fn weight(mut self, weight: i64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Adds a condition. All conditions must hold for the panel to appear.
    ///
    /// ```
    /// use glance_sdk::model::{Condition, ConditionName, WebPanel};
    ///
    /// let panel = WebPanel::new("audit", "Audit", "https://add-on.example.com/audit")
    ///     .condition(Condition::named(ConditionName::UserIsAdmin))
    ///     .weight(7);
    /// assert_eq!(panel.conditions().len(), 1);
    /// ```
    #[must_use]
    pub fn condition(mut self, condition: Condition) -> Self {
        self.conditions.get_or_insert_default().push(condition);
        self
    }

    /// Returns the weight. The default is 100.
    ///
    /// ```
    /// use glance_sdk::model::WebPanel;
    ///
    /// let panel = WebPanel::new("builds", "Builds", "https://add-on.example.com/builds");
    /// assert_eq!(panel.weight_or_default(), 100);
    /// assert_eq!(panel.weight(10).weight_or_default(), 10);
    /// ```
    pub fn weight_or_default(&self) -> i64 {
        self.weight.unwrap_or(100)
    }

    /// Returns the conditions, which are empty by default.
    pub fn conditions(&self) -> &[Condition] {
        self.conditions.as_deref().unwrap_or_default()
    }

    /// Returns whether the host opens the page with a signed request.
    pub fn authentication(&self) -> &Authentication {
        self.authentication.as_ref().unwrap_or(&Authentication::Jwt)
    }
}

/// A page in a separate window, which the host opens with a signed request.
///
/// ```
/// use glance_sdk::model::ExternalPage;
///
/// let mut page = ExternalPage::new("report", "https://add-on.example.com/report");
/// page.name = Some("Report".into());
/// assert_eq!(serde_json::to_value(&page)?["name"]["value"], "Report");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ExternalPage {
    /// 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on.
    pub key: String,
    /// The absolute URL of the page. The host fills in `{dotted.path}` variables.
    pub url: String,
    /// The page's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Members that this version does not know; the schema allows none.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ExternalPage {
    /// Creates a page without a name.
    pub fn new(key: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            url: url.into(),
            name: None,
            extra: Extra::new(),
        }
    }
}

/// The page on which people configure the add-on.
///
/// ```
/// use glance_sdk::model::Configurable;
///
/// let mut page = Configurable::new("https://add-on.example.com/settings");
/// page.allow_access_to_room_admins = Some(true);
/// assert_eq!(
///     serde_json::to_value(&page)?,
///     serde_json::json!({
///         "url": "https://add-on.example.com/settings", "allowAccessToRoomAdmins": true
///     })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Configurable {
    /// The absolute URL of the page.
    pub url: String,
    /// Whether the host opens the page with a signed request. The default is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Whether administrators of a room may open the page if the whole group has installed the
    /// add-on. The default is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_access_to_room_admins: Option<bool>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Configurable {
    /// Creates a page with this absolute URL, which hosts open with a signed request.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            authentication: None,
            allow_access_to_room_admins: None,
            extra: Extra::new(),
        }
    }

    /// Returns whether the host opens the page with a signed request.
    pub fn authentication(&self) -> &Authentication {
        self.authentication.as_ref().unwrap_or(&Authentication::Jwt)
    }
}

/// The page on which administrators of the group manage the add-on.
///
/// ```
/// use glance_sdk::model::{AdminPage, Capabilities};
///
/// let mut capabilities = Capabilities::default();
/// capabilities.admin_page = Some(AdminPage::new("https://ci.example.com/admin"));
/// assert_eq!(
///     serde_json::to_value(&capabilities)?,
///     serde_json::json!({ "adminPage": { "url": "https://ci.example.com/admin" } })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AdminPage {
    /// The absolute URL of the page.
    pub url: String,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AdminPage {
    /// Creates a page with this absolute URL.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            extra: Extra::new(),
        }
    }
}
