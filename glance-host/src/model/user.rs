//! People.

use glance_sdk::model::UserId;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their name, unique in the group.
    pub name: String,
    /// Whether they administer the group.
    pub is_admin: bool,
    /// Whether they are a guest.
    pub is_guest: bool,
    /// Their time zone, an IANA name.
    pub timezone: String,
    /// Their address.
    pub email: Option<String>,
    /// Whether an admin removed them: they cannot sign in, and what they wrote stays.
    pub is_removed: bool,
    /// Whether this is an account of the host's own and nobody's: it is in no list, cannot sign in, and
    /// keeps its name and role.
    pub is_technical: bool,
}

/// What the account is called under which people look at a room on another site who have no name here.
pub(crate) const EMBED_GUEST: &str = "Guest of another site";

impl User {
    /// What people write behind an `@`: the name without its spaces.
    pub fn mention_name(&self) -> String {
        mention_name(&self.name)
    }
}

/// Returns what people write behind an `@` to mention somebody with this name.
pub(crate) fn mention_name(name: &str) -> String {
    name.split_whitespace().collect()
}
