//! The imports of nearly every add-on.
//!
//! ```
//! use glance_sdk::prelude::*;
//!
//! #[glance(key = "hello", name = "Hello", icon = "/hello.svg")]
//! async fn hello() -> GlanceData {
//!     GlanceData::new(label!("Hello"))
//! }
//! ```

pub use crate::metadata::GlanceMetadata;
pub use crate::model::{GlanceData, Icon, Label, Lozenge, OauthId, RoomId, UserId};
#[cfg(feature = "macros")]
pub use glance_derive::{glance, label, webhook};
pub use serde::Serialize;

#[cfg(feature = "server")]
pub use crate::addon::AddOn;
#[cfg(feature = "client")]
pub use crate::client::{Installations, Pusher, To};
#[cfg(feature = "server")]
pub use crate::extract::{GlanceQuery, RoomQuery, SignedRequest, Viewer, WebhookRequest};
#[cfg(feature = "server")]
pub use crate::failure::Failure;
#[cfg(feature = "server")]
pub use axum::{
    extract::State,
    routing::{get, post},
};
