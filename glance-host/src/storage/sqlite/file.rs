//! Opens or creates the file of the database. An incomplete or empty file is an error: a host with a new database would
//! make its first visitor an admin.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::migrations::{self, VERSION};

/// The first bytes of every SQLite database.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Why a file cannot be the host's database.
#[derive(Debug)]
pub(crate) enum FileError {
    /// The file has no bytes.
    Empty,
    /// The file is not in SQLite's format.
    Foreign,
    /// The database has none of the host's tables.
    NoTables,
    /// The database has more migrations than this host knows.
    Newer(u32),
    /// The file is missing, and its write-ahead log is still there.
    Missing,
    /// The permissions of the file, or of its file system, do not allow the host to read and write it.
    NotWritable(io::Error),
    /// Another program has locked the database.
    Locked(rusqlite::Error),
    Io(io::Error),
    Sqlite(rusqlite::Error),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const RESTORE: &str =
            "restore it from a backup, or move it out of the folder to start a new host";
        match self {
            Self::Empty => write!(f, "it is empty (0 bytes), so its data is lost: {RESTORE}"),
            Self::Foreign => write!(f, "it is not an SQLite database: {RESTORE}"),
            Self::NoTables => write!(f, "it has no tables of a host: {RESTORE}"),
            Self::Newer(version) => write!(
                f,
                "a newer host wrote it (version {version}; this host, {}, knows versions up to {VERSION}): install \
                 the newer host, or restore the backup made before the update",
                env!("CARGO_PKG_VERSION")
            ),
            Self::NotWritable(cause) => write!(
                f,
                "the host must read and write it ({cause}): make the host's user its owner, and do not mount its \
                 file system read-only"
            ),
            Self::Locked(_) => {
                f.write_str("another program has locked it: end that program first")
            }
            Self::Missing => f.write_str(
                "it is missing, but its write-ahead log (-wal) is there: restore both from a backup, \
                 or move the log out of the folder to start a new host",
            ),
            Self::Io(cause) => cause.fmt(f),
            Self::Sqlite(cause) => cause.fmt(f),
        }
    }
}

impl From<io::Error> for FileError {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl From<rusqlite::Error> for FileError {
    fn from(cause: rusqlite::Error) -> Self {
        match cause.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked(cause),
            _ => Self::Sqlite(cause),
        }
    }
}

/// A database file that cannot be opened or created.
#[derive(Debug)]
pub struct OpenError {
    path: PathBuf,
    cause: FileError,
}

impl OpenError {
    pub(crate) fn new(path: &Path, cause: FileError) -> Self {
        let path = path.to_owned();
        Self { path, cause }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, cause } = self;
        let path = path.display();
        write!(f, "the host's database {path} cannot be used: {cause}")
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            FileError::Io(cause) | FileError::NotWritable(cause) => cause.source(),
            FileError::Sqlite(cause) | FileError::Locked(cause) => cause.source(),
            _ => None,
        }
    }
}

/// Opens the database, or creates it, readable by its owner only. `prepare` gives a connection its
/// settings and the database its tables.
pub(super) fn open(
    path: &Path,
    prepare: impl Fn(&mut Connection) -> rusqlite::Result<()>,
) -> Result<Connection, FileError> {
    let mut connection = match open_checked(path)? {
        Some(connection) => connection,
        None => {
            create(path, &prepare)?;
            connect(path)?
        }
    };
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    prepare(&mut connection)?;
    Ok(connection)
}

/// Checks that the file, if it exists, is a database that this host can use. Changes nothing.
pub(crate) fn check(path: &Path) -> Result<(), FileError> {
    open_checked(path).map(drop)
}

/// Opens the database if it exists and this host can use it. Closing the connection leaves the files as they were.
pub(super) fn open_checked(path: &Path) -> Result<Option<Connection>, FileError> {
    if !looks_like_database(path)? {
        return Ok(None);
    }
    let has_log = beside(path, "-wal").try_exists()?;
    let connection = connect(path)?;
    // Otherwise the last connection moves the log of a killed host into the database. Without a log there is nothing to
    // move, and the last connection removes the empty one that reading creates.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, has_log)?;
    let is_hosts = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'team'",
        [],
        |row| row.get::<_, bool>(0),
    )?;
    if !is_hosts {
        return Err(FileError::NoTables);
    }
    match migrations::version(&connection)? {
        version if version > VERSION => Err(FileError::Newer(version)),
        _ => Ok(Some(connection)),
    }
}

/// Opens another connection to the file.
pub(super) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    // Without `SQLITE_OPEN_CREATE`: a file that vanished meanwhile is not replaced by an empty one.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags)
}

/// Checks that the file can be written and looks like a database; `false` if it does not exist.
fn looks_like_database(path: &Path) -> Result<bool, FileError> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return match beside(path, "-wal").try_exists()? {
                true => Err(FileError::Missing),
                false => Ok(false),
            };
        }
        Err(cause) => {
            return Err(match cause.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    FileError::NotWritable(cause)
                }
                _ => cause.into(),
            });
        }
    };
    let mut start = [0; MAGIC.len()];
    match file.metadata()?.len() {
        0 => Err(FileError::Empty),
        _ => match file.read_exact(&mut start) {
            Ok(()) if start == *MAGIC => Ok(true),
            Err(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => Err(cause.into()),
            _ => Err(FileError::Foreign),
        },
    }
}

