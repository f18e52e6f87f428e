//! A hook between a host and the network, for the log of calls and for the test kit.

use std::fmt;
use std::sync::Arc;

use axum::Router;

use crate::net::outbound::Transport;

/// Wraps the transport and the router of a host.
pub(crate) trait Wrap: fmt::Debug + Send + Sync {
    /// Wraps the transport that sends the requests of the host.
    fn transport(&self, inner: Arc<dyn Transport>) -> Arc<dyn Transport>;

    /// Wraps the routes for requests to the host.
    fn router(&self, inner: Router) -> Router;
}
