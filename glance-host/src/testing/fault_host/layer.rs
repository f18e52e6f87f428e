//! The state behind a fault host's middleware: faults, calls so far, and the recording.

use std::io;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::model::clock::Clock;
use crate::program::calls::{Calls, Exchange};
use crate::testing::faults::Faults;
use crate::testing::record::Recorder;

/// The state of a fault host.
#[derive(Debug)]
pub(crate) struct FaultLayer {
    pub(super) clock: Clock,
    pub(super) faults: Arc<Faults>,
    pub(crate) calls: Arc<Calls>,
    /// The number of the latest recording, and its recorder while it runs.
    recorder: Mutex<(u64, Option<Recorder>)>,
}

impl FaultLayer {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            faults: Arc::default(),
            calls: Arc::default(),
            recorder: Mutex::default(),
        }
    }

    /// Tells the recorder about a call of the host before it is sent.
    pub(super) fn learn_names(&self, exchange: &Exchange) {
        if let (_, Some(recorder)) = &mut *self.recorder.lock() {
            recorder.learn_names(exchange);
        }
    }

    /// Stores a completed call.
    pub(super) fn add(&self, exchange: &Exchange) {
        let Some(exchange) = self.calls.mask(exchange) else {
            return;
        };
        if let (_, Some(recorder)) = &mut *self.recorder.lock() {
            recorder.write(&exchange);
        }
        self.calls.store(exchange);
    }

    pub(super) async fn find(&self, wanted: impl Fn(&Exchange) -> bool) -> Arc<Exchange> {
        let mut ended = self.calls.count();
        loop {
            ended.borrow_and_update();
            let (calls, _) = self.calls.since(0);
            if let Some(found) = calls.into_iter().find(|call| wanted(call)) {
                return found;
            }
            // The sender is in `self.calls`.
            let _ = ended.changed().await;
        }
    }

    /// Begins a recording in place of the running one. Returns its number.
    pub(super) fn record_to(&self, path: &Path, host: &str) -> io::Result<u64> {
        let created = Recorder::create(path, host, self.calls.now())?;
        let (number, recorder) = &mut *self.recorder.lock();
        *number += 1;
        *recorder = Some(created);
        Ok(*number)
    }

    /// Ends the recording with this number, unless another began since.
    pub(super) fn end_recording(&self, ended: u64) -> io::Result<()> {
        let (number, recorder) = &mut *self.recorder.lock();
        let recorder = recorder.take_if(|_| *number == ended);
        recorder.map_or(Ok(()), Recorder::finish)
    }
}
