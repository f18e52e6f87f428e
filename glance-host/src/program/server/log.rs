//! The log of the program on standard error, as text or JSON.

mod fields;
mod json_lines;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::config::{Log, LogFormat};
use json_lines::JsonLines;

pub use fields::log_fields;

/// The log target of this program.
const OWN: [&str; 2] = ["glance_host", "glance_sdk"];

pub(super) fn filter(log: &Log) -> Result<EnvFilter, String> {
    let parts = log.filter.split(',').map(str::trim);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(
            "log.filter is empty: give a level, as in \"info\", or leave it out".to_owned(),
        );
    }
    if let Some(word) = parts.iter().find(|part| !is_known(part)) {
        return Err(format!(
            "log.filter has {word:?}, which is no level: give off, error, warn, info, debug or trace, and for a part its name too, as in \"info,glance_host=debug\""
        ));
    }
    EnvFilter::try_new(parts.join(",")).map_err(|cause| {
        format!(
            "log.filter is {:?}, which cannot be used: {cause}",
            log.filter
        )
    })
}

/// Whether a part is more than a word: `EnvFilter` takes any for a target, and then logs nothing else.
fn is_known(part: &str) -> bool {
    let is_own = |own: &&str| {
        let behind = part.strip_prefix(*own);
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with("::"))
    };
    part.contains('=') || part.parse::<LevelFilter>().is_ok() || OWN.iter().any(is_own)
}

pub(super) fn start(log: &Log) -> Result<(), String> {
    let filter = filter(log)?;
    let is_terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // Reporting a failed write to standard error would panic.
        .log_internal_errors(false);
    let is_json = match log.format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    match is_json {
        true => lines
            .json()
            .flatten_event(true)
            .with_writer(JsonLines(io::stderr))
            .try_init(),
        false => lines
            .fmt_fields(log_fields())
            .with_writer(io::stderr)
            .with_ansi(is_terminal)
            .try_init(),
    }
    .map_err(|cause| format!("nothing can be logged: {cause}"))
}
