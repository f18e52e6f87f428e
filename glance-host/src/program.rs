//! Puts a host together, starts and stops it; and the program `glance-host`.

pub mod calls;
pub(crate) mod host;
#[cfg(feature = "server")]
pub mod server;
