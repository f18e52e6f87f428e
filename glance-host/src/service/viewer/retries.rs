//! Retries queries of glances that failed, without a click.
//!
//! Each failed glance has one schedule per room, however many people look: after a pause, one of their viewers sends
//! its query. Once that succeeds, the others follow within two seconds, a few at a time. The pauses are 5 s, 15 s and
//! then 60 s, each with 20 % jitter. A schedule ends with its last viewer, so nothing is queried while nobody looks.
//! There are never more schedules, or viewers in them, than failed lines on open pages.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::model::{OauthId, RoomId};
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use uuid::Uuid;

use super::{Command, Commands};
use crate::model::clock::Clock;

/// The pauses before attempts; the last one repeats.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
];

/// The number of viewers that one attempt tries: some may leave, or not read.
const CANDIDATES: usize = 3;

/// Longer than any query takes, including its wait for a slot.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(45);

/// After a success the other viewers follow in this many parts, with pauses in between.
const PARTS: usize = 15;
const BETWEEN_PARTS: Duration = Duration::from_millis(100);

/// A glance in a room.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) room: RoomId,
    pub(super) oauth_id: OauthId,
    pub(super) glance: String,
}

/// The schedules of a host.
#[derive(Debug)]
pub(crate) struct Retries {
    schedules: Schedules,
    clock: Clock,
}

#[derive(Debug, Clone, Default)]
struct Schedules(Arc<Mutex<HashMap<Place, Schedule>>>);

#[derive(Debug)]
struct Schedule {
    /// By number, oldest first.
    viewers: BTreeMap<u64, Candidate>,
    next: u64,
    /// Notified when a viewer loaded the data without the schedule.
    loaded: Arc<Notify>,
    task: AbortHandle,
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A viewer with a failed line.
#[derive(Debug, Clone)]
struct Candidate {
    line: String,
    commands: Commands,
}

impl Candidate {
    /// Makes the viewer send its query. The outcome is whether it has data now, or an error if the viewer left or
    /// needs none. Returns `None` if the viewer accepts no commands.
    fn attempt(&self) -> Option<oneshot::Receiver<bool>> {
        let (outcome, told) = oneshot::channel();
        let command = Command::RetryQuietly(self.line.clone(), outcome);
        self.commands.try_send(Box::new(command)).ok()?;
        Some(told)
    }
}

/// A viewer's place in a schedule, until it is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    schedules: Schedules,
    place: Place,
    number: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut schedules = self.schedules.0.lock();
        if let Some(schedule) = schedules.get_mut(&self.place) {
            schedule.viewers.remove(&self.number);
            if schedule.viewers.is_empty() {
                schedules.remove(&self.place);
            }
        }
    }
}

impl Schedules {
    /// Returns the viewer after this number, or the first one.
    fn after(&self, place: &Place, number: u64) -> Option<(u64, Candidate)> {
        let schedules = self.0.lock();
        let viewers = &schedules.get(place)?.viewers;
        let later = viewers.range((Excluded(number), Unbounded)).next();
        let (number, candidate) = later.or_else(|| viewers.first_key_value())?;
        Some((*number, candidate.clone()))
    }

    fn all(&self, place: &Place) -> Vec<Candidate> {
        let schedules = self.0.lock();
        let viewers = schedules.get(place).map(|schedule| &schedule.viewers);
        viewers.map_or_else(Vec::new, |viewers| viewers.values().cloned().collect())
    }
}

impl Retries {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            schedules: Schedules::default(),
            clock,
        }
    }

    /// Adds a viewer with a failed line to the schedule of its glance. The first viewer starts the schedule.
    pub(super) fn wait(&self, place: Place, line: String, commands: Commands) -> Waiting {
        let mut schedules = self.schedules.0.lock();
        let schedule = schedules.entry(place.clone()).or_insert_with(|| {
            let loaded = Arc::<Notify>::default();
            let run = Run {
                schedules: self.schedules.clone(),
                clock: self.clock.clone(),
                place: place.clone(),
                loaded: Arc::clone(&loaded),
                last: 0,
            };
            Schedule {
                viewers: BTreeMap::new(),
                next: 1,
                loaded,
                task: tokio::spawn(run.run()).abort_handle(),
            }
        });
        let number = schedule.next;
        schedule.next += 1;
        schedule
            .viewers
            .insert(number, Candidate { line, commands });
        Waiting {
            schedules: self.schedules.clone(),
            place,
            number,
        }
    }

    /// Notifies the schedule that a query outside it succeeded: the waiting viewers follow.
    pub(super) fn loaded(&self, place: &Place) {
        if let Some(schedule) = self.schedules.0.lock().get(place) {
            schedule.loaded.notify_one();
        }
    }
}

/// The task of one schedule. It ends when the schedule is dropped.
struct Run {
    schedules: Schedules,
    clock: Clock,
    place: Place,
    loaded: Arc<Notify>,
    /// The number of the viewer in the last attempt.
    last: u64,
}

impl Run {
    async fn run(mut self) {
        let mut attempts = 0;
        // An add-on that answers some viewers and not others gets scheduled attempts only.
        let mut is_flaky = false;
        loop {
            let is_loaded = tokio::select! {
                () = self.clock.sleep(pause(attempts, chance())) => false,
                () = self.loaded.notified(), if !is_flaky => true,
            };
            attempts += 1;
            if is_loaded || self.attempt().await {
                is_flaky = !self.follow().await;
            }
        }
    }

    /// Makes one viewer send its query. Returns whether it succeeded.
    async fn attempt(&mut self) -> bool {
        for _ in 0..CANDIDATES {
            let Some((number, candidate)) = self.schedules.after(&self.place, self.last) else {
                return false;
            };
            self.last = number;
            if let Some(outcome) = candidate.attempt()
                && let Some(has_data) = Self::outcome(outcome).await
            {
                return has_data;
            }
        }
        false
    }

    /// Makes all viewers send their queries. Returns whether all succeeded.
    async fn follow(&self) -> bool {
        let candidates = self.schedules.all(&self.place);
        let mut outcomes = Vec::new();
        for part in candidates.chunks(candidates.len().div_ceil(PARTS).max(1)) {
            outcomes.extend(part.iter().filter_map(Candidate::attempt));
            self.clock.sleep(BETWEEN_PARTS).await;
        }
        let mut all_loaded = true;
        for outcome in outcomes {
            all_loaded &= Self::outcome(outcome).await != Some(false);
        }
        all_loaded
    }

    async fn outcome(outcome: oneshot::Receiver<bool>) -> Option<bool> {
        tokio::time::timeout(ATTEMPT_TIMEOUT, outcome)
            .await
            .ok()?
            .ok()
    }
}

/// Returns the pause before an attempt; `chance` is between 0 and 1.
fn pause(attempts: usize, chance: f64) -> Duration {
    let last = PAUSES.len() - 1;
    PAUSES[attempts.min(last)].mul_f64(0.8 + 0.4 * chance)
}

/// Returns a random number between 0 and 1.
pub(super) fn chance() -> f64 {
    // The first 32 bits of a random UUID are random.
    let (first, ..) = Uuid::new_v4().as_fields();
    f64::from(first) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests;
