//! Connections that the host opens. `glance_sdk::egress` decides which addresses it may call.

pub(crate) mod call_limiter;
pub(crate) mod client;
