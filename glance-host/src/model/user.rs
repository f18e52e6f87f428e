//! People.

use glance_sdk::model::UserId;

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// The name, unique in the group.
    pub name: String,
    /// Whether they are an admin of the group.
    pub is_admin: bool,
    /// Whether they are a guest.
    pub is_guest: bool,
    /// The time zone, an IANA name.
    pub timezone: String,
    /// The email address.
    pub email: Option<String>,
    /// Whether an admin removed them: they cannot sign in, and their messages stay.
    pub is_removed: bool,
    /// Whether this is the host's own account and not a person: no list contains it, nobody can sign in with it, and
    /// its name and role never change.
    pub is_technical: bool,
}

/// The name of the account for people without a name who look at a room on another site.
pub(crate) const EMBED_GUEST: &str = "Guest of another site";

impl User {
    /// Returns the mention name, which follows an `@`: the name without its spaces.
    pub fn mention_name(&self) -> String {
        mention_name(&self.name)
    }
}

/// Returns the mention name of somebody with this name.
pub(crate) fn mention_name(name: &str) -> String {
    name.split_whitespace().collect()
}
