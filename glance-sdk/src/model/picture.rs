//! A picture in either of the two forms that add-ons write.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::Icon;

/// An add-on's avatar or a card's icon: one URL, or one URL per density.
///
/// ```
/// use glance_sdk::model::{Icon, Picture};
///
/// let face: Picture = serde_json::from_str(r#""https://add-on.example.com/face.png""#)?;
/// assert_eq!(face, Picture::from("https://add-on.example.com/face.png"));
/// let face = Picture::from(Icon::new("https://add-on.example.com/face.svg"));
/// assert_eq!(face.url(), Some("https://add-on.example.com/face.svg"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Picture {
    /// A single URL.
    Url(String),
    /// A URL for plain screens, and optionally one for dense screens.
    Icon(Icon),
    /// A shape that this version does not know.
    Other(Value),
}

impl Picture {
    /// Returns the URL at 1x, unless the shape is unknown.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::Icon(icon) => Some(&icon.url),
            Self::Other(_) => None,
        }
    }
}

impl From<&str> for Picture {
    fn from(url: &str) -> Self {
        Self::Url(url.to_owned())
    }
}

impl From<Icon> for Picture {
    fn from(icon: Icon) -> Self {
        Self::Icon(icon)
    }
}

impl<'de> Deserialize<'de> for Picture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Value::deserialize(deserializer)? {
            Value::String(url) => Self::Url(url),
            other => match Icon::deserialize(&other) {
                Ok(icon) => Self::Icon(icon),
                Err(_) => Self::Other(other),
            },
        })
    }
}
