//! Shows the mentions of a room's words in the past hour, from Mastodon's streams.
//!
//! `source` reads the stream, and `feed` is its state; `html` extracts the text of a status and
//! `text` finds words in it; `window` counts them for an hour and `counts` for all rooms; `choices`
//! stores the words; `panel` is the page on which people choose words. The glances themselves are
//! here.

mod choices;
mod counts;
mod feed;
mod html;
mod panel;
mod source;
mod text;
mod window;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use glance_sdk::prelude::*;
use glance_sdk::store::SqliteStore;

pub use source::Source;

use choices::Choices;
use counts::{Counts, Mentioned, Place};
use feed::Feed;

/// The number of mentions up to which the glance is hidden.
const QUIET: u64 = 10;

/// The minimum interval between two pushes to rooms. There may be thousands of mentions, which also
/// leave the hour after a while; unchanged data is not sent.
const BEAT: Duration = Duration::from_secs(1);

/// The metadata for the condition of [`struct@set_up`].
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
pub struct SetUp {
    /// Whether the room has chosen a word.
    pub is_configured: bool,
}

/// Asks the room's owner to choose words.
#[glance(key = "mentions-set-up", name = "Mentions", icon = "/icon.svg", target = "mentions-panel",
         weight = 120, audience = "room", when(!is_configured && user::is_room_owner))]
pub async fn set_up(
    query: RoomQuery,
    State(app): State<Mentions>,
) -> Result<GlanceData<SetUp>, Failure> {
    let place = (query.oauth_id().clone(), query.room_id());
    Ok(set_up_data(&app.mentioned(&place).await?))
}

fn set_up_data(mentioned: &Mentioned) -> GlanceData<SetUp> {
    GlanceData::new(label!("Choose words to count")).metadata(SetUp {
        is_configured: !mentioned.is_empty(),
    })
}

/// The metadata for the condition of [`struct@mentions`].
#[derive(Debug, Clone, PartialEq, Serialize, GlanceMetadata)]
#[serde(rename_all = "camelCase")]
pub struct MentionsInAnHour {
    /// Whether the room has chosen a word.
    pub is_configured: bool,
    /// The number of mentions of its words in the past hour.
    pub per_hour: u64,
}

/// Shows the number of mentions of the room's words in the past hour.
#[glance(key = "mentions", name = "Mentions", icon = "/icon.svg", target = "mentions-panel",
         weight = 120, audience = "room", when(is_configured && per_hour > QUIET))]
pub async fn mentions(
    query: RoomQuery,
    State(app): State<Mentions>,
) -> Result<GlanceData<MentionsInAnHour>, Failure> {
    let place = (query.oauth_id().clone(), query.room_id());
    Ok(glance_data(&app.mentioned(&place).await?))
}

fn glance_data(mentioned: &Mentioned) -> GlanceData<MentionsInAnHour> {
    let per_hour = mentioned.iter().map(|(_, count)| count).sum();
    let label = match mentioned.as_slice() {
        [(word, _)] => label!("<b>{per_hour}</b> mentions of {word} in an hour"),
        _ => label!("<b>{per_hour}</b> mentions in an hour"),
    };
    GlanceData::new(label).metadata(MentionsInAnHour {
        is_configured: !mentioned.is_empty(),
        per_hour,
    })
}

/// A monotonic clock in seconds.
type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The state that the add-on's handlers share.
#[derive(Clone)]
pub struct Mentions {
    data: PathBuf,
    choices: Choices,
    counts: Arc<Mutex<Counts>>,
    /// The version of the choices in the counts. Its lock is held while they are read, so that
    /// older choices do not replace newer ones.
    version: Arc<tokio::sync::Mutex<Option<i64>>>,
    feed: Arc<Mutex<Feed>>,
    clock: Clock,
}

