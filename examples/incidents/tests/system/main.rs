//! The add-on and a host together.
#![allow(clippy::unwrap_used, clippy::panic)]

mod alertmanager;
mod follow_ups;
mod messages;
mod setting;
