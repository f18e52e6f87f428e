//! The claims of a signed request.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Extra, OauthId, RoomId, UserId};

/// The content of a signed request (`signed_request`).
///
/// It follows RFC 7519: duplicate members are an error, and a time may be any JSON number.
/// Fractions of a second are rounded up, which does not change the result of a comparison with
/// whole seconds; times beyond the range of `i64` become its nearest value.
///
/// ```
/// use glance_sdk::model::Claims;
///
/// let claims: Claims = serde_json::from_str(
///     r#"{ "iss": "installation", "sub": "5", "exp": 4600, "context": { "room_id": 42 } }"#,
/// )?;
/// assert_eq!(claims.user_id(), Some(5.into()));
/// assert_eq!(claims.room_id(), Some(42.into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Claims {
    /// The installation whose secret signed the token.
    pub iss: OauthId,
    /// The user's id, as a string of digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The user's id under its older name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prn: Option<String>,
    /// The time of the signature, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    /// The start of the token's validity, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    /// The expiry of the token, in seconds since 1970. Verified claims always contain it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    /// The id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The user's room and time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Claims {
    /// Creates claims of an installation that are valid from `iat` to `exp`, in seconds since 1970.
    ///
    /// ```
    /// use glance_sdk::model::Claims;
    ///
    /// let claims = Claims::new("installation".into(), 1_000, 4_600);
    /// assert_eq!((claims.iat, claims.exp), (Some(1_000), Some(4_600)));
    /// ```
    pub fn new(iss: OauthId, iat: i64, exp: i64) -> Self {
        Self {
            iss,
            sub: None,
            prn: None,
            iat: Some(iat),
            nbf: None,
            exp: Some(exp),
            jti: None,
            context: None,
            extra: Extra::new(),
        }
    }

    /// Returns the user: `sub`, or the `prn` of older hosts.
    ///
    /// ```
    /// use glance_sdk::model::Claims;
    ///
    /// let mut claims = Claims::new("installation".into(), 1_000, 4_600);
    /// claims.prn = Some("5".to_owned());
    /// assert_eq!(claims.user_id(), Some(5.into()));
    /// ```
    pub fn user_id(&self) -> Option<UserId> {
        self.sub.as_ref().or(self.prn.as_ref())?.parse().ok()
    }

    /// Returns the user's room.
    pub fn room_id(&self) -> Option<RoomId> {
        self.context.as_ref()?.room_id
    }
}

/// The user's room and time zone.
///
/// ```
/// use glance_sdk::model::Context;
///
/// let context: Context = serde_json::from_str(r#"{ "room_id": 42, "user_tz": "Europe/Berlin" }"#)?;
/// assert_eq!(context.user_tz.as_deref(), Some("Europe/Berlin"));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Context {
    /// The room; absent on pages of the whole group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_id: Option<RoomId>,
    /// The user's time zone, an IANA name such as `Europe/Berlin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_tz: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

// Implemented by hand, because a derived `flatten` buffers every member first, and this runs for
// every request.

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
    Nbf,
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
        let (mut sub, mut prn, mut jti, mut context) = (None, None, None, None);
        let (mut iat, mut nbf, mut exp) = (None, None, None);
        let mut claims = Claims::new(OauthId::from(String::new()), 0, 0);
        while let Some(claim) = members.next_key()? {
            match claim {
                Claim::Iss => once(&mut iss, "iss", &mut members)?,
                Claim::Sub => once(&mut sub, "sub", &mut members)?,
                Claim::Prn => once(&mut prn, "prn", &mut members)?,
                Claim::Iat => once(&mut iat, "iat", &mut members)?,
                Claim::Nbf => once(&mut nbf, "nbf", &mut members)?,
                Claim::Exp => once(&mut exp, "exp", &mut members)?,
                Claim::Jti => once(&mut jti, "jti", &mut members)?,
                Claim::Context => once(&mut context, "context", &mut members)?,
                Claim::Other(name) => other(&mut claims.extra, name, &mut members)?,
            }
        }
        let seconds = |time: Option<Option<NumericDate>>| Some(time??.0);
        claims.iss = iss.ok_or_else(|| A::Error::missing_field("iss"))?;
        (claims.sub, claims.prn) = (sub.flatten(), prn.flatten());
        (claims.iat, claims.nbf, claims.exp) = (seconds(iat), seconds(nbf), seconds(exp));
        (claims.jti, claims.context) = (jti.flatten(), context.flatten());
        Ok(claims)
    }
}

