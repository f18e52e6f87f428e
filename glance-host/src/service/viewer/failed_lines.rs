//! The failed lines of one viewer, each with its place in a retry schedule.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::Commands;
use super::board::Board;
use super::retries::{Place, Retries, Waiting};

/// Failed lines by the id of their glance.
#[derive(Default)]
pub(super) struct FailedLines(BTreeMap<String, FailedLine>);

struct FailedLine {
    _waiting: Waiting,
    /// Receives the outcome of the running attempt.
    outcome: Option<oneshot::Sender<bool>>,
}

impl FailedLines {
    /// Handles an answer: a failed line enters the schedule, a loaded one leaves it.
    pub(super) fn answered(
        &mut self,
        id: &str,
        has_data: bool,
        place: Place,
        commands: &Commands,
        retries: &Retries,
    ) {
        let outcome = if has_data {
            let failed = self.0.remove(id);
            failed.and_then(|mut failed| failed.outcome.take())
        } else {
            let failed = self.0.entry(id.to_owned()).or_insert_with(|| FailedLine {
                _waiting: retries.wait(place.clone(), id.to_owned(), commands.clone()),
                outcome: None,
            });
            failed.outcome.take()
        };
        // A schedule that gave up on this attempt ignores its outcome.
        let is_told = outcome.is_some_and(|outcome| outcome.send(has_data).is_ok());
        if has_data && !is_told {
            retries.loaded(&place);
        }
    }

    /// Begins an attempt to load a line again. Returns false, and drops the outcome, if the line is no longer failed.
    pub(super) fn begin(&mut self, id: &str, outcome: oneshot::Sender<bool>) -> bool {
        let failed = self.0.get_mut(id);
        let is_failed = failed.is_some();
        if let Some(failed) = failed {
            failed.outcome = Some(outcome);
        }
        is_failed
    }

    /// Removes lines that show something else by now.
    pub(super) fn forget_loaded(&mut self, board: &Board) {
        if !self.0.is_empty() {
            self.0.retain(|id, _| board.has_failed(id));
        }
    }
}
