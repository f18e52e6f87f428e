//! The identity of a person who signs in.

/// A person, as a sign-in method describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The issuer that vouches for them: the URL of a provider, or the proxy. Without one the name identifies them.
    pub provider: Option<String>,
    /// The issuer's permanent id for them, not their name.
    pub subject: String,
    /// The name that they want. If another person has it, a number is appended.
    pub name: String,
    /// Their email address, if known.
    pub email: Option<String>,
    /// Their time zone, if known.
    pub timezone: Option<String>,
    /// Whether they are an admin, if a rule says so. Without a rule the first person on a host without an admin
    /// becomes one.
    pub is_admin: Option<bool>,
}
