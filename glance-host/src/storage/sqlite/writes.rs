//! Records whether the latest write reached the disk.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::ErrorCode;

use super::error::is_unavailable;
use crate::storage::Writes;

/// Counts writes, and remembers the outcome of the latest.
#[derive(Debug, Default)]
pub(super) struct WriteLog {
    count: AtomicU64,
    has_failed: AtomicBool,
}

impl WriteLog {
    /// Records changes that were committed. Changes that changed nothing say nothing about the disk.
    pub(super) fn wrote(&self, changes: u64) {
        if changes > 0 {
            self.note(changes, false);
        }
    }

    /// Records that something could not be stored.
    pub(super) fn failed(&self) {
        self.note(1, true);
    }

    fn note(&self, count: u64, has_failed: bool) {
        self.has_failed.store(has_failed, Ordering::Relaxed);
        self.count.fetch_add(count, Ordering::Release);
    }

    pub(super) fn read(&self) -> Writes {
        Writes {
            count: self.count.load(Ordering::Acquire),
            has_failed: self.has_failed.load(Ordering::Relaxed),
        }
    }
}

/// Returns whether an error means that nothing can be written, and not only that this query is invalid.
pub(super) fn is_disk_failure(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code().is_some_and(|code| {
        is_unavailable(code) || matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    })
}
