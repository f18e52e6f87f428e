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

mod cluster;
mod content;
mod http;
pub mod manual;
pub mod model;
mod net;
mod program;
mod service;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;

pub use content::query_answer::{QueryAnswerError, check_query_answer};
pub use ipnet::IpNet;
pub use model::clock::Clock;
pub use program::calls;
pub use program::host::{Builder, DEFAULT_PORT, Error, Host};
#[cfg(feature = "server")]
pub use program::server;
pub use service::embed::{Embed, InvalidOrigin};
pub use service::install::{Conflict, InstallError};
pub use service::messages::PostError;
pub use service::rooms::RoomError;
pub use service::{sign_in, viewer, webhooks};
