//! The pages of an add-on that a host opens: panels, configuration, administration, elsewhere.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::{Condition, Extra, Icon, Text};

open_enum! {
    /// Whether a host signs what it sends to an address.
    pub enum Authentication {
        /// With a signed request.
        Jwt = "jwt",
        /// Not at all.
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
    /// The panel's heading.
    pub name: Text,
    /// The page's absolute address, which may hold `{dotted.path}` variables that the host fills.
    pub url: String,
    /// Where it opens: `hipchat.sidebar.right`, the only place there is.
    pub location: String,
    /// Shown beside the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Icon>,
    /// Sorts panels, ascending; 100 where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    /// All must hold for the panel to be offered; all names but `glance_matches`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Whether the page is opened with a signed request; it is where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl WebPanel {
    /// A panel of the right sidebar.
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

    /// Sets the place among the panels; they are sorted by weight, ascending.
    #[must_use]
    pub fn weight(mut self, weight: i64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Adds a condition; all must hold for the panel to be offered.
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

    /// The weight, 100 where none is declared.
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

    /// The conditions, none where none are declared.
    pub fn conditions(&self) -> &[Condition] {
        self.conditions.as_deref().unwrap_or_default()
    }

    /// Whether the page is opened with a signed request.
    pub fn authentication(&self) -> &Authentication {
        self.authentication.as_ref().unwrap_or(&Authentication::Jwt)
    }
}

/// A page in a window of its own, opened on a signed address.
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
    /// The page's absolute address, which may hold `{dotted.path}` variables that the host fills.
    pub url: String,
    /// The page's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// Members this version does not know; the schema allows none.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ExternalPage {
    /// A page without a name.
    pub fn new(key: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            url: url.into(),
            name: None,
            extra: Extra::new(),
        }
    }
}

/// The page on which people set the add-on up.
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
    /// The page's absolute address.
    pub url: String,
    /// Whether the page is opened with a signed request; it is where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<Authentication>,
    /// Whether administrators of a room may open it where the whole group has the add-on; no
    /// where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_access_to_room_admins: Option<bool>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Configurable {
    /// A page at this absolute address, opened with a signed request.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            authentication: None,
            allow_access_to_room_admins: None,
            extra: Extra::new(),
        }
    }

    /// Whether the page is opened with a signed request.
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
    /// The page's absolute address.
    pub url: String,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AdminPage {
    /// A page at this absolute address.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            extra: Extra::new(),
        }
    }
}
