//! The descriptor's glance entry and the shapes it shares with other entries.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{Condition, Extra};

/// A glance as the descriptor declares it, or as the REST API creates it at runtime.
///
/// It holds no data: label, status and metadata come from `query_url` and from pushes.
///
/// ```
/// use glance_sdk::model::{Glance, Icon};
///
/// let glance = Glance::new("build-7", "Build 7", Icon::new("https://ci.example.com/build.png"))
///     .query_url("https://ci.example.com/glances/7")
///     .target("builds")
///     .weight(10);
/// assert_eq!(glance.weight_or_default(), 10);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Glance {
    /// 1 to 40 of `a-z A-Z 0-9 _ - .`, unique within the add-on.
    pub key: String,
    /// Shown in the error state and where there is no `query_url`.
    pub name: Text,
    /// Shown before the label.
    pub icon: Icon,
    /// Where the host asks for the data, signed, when a person enters the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_url: Option<String>,
    /// What a click opens: the key of a web panel, dialog or external page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Sorts glances, ascending from the top; 100 where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    /// All must hold for the glance to show; see [`evaluate`](crate::evaluate).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Glance {
    /// A glance with a key, a name and an icon, and nothing else.
    pub fn new(key: impl Into<String>, name: impl Into<Text>, icon: Icon) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            icon,
            query_url: None,
            target: None,
            weight: None,
            conditions: None,
            extra: Extra::new(),
        }
    }

    /// Sets the address where the host asks for the data.
    ///
    /// ```
    /// use glance_sdk::model::{Glance, Icon};
    ///
    /// let icon = Icon::new("https://ci.example.com/build.svg");
    /// let glance = Glance::new("builds", "Builds", icon).query_url("https://ci.example.com/glances/7");
    /// assert_eq!(serde_json::to_value(&glance)?["queryUrl"], "https://ci.example.com/glances/7");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn query_url(mut self, url: impl Into<String>) -> Self {
        self.query_url = Some(url.into());
        self
    }

    /// Sets what a click opens: the key of a web panel, dialog or external page.
    ///
    /// ```
    /// use glance_sdk::model::{Glance, Icon};
    ///
    /// let icon = Icon::new("https://ci.example.com/build.svg");
    /// let glance = Glance::new("builds", "Builds", icon).target("builds-panel");
    /// assert_eq!(glance.target.unwrap().key(), Some("builds-panel"));
    /// ```
    #[must_use]
    pub fn target(mut self, target: impl Into<Target>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Sets the place among the glances; they are sorted by weight, ascending from the top.
    ///
    /// ```
    /// use glance_sdk::model::{Glance, Icon};
    ///
    /// let glance = |key: &str| Glance::new(key, "Builds", Icon::new("https://ci.example.com/b.svg"));
    /// assert!(glance("broken").weight(10).weight_or_default() < glance("green").weight_or_default());
    /// ```
    #[must_use]
    pub fn weight(mut self, weight: i64) -> Self {
        self.weight = Some(weight);
        self
    }

    /// Adds a condition; all must hold for the glance to show.
    ///
    /// ```
    /// use glance_sdk::model::{Condition, Glance, Icon, Match};
    ///
    /// let glance = Glance::new("builds", "Builds", Icon::new("https://ci.example.com/build.svg"))
    ///     .condition(Condition::glance_matches([Match::gt("broken", 0)]));
    /// assert_eq!(glance.conditions().len(), 1);
    /// ```
    #[must_use]
    pub fn condition(mut self, condition: Condition) -> Self {
        self.conditions.get_or_insert_default().push(condition);
        self
    }

    /// The weight, 100 where none is declared.
    pub fn weight_or_default(&self) -> i64 {
        self.weight.unwrap_or(100)
    }

    /// The conditions, none where none are declared.
    pub fn conditions(&self) -> &[Condition] {
        self.conditions.as_deref().unwrap_or_default()
    }
}

