//! The self-description of a host, and its responses to token requests.

use serde::{Deserialize, Serialize};

use super::{Extra, GroupId, Secret};

/// A host's own capabilities document, at `<api>/capabilities`.
///
/// ```
/// use glance_sdk::model::HostDocument;
///
/// let document = HostDocument::new("https://chat.example.com/v2", "https://chat.example.com");
/// assert_eq!(document.links.self_url, "https://chat.example.com/v2/capabilities");
/// let tokens = document.capabilities.oauth2_provider.token_url;
/// assert_eq!(tokens, "https://chat.example.com/v2/oauth/token");
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostDocument {
    /// The host's links.
    pub links: HostLinks,
    /// The host's capabilities.
    pub capabilities: HostCapabilities,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl HostDocument {
    /// Creates the document of a host whose REST API has the base URL `api_url`, without a trailing
    /// slash.
    pub fn new(api_url: &str, homepage: &str) -> Self {
        Self {
            links: HostLinks {
                self_url: format!("{api_url}/capabilities"),
                api: Some(api_url.to_owned()),
                homepage: Some(homepage.to_owned()),
                extra: Extra::new(),
            },
            capabilities: HostCapabilities {
                oauth2_provider: OauthProvider {
                    token_url: format!("{api_url}/oauth/token"),
                    extra: Extra::new(),
                },
                hipchat_api_provider: ApiProvider {
                    url: format!("{api_url}/"),
                    extra: Extra::new(),
                },
                extra: Extra::new(),
            },
            extra: Extra::new(),
        }
    }
}

/// The links of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostLinks {
    /// The document's own URL (`self`); add-ons compare it exactly with `capabilitiesUrl`.
    #[serde(rename = "self")]
    pub self_url: String,
    /// The base URL of the REST API, without a trailing slash.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The host's page for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The capabilities of a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HostCapabilities {
    /// The token endpoint.
    pub oauth2_provider: OauthProvider,
    /// The REST API.
    pub hipchat_api_provider: ApiProvider,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The OAuth endpoints of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OauthProvider {
    /// The token endpoint.
    pub token_url: String,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The REST API of a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApiProvider {
    /// The base URL of the REST API, with a trailing slash.
    pub url: String,
    /// `availableScopes` and members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The response of the token endpoint.
///
/// ```
/// use glance_sdk::model::TokenAnswer;
///
/// let answer: TokenAnswer =
///     serde_json::from_str(r#"{ "access_token": "abc", "expires_in": 3600, "scope": "view_room" }"#)?;
/// assert_eq!(answer.access_token.expose(), "abc");
/// assert_eq!(answer.expires_in, Some(3600));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TokenAnswer {
    /// The token.
    pub access_token: Secret,
    /// The lifetime of the token in seconds: 3,600 to 28,800 from HipChat, up to years from others.
    /// Some hosts omit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// The group of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// The group's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_name: Option<String>,
    /// Its scopes, joined by spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// `bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl TokenAnswer {
    /// Creates a bearer token that expires after `expires_in` seconds.
    pub fn new(access_token: Secret, expires_in: u64) -> Self {
        Self {
            access_token,
            expires_in: Some(expires_in),
            group_id: None,
            group_name: None,
            scope: None,
            token_type: Some("bearer".to_owned()),
            extra: Extra::new(),
        }
    }
}
