//! The host's metrics, in the text format of Prometheus.
//!
//! The set of metrics is fixed, so each is an atomic: counting takes no lock and needs no registry.

use std::fmt::{self, Display, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::cluster::attendance::Attendance;
use crate::model::Outcome;
use crate::storage::{Storage, StorageError};

/// The upper ends of the buckets of a duration, in milliseconds.
const BUCKETS: [u32; 11] = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000];

/// The outcome of a query.
#[derive(Debug, Clone, Copy)]
pub(crate) enum QueryOutcome {
    /// The answer has data.
    Ok,
    /// No answer, or none in time.
    NoAnswer,
    /// The answer is no glance data.
    BadAnswer,
}

impl QueryOutcome {
    pub(crate) const ALL: [Self; 3] = [Self::Ok, Self::NoAnswer, Self::BadAnswer];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoAnswer => "no_answer",
            Self::BadAnswer => "bad_answer",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Metrics {
    queries: [Durations; QueryOutcome::ALL.len()],
    pushes: AtomicU64,
    webhooks: [AtomicU64; 3],
    requests: [AtomicU64; 4],
}

/// The values of the gauges.
struct Gauges {
    viewers: usize,
    rooms: usize,
    installations: u64,
}

/// Reads the metrics of a host, counters and gauges.
#[derive(Debug, Clone)]
pub(crate) struct MetricsReader {
    metrics: Arc<Metrics>,
    attendance: Attendance,
    storage: Arc<dyn Storage>,
}

impl MetricsReader {
    pub(crate) fn new(
        metrics: Arc<Metrics>,
        attendance: Attendance,
        storage: Arc<dyn Storage>,
    ) -> Self {
        Self {
            metrics,
            attendance,
            storage,
        }
    }

    /// Returns the metrics in the text format of Prometheus.
    pub(crate) async fn text(&self) -> Result<String, StorageError> {
        let (viewers, rooms) = self.attendance.count();
        let installations = self.storage.count_installations().await?;
        Ok(self.metrics.text(&Gauges {
            viewers,
            rooms,
            installations,
        }))
    }
}

impl Metrics {
    pub(crate) fn queried(&self, outcome: QueryOutcome, took: Duration) {
        if let Some(durations) = self.queries.get(outcome as usize) {
            durations.add(took);
        }
    }

    pub(crate) fn pushed(&self) {
        self.pushes.fetch_add(1, Relaxed);
    }

    pub(crate) fn delivered(&self, outcome: &Outcome) {
        let [answered, failed, skipped] = &self.webhooks;
        let counted = match outcome {
            Outcome::Answered { .. } => answered,
            Outcome::Failed(_) => failed,
            Outcome::Skipped(_) => skipped,
        };
        counted.fetch_add(1, Relaxed);
    }

    pub(crate) fn requested(&self, status: u16) {
        // 2xx comes first.
        let class = usize::from(status / 100).checked_sub(2);
        if let Some(counted) = class.and_then(|class| self.requests.get(class)) {
            counted.fetch_add(1, Relaxed);
        }
    }

