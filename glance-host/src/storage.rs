//! The traits of storage, one per subject, and SQLite, which implements them all.
//!
//! One call is one transaction, and a completed call survives a crash.

mod admin_tokens;
pub mod conformance;
mod effects;
mod error;
mod events;
mod extensions;
mod glances;
mod group;
mod handoffs;
mod installations;
mod outbox;
mod people;
mod private_messages;
mod rooms;
mod sessions;
mod sqlite;
mod timeline;
mod tokens;

/// The attribute that an `impl` of these traits needs.
pub use async_trait::async_trait;

pub use admin_tokens::AdminTokenStore;
pub use effects::{Effects, InstallationEffects, RoomEffects, SignInEffects};
pub use error::StorageError;
pub use events::{EventReceiver, EventStore, MAX_LOGGED_EVENTS};
pub use extensions::ExtensionStore;
pub use glances::{GlanceStore, MAX_INSTALLATION_BYTES};
pub use group::{GroupStore, Writes};
pub use handoffs::HandoffStore;
pub use installations::InstallationStore;
pub use outbox::OutboxStore;
pub use people::{PeopleStore, PersonChange, SignedIn};
pub use private_messages::PrivateMessageStore;
pub use rooms::{RoomChange, RoomStore};
pub use sessions::SessionStore;
#[cfg(feature = "server")]
pub(crate) use sqlite::backup;
pub(crate) use sqlite::file as database;
pub use sqlite::{OpenError, SqliteState};
pub use timeline::{MAX_TIMELINE_BYTES, Posted, TimelineStore};
pub use tokens::TokenStore;

type Result<T> = std::result::Result<T, StorageError>;

/// The complete storage of a host. `Arc<dyn Storage>` converts to `Arc<dyn RoomStore>` and to the others.
pub trait Storage:
    GroupStore
    + RoomStore
    + PeopleStore
    + SessionStore
    + InstallationStore
    + HandoffStore
    + ExtensionStore
    + GlanceStore
    + EventStore
    + TimelineStore
    + OutboxStore
    + PrivateMessageStore
    + TokenStore
    + AdminTokenStore
{
}

impl<T> Storage for T where
    T: GroupStore
        + RoomStore
        + PeopleStore
        + SessionStore
        + InstallationStore
        + HandoffStore
        + ExtensionStore
        + GlanceStore
        + EventStore
        + TimelineStore
        + OutboxStore
        + PrivateMessageStore
        + TokenStore
        + AdminTokenStore
{
}
