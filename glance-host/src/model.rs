//! The host's types and their rules: rooms, people, installations, messages. No I/O, no tasks.

pub(crate) mod access;
pub(crate) mod bounded_map;
mod canonical_json;
pub(crate) mod clock;
mod delivery;
mod entry;
pub mod event;
mod extension;
mod glance_data;
mod glance_value;
mod handoff;
pub(crate) mod host_info;
mod identity;
mod installation;
pub(crate) mod module;
mod private_message;
mod room;
mod session;
pub(crate) mod shutdown;
pub(crate) mod time_zone;
mod token;
mod user;
mod webhook_call;

pub use delivery::{Delivery, Outcome};
pub use entry::{Content, Entry, Message, Sender, Side};
pub use extension::{
    MAX_EXTENSION_BYTES, MAX_RUNTIME_ACTIONS, MAX_RUNTIME_GLANCES, MAX_RUNTIME_WEBHOOKS, Place,
    RegisteredWebhook, Restriction, RuntimeAction, RuntimeGlance,
};
pub(crate) use glance_data::PushedData;
pub(crate) use glance_data::Text;
pub use glance_data::{Data, TooLarge};
pub(crate) use glance_value::is_shared_by_room;
pub use glance_value::{GlanceValue, Push, PushedGlance, QueryAnswer, Source, Version};
pub use handoff::Handoff;
pub use identity::Identity;
pub use installation::{InstallationQuery, Installed, Leaving, ListedInstallation};
pub use private_message::{MAX_PRIVATE_MESSAGES, PrivateMessage};
pub(crate) use room::Archived;
pub use room::{Group, NewRoom, Room};
pub use session::Session;
pub use token::{AdminToken, MAX_ADMIN_TOKENS, NewAdminToken, StoredToken, TokenOwner};
pub use user::User;
pub(crate) use user::{EMBED_GUEST, mention_name};
pub use webhook_call::{
    DropReason, DroppedCalls, EventSender, MAX_QUEUED_BYTES, MAX_QUEUED_EVENTS, NewCalls,
    QueuedCalls, WebhookCall, WebhookEvent,
};
