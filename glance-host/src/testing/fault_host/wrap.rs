//! Puts the layer of a fault host around its router and before its outgoing requests.

use std::sync::Arc;

use axum::Router;

use super::{FaultLayer, FaultTransport, watched};
use crate::net::outbound::Transport;
use crate::program::host::Wrap;

#[derive(Debug)]
pub(super) struct FaultWrap(pub(super) Arc<FaultLayer>);

impl Wrap for FaultWrap {
    fn transport(&self, inner: Arc<dyn Transport>) -> Arc<dyn Transport> {
        let layer = Arc::clone(&self.0);
        Arc::new(FaultTransport { layer, inner })
    }

    fn router(&self, inner: Router) -> Router {
        watched(inner, &self.0)
    }
}
