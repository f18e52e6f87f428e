//! A sign-in under way: what must be known when the person comes back from the provider.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// How long a person may take at the provider, in seconds.
pub(crate) const PATIENCE: i64 = 10 * 60;

/// A sign-in under way. It is kept in a signed cookie: only the browser that began it ends it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    /// The page to come back to.
    pub(crate) to: String,
    /// In seconds since 1970.
    pub(super) until: i64,
}

impl Flow {
    /// As it stands in a cookie.
    pub(crate) fn written(&self) -> String {
        // Strings and a number are always JSON.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn read(written: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(written).ok()?).ok()
    }

    /// Whether this is what the provider gave back, in time.
    pub(crate) fn is_of(&self, state: &str, now: i64) -> bool {
        let (own, given) = (self.state.as_bytes(), state.as_bytes());
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(own, given).is_ok();
        same && now < self.until
    }
}
