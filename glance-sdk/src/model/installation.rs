//! Installation data, which the host posts to an add-on's `callbackUrl` and `updateCallbackUrl`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Extra, GroupId, OauthId, RoomId, Secret};

/// The maximum length of an installation's id, in bytes. HipChat's ids had 36.
const MAX_ID_BYTES: usize = 200;

/// The maximum length of a secret, in bytes. HipChat's secrets had 40.
const MAX_SECRET_BYTES: usize = 1000;

/// The maximum length of a capabilities document's URL, in bytes.
const MAX_URL_BYTES: usize = 2000;

/// The data that the host posts to `callbackUrl` when somebody installs the add-on.
///
/// The request is not signed: anybody who can reach the add-on can send one. The add-on accepts it
/// after it has fetched `capabilities_url` and received a token for the secret.
///
/// ```
/// use glance_sdk::model::InstallationData;
///
/// let data: InstallationData = serde_json::from_str(
///     r#"{
///         "oauthId": "installation",
///         "oauthSecret": "0123456789abcdef0123456789abcdef01234567",
///         "capabilitiesUrl": "https://chat.example.com/v2/capabilities",
///         "groupId": 1,
///         "roomId": 42
///     }"#,
/// )?;
/// assert_eq!(data.room_id, Some(42.into()));
/// assert!(format!("{data:?}").contains("Secret([redacted])"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "runtime", derive(PartialEq, Eq))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InstallationData {
    /// The id of the installation.
    pub oauth_id: OauthId,
    /// The secret, which signs requests and authenticates token requests.
    pub oauth_secret: Secret,
    /// The URL of the host's capabilities document, which contains its endpoints; empty if missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub capabilities_url: String,
    /// The group of the installation.
    pub group_id: GroupId,
    /// The room of the installation; absent if the whole group has installed the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl InstallationData {
    /// Creates the data of an installation for the whole group; set `room_id` for a single room.
    ///
    /// ```
    /// use glance_sdk::model::InstallationData;
    ///
    /// let capabilities = "https://chat.example.com/v2/capabilities";
    /// let mut data = InstallationData::new("id".into(), "secret".into(), capabilities, 1.into());
    /// data.room_id = Some(42.into());
    /// assert!(data.check().is_ok());
    /// ```
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

    /// Checks untrusted data before it is stored and before anything is called: everybody knows an
    /// empty secret, and a malformed id changes the URLs that contain it.
    ///
    /// ```
    /// use glance_sdk::model::{InstallationData, InvalidInstallation};
    ///
    /// let capabilities = "https://chat.example.com/v2/capabilities";
    /// let data = InstallationData::new("id".into(), "".into(), capabilities, 1.into());
    /// assert_eq!(data.check(), Err(InvalidInstallation::EmptySecret));
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`InvalidInstallation`] with the first problem.
    pub fn check(&self) -> Result<(), InvalidInstallation> {
        self.oauth_id.check()?;
        let secret = self.oauth_secret.expose();
        if secret.is_empty() {
            return Err(InvalidInstallation::EmptySecret);
        }
        if secret.len() > MAX_SECRET_BYTES {
            return Err(InvalidInstallation::LongSecret(secret.len()));
        }
        if self.capabilities_url.len() > MAX_URL_BYTES {
            let length = self.capabilities_url.len();
            return Err(InvalidInstallation::LongUrl(length));
        }
        Ok(())
    }
}

impl OauthId {
    /// Checks that the id has 1 to 200 bytes and no control character, `/`, `\`, `%` or `..`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidInstallation`] with the first problem.
    ///
    /// ```
    /// use glance_sdk::model::OauthId;
    ///
    /// assert!(OauthId::from("b0f8a5c2-7f43-4c67-8d6d-1b0f6a3f9c1e").check().is_ok());
    /// let wrong = OauthId::from("../admin").check().unwrap_err();
    /// assert_eq!(wrong.to_string(), "oauthId has the character '/'");
    /// ```
    pub fn check(&self) -> Result<(), InvalidInstallation> {
        let id = self.as_str();
        if id.is_empty() {
            return Err(InvalidInstallation::EmptyId);
        }
        if id.len() > MAX_ID_BYTES {
            return Err(InvalidInstallation::LongId(id.len()));
        }
        let is_odd = |c: &char| c.is_control() || matches!(c, '/' | '\\' | '%');
        if let Some(odd) = id.chars().find(is_odd) {
            return Err(InvalidInstallation::IdCharacter(odd));
        }
        match id.contains("..") || id == "." {
            true => Err(InvalidInstallation::DotsInId),
            false => Ok(()),
        }
    }
}

