//! The program `glance-host`, as a team runs it: its own process, real signals, real HTTP.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic)]
#![allow(
    clippy::disallowed_methods,
    reason = "browsers and providers of tests have clients and clocks of their own"
)]

mod add_on;
mod backup;
mod behind;
#[path = "../support/browser.rs"]
mod browser;
mod certificate;
mod crowded;
mod database;
mod ending;
mod health;
mod killed;
mod large;
mod leaving;
mod lost_log;
mod metrics;
mod outbox;
mod pages;
mod process;
#[path = "../support/provider.rs"]
mod provider;
mod secrets;
mod settings;
mod sign_in;
