//! How a person is known to whatever signs them in.

/// A person, as they sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who vouches for them: the address of a provider, or the proxy. Without one they are whoever
    /// has their name.
    pub provider: Option<String>,
    /// What that one calls them, always: their id, not their name.
    pub subject: String,
    /// The name they would have here. Where another has it, a number is put behind it.
    pub name: String,
    /// Their address, where it is known.
    pub email: Option<String>,
    /// Their time zone, where it is known.
    pub timezone: Option<String>,
    /// Whether they administer the group, where a rule says so. Without a rule the first who comes
    /// to a host without an admin does.
    pub is_admin: Option<bool>,
}