/// Deserializes a member, and refuses a duplicate.
fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    members: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *slot = Some(members.next_value()?);
    Ok(())
}

/// Stores an unknown member, and refuses a duplicate.
fn other<'de, A: MapAccess<'de>>(
    extra: &mut Extra,
    name: String,
    members: &mut A,
) -> Result<(), A::Error> {
    if extra.contains_key(&name) {
        return Err(A::Error::custom("a member occurs twice"));
    }
    extra.insert(name, members.next_value()?);
    Ok(())
}

/// A time according to RFC 7519: any number of seconds since 1970.
struct NumericDate(i64);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumericDateVisitor)
    }
}

struct NumericDateVisitor;

impl Visitor<'_> for NumericDateVisitor {
    type Value = NumericDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<NumericDate, E> {
        Ok(NumericDate(seconds))
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<NumericDate, E> {
        Ok(NumericDate(i64::try_from(seconds).unwrap_or(i64::MAX)))
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<NumericDate, E> {
        // `as` saturates.
        Ok(NumericDate(seconds.ceil() as i64))
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
        let (mut room_id, mut user_tz) = (None, None);
        while let Some(member) = members.next_key()? {
            match member {
                Member::RoomId => once(&mut room_id, "room_id", &mut members)?,
                Member::UserTz => once(&mut user_tz, "user_tz", &mut members)?,
                Member::Other(name) => other(&mut context.extra, name, &mut members)?,
            }
        }
        (context.room_id, context.user_tz) = (room_id.flatten(), user_tz.flatten());
        Ok(context)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn claims_preserve_unknown_members() {
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
    fn times_may_be_any_numbers() {
        for (written, read) in [
            ("0", 0),
            ("-1", -1),
            ("1.5", 2),
            ("-1.5", -1),
            ("1.7e9", 1_700_000_000),
            ("9223372036854775807", i64::MAX),
            ("9223372036854775808", i64::MAX),
            ("1e300", i64::MAX),
            ("-1e300", i64::MIN),
        ] {
            let text =
                format!(r#"{{"iss": "id", "iat": {written}, "nbf": {written}, "exp": {written}}}"#);
            let claims: Claims = serde_json::from_str(&text).unwrap();
            let times = [claims.iat, claims.nbf, claims.exp];
            assert_eq!(times, [Some(read); 3], "{written}");
        }
    }

    #[test]
    fn duplicate_members_are_refused() {
        for text in [
            r#"{"iss": "id", "iss": "id"}"#,
            r#"{"iss": "id", "sub": null, "sub": "7"}"#,
            r#"{"iss": "id", "exp": 1, "\u0065xp": 2}"#,
            r#"{"iss": "id", "nbf": 1, "nbf": 1}"#,
            r#"{"iss": "id", "other": 1, "other": 1}"#,
            r#"{"iss": "id", "context": {}, "context": {}}"#,
            r#"{"iss": "id", "context": {"room_id": 1, "room_id": 2}}"#,
            r#"{"iss": "id", "context": {"other": 1, "other": 2}}"#,
        ] {
            assert!(serde_json::from_str::<Claims>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn claims_require_issuer_and_numeric_times() {
        for (document, named) in [
            (json!({"exp": 1}), "iss"),
            (json!({"iss": "id", "exp": "1"}), "seconds"),
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
