//! The add-on and a host together.
#![allow(clippy::unwrap_used, clippy::panic)]

mod deliveries;
mod setting;
mod settling;
