//! Puts a host together, starts and stops it; and the program `glance-host`.

pub(crate) mod host;
#[cfg(feature = "server")]
pub mod server;