/// The reason why installation data is invalid.
///
/// ```
/// use glance_sdk::model::InvalidInstallation;
///
/// let problem = InvalidInstallation::LongId(300);
/// assert_eq!(problem.to_string(), "oauthId has 300 bytes, 200 are allowed");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidInstallation {
    /// The id is empty.
    EmptyId,
    /// The id is too long; it has this many bytes.
    LongId(usize),
    /// The id contains this character.
    IdCharacter(char),
    /// The id contains `..`, or is `.`.
    DotsInId,
    /// The secret is empty.
    EmptySecret,
    /// The secret is too long; it has this many bytes.
    LongSecret(usize),
    /// The URL of the capabilities document is too long; it has this many bytes.
    LongUrl(usize),
}

impl fmt::Display for InvalidInstallation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyId => f.write_str("oauthId is empty"),
            Self::LongId(bytes) => {
                write!(f, "oauthId has {bytes} bytes, {MAX_ID_BYTES} are allowed")
            }
            Self::IdCharacter(odd) => write!(f, "oauthId has the character {odd:?}"),
            Self::DotsInId => f.write_str("oauthId has dots that change a path"),
            Self::EmptySecret => f.write_str("oauthSecret is empty"),
            Self::LongSecret(bytes) => write!(
                f,
                "oauthSecret has {bytes} bytes, {MAX_SECRET_BYTES} are allowed"
            ),
            Self::LongUrl(bytes) => write!(
                f,
                "capabilitiesUrl has {bytes} bytes, {MAX_URL_BYTES} are allowed"
            ),
        }
    }
}

impl std::error::Error for InvalidInstallation {}

/// The data that the host posts to `updateCallbackUrl` when somebody updates the add-on: the
/// installation data without its secret.
///
/// This request is not signed either and proves nothing: it only names the installation to verify
/// again.
///
/// ```
/// use glance_sdk::model::{InstallationData, InstallationUpdate};
///
/// let capabilities = "https://chat.example.com/v2/capabilities";
/// let data = InstallationData::new("id".into(), "secret".into(), capabilities, 1.into());
/// let update = InstallationUpdate::from(&data);
/// assert_eq!(
///     serde_json::to_value(&update)?,
///     serde_json::json!({ "oauthId": "id", "capabilitiesUrl": capabilities, "groupId": 1 })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct InstallationUpdate {
    /// The id of the installation.
    pub oauth_id: OauthId,
    /// The URL of the host's capabilities document; empty if missing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub capabilities_url: String,
    /// The group of the installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// The room of the installation; absent if the whole group has installed the add-on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// Members that this version does not know.
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
    fn debug_hides_secret() {
        let data = InstallationData::new("id".into(), "topsecret".into(), "http://h/c", 1.into());
        let shown = format!("{data:?}");
        assert!(!shown.contains("topsecret"), "{shown}");
        assert!(shown.contains("redacted"), "{shown}");
    }

    #[test]
    fn malformed_ids_and_secrets_are_refused() {
        use InvalidInstallation::*;

        let check = |id: &str, secret: &str| {
            InstallationData::new(id.into(), secret.into(), "http://h/c", 1.into()).check()
        };
        for good in ["b0f8a5c2-7f43-4c67-8d6d-1b0f6a3f9c1e", "a.b", "1", "é"] {
            assert_eq!(check(good, "s"), Ok(()), "{good}");
        }
        let long = "x".repeat(1001);
        for (id, secret, why) in [
            ("", "s", EmptyId),
            (&long[..201], "s", LongId(201)),
            ("a\u{0}b", "s", IdCharacter('\u{0}')),
            ("a\nb", "s", IdCharacter('\n')),
            ("a\u{85}", "s", IdCharacter('\u{85}')),
            ("a/b", "s", IdCharacter('/')),
            ("a\\b", "s", IdCharacter('\\')),
            ("a%2fb", "s", IdCharacter('%')),
            ("..", "s", DotsInId),
            ("a..b", "s", DotsInId),
            (".", "s", DotsInId),
            ("a", "", EmptySecret),
            ("a", &long, LongSecret(1001)),
        ] {
            assert_eq!(check(id, secret), Err(why), "{id:?}");
        }
        let mut data = InstallationData::new("a".into(), "s".into(), "", 1.into());
        data.capabilities_url = format!("http://h/{}", "x".repeat(2000));
        assert_eq!(data.check(), Err(LongUrl(2009)));
    }

    #[test]
    fn update_is_data_without_secret() {
        let mut data = InstallationData::new("id".into(), "secret".into(), "http://h/c", 1.into());
        data.room_id = Some(7.into());
        let mut document = serde_json::to_value(&data).unwrap();
        document.as_object_mut().unwrap().remove("oauthSecret");
        let update = InstallationUpdate::from(&data);
        assert_eq!(serde_json::to_value(&update).unwrap(), document);
        assert_eq!(InstallationUpdate::deserialize(document).unwrap(), update);
    }
}
