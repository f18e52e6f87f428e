//! A person's sign-in in one browser.

use glance_sdk::model::UserId;

/// A person's session in one browser. Storage has only the digest of its id, so reading the database reveals no
/// session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of its id.
    pub digest: Vec<u8>,
    /// Whose it is.
    pub user: UserId,
    /// When they signed in, in seconds since 1970.
    pub began_at: i64,
    /// Until when it holds, in seconds since 1970.
    pub expires_at: i64,
}
