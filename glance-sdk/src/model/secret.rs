//! Secrets and access tokens.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// A shared secret or an access token. `Debug` hides it, and dropping it clears its memory.
///
/// ```
/// use glance_sdk::model::Secret;
///
/// let secret = Secret::from("0123456789abcdef");
/// assert_eq!(format!("{secret:?}"), "Secret([redacted])");
/// assert_eq!(secret.expose(), "0123456789abcdef");
/// ```
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(SecretString);

impl Secret {
    /// Returns the secret itself, for a signature, a request or a store.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Compares in constant time: the duration depends only on the lengths.
#[cfg(feature = "runtime")]
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (one, other) = (self.expose().as_bytes(), other.expose().as_bytes());
        aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
    }
}

#[cfg(feature = "runtime")]
impl Eq for Secret {}

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(secret.into())
    }
}

impl From<&str> for Secret {
    fn from(secret: &str) -> Self {
        Self(secret.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

#[cfg(all(test, feature = "runtime"))]
mod tests {
    use super::*;

    #[test]
    fn secrets_compare_by_their_text() {
        let secret = Secret::from("topsecret");
        assert_eq!(secret, Secret::from("topsecret".to_owned()));
        for other in ["", "topsecre", "topsecreT", "topsecrets"] {
            assert_ne!(secret, Secret::from(other));
        }
    }
}
