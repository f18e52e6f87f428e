//! The claims of a signed request.

use serde::{Deserialize, Serialize};

use super::{Extra, OauthId, RoomId, UserId};

/// What a signed request (`signed_request`) says, once its signature is verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Claims {
    /// The installation whose secret signed it.
    pub iss: OauthId,
    /// The user's id, as a string of digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The user's id under its older name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prn: Option<String>,
    /// When it was signed, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// Until when it holds, in seconds since 1970. Verified claims always have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// Names the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// Where the user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Claims {
    /// Claims of an installation that hold from `iat` to `exp`, in seconds since 1970.
    pub fn new(iss: OauthId, iat: i64, exp: i64) -> Self {
        Self {
            iss,
            sub: None,
            prn: None,
            iat: Some(iat),
            exp: Some(exp),
            jti: None,
            context: None,
            extra: Extra::new(),
        }
    }

    /// The user: `sub`, or `prn` where an older host sends only that.
    pub fn user_id(&self) -> Option<UserId> {
        self.sub.as_ref().or(self.prn.as_ref())?.parse().ok()
    }

    /// The room the user is in.
    pub fn room_id(&self) -> Option<RoomId> {
        self.context.as_ref()?.room_id
    }
}

/// Where the user is.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Context {
    /// The room; absent on pages of the whole group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// The user's time zone, an IANA name such as `Europe/Berlin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_tz: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}
