//! Installation data: what the host posts to an add-on's `callbackUrl` and `updateCallbackUrl`.

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

/// What the host posts to `updateCallbackUrl` when somebody updates the add-on: the installation
/// data without its secret.
///
/// The post is not signed either, and has nothing to prove itself with: it says which installation
/// to read anew, no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InstallationUpdate {
    /// Names the installation.
    pub oauth_id: OauthId,
    /// The host's capabilities document; empty where it is missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub capabilities_url: String,
    /// The group it was installed for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// The room it was installed in; absent where the whole group has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl From<&InstallationData> for InstallationUpdate {
    fn from(data: &InstallationData) -> Self {
        Self {
            oauth_id: data.oauth_id.clone(),
            capabilities_url: data.capabilities_url.clone(),
            group_id: Some(data.group_id),
            room_id: data.room_id,
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

    #[test]
    fn an_update_is_the_data_without_the_secret() {
        let mut data = InstallationData::new("id".into(), "secret".into(), "http://h/c", 1.into());
        data.room_id = Some(7.into());
        let mut document = serde_json::to_value(&data).unwrap();
        document.as_object_mut().unwrap().remove("oauthSecret");
        let update = InstallationUpdate::from(&data);
        assert_eq!(serde_json::to_value(&update).unwrap(), document);
        assert_eq!(InstallationUpdate::deserialize(document).unwrap(), update);
    }
}
