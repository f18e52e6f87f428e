//! The patterns of add-ons, in webhooks and in the conditions of actions: Python's regular expressions, matched in
//! linear time.
//!
//! Look-around and back references need backtracking and are refused, so no add-on's pattern can block the host.
//! Compiling can still take long: [`run_limited`] runs it on a thread of its own, and compiled patterns are cached.

mod cache;
mod case_fold_cost;
mod error;
mod python;

use glance_sdk::evaluate::Program;
use regex_automata::meta::{Config, Regex};
use regex_syntax::ast::parse::Parser;
use tokio::sync::Semaphore;

use error::Reason;
pub(crate) use error::{PatternError, TaskFailed};

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 2000;

/// The memory limit of a compiled pattern, in bytes: enough for `\w{1,40}`. It also bounds the time of a match.
const MAX_COMPILED: usize = 1 << 21;

/// The number of threads that compile and match patterns; the others serve the rest of the host.
const THREADS: usize = 2;

static SLOTS: Semaphore = Semaphore::const_new(THREADS);

/// The number of regular expressions that the actions of an add-on may match against a message.
pub(crate) const MAX_IN_ACTIONS: usize = 20;

/// Parses a pattern, which is cheap. Does not detect a pattern that is too large when compiled.
pub(crate) fn check(pattern: &str) -> Result<(), PatternError> {
    translate(pattern).map(drop)
}

/// Returns the compiled pattern, from the cache if possible. Call it in [`run_limited`].
pub(crate) fn compiled(pattern: &str) -> Result<Regex, PatternError> {
    cache::get(pattern).unwrap_or_else(|| {
        let compiled = compile(pattern);
        if pattern.len() <= MAX_PATTERN {
            cache::insert(pattern, &compiled);
        }
        compiled
    })
}

/// Returns whether a pattern matches a text. Python's `$` also matches before a trailing line break.
pub(crate) fn is_match(pattern: &Regex, text: &str) -> bool {
    pattern.is_match(text)
        || text
            .strip_suffix('\n')
            .is_some_and(|text| pattern.is_match(text))
}

/// Runs work on patterns on a blocking thread, at most [`THREADS`] at a time, so that it delays no connection. Work
/// whose caller stops waiting before a thread is free never starts.
pub(crate) async fn run_limited<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, TaskFailed> {
    let slot = SLOTS.acquire().await;
    let task = tokio::task::spawn_blocking(move || {
        let _slot = slot;
        work()
    });
    task.await.map_err(TaskFailed)
}

/// The budget of patterns for the actions of one add-on, which the first actions use first.
#[derive(Default)]
pub(crate) struct PatternBudget {
    used: usize,
}

impl PatternBudget {
    /// Returns whether an action with these conditions is evaluated. A skipped one is never offered, and leaves the
    /// budget to the next.
    pub(crate) fn covers(&mut self, conditions: &Program) -> bool {
        let used = self.used + conditions.patterns();
        let covers = used <= MAX_IN_ACTIONS;
        if covers {
            self.used = used;
        }
        covers
    }
}

fn compile(pattern: &str) -> Result<Regex, PatternError> {
    let translated = translate(pattern)?;
    let config = Config::new().nfa_size_limit(Some(MAX_COMPILED));
    let built = Regex::builder().configure(config).build(&translated);
    built.map_err(|cause| {
        let reason = match cause.syntax_error() {
            Some(cause) => Reason::Syntax(last_line(cause)),
            None => Reason::TooLarge,
        };
        PatternError::invalid(pattern, reason)
    })
}

/// Translates a pattern to the syntax of this host's engine, and checks its length and syntax.
fn translate(pattern: &str) -> Result<String, PatternError> {
    if pattern.len() > MAX_PATTERN {
        return Err(PatternError::TooLong(pattern.len()));
    }
    let translated = python::translate(pattern);
    let syntax = Parser::new().parse(&translated);
    let syntax = syntax
        .map_err(|cause| PatternError::invalid(pattern, Reason::Syntax(last_line(&cause))))?;
    if !case_fold_cost::is_allowed(&syntax) {
        return Err(PatternError::invalid(pattern, Reason::CaseFoldCost));
    }
    Ok(translated)
}

/// Returns the message of the engine without the picture of the position.
fn last_line(cause: &impl ToString) -> String {
    let cause = cause.to_string();
    let why = cause.lines().last().unwrap_or_default();
    why.strip_prefix("error: ").unwrap_or(why).to_owned()
}

#[cfg(test)]
mod tests;
