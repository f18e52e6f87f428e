//! A host for add-ons that show glances, speaking the HipChat Connect protocol.
//!
//! It is small enough for a unit test, see [`testing`], and it is what `cargo glance demo` runs.
//!
//! ```
//! use glance_host::Host;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let host = Host::start().await;
//! assert!(host.base_url().starts_with("http://127.0.0.1:"));
//! host.shutdown().await;
//! # });
//! ```

mod api;
mod attendance;
mod clock;
mod directory;
mod embed;
mod health;
mod host;
pub mod hub;
mod install;
mod label;
mod limits;
mod metrics;
mod notification;
mod outgoing;
mod pattern;
mod presence;
mod rooms;
mod shared;
pub mod state;
pub mod testing;
mod tls;
pub mod viewer;
mod web;
pub mod webhooks;
mod wire;
mod write;

pub use clock::Clock;
pub use embed::{Embed, NoOrigin};
pub use host::{Builder, DEFAULT_PORT, Error, Host};
pub use install::InstallError;
