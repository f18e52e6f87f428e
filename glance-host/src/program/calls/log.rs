//! The latest calls, and the secrets that they must not show.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Exchange;
use super::secrets::Secrets;

/// The number of stored calls.
const MAX_CALLS: usize = 10_000;

#[derive(Debug)]
pub(crate) struct Calls {
    began: Instant,
    next: AtomicU64,
    secrets: Mutex<Secrets>,
    calls: Mutex<VecDeque<Arc<Exchange>>>,
    ended: watch::Sender<u64>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            next: AtomicU64::new(1),
            secrets: Mutex::default(),
            calls: Mutex::default(),
            ended: watch::Sender::new(0),
        }
    }
}

impl Calls {
    pub(crate) fn secrets(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock()
    }

    /// Returns the number of a new call, and the time.
    pub(super) fn begin(&self) -> (u64, u64) {
        (self.next.fetch_add(1, Ordering::SeqCst), self.now())
    }

    /// Returns the milliseconds since the start.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Returns the call without secrets and tokens. Logs an error if that is not possible.
    pub(crate) fn mask(&self, exchange: &Exchange) -> Option<Exchange> {
        let masked = self.secrets().mask(exchange);
        if masked.is_none() {
            tracing::error!(method = exchange.method, "masking secrets of a call failed");
        }
        masked
    }

    /// Stores a completed call, which is masked.
    pub(crate) fn store(&self, exchange: Exchange) {
        let mut calls = self.calls.lock();
        if calls.len() == MAX_CALLS {
            calls.pop_front();
        }
        calls.push_back(Arc::new(exchange));
        // The count changes under the lock, so that `since` sees it together with the list.
        self.ended.send_modify(|ended| *ended += 1);
    }

    /// Masks and stores a completed call.
    pub(super) fn record(&self, exchange: &Exchange) {
        if let Some(exchange) = self.mask(exchange) {
            self.store(exchange);
        }
    }

    /// Returns the number of completed calls.
    pub(crate) fn count(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    /// Returns the stored calls after the first `seen` ones, and the number of calls now.
    pub(crate) fn since(&self, seen: u64) -> (Vec<Arc<Exchange>>, u64) {
        let calls = self.calls.lock();
        let ended = *self.ended.borrow();
        let new = usize::try_from(ended.saturating_sub(seen)).unwrap_or(usize::MAX);
        let skipped = calls.len().saturating_sub(new);
        (calls.iter().skip(skipped).cloned().collect(), ended)
    }
}
