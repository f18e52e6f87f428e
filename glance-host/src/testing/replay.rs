//! Replays a recording: as the host for an add-on, or as a host for a client.
#![allow(clippy::panic)]

mod difference;
mod ignore;
mod player;
mod stand_in;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::AddOn;
use serde_json::Value;

pub use difference::Difference;
use ignore::Ignore;
use player::Player;
pub use stand_in::StandIn;

use crate::program::calls::Exchange;
use crate::testing::WAIT_TIMEOUT;
use crate::testing::record;

/// A recording of the traffic between a host and an add-on, to be replayed.
///
/// ```
/// use glance_host::testing::{FaultHost, Replay};
/// use glance_sdk::prelude::*;
///
/// #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
/// async fn builds(State(broken): State<u32>) -> GlanceData {
///     GlanceData::new(label!("<b>{broken}</b> broken builds"))
/// }
///
/// fn add_on(broken: u32) -> AddOn<u32> {
///     AddOn::new("com.example.builds", "Builds").state(broken).glance::<builds>()
/// }
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let file = folder.path().join("builds.jsonl");
/// let host = FaultHost::start().await;
/// let recording = host.record_to(&file).unwrap();
/// let room = host.room("ops").await;
/// let _add_on = room.install(add_on(2)).await;
/// room.viewer("ann").await.glance::<builds>().await;
/// recording.finish().unwrap();
///
/// let replay = Replay::read(&file).unwrap();
/// replay.run(add_on(2)).await.assert_same();
///
/// let report = replay.run(add_on(3)).await;
/// assert_eq!(report.differences.len(), 1);
/// assert_eq!(report.differences[0].pointer, "/answer/label/value");
/// # });
/// ```
#[derive(Debug, Clone)]
pub struct Replay {
    exchanges: Arc<[Exchange]>,
    ignore: Ignore,
    answers_only: bool,
    timeout: Duration,
}

/// The error of a recording that cannot be replayed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file cannot be read.
    File(std::io::Error),
    /// The file is no recording, or has another version.
    NoRecording(String),
    /// A line is invalid.
    Line {
        /// The line, counted from 1.
        line: usize,
        /// The problem.
        why: String,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(cause) => write!(f, "the recording cannot be read: {cause}"),
            Self::NoRecording(why) => write!(f, "this is no recording: {why}"),
            Self::Line { line, why } => {
                write!(f, "line {line} of the recording cannot be used: {why}")
            }
        }
    }
}

impl std::error::Error for ReplayError {}

