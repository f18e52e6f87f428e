//! The patterns of add-ons, in webhooks and in the conditions of actions: regular expressions as Python
//! has them, matched in linear time.
//!
//! What an engine without backtracking cannot do (looking around, back references) is refused, so
//! that no add-on's pattern can hold up the host. Compiling one takes its time all the same: it is done
//! [`aside`], and what was compiled is kept.

mod cache;
mod case_fold_cost;
mod python;

use glance_sdk::evaluate::Program;
use regex_automata::meta::{Config, Regex};
use regex_syntax::ast::parse::Parser;
use std::fmt;

use tokio::sync::Semaphore;
use tokio::task::JoinError;

/// More than any pattern has.
const MAX_PATTERN: usize = 2000;

/// How much memory a compiled pattern may take, in bytes: enough for `\w{1,40}`. It also bounds
/// how long a match takes.
const MAX_COMPILED: usize = 1 << 21;

/// How many threads compile patterns and look for them; the others are for the rest of the host.
const THREADS: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(THREADS);

/// How many regular expressions the actions of an add-on may look for in a message.
pub(crate) const MAX_IN_ACTIONS: usize = 20;

/// Reads a pattern, which costs little, or says in a sentence why it never matches. One that is too
/// large when compiled is not found out.
pub(crate) fn check(pattern: &str) -> Result<(), String> {
    read(pattern).map(drop)
}

/// The compiled pattern, or why it never matches; to be called [`aside`].
pub(crate) fn compiled(pattern: &str) -> Result<Regex, String> {
    cache::of(pattern).unwrap_or_else(|| {
        let compiled = compile(pattern);
        if pattern.len() <= MAX_PATTERN {
            cache::keep(pattern, &compiled);
        }
        compiled
    })
}

/// Whether a pattern finds something in a text. Python's `$` also stands before a last line break.
pub(crate) fn finds(pattern: &Regex, text: &str) -> bool {
    pattern.is_match(text)
        || text
            .strip_suffix('\n')
            .is_some_and(|text| pattern.is_match(text))
}

/// Does what compiles patterns, or looks for them, where it holds up no connection, and little of it at
/// once. What nobody waits for any more when its turn comes is not done.
pub(crate) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Stopped> {
    let turn = TURNS.acquire().await;
    let working = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    working.await.map_err(Stopped)
}

/// Work on patterns that ended early.
#[derive(Debug)]
pub(crate) struct Stopped(JoinError);

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("looking for patterns stopped early")?;
        match f.alternate() {
            true => write!(f, ": {}", self.0),
            false => Ok(()),
        }
    }
}

impl std::error::Error for Stopped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// What the actions of one add-on may cost, the first of them first.
#[derive(Default)]
pub(crate) struct Allowance {
    used: usize,
}

impl Allowance {
    /// Whether an action with these conditions is judged. One that is not is never offered, and takes
    /// nothing from those behind it.
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
    let written = read(pattern)?;
    let config = Config::new().nfa_size_limit(Some(MAX_COMPILED));
    let built = Regex::builder().configure(config).build(&written);
    built.map_err(|cause| {
        let why = match cause.syntax_error() {
            Some(cause) => last_line(cause),
            None => format!("it exceeds the size limit of {MAX_COMPILED} bytes"),
        };
        never(pattern, &why)
    })
}

/// A pattern in the syntax of this host's engine.
fn read(pattern: &str) -> Result<String, String> {
    if pattern.len() > MAX_PATTERN {
        return Err(format!(
            "the pattern has {} bytes, {MAX_PATTERN} are allowed",
            pattern.len()
        ));
    }
    let written = python::translate(pattern);
    let syntax = Parser::new().parse(&written);
    let syntax = syntax.map_err(|cause| never(pattern, &last_line(&cause)))?;
    case_fold_cost::check(&syntax).map_err(|why| never(pattern, &why))?;
    Ok(written)
}

fn never(pattern: &str, why: &str) -> String {
    format!("the pattern {pattern:?} never matches, as it cannot be compiled: {why}")
}

/// What the engine says behind the picture of where.
fn last_line(cause: &impl ToString) -> String {
    let cause = cause.to_string();
    let why = cause.lines().last().unwrap_or_default();
    why.strip_prefix("error: ").unwrap_or(why).to_owned()
}

#[cfg(test)]
mod tests;
