//! Follows calls as they end.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use super::{Calls, Exchange};

/// The calls between a host and its add-ons from one moment on, in the order in which they ended.
/// [`CallLog::follow`](super::CallLog::follow) returns it, and `FaultHost::follow_calls` in a test.
#[derive(Debug)]
pub struct CallStream {
    calls: Arc<Calls>,
    ended: watch::Receiver<u64>,
    seen: u64,
    waiting: VecDeque<Arc<Exchange>>,
}

impl CallStream {
    pub(crate) fn new(calls: Arc<Calls>) -> Self {
        let ended = calls.count();
        let seen = *ended.borrow();
        Self {
            calls,
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
            // `changed` fails only without a sender, and `calls` holds it.
            let _ = self.ended.changed().await;
            let (new, seen) = self.calls.since(self.seen);
            self.waiting.extend(new);
            self.seen = seen;
        }
    }
}
