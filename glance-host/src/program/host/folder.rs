//! The data folder of a host, which one host may use at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

use super::Error;
use crate::storage::{OpenError, database};

/// The file name of the database.
pub(in crate::program) const DATABASE: &str = "host.sqlite";

/// Checks that the folder can hold a host's data, without creating or changing anything in it.
pub(super) fn check(folder: &Path) -> Result<(), Error> {
    let failed = |cause| Error::Folder {
        path: folder.to_owned(),
        cause,
    };
    if folder.try_exists().map_err(failed)? {
        check_writable(folder).map_err(failed)?;
        let path = folder.join(DATABASE);
        return database::check(&path).map_err(|cause| OpenError::new(&path, cause).into());
    }
    // It will be created in the nearest existing parent folder.
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

/// Creates and removes a file: permissions do not reveal a read-only mount.
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

/// Creates the folder if necessary, and locks it until the returned file is dropped. The operating system releases
/// the lock of a killed process.
pub(in crate::program) fn take(folder: &Path) -> Result<File, Error> {
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
