//! Appends entries to rooms: stores them and sends them to open pages, also to those that missed some.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use glance_sdk::model::RoomId;

use crate::model::event::{Event, Position, PostedEntry, Topic};
use crate::model::{Entry, Installed, Version};
use crate::service::entry_renderer::EntryRenderer;
use crate::storage::{Effects, Posted, Storage, StorageError};

/// The number of missed entries that are read at a time.
pub(crate) const BATCH: u32 = 50;

/// The reason why an entry was not appended or read.
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

    /// Reads the next entries after a position up to the event `last`, at most [`BATCH`]: the numbers of their events,
    /// and their JSON for pages. Returns `None`, and logs a failure, if the page has to read the timeline instead.
    pub(crate) async fn missed(
        &self,
        room: RoomId,
        after: &Position,
        last: Version,
    ) -> Option<Vec<(Version, String)>> {
        let missed = self.read_missed(room, after, last).await;
        missed.unwrap_or_else(|error| {
            let source = error.source().map(ToString::to_string);
            tracing::error!(%room, %error, source, "reading missed entries failed");
            None
        })
    }

    async fn read_missed(
        &self,
        room: RoomId,
        after: &Position,
        last: Version,
    ) -> Result<Option<Vec<(Version, String)>>, AppendError> {
        let found = self.storage.entries_after(room, after, last, BATCH).await?;
        let Some(found) = found else {
            return Ok(None);
        };
        let (versions, entries): (Vec<_>, Vec<_>) = found.into_iter().unzip();
        let rendered = self.renderer.render_all(&entries).await?;
        let json = |(version, rendered)| {
            let rendered = serde_json::to_string(&rendered).map_err(AppendError::Render)?;
            Ok((version, rendered))
        };
        let all = versions.into_iter().zip(rendered).map(json);
        all.collect::<Result<_, _>>().map(Some)
    }
}
