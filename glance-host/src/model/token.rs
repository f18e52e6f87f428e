//! Access tokens of installations, and tokens for scripts.

use std::fmt;

use glance_sdk::model::{OauthId, UserId};

/// An access token as it is kept: by its digest, so that who reads the database has no token.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// SHA-256 of the token.
    pub digest: Vec<u8>,
    /// Whose it is.
    pub oauth_id: OauthId,
    /// What it allows, joined by spaces.
    pub scope: String,
    /// Until when it holds, in seconds since 1970.
    pub expires_at: i64,
}

/// How many tokens for scripts hold at once, and of how many that ended the host still knows.
pub const MAX_ADMIN_TOKENS: u32 = 50;

/// A token for scripts that an admin creates. It is stored by its digest, so that who reads the database has
/// no token.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAdminToken {
    /// Its name, for people.
    pub name: String,
    /// SHA-256 of its secret.
    pub digest: Vec<u8>,
    /// Who creates it.
    pub created_by: UserId,
    /// Until when it holds, in seconds since 1970.
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

/// A token for scripts as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminToken {
    /// Names it; no other token ever has the same.
    pub id: u64,
    /// Its name, for people.
    pub name: String,
    /// SHA-256 of its secret.
    pub digest: Vec<u8>,
    /// Who created it.
    pub created_by: UserId,
    /// When it was created, in seconds since 1970.
    pub created_at: i64,
    /// Until when it holds, in seconds since 1970.
    pub expires_at: i64,
    /// When it was used last, in seconds since 1970.
    pub last_used_at: Option<i64>,
    /// When somebody revoked it, in seconds since 1970.
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
    /// Whether it is neither revoked nor expired at this time, in seconds since 1970.
    pub fn holds(&self, now: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_for_scripts_show_no_digest() {
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
        let shown = format!("{new:?} {token:?}");
        assert!(
            shown.contains("deploy") && !shown.contains("digest") && !shown.contains("171"),
            "{shown}"
        );
    }
}
