//! Uninstall tokens, with which a host proves that it removed an installation.

use serde_json::Value;

use crate::model::{Claims, OauthId};

/// The lifetime of an uninstall token, in seconds.
pub const UNINSTALL_SECONDS: i64 = 60;

/// The claim that only uninstall tokens have, and its value.
const ACT: &str = "act";
const UNINSTALL: &str = "uninstall";

/// Creates the claims with which a host proves, at `now` (seconds since 1970), that it removed this
/// installation. They name no person, expire after [`UNINSTALL_SECONDS`], and contain the claim
/// `"act": "uninstall"`. The host sends the token in the header `Authorization: JWT ...` of `DELETE
/// callbackUrl/{oauthId}`.
///
/// ```
/// use glance_sdk::auth::{SigningKey, is_uninstall, uninstall_claims};
/// use glance_sdk::model::Secret;
///
/// let key = SigningKey::new(&Secret::from("0123456789abcdef0123456789abcdef01234567"));
/// let claims = uninstall_claims("installation".into(), 1_000);
/// assert!(is_uninstall(&claims));
/// assert_eq!(claims.exp, Some(1_060));
/// let header = format!("JWT {}", key.sign(&claims));
/// # assert!(header.len() > 100);
/// ```
pub fn uninstall_claims(oauth_id: OauthId, now: i64) -> Claims {
    let mut claims = Claims::new(oauth_id, now, now.saturating_add(UNINSTALL_SECONDS));
    claims.extra.insert(ACT.to_owned(), UNINSTALL.into());
    claims
}

/// Returns whether these are the claims of an uninstall token, which name no person. They prove a
/// removal only after the token's signature is verified.
///
/// ```
/// use glance_sdk::auth::{is_uninstall, uninstall_claims};
/// use glance_sdk::model::Claims;
///
/// assert!(is_uninstall(&uninstall_claims("installation".into(), 1_000)));
/// assert!(!is_uninstall(&Claims::new("installation".into(), 1_000, 1_060)));
/// ```
pub fn is_uninstall(claims: &Claims) -> bool {
    acts_uninstall(claims) && claims.sub.is_none() && claims.prn.is_none()
}

/// Returns whether a token is for a removal only, even if it names a person.
pub(crate) fn acts_uninstall(claims: &Claims) -> bool {
    claims.extra.get(ACT).and_then(Value::as_str) == Some(UNINSTALL)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn other_claims_are_not_uninstall_claims() {
        let good = uninstall_claims("id".into(), 1_000);
        assert!(is_uninstall(&good));
        let mut with_sub = good.clone();
        with_sub.sub = Some("7".to_owned());
        let mut with_prn = good.clone();
        with_prn.prn = Some("7".to_owned());
        assert!(!is_uninstall(&with_sub) && !is_uninstall(&with_prn));
        for act in [json!("install"), json!({"sub": "uninstall"}), json!(null)] {
            let mut other = good.clone();
            other.extra.insert(ACT.to_owned(), act.clone());
            assert!(!is_uninstall(&other) && !acts_uninstall(&other), "{act}");
        }
        assert!(!is_uninstall(&Claims::new("id".into(), 1_000, 1_060)));
    }
}
