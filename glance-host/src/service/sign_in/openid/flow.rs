//! The state of a pending sign-in, which is checked when the person returns from the provider.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// The lifetime of a pending sign-in, in seconds.
pub(crate) const FLOW_SECONDS: i64 = 10 * 60;

/// A pending sign-in. A signed cookie stores it, so only the browser that began it can complete it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    /// The page to return to.
    pub(crate) to: String,
    /// In seconds since 1970.
    pub(super) expires_at: i64,
}

impl Flow {
    /// Returns the value of the cookie.
    pub(crate) fn to_cookie(&self) -> String {
        // Strings and a number always serialize.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn from_cookie(value: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(value).ok()?).ok()
    }

    /// Returns whether the provider's answer belongs to this sign-in and came in time.
    pub(crate) fn matches(&self, state: &str, now: i64) -> bool {
        let (own, given) = (self.state.as_bytes(), state.as_bytes());
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(own, given).is_ok();
        same && now < self.expires_at
    }
}
