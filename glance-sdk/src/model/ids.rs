//! Identifiers of rooms, users, groups and installations.

use std::convert::Infallible;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! numeric_id {
    ($(#[$meta:meta])* $name:ident, $what:literal) => {
        $(#[$meta])*
        ///
        /// A number in JSON. Some clients write it as a string of digits: both forms are equal, and
        /// each is serialized as it was parsed.
        #[derive(Clone, Copy)]
        pub struct $name {
            value: u64,
            quoted: bool,
        }

        impl $name {
            /// Creates the identifier with this number.
            pub const fn new(value: u64) -> Self {
                Self { value, quoted: false }
            }

            /// Returns the number.
            pub const fn get(self) -> u64 {
                self.value
            }
        }

        impl From<u64> for $name {
            fn from(value: u64) -> Self {
                Self::new(value)
            }
        }

        impl From<$name> for u64 {
            fn from(id: $name) -> Self {
                id.value
            }
        }

        /// For databases with signed integers. Negative numbers are not identifiers.
        impl TryFrom<i64> for $name {
            type Error = std::num::TryFromIntError;

            fn try_from(value: i64) -> Result<Self, Self::Error> {
                u64::try_from(value).map(Self::new)
            }
        }

        /// For databases with signed integers.
        impl TryFrom<$name> for i64 {
            type Error = std::num::TryFromIntError;

            fn try_from(id: $name) -> Result<Self, Self::Error> {
                id.value.try_into()
            }
        }

        impl FromStr for $name {
            type Err = std::num::ParseIntError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self::new)
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.value == other.value
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.value.cmp(&other.value)
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.value.hash(state);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.value.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.value)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if self.quoted {
                    serializer.collect_str(&self.value)
                } else {
                    serializer.serialize_u64(self.value)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer
                    .deserialize_any(Digits($what))
                    .map(|(value, quoted)| Self { value, quoted })
            }
        }
    };
}

numeric_id!(
    /// A chat room.
    ///
    /// ```
    /// use glance_sdk::model::RoomId;
    ///
    /// let room: RoomId = "42".parse()?;
    /// assert_eq!(room, RoomId::new(42));
    /// assert_eq!(i64::try_from(room)?, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    RoomId,
    "a room id"
);
numeric_id!(
    /// A person of the group.
    ///
    /// ```
    /// use glance_sdk::model::UserId;
    ///
    /// let user: UserId = serde_json::from_str(r#""5""#)?;
    /// assert_eq!(user, UserId::new(5));
    /// assert_eq!(serde_json::to_string(&user)?, r#""5""#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    UserId,
    "a user id"
);
numeric_id!(
    /// A group: the rooms and users of one team.
    GroupId,
    "a group id"
);

struct Digits(&'static str);

impl Visitor<'_> for Digits {
    type Value = (u64, bool);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: a number or a string of digits", self.0)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok((value, false))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        let value = u64::try_from(value)
            .map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))?;
        Ok((value, false))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let canonical = text.parse::<u64>().ok().filter(|n| n.to_string() == text);
        match canonical {
            Some(value) => Ok((value, true)),
            None => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
        }
    }
}

/// The id of an installation of an add-on: its OAuth client id, and the `iss` of its signed
/// requests.
///
/// ```
/// use glance_sdk::model::OauthId;
///
/// let id = OauthId::from("b0f8a5c2-7f43-4c67-8d6d-1b0f6a3f9c1e");
/// assert_eq!(id.to_string(), id.as_str());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OauthId(String);

impl OauthId {
    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for OauthId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for OauthId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<OauthId> for String {
    fn from(id: OauthId) -> Self {
        id.0
    }
}

impl FromStr for OauthId {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl AsRef<str> for OauthId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OauthId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OauthId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OauthId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_id_preserves_its_json_form() {
        for form in ["42", "\"42\""] {
            let id: RoomId = serde_json::from_str(form).unwrap();
            assert_eq!(id, RoomId::new(42));
            assert_eq!(serde_json::to_string(&id).unwrap(), form);
        }
    }

    #[test]
    fn ids_convert_from_and_to_signed_numbers() {
        assert_eq!(RoomId::try_from(42_i64), Ok(RoomId::new(42)));
        assert!(RoomId::try_from(-1_i64).is_err());
        assert_eq!(i64::try_from(RoomId::new(42)), Ok(42));
        assert!(i64::try_from(RoomId::new(u64::MAX)).is_err());
        assert_eq!(u64::from(UserId::new(u64::MAX)), u64::MAX);
    }

    #[test]
    fn oauth_id_converts_from_and_to_text() {
        let id: OauthId = "one".parse().unwrap();
        assert_eq!(id, OauthId::from("one".to_owned()));
        assert_eq!(
            (id.as_ref(), String::from(id.clone())),
            ("one", "one".to_owned())
        );
    }

    #[test]
    fn invalid_ids_are_refused() {
        for form in [
            "-1", "1.5", "\"\"", "\"042\"", "\"+42\"", "\"room\"", "null", "true",
        ] {
            assert!(serde_json::from_str::<RoomId>(form).is_err(), "{form}");
        }
    }
}
