//! The folder of a host's data, which is one host's at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::Error;
use crate::storage::{OpenError, database};

/// The database in the folder.
pub(super) const DATABASE: &str = "host.sqlite";

/// Checks that the folder can hold a host's data, without creating it or changing what it has.
pub(super) fn check(folder: &Path) -> Result<(), Error> {
    let failed = |cause| Error::Folder {
        path: folder.to_owned(),
        cause,
    };
    if folder.try_exists().map_err(failed)? {
        check_writable(folder).map_err(failed)?;
        let path = folder.join(DATABASE);
        return database::check(&path)
            .map(drop)
            .map_err(|cause| OpenError::new(&path, cause).into());
    }
    // It will be made in the nearest folder above that exists.
    let above = folder.ancestors().skip(1);
    let mut above = above.map(|above| match above.as_os_str().is_empty() {
        true => Path::new("."),
        false => above,
    });
    match above.find(|above| above.exists()) {
        Some(above) => check_writable(above).map_err(failed),
        None => Err(failed(ErrorKind::NotFound.into())),
    }
}

/// Creates a file and removes it: permissions alone do not tell of a disk that is mounted read-only.
fn check_writable(folder: &Path) -> io::Result<()> {
    if !fs::metadata(folder)?.is_dir() {
        return Err(ErrorKind::NotADirectory.into());
    }
    let probe = folder.join(format!(".glance-host-check-{}", std::process::id()));
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&probe)?;
    fs::remove_file(probe)
}

/// Makes the folder where there is none, and takes it until the file that is returned is dropped. The
/// lock is the system's: of a process that was killed nothing is left that would hold up the next.
pub(super) fn take(folder: &Path) -> Result<File, Error> {
    let failed = |cause| Error::Folder {
        path: folder.to_owned(),
        cause,
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(folder.join("host.lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::FolderInUse(folder.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}
