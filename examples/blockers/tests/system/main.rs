//! Tests the add-on together with a host.
#![allow(clippy::unwrap_used, clippy::panic)]

mod deliveries;
mod setting;
mod settling;
