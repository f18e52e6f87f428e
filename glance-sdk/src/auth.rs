//! Signs and verifies requests with JSON Web Tokens, using HS256 only.
//!
//! The host signs its requests to an add-on with the installation's secret. An add-on first reads
//! the issuer, then looks up that installation's secret, and then verifies the signature and the
//! times:
//!
//! ```
//! use glance_sdk::auth::{SigningKey, Token};
//! use glance_sdk::model::{Claims, Secret};
//!
//! let key = SigningKey::new(&Secret::from("0123456789abcdef0123456789abcdef01234567"));
//! let signed = key.sign(&Claims::new("installation".into(), 1_000, 4_600));
//!
//! let token = Token::parse(&signed)?;
//! assert_eq!(token.issuer().as_str(), "installation");
//! let claims = token.verify(&key, 1_010)?;
//! assert_eq!(claims.exp, Some(4_600));
//! # Ok::<(), glance_sdk::auth::Rejection>(())
//! ```

#[cfg(feature = "server")]
mod page;
mod random;
#[cfg(feature = "replay-cache")]
mod replay;
mod token;
mod uninstall;

use std::time::{SystemTime, UNIX_EPOCH};

#[cfg(feature = "server")]
pub(crate) use page::page_claims;
#[cfg(feature = "server")]
pub use page::{PAGE_SECONDS, PAGE_TOKEN_SECONDS, is_page_token};
pub use random::random_alphanumeric;
#[cfg(feature = "replay-cache")]
pub(crate) use replay::Replays;
pub use token::{LEEWAY_SECONDS, MAX_TOKEN_BYTES, Rejection, SigningKey, Token};
#[cfg(feature = "server")]
pub(crate) use uninstall::acts_uninstall;
pub use uninstall::{UNINSTALL_SECONDS, is_uninstall, uninstall_claims};

/// Returns the current time in seconds since 1970.
///
/// ```
/// use glance_sdk::auth::{SigningKey, now};
/// use glance_sdk::model::{Claims, Secret};
///
/// let claims = Claims::new("installation".into(), now(), now() + 60);
/// let token = SigningKey::new(&Secret::from("0123456789abcdef")).sign(&claims);
/// # assert_eq!(token.split('.').count(), 3);
/// ```
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
        })
}
