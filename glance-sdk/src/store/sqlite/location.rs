//! Checks that the database file is still at its path.

use std::fs::{Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The file that was opened.
#[derive(Debug)]
pub(super) struct Location {
    path: PathBuf,
    opened: Metadata,
}

impl Location {
    /// Creates the file if it does not exist. It contains secrets, so only its owner may read it.
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

    /// Fails if the file is no longer at its path: SQLite would continue with the removed file, and
    /// acknowledged changes would be lost with this process.
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
