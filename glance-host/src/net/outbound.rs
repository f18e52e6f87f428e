//! Connections that the host opens. `glance_sdk::egress` decides which addresses it may call.

pub(crate) mod call_limiter;
mod client;
mod http_transport;
mod transport;

pub(crate) use client::{Call, Outbound};
pub(crate) use http_transport::HttpTransport;
pub(crate) use transport::{Answer, AnswerLimits, NoAnswer, OutboundRequest, Transport};
