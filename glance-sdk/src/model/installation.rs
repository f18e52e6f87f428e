//! Installation data: what the host posts to an add-on's `callbackUrl`.

use serde::{Deserialize, Serialize};

use super::{Extra, GroupId, OauthId, RoomId, Secret};

/// What the host posts to `callbackUrl` when somebody installs the add-on.
///
/// The post is not signed: whoever can reach the add-on can send one. The add-on believes it
/// once `capabilities_url` has answered and a token could be had with the secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InstallationData {
    /// Names the installation.
    pub oauth_id: OauthId,
    /// Signs its requests and gets its tokens.
    pub oauth_secret: Secret,
    /// The host's capabilities document, which names its endpoints; empty where it is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub capabilities_url: String,
    /// The group it was installed for.
    pub group_id: GroupId,
    /// The room it was installed in; absent where the whole group has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl InstallationData {
    /// The data of an installation for the whole group; set `room_id` for one room.
    pub fn new(
        oauth_id: OauthId,
        oauth_secret: Secret,
        capabilities_url: impl Into<String>,
        group_id: GroupId,
    ) -> Self {
        Self {
            oauth_id,
            oauth_secret,
            capabilities_url: capabilities_url.into(),
            group_id,
            room_id: None,
            extra: Extra::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_secret() {
        let data = InstallationData::new("id".into(), "topsecret".into(), "http://h/c", 1.into());
        let shown = format!("{data:?}");
        assert!(!shown.contains("topsecret"), "{shown}");
        assert!(shown.contains("redacted"), "{shown}");
    }
}