/// Creates the database beside its place and renames it once its tables are committed.
fn create(
    path: &Path,
    prepare: impl Fn(&mut Connection) -> rusqlite::Result<()>,
) -> Result<(), FileError> {
    let new = beside(path, ".new");
    // An interrupted attempt may have left these files.
    for left in [new.clone(), beside(&new, "-wal"), beside(&new, "-shm")] {
        match fs::remove_file(left) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause.into()),
            _ => {}
        }
    }
    create_private(&new)?;
    let mut connection = Connection::open(&new)?;
    prepare(&mut connection)?;
    // Closing moves everything from the write-ahead log into the file.
    connection.close().map_err(|(_, cause)| cause)?;
    File::open(&new)?.sync_all()?;
    fs::rename(&new, path)?;
    sync_folder(path)?;
    Ok(())
}

/// Creates an empty file that only its owner may read. It is an error if there is one already.
pub(super) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Stores the name of a new file. Without this a power failure may lose it.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = file.parent() {
        let is_here = folder.as_os_str().is_empty();
        let folder = if is_here { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = file;
    Ok(())
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::SqliteState;

    #[test]
    fn other_files_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        let foreign = Connection::open(folder.path().join("foreign.sqlite")).unwrap();
        foreign.execute_batch("CREATE TABLE a (b)").unwrap();
        drop(foreign);
        let foreign = fs::read(folder.path().join("foreign.sqlite")).unwrap();
        for (bytes, expected) in [
            (&b""[..], "it is empty (0 bytes)"),
            (b"SQLite", "it is not an SQLite database"),
            (
                b"This is a text of some length.",
                "it is not an SQLite database",
            ),
            (&foreign, "it has no tables of a host"),
        ] {
            fs::write(&path, bytes).unwrap();
            let refused = SqliteState::open(&path).unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
            assert!(refused.contains("restore it from a backup"), "{refused}");
            assert_eq!(fs::read(&path).unwrap(), bytes, "it stays as it was");
        }
    }

    #[test]
    fn write_ahead_log_without_its_database_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        fs::write(beside(&path, "-wal"), "frames").unwrap();
        let refused = SqliteState::open(&path).unwrap_err().to_string();
        assert!(
            refused.contains("its write-ahead log (-wal) is there"),
            "{refused}"
        );
        assert!(!path.exists());
    }

    #[test]
    fn newer_database_is_refused_and_unchanged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        drop(SqliteState::open(&path).unwrap());
        let files = || -> Vec<_> {
            let files = fs::read_dir(folder.path()).unwrap();
            let files = files.map(|file| file.unwrap().path());
            let mut files: Vec<_> = files.map(|file| (fs::read(&file).unwrap(), file)).collect();
            files.retain(|(_, file)| !file.ends_with("host.sqlite-shm"));
            files.sort_unstable();
            files
        };
        let newer = connect(&path).unwrap();
        newer
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
            .unwrap();
        newer
            .pragma_update(None, "user_version", VERSION + 1)
            .unwrap();
        drop(newer);
        let expected = format!(
            "host.sqlite cannot be used: a newer host wrote it (version {}; this host, {}, knows versions up to \
             {VERSION}): install the newer host, or restore the backup made before the update",
            VERSION + 1,
            env!("CARGO_PKG_VERSION")
        );
        // First the version is in the write-ahead log of a host that was killed, then in the file.
        for count in [2, 1] {
            let before = files();
            assert_eq!(before.len(), count);
            for _ in 0..2 {
                let refused = SqliteState::open(&path).unwrap_err().to_string();
                assert!(refused.ends_with(&expected), "{refused}");
                check(&path).unwrap_err();
                assert_eq!(files(), before);
            }
            drop(
                connect(&path)
                    .unwrap()
                    .pragma_query(None, "user_version", |_| Ok(())),
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn file_that_cannot_be_read_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        std::os::unix::fs::symlink(&path, &path).unwrap();
        SqliteState::open(&path).unwrap_err();
        assert_eq!(fs::read_link(&path).unwrap(), path);
        let refused = SqliteState::open(folder.path()).unwrap_err().to_string();
        assert!(refused.contains("irectory"), "{refused}");
    }

    #[test]
    fn causes_have_causes() {
        use std::error::Error;

        let failed = || rusqlite::Error::ToSqlConversionFailure(Box::new(fmt::Error));
        let causes: [FileError; 2] = [io::Error::other(failed()).into(), failed().into()];
        for cause in causes {
            let error = OpenError::new(Path::new("host.sqlite"), cause);
            assert!(error.source().unwrap().is::<fmt::Error>(), "{error:?}");
        }
    }

    #[test]
    fn creation_that_was_interrupted_starts_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        let new = beside(&path, ".new");
        fs::write(&new, "half").unwrap();
        fs::write(beside(&new, "-wal"), "half").unwrap();
        let failed = create(&path, |connection| {
            connection.execute_batch("CREATE TABLE team (id); no SQL")
        });
        assert!(failed.is_err());
        assert!(!path.exists(), "no half-made database has its name");
        drop(SqliteState::open(&path).unwrap());
        assert!(looks_like_database(&path).unwrap());
        assert!(!new.exists());
        drop(SqliteState::open(&path).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn file_is_readable_by_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        let _state = SqliteState::open(&path).unwrap();
        for file in [path.clone(), beside(&path, "-wal")] {
            let mode = fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
