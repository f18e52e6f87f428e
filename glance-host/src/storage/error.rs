//! The error of storage.

use std::error::Error;
use std::fmt;

type Source = Box<dyn Error + Send + Sync>;

/// A storage operation that failed. Nothing of it was stored.
///
/// `{}` writes the message without its causes, `{:#}` writes both.
#[derive(Debug)]
#[non_exhaustive]
pub enum StorageError {
    /// The change contradicts what is stored: for example, it is about a room that is gone.
    Conflict(Source),
    /// The database cannot be read now.
    Unavailable(Source),
    /// The database cannot be written now: it is locked, for example. Reads may work.
    NotWritable(Source),
    /// The database cannot be written because its disk is full. Reads work.
    DiskFull(Source),
    /// A stored value cannot be read.
    Corrupt {
        /// The value: `the column descriptor`.
        what: String,
        /// The cause.
        source: Source,
    },
    /// Another failure, of the database or in preparing a call to it.
    Other(Source),
}

impl StorageError {
    /// Creates an error of another kind.
    pub fn other(cause: impl Into<Source>) -> Self {
        Self::Other(cause.into())
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict(_) => {
                f.write_str("the change contradicts what the host's database holds")?
            }
            Self::Unavailable(_) => f.write_str("the host's database is unavailable")?,
            Self::NotWritable(_) => f.write_str("the host's database cannot be written")?,
            Self::DiskFull(_) => f.write_str("the disk of the host's database is full")?,
            Self::Corrupt { what, .. } => {
                write!(f, "in the host's database {what} cannot be read")?
            }
            Self::Other(_) => f.write_str("the host's database failed")?,
        }
        let mut cause = self.source().filter(|_| f.alternate());
        while let Some(next) = cause {
            write!(f, ": {next}")?;
            cause = next.source();
        }
        Ok(())
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let (Self::Conflict(source)
        | Self::Unavailable(source)
        | Self::NotWritable(source)
        | Self::DiskFull(source)
        | Self::Corrupt { source, .. }
        | Self::Other(source)) = self;
        Some(&**source)
    }
}
