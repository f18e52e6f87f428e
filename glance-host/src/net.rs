//! Sockets and HTTP, without knowledge of rooms and people.

pub(crate) mod inbound;
pub(crate) mod outbound;
