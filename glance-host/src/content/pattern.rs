//! The patterns of add-ons, in webhooks and in the conditions of actions: Python's regular expressions, matched in
//! linear time.
//!
//! Look-around and back references need backtracking and are refused, so no add-on's pattern can block the host.
//! Compiling can still take long: [`run_limited`] runs it on a thread of its own, and compiled patterns are cached.

mod cache;
mod case_fold_cost;
mod python;

use std::fmt;

use glance_sdk::evaluate::Program;
use regex_automata::meta::{Config, Regex};
use regex_syntax::ast::parse::Parser;
use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 2000;

/// The memory limit of a compiled pattern, in bytes: enough for `\w{1,40}`. It also bounds the time of a match.
const MAX_COMPILED: usize = 1 << 21;

/// The number of threads that compile and match patterns; the others serve the rest of the host.
const THREADS: usize = 2;

static SLOTS: Semaphore = Semaphore::const_new(THREADS);

/// The number of regular expressions that the actions of an add-on may match against a message.
pub(crate) const MAX_IN_ACTIONS: usize = 20;

/// Parses a pattern, which is cheap, or says in a sentence why it never matches. Does not detect a pattern that is
/// too large when compiled.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    translate(pattern).map(drop)
}

/// Returns the compiled pattern, or why it never matches. Call it in [`run_limited`].
pub(crate) fn compiled(pattern: &str) -> Result<Regex, String> {
    cache::get(pattern).unwrap_or_else(|| {
        let compiled = compile(pattern);
        if pattern.len() <= MAX_PATTERN {
            cache::insert(pattern, &compiled);
        }
        compiled
    })
}

/// Returns whether a pattern matches a text. Python's `$` also matches before a trailing line break.
pub(crate) fn finds(pattern: &Regex, text: &str) -> bool {
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

/// An error: work on patterns panicked, or the runtime shut down before it ended.
#[derive(Debug)]
pub(crate) struct TaskFailed(JoinError);

impl fmt::Display for TaskFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("matching patterns failed")?;
        match f.alternate() {
            true => write!(f, ": {}", self.0),
            false => Ok(()),
        }
    }
}

impl std::error::Error for TaskFailed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// The budget of patterns for the actions of one add-on, which the first actions use first.
#[derive(Default)]
pub(crate) struct Allowance {
    used: usize,
}

impl Allowance {
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

fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = translate(pattern)?;
    let config = Config::new().nfa_size_limit(Some(MAX_COMPILED));
    let built = Regex::builder().configure(config).build(&translated);
    built.map_err(|cause| {
        let why = match cause.syntax_error() {
            Some(cause) => last_line(cause),
            None => format!("it exceeds the size limit of {MAX_COMPILED} bytes"),
        };
        never(pattern, &why)
    })
}

/// Translates a pattern to the syntax of this host's engine, and checks its length and syntax.
fn translate(pattern: &str) -> Result<String, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!(
            "the pattern has {} bytes, {MAX_PATTERN} are allowed",
            pattern.len()
        ));
    }
    let translated = python::translate(pattern);
    let syntax = Parser::new().parse(&translated);
    let syntax = syntax.map_err(|cause| never(pattern, &last_line(&cause)))?;
    case_fold_cost::check(&syntax).map_err(|why| never(pattern, &why))?;
    Ok(translated)
}

fn never(pattern: &str, why: &str) -> String {
    format!("the pattern {pattern:?} never matches, as it cannot be compiled: {why}")
}

/// Returns the message of the engine without the picture of the position.
fn last_line(cause: &impl ToString) -> String {
    let cause = cause.to_string();
    let why = cause.lines().last().unwrap_or_default();
    why.strip_prefix("error: ").unwrap_or(why).to_owned()
}

#[cfg(test)]
mod tests;
