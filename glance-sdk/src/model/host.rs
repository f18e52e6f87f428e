//! What a host says of itself and how it answers a token request.

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
    /// Where the host lives.
    pub links: HostLinks,
    /// What it offers.
    pub capabilities: HostCapabilities,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl HostDocument {
    /// The document of a host whose REST API stands at `api_url`, without a slash at its end.
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

/// Where a host lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HostLinks {
    /// The document's own address (`self`); add-ons compare it with `capabilitiesUrl` to the
    /// letter.
    #[serde(rename = "self")]
    pub self_url: String,
    /// The REST API, without a slash at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
    /// The page people open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub homepage: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// What a host offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HostCapabilities {
    /// Where tokens are had.
    pub oauth2_provider: OauthProvider,
    /// Where the REST API is.
    pub hipchat_api_provider: ApiProvider,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Where tokens are had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OauthProvider {
    /// The token endpoint.
    pub token_url: String,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Where the REST API is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ApiProvider {
    /// The REST API, with a slash at the end.
    pub url: String,
    /// `availableScopes` and members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

/// The token endpoint's answer.
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
    /// For how many seconds it holds: 3,600 to 28,800 from HipChat, up to years from others,
    /// missing from some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// The group it is for.
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
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl TokenAnswer {
    /// A bearer token that holds for `expires_in` seconds.
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
