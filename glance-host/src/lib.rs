//! A host for add-ons that show glances, speaking the HipChat Connect protocol.
//!
//! It is small enough for a unit test, see `testing`, and it is what `cargo glance demo` runs. A team
//! runs it as a program, see [`manual::running_a_host`].
//!
//! A test needs the feature `testing`:
//!
//! ```toml
//! [dev-dependencies]
//! glance-host = { version = "0.1", features = ["testing"] }
//! ```
//!
//! ```
//! # #[cfg(feature = "testing")] {
//! use glance_host::Host;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let host = Host::start().await;
//! assert!(host.base_url().starts_with("http://127.0.0.1:"));
//! host.shutdown().await;
//! # });
//! # }
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod access;
mod admin;
mod api;
mod attendance;
mod body;
mod clock;
mod data;
mod directory;
mod embed;
mod first_room;
mod forget;
mod health;
mod host;
mod html;
pub mod hub;
mod icons;
mod install;
mod label;
mod limits;
pub mod manual;
mod masks;
mod metrics;
mod module;
mod notification;
mod outgoing;
mod pattern;
mod people;
mod presence;
mod rarely;
mod retention;
mod rooms;
#[cfg(feature = "server")]
pub mod server;
mod shared;
pub mod sign_in;
pub mod state;
#[cfg(feature = "testing")]
pub mod testing;
mod timeline;
mod timezone;
mod tls;
mod token_parts;
mod turns;
mod unavailable;
pub mod viewer;
mod web;
pub mod webhooks;
mod wire;
mod write;

pub use clock::Clock;
pub use embed::{Embed, NoOrigin};
pub use host::{Builder, DEFAULT_PORT, Error, Host};
pub use install::{Conflict, InstallError};
pub use ipnet::IpNet;
pub use outgoing::check_query_answer;
