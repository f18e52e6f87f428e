// These link definitions come first, so that the README's links to docs.rs become links within
// these pages.
//! [The manual]: manual
//! [The first glance]: manual::first_glance
//! [Conditions]: manual::conditions
//! [Pushing]: manual::pushing
//! [Pages]: manual::pages
//! [Runtime glances]: manual::runtime_glances
//! [Testing]: manual::testing
//! [Installing]: manual::installing
//! [Your own database]: manual::databases
//! [Deploying]: manual::deploying
//! [`AddOn`]: addon::AddOn
//! [`GlanceQuery`]: extract::GlanceQuery
//! [`SignedRequest`]: extract::SignedRequest
//! [`Pusher`]: client::Pusher
//! [`Client`]: client::Client
//!
#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "server")]
pub mod addon;
#[cfg(feature = "runtime")]
pub mod auth;
#[cfg(feature = "client")]
mod base_url;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "client")]
mod clock_cache;
#[cfg(feature = "client")]
pub mod egress;
#[cfg(feature = "runtime")]
mod error;
pub mod evaluate;
pub mod event_stream;
#[cfg(feature = "server")]
pub mod extract;
#[cfg(feature = "server")]
mod failure;
pub mod glance;
pub mod json;
pub mod label;
#[cfg(all(any(doc, doctest), feature = "server", feature = "macros"))]
pub mod manual;
pub mod metadata;
pub mod model;
mod no_metadata;
pub mod prelude;
pub mod printable;
#[cfg(feature = "schema")]
pub mod schema;
#[cfg(feature = "server")]
pub mod serve;
#[cfg(test)]
mod skipped;
#[cfg(feature = "runtime")]
pub mod store;
#[cfg(all(test, feature = "metrics"))]
mod test_recorder;
pub mod validate;
pub mod webhook;

#[cfg(feature = "server")]
pub use addon::AddOn;
#[cfg(feature = "client")]
pub use base_url::BaseUrl;
#[cfg(feature = "runtime")]
pub use error::{Error, ErrorKind, Result};
#[cfg(feature = "server")]
pub use failure::Failure;
#[cfg(feature = "macros")]
pub use glance_derive::{GlanceMetadata, glance, label, webhook};

#[cfg(feature = "server")]
pub use axum;
