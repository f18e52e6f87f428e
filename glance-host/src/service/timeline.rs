//! Appends entries to rooms: stores them and sends them to open pages.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::model::event::{Event, PostedEntry, Topic};
use crate::model::{Entry, Installed};
use crate::service::entry_renderer::EntryRenderer;
use crate::storage::{Effects, Posted, Storage, StorageError};

/// The reason why an entry was not appended.
#[derive(Debug)]
pub(crate) enum AppendError {
    Storage(StorageError),
    /// The entry has no JSON for pages.
    Render(serde_json::Error),
}

impl From<StorageError> for AppendError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(error) => error.fmt(f),
            Self::Render(error) => write!(f, "the entry cannot be rendered: {error}"),
        }
    }
}

impl Error for AppendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Storage(error) => error.source(),
            Self::Render(error) => Some(error),
        }
    }
}

/// Appends entries to the timelines of rooms.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    storage: Arc<dyn Storage>,
    renderer: EntryRenderer,
}

impl Timeline {
    pub(crate) fn new(storage: Arc<dyn Storage>, renderer: EntryRenderer) -> Self {
        Self { storage, renderer }
    }

    /// Stores an entry with its effects and shows it in open pages, in the stored order. Returns false, and does
    /// nothing, if the room has an entry with this id. `sender` is the installation that sends it.
    pub(crate) async fn append(
        &self,
        entry: &Entry,
        sender: Option<&Installed>,
        effects: Effects,
    ) -> Result<bool, AppendError> {
        let rendered = self.renderer.render_new(entry, sender).await?;
        let rendered = serde_json::to_string(&rendered).map_err(AppendError::Render)?;
        let posted = PostedEntry {
            entry: entry.clone(),
            rendered,
        };
        let effects = effects.event(Topic::Room(entry.room_id), Event::Posted(Arc::new(posted)));
        Ok(self.storage.post(entry, effects).await? == Posted::New)
    }
}
