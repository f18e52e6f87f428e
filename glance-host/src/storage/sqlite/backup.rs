//! Copies a database while a host uses it.

use std::error::Error;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, InterruptHandle};

use super::file::{self, FileError, OpenError};
use super::restore::Dropped;
use super::rows::id;
use super::{SqliteState, restore};

/// A backup that was not made. No file is left behind.
#[derive(Debug)]
pub(crate) enum BackupError {
    /// There is no database at this path.
    NoDatabase(PathBuf),
    /// The host's database cannot be used.
    Open(OpenError),
    /// A file exists where the copy should be.
    Exists(PathBuf),
    /// The copy cannot be written.
    Write(PathBuf, io::Error),
    /// Copying failed.
    Copy(PathBuf, rusqlite::Error),
    /// The copy is damaged, as SQLite describes it.
    Damaged(String),
}

impl fmt::Display for BackupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDatabase(path) => write!(
                f,
                "there is no database {}: say in the settings which folder has the data",
                path.display()
            ),
            Self::Open(cause) => cause.fmt(f),
            Self::Exists(path) => write!(
                f,
                "{} exists and is not replaced: give the backup another name",
                path.display()
            ),
            Self::Write(path, cause) => write!(f, "cannot write {}: {cause}", path.display()),
            Self::Copy(path, cause) => {
                write!(f, "cannot copy the database to {}: {cause}", path.display())
            }
            Self::Damaged(what) => write!(
                f,
                "the copy would be damaged, so the database probably is: {what}"
            ),
        }
    }
}

impl Error for BackupError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Open(cause) => cause.source(),
            Self::Write(_, cause) => cause.source(),
            Self::Copy(_, cause) => cause.source(),
            Self::NoDatabase(_) | Self::Exists(_) | Self::Damaged(_) => None,
        }
    }
}

impl From<OpenError> for BackupError {
    fn from(cause: OpenError) -> Self {
        Self::Open(cause)
    }
}

/// A copy that is being made, readable by its owner only.
///
/// The empty file with its name reserves the name; the copy is made beside it. A host refuses to open an empty file, so
/// a backup that was killed is not taken for a database.
pub(crate) struct Backup {
    database: Connection,
    target: PathBuf,
    partial: PathBuf,
    /// Whether the copy has its name.
    is_complete: bool,
}

impl Backup {
    /// Opens the database, and reserves the name of the copy.
    pub(crate) fn begin(database: &Path, target: &Path) -> Result<Self, BackupError> {
        let database = open(database)?;
        let partial = file::beside(target, ".new");
        file::create_private(target).map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(target.to_owned()),
            _ => BackupError::Write(target.to_owned(), cause),
        })?;
        let backup = Self {
            database,
            target: target.to_owned(),
            partial,
            is_complete: false,
        };
        // A killed backup to this name may have left it. Nobody else writes there: the name is reserved.
        match fs::remove_file(&backup.partial) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(BackupError::Write(backup.partial.clone(), cause));
            }
            _ => {}
        }
        file::create_private(&backup.partial)
            .map_err(|cause| BackupError::Write(backup.partial.clone(), cause))?;
        Ok(backup)
    }

    /// Returns the size of the database in bytes; the copy has no free pages and is not larger.
    pub(crate) fn size(&self) -> Result<u64, BackupError> {
        let value = |name| {
            let read = |row: &rusqlite::Row<'_>| id(row, 0);
            let read = self.database.pragma_query_value(None, name, read);
            read.map_err(|cause| self.failed(cause))
        };
        Ok(value("page_count")?.saturating_mul(value("page_size")?))
    }

    /// Returns the file that grows while the database is copied.
    pub(crate) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Returns the handle that makes [`Backup::run`] fail.
    pub(crate) fn interrupt_handle(&self) -> InterruptHandle {
        self.database.get_interrupt_handle()
    }

    /// Copies the database as it is at one moment. A host that writes meanwhile does not wait, and its write-ahead log
    /// grows until this returns. Checks the copy, marks it, and gives it its name.
    pub(crate) fn run(&mut self) -> Result<(), BackupError> {
        // SQLite takes paths in UTF-8 only.
        let partial = self.partial.to_str().ok_or_else(|| {
            BackupError::Write(self.target.clone(), io::ErrorKind::InvalidFilename.into())
        })?;
        self.database
            .execute("VACUUM INTO ?1", [partial])
            .map_err(|cause| self.failed(cause))?;
        let copy = file::connect(&self.partial).map_err(|cause| self.failed(cause))?;
        let found: String = copy
            .pragma_query_value(None, "integrity_check", |row| row.get(0))
            .map_err(|cause| self.failed(cause))?;
        if found != "ok" {
            return Err(BackupError::Damaged(found));
        }
        restore::mark(&copy).map_err(|cause| self.failed(cause))?;
        copy.close().map_err(|(_, cause)| self.failed(cause))?;
        self.rename()
            .map_err(|cause| BackupError::Write(self.target.clone(), cause))?;
        self.is_complete = true;
        Ok(())
    }

    fn rename(&self) -> io::Result<()> {
        OpenOptions::new()
            .write(true)
            .open(&self.partial)?
            .sync_all()?;
        fs::rename(&self.partial, &self.target)?;
        file::sync_folder(&self.target)
    }

    fn failed(&self, cause: rusqlite::Error) -> BackupError {
        BackupError::Copy(self.target.clone(), cause)
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        if !self.is_complete {
            // Nothing can be done about a file that stays; the caller tells why there is no backup.
            let journal = file::beside(&self.partial, "-journal");
            for left in [&self.partial, &journal, &self.target] {
                let _ = fs::remove_file(left);
            }
        }
    }
}

