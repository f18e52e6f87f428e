//! Maps SQLite's errors to storage errors.

use std::error::Error;
use std::fmt;

use rusqlite::types::Type;
use rusqlite::{ErrorCode, Row};

use crate::storage::StorageError;

/// A stored value that cannot be read, on its way through rusqlite.
#[derive(Debug)]
struct Corrupt {
    what: String,
    source: Box<dyn Error + Send + Sync>,
}

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.source)
    }
}

impl Error for Corrupt {}

/// Returns the error of a column whose value cannot be read.
pub(super) fn corrupt(
    row: &Row<'_>,
    column: usize,
    source: impl Into<Box<dyn Error + Send + Sync>>,
) -> rusqlite::Error {
    let name = row.as_ref().column_name(column).unwrap_or("without a name");
    let corrupt = Corrupt {
        what: format!("the column {name}"),
        source: source.into(),
    };
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(corrupt))
}

/// Returns whether an error means that nothing can be read or written now, and not only that this query is invalid.
pub(super) fn is_unavailable(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::CannotOpen
            | ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied
            | ErrorCode::ReadOnly
            | ErrorCode::SystemIoFailure
    )
}

/// Returns the error of a value that has no stored form.
pub(super) fn unstorable(error: StorageError) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(Box::new(error))
}

/// Returns the error of a change: if nothing can be read or written then, at least nothing can be written.
pub(super) fn change_error(error: rusqlite::Error) -> StorageError {
    match storage_error(error) {
        StorageError::Unavailable(source) => StorageError::NotWritable(source),
        error => error,
    }
}

pub(super) fn storage_error(error: rusqlite::Error) -> StorageError {
    let corrupt = |what: &str, error| StorageError::Corrupt {
        what: what.to_owned(),
        source: Box::new(error),
    };
    match (error.sqlite_error_code(), error) {
        (Some(ErrorCode::ConstraintViolation), error) => StorageError::Conflict(Box::new(error)),
        (Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase), error) => {
            corrupt("the file", error)
        }
        (Some(ErrorCode::DiskFull), error) => StorageError::DiskFull(Box::new(error)),
        (Some(ErrorCode::ReadOnly), error) => StorageError::NotWritable(Box::new(error)),
        (Some(code), error) if is_unavailable(code) => StorageError::Unavailable(Box::new(error)),
        (_, rusqlite::Error::FromSqlConversionFailure(column, kind, cause)) => {
            match cause.downcast::<Corrupt>() {
                Ok(known) => StorageError::Corrupt {
                    what: known.what,
                    source: known.source,
                },
                Err(cause) => corrupt(
                    "a value",
                    rusqlite::Error::FromSqlConversionFailure(column, kind, cause),
                ),
            }
        }
        (
            _,
            error @ (rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..)),
        ) => corrupt("a value", error),
        (_, error) => StorageError::other(error),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::storage::sqlite::rows::{id, parsed};

    fn failure(sql: &str) -> StorageError {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch("CREATE TABLE a (b UNIQUE); INSERT INTO a VALUES (1)")
            .unwrap();
        storage_error(connection.execute_batch(sql).unwrap_err())
    }

    #[test]
    fn sqlite_errors_have_their_kinds() {
        let conflict = failure("INSERT INTO a VALUES (1)");
        assert!(matches!(conflict, StorageError::Conflict(_)), "{conflict}");
        let read_only = failure("PRAGMA query_only = true; INSERT INTO a VALUES (2)");
        assert!(
            matches!(read_only, StorageError::NotWritable(_)),
            "{read_only}"
        );
        let full = failure("PRAGMA max_page_count = 3; INSERT INTO a VALUES (zeroblob(100000))");
        assert!(matches!(full, StorageError::DiskFull(_)), "{full}");
        let other = failure("SELECT c FROM a");
        assert_eq!(other.to_string(), "the host's database failed");
        let too_big = failure("INSERT INTO a VALUES (zeroblob(2000000000))");
        assert!(matches!(too_big, StorageError::Other(_)), "{too_big:?}");
        let in_full = format!("{other:#}");
        assert!(in_full.contains("failed: no such column: c"), "{in_full}");
    }

    #[test]
    fn unreadable_values_are_named() {
        let connection = Connection::open_in_memory().unwrap();
        let read = |sql: &str| connection.query_row(sql, [], |row| parsed::<u8>(row, 0));
        let error = storage_error(read("SELECT 'x' AS descriptor").unwrap_err());
        let in_full = format!("{error:#}");
        assert!(
            in_full.starts_with(
                "in the host's database the column descriptor cannot be read: expected value"
            ),
            "{in_full}"
        );
        let error = connection.query_row("SELECT -1 AS room_id", [], |row| id(row, 0));
        let error = storage_error(error.unwrap_err());
        assert!(matches!(error, StorageError::Corrupt { .. }), "{error}");
        let wrong_type = storage_error(read("SELECT 1 AS descriptor").unwrap_err());
        assert!(
            matches!(wrong_type, StorageError::Corrupt { .. }),
            "{wrong_type}"
        );
    }
}
