//! The rules of the host: what people and add-ons may do, and what follows from it.

pub(crate) mod access_tokens;
pub(crate) mod actions;
pub(crate) mod addon_calls;
pub(crate) mod admin_tokens;
pub(crate) mod directory;
pub(crate) mod embed;
pub(crate) mod entry_renderer;
pub(crate) mod extensions;
pub(crate) mod glance_queries;
pub(crate) mod health;
pub(crate) mod images;
pub(crate) mod install;
pub(crate) mod messages;
pub(crate) mod metrics;
pub(crate) mod people;
pub(crate) mod post_check;
pub(crate) mod presence;
pub(crate) mod private_messages;
pub(crate) mod retention;
pub(crate) mod rooms;
pub mod sign_in;
pub(crate) mod targets;
pub(crate) mod timeline;
pub mod viewer;
pub mod webhooks;

/// How often a change is retried after somebody else changed the same room or person first.
const STALE_RETRIES: u32 = 3;

#[cfg(test)]
mod tests;
