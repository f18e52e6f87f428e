//! Opens a file, and migrates it to the newest version of its schema.

use std::fs::{Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::WAIT;

/// The interval between attempts to enable the write-ahead log of a new file.
const WAL_RETRY: Duration = Duration::from_millis(20);

/// The opened file.
#[derive(Debug)]
pub(super) struct Location {
    path: PathBuf,
    opened: Metadata,
}

impl Location {
    /// Creates the file if it does not exist. Other users of the machine must not read chat data.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self {
            path: path.to_owned(),
            opened: options.open(path)?.metadata()?,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Fails if the file is no longer at its path: SQLite would continue with the removed file, and
    /// all data written to it would be lost with this process.
    pub(super) fn check(&self) -> io::Result<()> {
        let found = std::fs::metadata(&self.path)?;
        if is_same(&found, &self.opened) {
            return Ok(());
        }
        Err(io::Error::other(
            "another file replaced it: restart the add-on to use the new file",
        ))
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn is_same(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Opens a connection that waits for locks.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(WAIT)?;
    use_write_ahead_log(&connection)?;
    // Acknowledged changes survive a power failure.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

/// If several processes open a new file concurrently, SQLite refuses all but one without waiting.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let started = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(cause)
                if cause.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started.elapsed() < WAIT =>
            {
                std::thread::sleep(WAL_RETRY);
            }
            outcome => return outcome,
        }
    }
}

/// Makes the missing steps, all or none. Returns the previous number of steps if it exceeds the
/// known ones, otherwise the new one.
pub(super) fn upgrade(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<usize> {
    let newest = i64::try_from(steps.len()).unwrap_or(i64::MAX);
    // A step that recreates a table would delete the rows that refer to it.
    connection.pragma_update(None, "foreign_keys", false)?;
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    // No file has a negative version; it would be refused as a newer one.
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    let Some(missing) = steps.get(version..) else {
        return Ok(version);
    };
    for step in missing {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", newest)?;
    transaction.commit()?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(steps.len())
}
