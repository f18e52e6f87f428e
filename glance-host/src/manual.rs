//! The manual of who runs a host. That of who writes add-ons is in `glance_sdk::manual`.

#[doc = include_str!("../docs/embedding.md")]
pub mod embedding {}

#[doc = include_str!("../docs/running-a-host.md")]
pub mod running_a_host {}
