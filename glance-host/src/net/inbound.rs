//! Connections that others open. `glance_sdk::serve` accepts and serves them.

pub(crate) mod tls;
