//! A person's sign-in in one browser.

use glance_sdk::model::UserId;

/// A person's sign-in in one browser, kept by its digest, so that who reads the database has none.
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
