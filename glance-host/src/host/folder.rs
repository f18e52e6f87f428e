//! The folder of a host's data, which is one host's at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;

use super::Error;

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
