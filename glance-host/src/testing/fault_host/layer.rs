//! The state behind a fault host's middleware: faults, calls so far, and the recording.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::clock::Clock;
use crate::testing::faults::Faults;
use crate::testing::record::{Exchange, Recorder, Secrets};

/// The number of calls that are kept.
const MAX_CALLS: usize = 10_000;

/// The state of a fault host.
#[derive(Debug)]
pub(crate) struct FaultLayer {
    pub(super) clock: Clock,
    pub(super) faults: Arc<Faults>,
    began: Instant,
    next: AtomicU64,
    secrets: Mutex<Secrets>,
    calls: Mutex<VecDeque<Arc<Exchange>>>,
    ended: watch::Sender<u64>,
    /// The number of the latest recording, and its recorder while it runs.
    recorder: Mutex<(u64, Option<Recorder>)>,
}

impl FaultLayer {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            faults: Arc::default(),
            began: Instant::now(),
            next: AtomicU64::new(1),
            secrets: Mutex::default(),
            calls: Mutex::default(),
            ended: watch::Sender::new(0),
            recorder: Mutex::default(),
        }
    }

    pub(crate) fn secrets(&self) -> MutexGuard<'_, Secrets> {
        lock(&self.secrets)
    }

    /// Returns the number of a new call, and the time.
    pub(super) fn begin(&self) -> (u64, u64) {
        (self.next.fetch_add(1, Ordering::SeqCst), self.now())
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Tells the recorder about a call of the host before it is sent.
    pub(super) fn learn_names(&self, exchange: &Exchange) {
        if let (_, Some(recorder)) = &mut *lock(&self.recorder) {
            recorder.learn_names(exchange);
        }
    }

    /// Stores a completed call.
    pub(super) fn add(&self, exchange: &Exchange) {
        let Some(exchange) = self.secrets().mask(exchange) else {
            tracing::error!(method = exchange.method, "masking secrets of a call failed");
            return;
        };
        if let (_, Some(recorder)) = &mut *lock(&self.recorder) {
            recorder.write(&exchange);
        }
        let mut calls = lock(&self.calls);
        if calls.len() == MAX_CALLS {
            calls.pop_front();
        }
        calls.push_back(Arc::new(exchange));
        // The count changes under the lock, so that `since` sees it together with the list.
        self.ended.send_modify(|ended| *ended += 1);
    }

    pub(super) fn calls(&self) -> Vec<Arc<Exchange>> {
        lock(&self.calls).iter().cloned().collect()
    }

    /// Returns the number of completed calls.
    pub(super) fn count(&self) -> watch::Receiver<u64> {
        self.ended.subscribe()
    }

    /// Returns the stored calls after the first `seen` ones, and the number of calls now.
    pub(super) fn since(&self, seen: u64) -> (Vec<Arc<Exchange>>, u64) {
        let calls = lock(&self.calls);
        let ended = *self.ended.borrow();
        let new = usize::try_from(ended.saturating_sub(seen)).unwrap_or(usize::MAX);
        let skipped = calls.len().saturating_sub(new);
        (calls.iter().skip(skipped).cloned().collect(), ended)
    }

    pub(super) async fn find(&self, wanted: impl Fn(&Exchange) -> bool) -> Arc<Exchange> {
        let mut ended = self.ended.subscribe();
        loop {
            ended.borrow_and_update();
            if let Some(found) = self.calls().into_iter().find(|call| wanted(call)) {
                return found;
            }
            // The sender is a field of `self`.
            let _ = ended.changed().await;
        }
    }

    /// Begins a recording in place of the running one. Returns its number.
    pub(super) fn record_to(&self, path: &Path, host: &str) -> io::Result<u64> {
        let created = Recorder::create(path, host, self.now())?;
        let (number, recorder) = &mut *lock(&self.recorder);
        *number += 1;
        *recorder = Some(created);
        Ok(*number)
    }

    /// Ends the recording with this number, unless another began since.
    pub(super) fn end_recording(&self, ended: u64) -> io::Result<()> {
        let (number, recorder) = &mut *lock(&self.recorder);
        let recorder = recorder.take_if(|_| *number == ended);
        recorder.map_or(Ok(()), Recorder::finish)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
