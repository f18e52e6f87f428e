//! The `oauth2Consumer` and `oauth2Provider` capabilities.

use serde::{Deserialize, Serialize};

use super::Extra;

/// The URLs to which the host may redirect people after they granted the add-on access.
///
/// ```
/// use glance_sdk::model::Oauth2Consumer;
///
/// let consumer = Oauth2Consumer::new(["https://add-on.example.com/granted"]);
/// assert_eq!(
///     serde_json::to_value(&consumer)?,
///     serde_json::json!({ "redirectionUrls": ["https://add-on.example.com/granted"] })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Oauth2Consumer {
    /// Absolute URLs.
    pub redirection_urls: Vec<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Oauth2Consumer {
    /// Creates a consumer with these absolute URLs.
    pub fn new(redirection_urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            redirection_urls: redirection_urls.into_iter().map(Into::into).collect(),
            extra: Extra::new(),
        }
    }
}

/// The endpoints at which the add-on itself issues tokens.
///
/// ```
/// use glance_sdk::model::Oauth2Provider;
///
/// let provider: Oauth2Provider = serde_json::from_str(
///     r#"{ "authorizationUrl": "https://example.com/grant", "tokenUrl": "https://example.com/token" }"#,
/// )?;
/// assert_eq!(provider.token_url.as_deref(), Some("https://example.com/token"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Oauth2Provider {
    /// The page on which people grant access.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_url: Option<String>,
    /// The token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
