//! The JSON types of the protocol: descriptors, glance data, conditions, updates, installations,
//! claims, webhooks, notifications, rooms and people.
//!
//! Every type preserves unknown content. An enum has an `Unknown` or `Other` variant with the
//! original text, a struct has an `extra` map, and both survive a round trip. Everything that
//! [`validate`](crate::validate) accepts without an error is serialized as it was parsed, with one
//! exception: in a notification, a `card` that is `null` and members of a card that are `null`
//! count as missing. Elsewhere an explicit `null` for an optional member is an error for
//! `validate`, except in places of any shape (conditions, metadata, `extra`), where it survives; a
//! label's `type` and `value` survive too.
//!
//! ```
//! use glance_sdk::model::Descriptor;
//!
//! let sent = serde_json::json!({
//!     "key": "com.example.add-on",
//!     "name": "Example",
//!     "links": { "self": "https://add-on.example.com/" },
//!     "capabilities": { "somethingNew": { "url": "https://add-on.example.com/new" } }
//! });
//! let descriptor: Descriptor = serde_json::from_value(sent.clone())?;
//! assert_eq!(descriptor.name, "Example");
//! assert_eq!(serde_json::to_value(&descriptor)?, sent);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod action;
mod claims;
mod condition;
mod consumer;
mod data;
mod descriptor;
mod dialog;
mod directory;
mod glance;
mod host;
mod ids;
mod installable;
mod installation;
pub mod notification;
mod oauth;
mod open_enum;
mod page;
mod picture;
mod secret;
mod status;
mod truncate;
mod update;
#[cfg(feature = "client")]
pub(crate) mod urls;
pub mod webhook;

pub use action::{Action, ActionLocation};
pub use claims::{Claims, Context};
pub use condition::{Composite, Condition, ConditionName, Conjunction, Match, Params, Simple};
pub use consumer::{HipchatApiConsumer, Scope};
pub use data::{GlanceData, Label, QueryAnswer};
pub use descriptor::{Capabilities, Descriptor, Links, Vendor};
pub use dialog::{
    CustomSize, Dialog, DialogAction, DialogFilter, DialogOptions, DialogSize, DialogStyle,
    NamedSize,
};
pub use directory::{Page, PageLinks, Presence, RoomDetails, Show, UserDetails};
pub use glance::{Audience, Glance, Icon, Target, TargetObject, Text};
pub use host::{
    ApiProvider, HostCapabilities, HostDocument, HostLinks, OauthProvider, TokenAnswer,
};
pub use ids::{GroupId, OauthId, RoomId, UserId};
pub use installable::Installable;
pub use installation::{InstallationData, InstallationUpdate, InvalidInstallation};
pub use notification::{Card, CardStyle, Color, MessageFormat, Notification};
pub use oauth::{Oauth2Consumer, Oauth2Provider};
pub use page::{AdminPage, Authentication, Configurable, ExternalPage, WebPanel};
pub use picture::Picture;
pub use secret::Secret;
pub use status::{Lozenge, LozengeStatus, Status};
pub use update::{GlanceUpdate, UiUpdate};
pub use webhook::{Event, Webhook, WebhookPayload, Webhooks};

/// The unknown members of a JSON object, which are serialized as they were parsed.
pub type Extra = serde_json::Map<String, serde_json::Value>;

/// Deserializes a member that may be `null`, and distinguishes `null` from absence.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