impl Replay {
    /// Reads a recording.
    ///
    /// # Errors
    ///
    /// Returns [`ReplayError`] if the file cannot be read, or a line is invalid.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, ReplayError> {
        let text = std::fs::read_to_string(path).map_err(ReplayError::File)?;
        Self::parse(&text)
    }

    /// Parses a recording.
    ///
    /// # Errors
    ///
    /// Returns [`ReplayError`] if the text is no recording, or a line is invalid.
    pub fn parse(text: &str) -> Result<Self, ReplayError> {
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        let header = lines.next().map_or("", |(_, line)| line);
        let header: Value = serde_json::from_str(header).unwrap_or_default();
        match header["glance_recording"].as_u64() {
            Some(record::FORMAT) => {}
            Some(other) => {
                let why = format!(
                    "it is of version {other}, and this host knows {}",
                    record::FORMAT
                );
                return Err(ReplayError::NoRecording(why));
            }
            None => {
                let why = "its first line is not {\"glance_recording\":1}".to_owned();
                return Err(ReplayError::NoRecording(why));
            }
        }
        let mut exchanges = Vec::new();
        for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
            let unusable = |cause: serde_json::Error| ReplayError::Line {
                line,
                why: cause.to_string(),
            };
            let value: Value = serde_json::from_str(text).map_err(unusable)?;
            if value.get("end").is_none() {
                exchanges.push(serde_json::from_value(value).map_err(unusable)?);
            }
        }
        exchanges.sort_by_key(|exchange: &Exchange| exchange.n);
        Ok(Self {
            exchanges: exchanges.into(),
            ignore: Ignore::default(),
            answers_only: false,
            timeout: WAIT_TIMEOUT,
        })
    }

    /// Returns the recorded exchanges, in the order in which they began.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Ignores differences at this JSON pointer into an [`Exchange`] and below it: `/answer/label` is the label in an
    /// answer, `/body/message` the message in a call. A part `*` matches any one.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// use glance_host::testing::{FaultHost, Replay};
    /// use glance_sdk::prelude::*;
    ///
    /// static NUMBER: AtomicU32 = AtomicU32::new(0);
    ///
    /// #[glance(key = "builds", name = "Builds", icon = "/builds.svg")]
    /// async fn builds() -> GlanceData {
    ///     GlanceData::new(label!("Build {}", NUMBER.fetch_add(1, Ordering::Relaxed)))
    /// }
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let file = folder.path().join("builds.jsonl");
    /// # let add_on = || AddOn::new("com.example.builds", "Builds").glance::<builds>();
    /// # let host = FaultHost::start().await;
    /// # let recording = host.record_to(&file).unwrap();
    /// # let room = host.room("ops").await;
    /// # let _add_on = room.install(add_on()).await;
    /// # room.viewer("ann").await.glance::<builds>().await;
    /// # recording.finish().unwrap();
    /// let replay = Replay::read(&file).unwrap();
    /// assert!(!replay.run(add_on()).await.is_same());
    /// replay.ignore("/answer/label/value").run(add_on()).await.assert_same();
    /// # });
    /// ```
    #[must_use]
    pub fn ignore(mut self, pointer: impl Into<String>) -> Self {
        self.ignore.add(pointer.into());
        self
    }

    /// Compares the answers of the add-on, but not its calls: for an add-on that calls when its surroundings change,
    /// which a recording does not contain.
    #[must_use]
    pub fn answers_only(mut self) -> Self {
        self.answers_only = true;
        self
    }

    /// Sets how long a replay waits for a recorded call. The default is 20 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Replays the host's side to an in-process add-on.
    ///
    /// # Panics
    ///
    /// Panics if the add-on cannot be built, or no port is free.
    pub async fn run<S>(&self, add_on: AddOn<S>) -> Report
    where
        S: Clone + Send + Sync + 'static,
    {
        let server = match add_on.listen("127.0.0.1", 0, None).await {
            Ok(server) => server,
            Err(cause) => panic!("cannot serve the add-on: {cause}"),
        };
        let base_url = server.base_url().to_owned();
        let served = tokio::spawn(server.run(std::future::pending()));
        let report = self.run_url(&base_url).await;
        served.abort();
        report
    }

    /// Replays the host's side to the add-on at this origin, in any language: `http://name:port` replaces the
    /// recorded one.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub async fn run_url(&self, base_url: &str) -> Report {
        let differences = Player::new(self, base_url.trim_end_matches('/')).await;
        Report {
            differences: differences.play().await,
        }
    }

    /// Starts a host that answers like the recorded one, for a client that repeats its calls.
    ///
    /// # Panics
    ///
    /// Panics if no port is free.
    pub async fn stand_in(&self) -> StandIn {
        StandIn::start(self.clone()).await
    }
}

/// The differences between an add-on of today and the recorded one.
#[derive(Debug)]
#[non_exhaustive]
pub struct Report {
    /// All differences, in the order in which they were found.
    pub differences: Vec<Difference>,
}

impl Report {
    /// Returns whether there is none.
    pub fn is_same(&self) -> bool {
        self.differences.is_empty()
    }

    /// Checks that there is no difference.
    ///
    /// # Panics
    ///
    /// Panics with a list of all differences.
    pub fn assert_same(&self) {
        assert!(self.is_same(), "{self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.differences.len() {
            0 => return f.write_str("the add-on does what it did"),
            1 => f.write_str("the add-on differs from its recording:")?,
            many => write!(f, "the add-on differs from its recording in {many} places:")?,
        }
        for difference in &self.differences {
            write!(f, "\n{difference}")?;
        }
        Ok(())
    }
}
