//! Decodes signed requests without verifying them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde_json::Value;

/// Finds the signed request in an address.
pub(crate) fn signed_request(url: &Url) -> Option<String> {
    let (_, token) = url
        .query_pairs()
        .find(|(name, _)| name == "signed_request")?;
    Some(token.into_owned())
}

/// Decodes a token's header; null if it has none.
pub(crate) fn header(token: &str) -> Value {
    part(token, 0)
}

/// Decodes a token's payload; null if it has none.
pub(crate) fn payload(token: &str) -> Value {
    part(token, 1)
}

fn part(token: &str, nth: usize) -> Value {
    let part = token.split('.').nth(nth).unwrap_or_default();
    let decoded = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
    serde_json::from_slice(&decoded).unwrap_or_default()
}
