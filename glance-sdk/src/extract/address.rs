//! Reads the token from a request's URL, according to RFC 3986.

use std::borrow::Cow;

use crate::auth::Rejection;

const PARAMETER: &str = "signed_request";

/// Returns the token in a query. Proxies may encode any character as `%XX`, also in the parameter's
/// name. Two different tokens are ambiguous and therefore refused.
pub(super) fn token(query: &str) -> Result<Option<Cow<'_, str>>, Rejection> {
    let mut found = None;
    for member in query.split('&') {
        let Some((name, value)) = member.split_once('=') else {
            continue;
        };
        if name != PARAMETER && decoded(name) != PARAMETER {
            continue;
        }
        let value = decoded(value);
        if found.as_ref().is_some_and(|found| *found != value) {
            return Err(Rejection::Malformed);
        }
        found = Some(value);
    }
    Ok(found)
}

/// Decodes `%XX`. A `+` stays: tokens contain neither `+` nor spaces.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |at: usize| (*after.get(at)? as char).to_digit(16);
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    // Bytes that are not UTF-8 are not a token. The encoded text is not a token either, because it
    // contains a `%`.
    String::from_utf8(bytes).map_or(text.into(), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_found_in_every_encoding_of_query() {
        for (query, expected) in [
            ("signed_request=a.b-c", Some("a.b-c")),
            ("&&a=1&signed_request=a.b&", Some("a.b")),
            ("a&b=&signed_request=a.b&c==", Some("a.b")),
            ("signed%5Frequest=a%2Eb%2dc%5f", Some("a.b-c_")),
            ("%73igned_request=%61", Some("a")),
            ("signed_request=a.b&signed_request=a%2Eb", Some("a.b")),
            ("signed_request=", Some("")),
            ("signed_request=a%", Some("a%")),
            ("signed_request=a%2", Some("a%2")),
            ("signed_request=a%zz", Some("a%zz")),
            ("signed_request=%ff", Some("%ff")),
            ("signed_request=a+b", Some("a+b")),
            ("signed_request=a=", Some("a=")),
            ("", None),
            ("signed_request", None),
            ("Signed_Request=a", None),
            ("x=signed_request=a", None),
            ("signed_request%3Da", None),
        ] {
            let found = token(query).unwrap();
            assert_eq!(found.as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn two_different_tokens_are_refused() {
        for query in [
            "signed_request=a&signed_request=b",
            "signed_request=&signed_request=b",
            "signed%5Frequest=a&x=1&signed_request=b",
        ] {
            assert_eq!(token(query), Err(Rejection::Malformed), "{query}");
        }
    }
}