impl Mentions {
    /// Opens the data in this folder. Words survive a restart; counts start again.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder or a database in it cannot be used.
    pub fn open(data: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(data)
            .map_err(|cause| format!("cannot use the data folder {}: {cause}", data.display()))?;
        let choices = Choices::open(&data.join("mentions.sqlite"))?;
        let start = Instant::now();
        Ok(Self {
            data: data.to_owned(),
            choices,
            counts: Arc::default(),
            version: Arc::default(),
            feed: Arc::default(),
            clock: Arc::new(move || start.elapsed().as_secs()),
        })
    }

    /// Uses another clock than the system's, in seconds.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Creates the add-on.
    ///
    /// # Errors
    ///
    /// Returns an error if the database of its installations cannot be used.
    pub fn add_on(&self) -> Result<AddOn<Self>, String> {
        let installations = SqliteStore::open(self.data.join("mentions-installations.sqlite"))
            .map_err(|cause| format!("{cause:#}"))?;
        Ok(AddOn::new("glance.example.mentions", "Mentions")
            .description("Shows how often a room's words were mentioned in the past hour.")
            .state(self.clone())
            .store(installations)
            .on_uninstall(async |app: Self, gone| app.choices.forget(gone.oauth_id()).await)
            .glance::<set_up>()
            .glance::<mentions>()
            .live_pages()
            .web_panel(
                "mentions-panel",
                "Mentions",
                get(panel::show).post(panel::save),
            )
            .asset("/icon.svg", "image/svg+xml", include_bytes!("../icon.svg")))
    }

    /// Counts the statuses of the source, and pushes new numbers. Runs beside the server, until the
    /// pusher shuts down.
    pub async fn follow(self, source: Source, pusher: Pusher) {
        self.feed().follows(source.shown());
        // Each status, from the first one on, counts for the words that were chosen before.
        if let Err(failure) = self.refresh().await {
            tracing::warn!(%failure, "reading the chosen words failed; retrying every second");
        }
        let on_status = |status: source::Status| {
            let text = status.text();
            self.counts().add_status(&text, (self.clock)());
        };
        tokio::select! {
            () = source.read(on_status, |change| self.feed().record(change)) => {}
            () = self.push(&pusher) => {}
        }
    }

    async fn push(&self, pusher: &Pusher) {
        let mut beat = tokio::time::interval(BEAT);
        let mut fails = false;
        loop {
            beat.tick().await;
            match (self.refresh().await, &mut fails) {
                (Ok(()), fails) => *fails = false,
                (Err(_), true) => {}
                (Err(failure), fails) => {
                    tracing::warn!(%failure, "reading the chosen words failed; using the cached ones");
                    *fails = true;
                }
            }
            let all = self.counts().all((self.clock)());
            for (place, mentioned) in all {
                // It fails if the pusher has been shut down.
                if push(pusher, &place, &mentioned).is_err() {
                    return;
                }
            }
        }
    }

    async fn mentioned(&self, place: &Place) -> Result<Mentioned, Failure> {
        self.refresh().await?;
        Ok(self.counts().of(place, (self.clock)()))
    }

    /// Loads the choices of rooms if this process or another one has changed them.
    async fn refresh(&self) -> Result<(), Failure> {
        let mut version = self.version.lock().await;
        if let Some((newer, chosen)) = self.choices.changed_since(*version).await? {
            self.counts().choose(chosen);
            *version = Some(newer);
        }
        Ok(())
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn feed(&self) -> MutexGuard<'_, Feed> {
        lock(&self.feed)
    }
}

/// Pushes both glances of a room.
fn push(
    pusher: &Pusher,
    (oauth_id, room): &Place,
    mentioned: &Mentioned,
) -> glance_sdk::Result<()> {
    let to = To::Room(*room);
    pusher.push::<set_up>(oauth_id, to, set_up_data(mentioned))?;
    pusher.push::<mentions>(oauth_id, to, glance_data(mentioned))
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Mentions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mentions")
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
