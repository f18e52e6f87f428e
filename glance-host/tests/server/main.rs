//! The program `glance-host`, as a team runs it: its own process, real signals, real HTTP.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]

mod add_on;
mod certificate;
mod ending;
mod killed;
mod large;
mod metrics;
mod process;
mod secrets;
mod settings;
