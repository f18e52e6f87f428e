//! What the program logs, and how it looks: on standard error, as text or JSON.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

use super::config::{Log, LogFormat};

pub(super) fn filter(log: &Log) -> Result<EnvFilter, String> {
    EnvFilter::try_new(&log.filter).map_err(|cause| {
        format!(
            "log.filter is {:?}, which cannot be used: {cause}",
            log.filter
        )
    })
}

pub(super) fn start(log: &Log) -> Result<(), String> {
    let filter = filter(log)?;
    let is_terminal = io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr);
    let is_json = match log.format {
        LogFormat::Auto => !is_terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    match is_json {
        true => lines.json().flatten_event(true).try_init(),
        false => lines.with_ansi(is_terminal).try_init(),
    }
    .map_err(|cause| format!("nothing can be logged: {cause}"))
}
