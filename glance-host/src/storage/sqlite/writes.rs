//! Records whether the latest write reached the disk.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rusqlite::{Connection, ErrorCode, Result};

use super::error::is_unavailable;
use crate::storage::Writes;

/// Counts writes, and remembers the outcome of the latest.
#[derive(Debug, Default)]
pub(super) struct WriteLog {
    count: AtomicU64,
    has_failed: AtomicBool,
}

impl WriteLog {
    /// Runs a query, and records its outcome if it wrote or should have written.
    pub(super) fn observe<T>(
        &self,
        connection: &mut Connection,
        query: impl FnOnce(&mut Connection) -> Result<T>,
    ) -> Result<T> {
        let before = connection.total_changes();
        let outcome = query(connection);
        let has_failed = outcome.as_ref().is_err_and(is_disk_failure);
        if has_failed || connection.total_changes() != before {
            self.has_failed.store(has_failed, Ordering::Relaxed);
            self.count.fetch_add(1, Ordering::Release);
        }
        outcome
    }

    pub(super) fn read(&self) -> Writes {
        Writes {
            count: self.count.load(Ordering::Acquire),
            has_failed: self.has_failed.load(Ordering::Relaxed),
        }
    }
}

/// Returns whether an error means that nothing can be written, and not only that this query is invalid.
fn is_disk_failure(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code().is_some_and(|code| {
        is_unavailable(code) || matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_outcomes_of_writes_are_noted() {
        let log = WriteLog::default();
        let mut connection = Connection::open_in_memory().unwrap();
        let mut run = |sql: &str| {
            log.observe(&mut connection, |connection| connection.execute_batch(sql))
                .is_ok()
        };
        assert!(run("CREATE TABLE a (b UNIQUE)"));
        assert!(run("INSERT INTO a VALUES (1)"));
        assert_eq!(
            log.read(),
            Writes {
                count: 1,
                has_failed: false
            }
        );
        assert!(run("SELECT b FROM a"));
        assert!(!run("INSERT INTO a VALUES (1)"));
        assert_eq!(
            log.read(),
            Writes {
                count: 1,
                has_failed: false
            }
        );

        assert!(run("PRAGMA query_only = true"));
        assert!(!run("INSERT INTO a VALUES (2)"));
        assert_eq!(
            log.read(),
            Writes {
                count: 2,
                has_failed: true
            }
        );
        assert!(run("SELECT b FROM a"));
        assert!(log.read().has_failed, "a read says nothing about writing");
        assert!(run("PRAGMA query_only = false"));
        assert!(run("INSERT INTO a VALUES (2)"));
        assert_eq!(
            log.read(),
            Writes {
                count: 3,
                has_failed: false
            }
        );
    }
}
