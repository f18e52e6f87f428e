//! The claims of a signed request.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Extra, OauthId, RoomId, UserId};

/// What a signed request (`signed_request`) says, once its signature is verified.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
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
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
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

// By hand, because a derived `flatten` keeps every member aside before it reads any, and this is
// read with every request.

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ClaimsVisitor)
    }
}

struct ClaimsVisitor;

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Claim {
    Iss,
    Sub,
    Prn,
    Iat,
    Exp,
    Jti,
    Context,
    Other(String),
}

impl<'de> Visitor<'de> for ClaimsVisitor {
    type Value = Claims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the claims of a signed request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Claims, A::Error> {
        let mut iss = None;
        let mut claims = Claims::new(OauthId::from(String::new()), 0, 0);
        (claims.iat, claims.exp) = (None, None);
        while let Some(claim) = members.next_key()? {
            match claim {
                Claim::Iss => iss = Some(members.next_value()?),
                Claim::Sub => claims.sub = members.next_value()?,
                Claim::Prn => claims.prn = members.next_value()?,
                Claim::Iat => claims.iat = members.next_value()?,
                Claim::Exp => claims.exp = members.next_value()?,
                Claim::Jti => claims.jti = members.next_value()?,
                Claim::Context => claims.context = members.next_value()?,
                Claim::Other(name) => {
                    claims.extra.insert(name, members.next_value()?);
                }
            }
        }
        claims.iss = iss.ok_or_else(|| A::Error::missing_field("iss"))?;
        Ok(claims)
    }
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ContextVisitor)
    }
}

struct ContextVisitor;

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Member {
    RoomId,
    UserTz,
    Other(String),
}

impl<'de> Visitor<'de> for ContextVisitor {
    type Value = Context;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the context of a signed request")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Context, A::Error> {
        let mut context = Context::default();
        while let Some(member) = members.next_key()? {
            match member {
                Member::RoomId => context.room_id = members.next_value()?,
                Member::UserTz => context.user_tz = members.next_value()?,
                Member::Other(name) => {
                    context.extra.insert(name, members.next_value()?);
                }
            }
        }
        Ok(context)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_keep_what_they_do_not_know() {
        let document = json!({
            "iss": "id", "exp": 2, "iat": 1, "sub": "7", "aud": ["x"],
            "context": {"room_id": 42, "user_tz": "UTC", "room_name": "ops"}
        });
        let claims = Claims::deserialize(&document).unwrap();
        assert_eq!(claims.room_id(), Some(42.into()));
        assert_eq!(claims.extra["aud"], json!(["x"]));
        assert_eq!(serde_json::to_value(&claims).unwrap(), document);
    }

    #[test]
    fn claims_need_an_issuer_and_numbers_where_numbers_belong() {
        for (document, named) in [
            (json!({"exp": 1}), "iss"),
            (json!({"iss": "id", "exp": "1"}), "i64"),
            (
                json!({"iss": "id", "exp": 1, "context": {"room_id": "x"}}),
                "room id",
            ),
            (json!("x"), "claims"),
        ] {
            let error = Claims::deserialize(&document).unwrap_err().to_string();
            assert!(error.contains(named), "{document}: {error}");
        }
        let sparse = json!({"iss": "id", "exp": 1, "sub": null, "context": null});
        let claims = Claims::deserialize(&sparse).unwrap();
        assert_eq!((claims.sub, claims.context), (None, None));
    }
}
