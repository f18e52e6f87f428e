//! What the `metrics` facade is told; nothing without the feature.

use std::time::Duration;

#[cfg(feature = "metrics")]
use metrics::{counter, gauge, histogram};

/// One call: how it ended, and how long it took with all its attempts and waits.
pub(super) fn call(outcome: &'static str, took: Duration) {
    #[cfg(feature = "metrics")]
    {
        counter!("glance_calls_total", "outcome" => outcome).increment(1);
        histogram!("glance_call_seconds").record(took);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (outcome, took);
}

/// One more attempt of a call.
pub(super) fn retry() {
    #[cfg(feature = "metrics")]
    counter!("glance_retries_total").increment(1);
}

/// One request for a token.
pub(super) fn token(outcome: &'static str) {
    #[cfg(feature = "metrics")]
    counter!("glance_tokens_total", "outcome" => outcome).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = outcome;
}

/// What became of so much data that was pushed.
pub(super) fn pushes(outcome: &'static str, data: u64) {
    #[cfg(feature = "metrics")]
    counter!("glance_pushes_total", "outcome" => outcome).increment(data);
    #[cfg(not(feature = "metrics"))]
    let _ = (outcome, data);
}

/// How much pushed data waits.
pub(super) fn waiting(data: usize) {
    #[cfg(feature = "metrics")]
    gauge!("glance_pushes_waiting").set(data as f64);
    #[cfg(not(feature = "metrics"))]
    let _ = data;
}

/// How a result is called.
pub(super) fn outcome<T>(result: &crate::Result<T>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}
