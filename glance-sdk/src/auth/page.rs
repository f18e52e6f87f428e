//! Page tokens, with which an add-on authenticates the later requests of its own pages.

use serde_json::Value;

use crate::model::Claims;

/// The lifetime of a page token, in seconds.
pub const PAGE_TOKEN_SECONDS: i64 = 15 * 60;

/// The period in which a page can renew its tokens after a host opened it, in seconds.
pub const PAGE_SECONDS: i64 = 12 * 60 * 60;

/// The claim that marks a page token, so that it never passes for a token that the host signed with
/// the same secret. Its value is the time of the page's first token, in seconds since 1970.
const SINCE: &str = "glance_page_since";

/// Returns whether these are the claims of a page token, which the add-on itself signed.
///
/// ```
/// use glance_sdk::auth::is_page_token;
/// use glance_sdk::model::Claims;
///
/// assert!(!is_page_token(&Claims::new("installation".into(), 1_000, 4_600)));
/// ```
pub fn is_page_token(claims: &Claims) -> bool {
    claims.extra.contains_key(SINCE)
}

/// Creates the claims of a page token for the same person in the same room as these claims.
pub(crate) fn page_claims(claims: &Claims, now: i64) -> Claims {
    let since = claims.extra.get(SINCE).and_then(Value::as_i64);
    let since = since.unwrap_or(now);
    let end = now
        .saturating_add(PAGE_TOKEN_SECONDS)
        .min(since.saturating_add(PAGE_SECONDS));
    let mut page = Claims::new(claims.iss.clone(), now, end);
    page.sub = claims.sub.clone();
    page.prn = claims.prn.clone();
    page.context = claims.context.clone();
    page.extra.insert(SINCE.to_owned(), since.into());
    page
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Context;

    const OPENED: i64 = 1_700_000_000;

    #[test]
    fn page_token_keeps_person_and_room() {
        let mut host = Claims::new("id".into(), OPENED, OPENED + 3600);
        host.sub = Some("7".to_owned());
        host.jti = Some("once".to_owned());
        host.context = Some(Context {
            room_id: Some(42.into()),
            ..Context::default()
        });
        assert!(!is_page_token(&host));

        let page = page_claims(&host, OPENED);
        assert!(is_page_token(&page));
        assert_eq!(
            (page.user_id(), page.room_id()),
            (host.user_id(), host.room_id())
        );
        assert_eq!((page.iss.clone(), page.jti.clone()), (host.iss, None));
        assert_eq!(page.exp, Some(OPENED + PAGE_TOKEN_SECONDS));
    }

    #[test]
    fn page_renews_tokens_of_15_minutes_for_12_hours() {
        let host = Claims::new("id".into(), OPENED, OPENED + 3600);
        let first = page_claims(&host, OPENED);
        assert_eq!(first.exp, Some(OPENED + 900));
        let last = page_claims(&first, OPENED + 43_200 - 60);
        assert_eq!(last.exp, Some(OPENED + 43_200));
    }

    proptest! {
        /// All tokens of a page expire within its period, no matter how often and when it renews
        /// them.
        #[test]
        fn page_tokens_end_with_page(waits in proptest::collection::vec(0..=PAGE_TOKEN_SECONDS, 0..200)) {
            let mut now = OPENED;
            let mut page = page_claims(&Claims::new("id".into(), OPENED, OPENED + 3600), now);
            for wait in waits {
                now += wait;
                if page.exp.unwrap() <= now {
                    break;
                }
                page = page_claims(&page, now);
                let end = page.exp.unwrap();
                prop_assert!(end > now && end <= now + PAGE_TOKEN_SECONDS);
                prop_assert!(end <= OPENED + PAGE_SECONDS);
            }
        }
    }
}
