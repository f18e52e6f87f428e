//! Checks the JOSE header of a token, according to RFC 7515 and RFC 7797.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{Rejection, decode};

/// Checks that a header requires HS256 over the base64url of the payload, and nothing else.
///
/// Ignores members that do not change the verification: `typ`, `cty`, and all that name a key
/// (`kid`, `jku`, `jwk`, `x5u`), because the key is always the issuer's.
pub(super) fn check(header: &str) -> Result<(), Rejection> {
    let bytes = decode(header)?;
    let Members(members) = serde_json::from_slice(&bytes).map_err(|_| Rejection::Malformed)?;
    match members.get("alg") {
        Some(Value::String(alg)) if alg == "HS256" => {}
        Some(Value::String(alg)) => return Err(Rejection::Algorithm(alg.clone())),
        _ => return Err(Rejection::Malformed),
    }
    if members.get("typ").is_some_and(|typ| !typ.is_string()) {
        return Err(Rejection::Malformed);
    }
    // This crate supports no extensions, so it refuses all critical ones.
    if members.contains_key("crit") || members.get("b64").is_some_and(|b64| b64 != true) {
        return Err(Rejection::Critical);
    }
    Ok(())
}

/// An object without duplicate members.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the header of a token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Members, A::Error> {
        let mut read = Map::new();
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            if read.insert(name, value).is_some() {
                return Err(A::Error::custom("a member occurs twice"));
            }
        }
        Ok(Members(read))
    }
}
