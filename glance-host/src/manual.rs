//! The manual for people who run a host. The manual for authors of add-ons is `glance_sdk::manual`.

// The pages are files of the repository, where their links lead to each other. The first definition of a link counts,
// so `links.md` makes them links within these pages.
#[doc = include_str!("manual/links.md")]
#[doc = include_str!("../docs/embedding.md")]
pub mod embedding {}

#[doc = include_str!("manual/links.md")]
#[doc = include_str!("../docs/running-a-host.md")]
pub mod running_a_host {}
