//! Logs to standard error.

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

/// Logs at the level `info`, or according to `RUST_LOG`: `debug`, or `warn,{{ crate }}=debug`.
pub fn start() {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) => text.parse().unwrap_or_else(|cause| {
            eprintln!("RUST_LOG={text:?} is invalid ({cause}); logging at the level info");
            info()
        }),
        Err(_) => info(),
    };
    // If a line cannot be written, for example to a closed pipe, it is lost instead of causing a
    // panic.
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .init();
}

fn info() -> Targets {
    Targets::new().with_default(LevelFilter::INFO)
}