/// Opens the database, which must exist, and leaves it as it is.
fn open(path: &Path) -> Result<Connection, BackupError> {
    let failed = |cause: FileError| BackupError::Open(OpenError::new(path, cause));
    let Some(connection) = file::open_checked(path).map_err(failed)? else {
        return Err(BackupError::NoDatabase(path.to_owned()));
    };
    SqliteState::configure(&connection).map_err(|cause| failed(cause.into()))?;
    Ok(connection)
}

/// Does to a database that was copied in another way what a host does to a backup: see [`restore`]. No host may use it.
pub(crate) fn restored(path: &Path) -> Result<Dropped, BackupError> {
    let failed = |cause: rusqlite::Error| OpenError::new(path, cause.into());
    let mut connection = open(path)?;
    restore::mark(&connection).map_err(failed)?;
    SqliteState::prepare(&mut connection).map_err(failed)?;
    let dropped = restore::finish(&mut connection).map_err(failed)?;
    Ok(dropped.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(database: &Path, target: &Path) -> Result<(), BackupError> {
        Backup::begin(database, target)?.run()
    }

    #[test]
    fn existing_file_and_missing_database_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("host.sqlite");
        let target = folder.path().join("copy.sqlite");
        let missing = run(&database, &target).unwrap_err();
        assert!(matches!(missing, BackupError::NoDatabase(_)), "{missing}");
        let missing = restored(&database).unwrap_err();
        assert!(matches!(missing, BackupError::NoDatabase(_)), "{missing}");
        assert!(!database.exists() && !target.exists());

        drop(SqliteState::open(&database).unwrap());
        fs::write(&target, "mine").unwrap();
        let refused = run(&database, &target).unwrap_err();
        assert!(refused.to_string().contains("exists and is not replaced"));
        assert_eq!(fs::read(&target).unwrap(), b"mine");
        fs::remove_file(&target).unwrap();
        run(&database, &target).unwrap();
        let nowhere = folder.path().join("none/copy.sqlite");
        let refused = run(&database, &nowhere).unwrap_err();
        assert!(matches!(refused, BackupError::Write(..)), "{refused}");
    }

    #[test]
    fn failed_backup_leaves_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("host.sqlite");
        drop(SqliteState::open(&database).unwrap());
        let target = folder.path().join("copy.sqlite");
        let mut backup = Backup::begin(&database, &target).unwrap();
        assert_eq!(fs::metadata(&target).unwrap().len(), 0);
        fs::write(&backup.partial, "no empty file, so it cannot be the copy").unwrap();
        let failed = backup.run().unwrap_err();
        assert!(matches!(failed, BackupError::Copy(..)), "{failed}");
        drop(backup);
        let left = fs::read_dir(folder.path()).unwrap();
        let left: Vec<_> = left.map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["host.sqlite"]);
    }

    #[cfg(unix)]
    #[test]
    fn copy_is_readable_by_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("host.sqlite");
        drop(SqliteState::open(&database).unwrap());
        let target = folder.path().join("copy.sqlite");
        run(&database, &target).unwrap();
        let mode = fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
