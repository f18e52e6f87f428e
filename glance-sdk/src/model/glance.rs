//! The descriptor's glance entry, and types that it shares with other entries.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::open_enum::open_enum;
use super::{Condition, Extra};

open_enum! {
    /// Whether everyone in a room sees the same data of a glance.
    ///
    /// HipChat did not have this member, and other hosts ignore it: they query once per person.
    ///
    /// ```
    /// use glance_sdk::model::{Audience, Glance, Icon};
    ///
    /// let icon = Icon::new("https://ci.example.com/build.svg");
    /// let glance = Glance::new("builds", "Builds", icon).audience(Audience::Room);
    /// assert_eq!(serde_json::to_value(&glance)?["audience"], "room");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub enum Audience {
        /// The data may differ per person. A host queries it for each person.
        Person = "person",
        /// Everyone in a room sees the same data. A host may query it once per room, in its own
        /// name, and refuses pushes to one person. Conditions still differ per person.
        Room = "room",
    }
}

/// A glance, as the descriptor declares it, or as the REST API creates it at run time.
///
/// It contains no data: label, status and metadata come from `query_url` and from pushes.
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
    /// The name, shown in the error state and if there is no `query_url`.
    pub name: Text,
    /// The icon before the label.
    pub icon: Icon,
    /// The URL from which a client queries the data, signed, when a person enters the room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_url: Option<String>,
    /// The target that a click opens: the key of a web panel, dialog or external page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// The position: glances are sorted in ascending order from the top. The default is 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight: Option<i64>,
    /// Whether everyone in a room sees the same data. The default is [`Audience::Person`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// The age from which a host queries data of [`Audience::Room`] again when somebody opens the
    /// room, in whole seconds, 1 to 86,400 (a day). The default is 300. It has no effect on other
    /// glances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i64>,
    /// The conditions, all of which must hold for the glance to show; see
    /// [`evaluate`](crate::evaluate).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Glance {
    /// The range of `max_age`: up to a day.
    pub(crate) const MAX_AGE_SECONDS: RangeInclusive<i64> = 1..=86_400;
    /// The default of `max_age`.
    pub(crate) const DEFAULT_MAX_AGE_SECONDS: i64 = 300;

    /// Creates a glance with a key, a name and an icon.
    pub fn new(key: impl Into<String>, name: impl Into<Text>, icon: Icon) -> Self {
        Self {
            key: key.into(),
            name: name.into(),
            icon,
            query_url: None,
            target: None,
            weight: None,
            audience: None,
            max_age: None,
            conditions: None,
            extra: Extra::new(),
        }
    }

    /// Sets the URL from which clients query the data.
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

    /// Sets the target that a click opens: the key of a web panel, dialog or external page.
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

    /// Sets the position: glances are sorted by weight in ascending order from the top.
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

    /// Sets whether everyone in a room sees the same data.
    ///
    /// ```
    /// use glance_sdk::model::{Audience, Glance, Icon};
    ///
    /// let icon = Icon::new("https://ci.example.com/build.svg");
    /// let glance = Glance::new("builds", "Builds", icon).audience(Audience::Room);
    /// assert_eq!(glance.audience_or_default(), &Audience::Room);
    /// ```
    #[must_use]
    pub fn audience(mut self, audience: Audience) -> Self {
        self.audience = Some(audience);
        self
    }

    /// Sets the age from which a host queries data of [`Audience::Room`] again when somebody opens
    /// the room: whole seconds, from one second to a day. A fraction of a second is dropped. Hosts
    /// refuse other ages, and ignore it for other glances.
    ///
    /// HipChat did not have this member, and other hosts ignore it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use glance_sdk::model::{Audience, Glance, Icon};
    ///
    /// let glance = Glance::new("builds", "Builds", Icon::new("https://ci.example.com/build.svg"))
    ///     .audience(Audience::Room)
    ///     .max_age(Duration::from_secs(60));
    /// assert_eq!(serde_json::to_value(&glance)?["maxAge"], 60);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
        self
    }

    /// Adds a condition. All conditions must hold for the glance to show.
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

    /// Returns the weight. The default is 100.
    pub fn weight_or_default(&self) -> i64 {
        self.weight.unwrap_or(100)
    }

    /// Returns the audience. The default is [`Audience::Person`]; hosts treat an unknown audience
    /// like it.
    ///
    /// ```
    /// use glance_sdk::model::{Audience, Glance, Icon};
    ///
    /// let glance = Glance::new("builds", "Builds", Icon::new("https://ci.example.com/build.svg"));
    /// assert_eq!(glance.audience_or_default(), &Audience::Person);
    /// ```
    pub fn audience_or_default(&self) -> &Audience {
        self.audience.as_ref().unwrap_or(&Audience::Person)
    }

    /// Returns the age from which a host queries data of [`Audience::Room`] again when somebody opens
    /// the room. The default is 5 minutes; an age out of range becomes one second or a day.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use glance_sdk::model::{Glance, Icon};
    ///
    /// let glance = Glance::new("builds", "Builds", Icon::new("https://ci.example.com/build.svg"));
    /// assert_eq!(glance.max_age_or_default(), Duration::from_secs(300));
    /// assert_eq!(glance.max_age(Duration::ZERO).max_age_or_default(), Duration::from_secs(1));
    /// ```
    pub fn max_age_or_default(&self) -> Duration {
        let (least, most) = Self::MAX_AGE_SECONDS.into_inner();
        let seconds = self.max_age.unwrap_or(Self::DEFAULT_MAX_AGE_SECONDS);
        Duration::from_secs(seconds.clamp(least, most).unsigned_abs())
    }

    /// Returns the conditions, which are empty by default.
    pub fn conditions(&self) -> &[Condition] {
        self.conditions.as_deref().unwrap_or_default()
    }
}

