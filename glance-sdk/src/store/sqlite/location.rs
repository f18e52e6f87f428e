//! Where the file is, and whether it is still there.

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
    /// Creates the file where it is not there. It holds secrets: nobody else may read it.
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

    /// Fails where the file is no longer at its path: SQLite would go on with the file that was removed, and
    /// what it acknowledges would be lost with this process.
    pub(super) fn check(&self) -> io::Result<()> {
        let found = std::fs::metadata(&self.path)?;
        if is_same(&found, &self.opened) {
            return Ok(());
        }
        Err(io::Error::other(
            "another file has taken its place: restart the add-on to use that one",
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
