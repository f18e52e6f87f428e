//! The code that `docs/opentelemetry.md` shows: [`telemetry`] and the program.

/// What the page calls `src/telemetry.rs`.
pub mod telemetry;