/// A localized text of the descriptor, with the key of its translation.
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
    /// Members that this version does not know.
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
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Icon {
    /// Creates an icon with one image for both densities, which suffices for most add-ons.
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

    /// Removes the image for dense screens: hosts show the other one there.
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

    /// Sets the image for dense screens.
    #[must_use]
    pub fn with_2x(mut self, url: impl Into<String>) -> Self {
        self.url_2x = Some(url.into());
        self
    }
}

/// The target that a click on a glance or an action opens.
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
    /// A target with options.
    Object(TargetObject),
    /// A shape that this version does not know.
    Other(Value),
}

impl Target {
    /// Returns the key of the target, unless its shape is unknown.
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
/// HipChat's last web client supported it for actions, but not for glances.
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
    /// The options that the opened page receives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<Extra>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl TargetObject {
    /// Creates a target with these options.
    pub fn new(key: impl Into<String>, options: Extra) -> Self {
        Self {
            key: key.into(),
            options: Some(options),
            extra: Extra::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_audience_survives_a_round_trip() {
        for (sent, expected) in [
            (None, Audience::Person),
            (Some("person"), Audience::Person),
            (Some("room"), Audience::Room),
            (Some("team"), Audience::Unknown("team".to_owned())),
        ] {
            let mut entry = json!({"key": "g", "name": {"value": "G"}, "icon": {"url": "/g.svg"}});
            if let Some(audience) = sent {
                entry["audience"] = audience.into();
            }
            let glance: Glance = serde_json::from_value(entry.clone()).unwrap();
            assert_eq!(glance.audience_or_default(), &expected);
            assert!(glance.extra.is_empty());
            assert_eq!(serde_json::to_value(&glance).unwrap(), entry);
        }
    }

    #[test]
    fn max_age_survives_a_round_trip_and_is_clamped_when_used() {
        let day = 86_400;
        for (sent, expected) in [
            (None, 300),
            (Some(1), 1),
            (Some(day), 86_400),
            (Some(0), 1),
            (Some(i64::MIN), 1),
            (Some(day + 1), 86_400),
            (Some(i64::MAX), 86_400),
        ] {
            let mut entry = json!({"key": "g", "name": {"value": "G"}, "icon": {"url": "/g.svg"}});
            if let Some(seconds) = sent {
                entry["maxAge"] = seconds.into();
            }
            let glance: Glance = serde_json::from_value(entry.clone()).unwrap();
            let expected = Duration::from_secs(expected);
            assert_eq!(glance.max_age_or_default(), expected, "{sent:?}");
            assert!(glance.extra.is_empty());
            assert_eq!(serde_json::to_value(&glance).unwrap(), entry);
        }
        let glance = Glance::new("g", "G", Icon::new("/g.svg")).max_age(Duration::MAX);
        assert_eq!(glance.max_age, Some(i64::MAX));
    }
}
