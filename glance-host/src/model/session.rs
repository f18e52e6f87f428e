//! A person's sign-in in one browser.

use glance_sdk::model::UserId;

/// A person's session in one browser. Storage has only the digest of its id, so reading the database reveals no
/// session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of its id.
    pub digest: Vec<u8>,
    /// The person who signed in.
    pub user: UserId,
    /// The time of the sign-in, in seconds since 1970.
    pub began_at: i64,
    /// The expiry time, in seconds since 1970.
    pub expires_at: i64,
}
