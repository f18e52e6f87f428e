//! The problems of one document, limited in number.

use super::{Problem, Severity};

/// The limit on problems.
const LONGEST: usize = 100;

/// The first problems of a document. If there are too many, errors replace warnings.
#[derive(Default)]
pub(super) struct Found {
    problems: Vec<Problem>,
    has_more: bool,
}

impl Found {
    pub(super) fn push(&mut self, problem: Problem) {
        if self.problems.len() < LONGEST {
            return self.problems.push(problem);
        }
        self.has_more = true;
        if problem.severity == Severity::Error {
            let is_warning = |kept: &Problem| kept.severity == Severity::Warning;
            if let Some(last) = self.problems.iter().rposition(is_warning) {
                self.problems.remove(last);
                self.problems.push(problem);
            }
        }
    }

    /// Returns the problems. The last one says whether there are more.
    pub(super) fn into_problems(mut self) -> Vec<Problem> {
        if self.has_more {
            self.problems.push(Problem {
                pointer: String::new(),
                code: "more-problems",
                severity: Severity::Warning,
                message: format!(
                    "there are more problems than these {LONGEST}; correct these first"
                ),
                place: None,
            });
        }
        self.problems
    }
}
