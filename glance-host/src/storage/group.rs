//! The storage of the group, and whether the database can be written.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::model::Group;

/// Stores the group.
#[async_trait]
pub trait GroupStore: fmt::Debug + Send + Sync + 'static {
    /// Returns how many writes there were, and the outcome of the latest.
    fn writes(&self) -> Writes;

    /// Writes without changing a value, to find out whether writes succeed.
    async fn probe_write(&self) -> Result<()>;

    /// Returns the group.
    async fn group(&self) -> Result<Group>;

    /// Renames the group.
    async fn rename_group(&self, name: &str) -> Result<()>;

    /// Returns the epoch of the database: 16 random hex digits. The numbers of events are comparable
    /// within one epoch only.
    async fn epoch(&self) -> Result<String>;

    /// Begins a new epoch and returns it. A database needs one after it was restored, because others may have seen
    /// numbers that the storage will now assign again.
    async fn renew_epoch(&self) -> Result<String>;

    /// Returns a key of 32 random bytes for signing cookies. The first call creates it.
    async fn signing_key(&self) -> Result<Vec<u8>>;
}

/// The writes since the storage was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writes {
    /// The number of writes that succeeded, or failed because the disk or database does not work.
    pub count: u64,
    /// Whether the latest of them failed.
    pub has_failed: bool,
}
