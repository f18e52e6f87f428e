//! Tests the add-on together with a host.
#![allow(clippy::unwrap_used, clippy::panic)]

mod alertmanager;
mod follow_ups;
mod messages;
mod setting;
#[path = "../../../../tests/skipped.rs"]
mod skipped;
