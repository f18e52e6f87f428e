//! The calls of a fault host as they end.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use super::FaultLayer;
use crate::testing::Exchange;

/// The calls between a host and its add-ons from one moment on, in the order in which they ended.
/// Returned by [`FaultHost::follow_calls`](super::FaultHost::follow_calls).
#[derive(Debug)]
pub struct CallStream {
    layer: Arc<FaultLayer>,
    ended: watch::Receiver<u64>,
    seen: u64,
    waiting: VecDeque<Arc<Exchange>>,
}

impl CallStream {
    pub(super) fn new(layer: Arc<FaultLayer>) -> Self {
        let ended = layer.count();
        let seen = *ended.borrow();
        Self {
            layer,
            ended,
            seen,
            waiting: VecDeque::new(),
        }
    }

    /// Waits for the next call. A reader that falls more than 10,000 calls behind misses the oldest.
    /// Dropping the future loses no call.
    pub async fn next(&mut self) -> Arc<Exchange> {
        loop {
            if let Some(call) = self.waiting.pop_front() {
                return call;
            }
            // `changed` fails only without a sender, and `layer` holds it.
            let _ = self.ended.changed().await;
            let (new, seen) = self.layer.since(self.seen);
            self.waiting.extend(new);
            self.seen = seen;
        }
    }
}
