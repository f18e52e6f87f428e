//! Access tokens of installations, and admin tokens.

use std::fmt;
use std::sync::Arc;

use glance_sdk::model::{OauthId, UserId};

use super::{Installed, Room};

/// A stored access token. Storage has only its digest, so reading the database reveals no token.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// SHA-256 of the token.
    pub digest: Vec<u8>,
    /// The installation that it belongs to.
    pub oauth_id: OauthId,
    /// The scopes, separated by spaces.
    pub scope: String,
    /// The expiry time, in seconds since 1970.
    pub expires_at: i64,
}

/// An access token with its installation.
#[derive(Debug)]
pub struct TokenOwner {
    /// The token.
    pub token: StoredToken,
    /// The installation that it belongs to.
    pub installed: Arc<Installed>,
    /// The room of the installation, if it is in one room.
    pub room: Option<Room>,
}

/// The largest number of valid admin tokens, and of revoked or expired ones that are stored.
pub const MAX_ADMIN_TOKENS: u32 = 50;

/// A new admin token. Storage has only its digest, so reading the database reveals no token.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAdminToken {
    /// The name, for people.
    pub name: String,
    /// SHA-256 of the secret.
    pub digest: Vec<u8>,
    /// The admin who creates it.
    pub created_by: UserId,
    /// The expiry time, in seconds since 1970.
    pub expires_at: i64,
}

impl fmt::Debug for NewAdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAdminToken")
            .field("name", &self.name)
            .field("created_by", &self.created_by)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// A stored admin token.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken {
    /// The id, which is never used again.
    pub id: u64,
    /// The name, for people.
    pub name: String,
    /// SHA-256 of the secret.
    pub digest: Vec<u8>,
    /// The admin who created it.
    pub created_by: UserId,
    /// The time of its creation, in seconds since 1970.
    pub created_at: i64,
    /// The expiry time, in seconds since 1970.
    pub expires_at: i64,
    /// The time of its last use, in seconds since 1970.
    pub last_used_at: Option<i64>,
    /// The time when it was revoked, in seconds since 1970.
    pub revoked_at: Option<i64>,
}

impl fmt::Debug for AdminToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdminToken")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("created_by", &self.created_by)
            .field("expires_at", &self.expires_at)
            .field("revoked_at", &self.revoked_at)
            .finish_non_exhaustive()
    }
}

impl AdminToken {
    /// Returns whether the token is neither revoked nor expired at this time, in seconds since 1970.
    pub fn holds(&self, now: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_admin_tokens_hides_digest() {
        let new = NewAdminToken {
            name: "deploy".to_owned(),
            digest: vec![171, 205],
            created_by: 1.into(),
            expires_at: 100,
        };
        let token = AdminToken {
            id: 1,
            name: "deploy".to_owned(),
            digest: vec![171, 205],
            created_by: 1.into(),
            created_at: 10,
            expires_at: 100,
            last_used_at: None,
            revoked_at: None,
        };
        assert!(token.holds(99) && !token.holds(100));
        let revoked = AdminToken {
            revoked_at: Some(50),
            ..token.clone()
        };
        assert!(!revoked.holds(99) && !revoked.holds(100));
        let shown = format!("{new:?} {token:?}");
        assert!(
            shown.contains("deploy") && !shown.contains("digest") && !shown.contains("171"),
            "{shown}"
        );
    }
}