    /// Returns all metrics in the text format.
    fn text(&self, gauges: &Gauges) -> String {
        let mut text = Text(String::new());
        let version = env!("CARGO_PKG_VERSION");
        text.family("build_info", "gauge", "The version that runs.");
        text.sample("build_info", format_args!("version=\"{version}\""), 1);

        text.family("viewers", "gauge", "Open pages that show a room.");
        text.sample("viewers", "", gauges.viewers);
        text.family("rooms_open", "gauge", "Rooms that an open page shows.");
        text.sample("rooms_open", "", gauges.rooms);
        text.family("installations", "gauge", "Installations of add-ons.");
        text.sample("installations", "", gauges.installations);

        let name = "query_duration_seconds";
        let help = "The time that add-ons took to answer queries of glances, by outcome.";
        text.family(name, "histogram", help);
        for (outcome, durations) in QueryOutcome::ALL.iter().zip(&self.queries) {
            durations.write(&mut text, name, outcome.name());
        }

        text.family("pushes_total", "counter", "Pushes accepted from add-ons.");
        text.sample("pushes_total", "", self.pushes.load(Relaxed));

        let name = "webhooks_total";
        text.family(
            name,
            "counter",
            "Deliveries of events to webhooks, by outcome.",
        );
        for (outcome, count) in ["answered", "failed", "skipped"].iter().zip(&self.webhooks) {
            let label = format_args!("outcome=\"{outcome}\"");
            text.sample(name, label, count.load(Relaxed));
        }

        let name = "requests_total";
        text.family(name, "counter", "Requests of add-ons, by class of status.");
        for (class, count) in ["2xx", "3xx", "4xx", "5xx"].iter().zip(&self.requests) {
            let label = format_args!("status=\"{class}\"");
            text.sample(name, label, count.load(Relaxed));
        }
        text.0
    }
}

/// A histogram of durations.
#[derive(Debug, Default)]
struct Durations {
    /// The counts by the smallest bucket that contains the duration; the last is for longer ones.
    counts: [AtomicU64; BUCKETS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Durations {
    fn add(&self, took: Duration) {
        let fits = |end: &u32| took <= Duration::from_millis((*end).into());
        let bucket = BUCKETS.iter().position(fits).unwrap_or(BUCKETS.len());
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }

    fn write(&self, text: &mut Text, name: &str, outcome: &str) {
        let ends = BUCKETS.iter().map(|end| f64::from(*end) / 1000.0);
        let mut sum = 0;
        for (end, count) in ends.chain([f64::INFINITY]).zip(&self.counts) {
            sum += count.load(Relaxed);
            let end = match end.is_finite() {
                true => end.to_string(),
                false => "+Inf".to_owned(),
            };
            let labels = format_args!("outcome=\"{outcome}\",le=\"{end}\"");
            text.sample(format_args!("{name}_bucket"), labels, sum);
        }
        let label = format_args!("outcome=\"{outcome}\"");
        let seconds = Duration::from_nanos(self.nanoseconds.load(Relaxed)).as_secs_f64();
        text.sample(format_args!("{name}_sum"), label, seconds);
        text.sample(format_args!("{name}_count"), label, sum);
    }
}

/// Builds the text line by line. Writing into a string cannot fail.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP glance_host_{name} {help}");
        let _ = writeln!(self.0, "# TYPE glance_host_{name} {kind}");
    }

    fn sample(&mut self, name: impl Display, labels: impl Display, value: impl Display) {
        let labels = Labels(labels.to_string());
        let _ = writeln!(self.0, "glance_host_{name}{labels} {value}");
    }
}

struct Labels(String);

impl Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_str() {
            "" => Ok(()),
            labels => write!(f, "{{{labels}}}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(metrics: &Metrics) -> String {
        metrics.text(&Gauges {
            viewers: 3,
            rooms: 2,
            installations: 10,
        })
    }

    fn value(text: &str, name: &str) -> f64 {
        let mut lines = text.lines();
        let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        found.unwrap().parse().unwrap()
    }

    #[test]
    fn duration_is_counted_in_its_bucket_and_above() {
        let metrics = Metrics::default();
        for milliseconds in [5, 6, 60_000] {
            metrics.queried(QueryOutcome::Ok, Duration::from_millis(milliseconds));
        }
        metrics.queried(QueryOutcome::NoAnswer, Duration::from_secs(10));
        let text = text(&metrics);
        let bucket = |end: &str, outcome: &str| {
            let name = "glance_host_query_duration_seconds_bucket";
            value(
                &text,
                &format!("{name}{{outcome=\"{outcome}\",le=\"{end}\"}}"),
            )
        };
        assert_eq!(bucket("0.005", "ok"), 1.0);
        assert_eq!(bucket("0.01", "ok"), 2.0);
        assert_eq!(bucket("10", "ok"), 2.0);
        assert_eq!(bucket("+Inf", "ok"), 3.0);
        assert_eq!(bucket("5", "no_answer"), 0.0);
        assert_eq!(bucket("10", "no_answer"), 1.0);
        let sum = "glance_host_query_duration_seconds_sum{outcome=\"ok\"}";
        assert_eq!(value(&text, sum), 60.011);
    }

    #[test]
    fn events_are_counted_by_kind() {
        let metrics = Metrics::default();
        metrics.pushed();
        metrics.delivered(&Outcome::Failed(String::new()));
        for status in [200, 204, 302, 404, 429, 500, 101] {
            metrics.requested(status);
        }
        let text = text(&metrics);
        for (name, expected) in [
            ("viewers", 3.0),
            ("rooms_open", 2.0),
            ("installations", 10.0),
            ("pushes_total", 1.0),
            ("webhooks_total{outcome=\"answered\"}", 0.0),
            ("webhooks_total{outcome=\"failed\"}", 1.0),
            ("requests_total{status=\"2xx\"}", 2.0),
            ("requests_total{status=\"3xx\"}", 1.0),
            ("requests_total{status=\"4xx\"}", 2.0),
            ("requests_total{status=\"5xx\"}", 1.0),
        ] {
            assert_eq!(
                value(&text, &format!("glance_host_{name}")),
                expected,
                "{name}"
            );
        }
    }
}