/// A localised text of the descriptor: what people read, and the key of its translation.
///
/// ```
/// use glance_sdk::model::Text;
///
/// let mut name = Text::from("Builds");
/// name.i18n = Some("builds.name".to_owned());
/// assert_eq!(
///     serde_json::to_value(&name)?,
///     serde_json::json!({ "value": "Builds", "i18n": "builds.name" })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Text {
    /// 1 to 100 characters.
    pub value: String,
    /// 1 to 40 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub i18n: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<T: Into<String>> From<T> for Text {
    fn from(value: T) -> Self {
        Self {
            value: value.into(),
            i18n: None,
            extra: Extra::new(),
        }
    }
}

/// An image for plain and for dense screens.
///
/// ```
/// use glance_sdk::model::Icon;
///
/// let icon = Icon::new("/build.png").with_2x("/build@2x.png");
/// assert_eq!(
///     serde_json::to_value(&icon)?,
///     serde_json::json!({ "url": "/build.png", "url@2x": "/build@2x.png" })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Icon {
    /// The image at 1x.
    pub url: String,
    /// The image at 2x, used where the device pixel ratio exceeds 1.
    #[serde(rename = "url@2x", skip_serializing_if = "Option::is_none")]
    pub url_2x: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Icon {
    /// One image for both densities, which is what most add-ons have.
    ///
    /// ```
    /// use glance_sdk::model::Icon;
    ///
    /// let icon = Icon::new("/build.svg");
    /// assert_eq!(icon.url_2x, Some("/build.svg".to_owned()));
    /// ```
    pub fn new(url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            url_2x: Some(url.clone()),
            url,
            extra: Extra::new(),
        }
    }

    /// No image for dense screens: hosts show the other there.
    ///
    /// ```
    /// use glance_sdk::model::Icon;
    ///
    /// let icon = Icon::new("/build.png").without_2x();
    /// assert_eq!(serde_json::to_value(&icon)?, serde_json::json!({ "url": "/build.png" }));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn without_2x(mut self) -> Self {
        self.url_2x = None;
        self
    }

    /// Another image for dense screens.
    #[must_use]
    pub fn with_2x(mut self, url: impl Into<String>) -> Self {
        self.url_2x = Some(url.into());
        self
    }
}

/// What a click on a glance or an action opens.
///
/// ```
/// use glance_sdk::model::Target;
///
/// let target: Target = serde_json::from_str(r#""builds-panel""#)?;
/// assert_eq!(target, Target::from("builds-panel"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Target {
    /// The key of a web panel, dialog or external page of the same add-on.
    Key(String),
    /// The same with options.
    Object(TargetObject),
    /// A shape this version does not know.
    Other(Value),
}

impl Target {
    /// The key that is opened, where the shape is known.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Key(key) => Some(key),
            Self::Object(object) => Some(&object.key),
            Self::Other(_) => None,
        }
    }
}

impl From<String> for Target {
    fn from(key: String) -> Self {
        Self::Key(key)
    }
}

impl From<&str> for Target {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(key) => Self::Key(key),
            other => match TargetObject::deserialize(&other) {
                Ok(object) => Self::Object(object),
                Err(_) => Self::Other(other),
            },
        })
    }
}

/// A target with options.
///
/// HipChat's last web client did not follow it from a glance, only from an action.
///
/// ```
/// use glance_sdk::model::{Target, TargetObject};
///
/// let options = [("branch".to_owned(), "main".into())].into_iter().collect();
/// let target = Target::Object(TargetObject::new("builds-panel", options));
/// assert_eq!(
///     serde_json::to_value(&target)?,
///     serde_json::json!({ "key": "builds-panel", "options": { "branch": "main" } })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TargetObject {
    /// The key of a web panel, dialog or external page of the same add-on.
    pub key: String,
    /// What the opened page is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Extra>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl TargetObject {
    /// The target with these options.
    pub fn new(key: impl Into<String>, options: Extra) -> Self {
        Self {
            key: key.into(),
            options: Some(options),
            extra: Extra::new(),
        }
    }
}
