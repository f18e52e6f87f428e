//! Reports to the `metrics` facade; without the feature it does nothing.

use std::time::Duration;

#[cfg(feature = "metrics")]
use metrics::{counter, gauge, histogram};

/// Counts one call: its outcome and its duration with all attempts and waits.
pub(super) fn call(outcome: &'static str, took: Duration) {
    #[cfg(feature = "metrics")]
    {
        counter!("glance_calls_total", "outcome" => outcome).increment(1);
        histogram!("glance_call_seconds").record(took);
    }
    #[cfg(not(feature = "metrics"))]
    let _ = (outcome, took);
}

/// Counts one retry.
pub(super) fn retry() {
    #[cfg(feature = "metrics")]
    counter!("glance_retries_total").increment(1);
}

/// Counts one token request.
pub(super) fn token(outcome: &'static str) {
    #[cfg(feature = "metrics")]
    counter!("glance_tokens_total", "outcome" => outcome).increment(1);
    #[cfg(not(feature = "metrics"))]
    let _ = outcome;
}

/// Counts pushed values by outcome.
pub(super) fn pushes(outcome: &'static str, data: u64) {
    #[cfg(feature = "metrics")]
    counter!("glance_pushes_total", "outcome" => outcome).increment(data);
    #[cfg(not(feature = "metrics"))]
    let _ = (outcome, data);
}

/// Sets the number of pushed values that wait.
pub(super) fn waiting(data: usize) {
    #[cfg(feature = "metrics")]
    gauge!("glance_pushes_waiting").set(data as f64);
    #[cfg(not(feature = "metrics"))]
    let _ = data;
}

/// Returns the label of a result.
pub(super) fn outcome<T>(result: &crate::Result<T>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}
