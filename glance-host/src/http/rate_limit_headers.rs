//! The response headers of rate limits.

use std::convert::Infallible;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponseParts, ResponseParts};

use crate::cluster::rate_limits::{Allowance, LimitKind};

const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

const MESSAGES: [HeaderName; 3] = [
    HeaderName::from_static("x-floodcontrol-limit"),
    HeaderName::from_static("x-floodcontrol-remaining"),
    HeaderName::from_static("x-floodcontrol-reset"),
];

/// Adds the headers that tell an add-on the rest of its limit.
pub(crate) fn insert(allowance: Allowance, headers: &mut HeaderMap) {
    let [limit, remaining, reset] = match allowance.kind {
        LimitKind::Messages => MESSAGES,
        LimitKind::Requests | LimitKind::WrongTokens => REQUESTS,
    };
    headers.insert(limit, allowance.limit.into());
    headers.insert(remaining, allowance.remaining.into());
    headers.insert(reset, HeaderValue::from(allowance.reset));
}

impl IntoResponseParts for Allowance {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Self::Error> {
        insert(self, parts.headers_mut());
        Ok(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_messages_have_headers_of_their_own() {
        for (kind, prefix) in [
            (LimitKind::Requests, "x-ratelimit"),
            (LimitKind::Messages, "x-floodcontrol"),
        ] {
            let mut headers = HeaderMap::new();
            let allowance = Allowance {
                kind,
                limit: 30,
                remaining: 7,
                reset: 1_700_000_060,
            };
            insert(allowance, &mut headers);
            for (name, value) in [("limit", "30"), ("remaining", "7"), ("reset", "1700000060")] {
                assert_eq!(headers[format!("{prefix}-{name}")], value);
            }
        }
    }
}
