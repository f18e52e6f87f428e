//! State that the nodes of one host share: events, presence, rate limits.

pub(crate) mod attendance;
pub(crate) mod bus;
pub(crate) mod rate_limits;
