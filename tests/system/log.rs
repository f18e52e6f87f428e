//! Records the logs and spans of a test's add-on and host.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

thread_local! {
    static RECORDED: RefCell<Option<Log>> = const { RefCell::new(None) };
}

#[derive(Clone, Default)]
pub(crate) struct Log {
    text: Arc<Mutex<Vec<u8>>>,
    spans: Arc<Mutex<Vec<EndedSpan>>>,
}

/// A finished span of the SDK.
#[derive(Debug, Clone)]
pub(crate) struct EndedSpan {
    pub(crate) name: &'static str,
    /// The name of the parent span.
    pub(crate) parent: Option<&'static str>,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl EndedSpan {
    /// Returns the value of this field as it is logged.
    pub(crate) fn get(&self, field: &str) -> Option<&str> {
        self.fields.get(field).map(String::as_str)
    }
}

impl Log {
    /// Records all logs of this test from here on: the test and its tasks use one thread.
    pub(crate) fn record() -> Self {
        // For all threads: without a subscriber on some of them, the cached interest of a callsite
        // depends on the first one.
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| {
            let written = tracing_subscriber::fmt::layer()
                .with_ansi(false)
                .with_writer(|| Writer);
            tracing_subscriber::registry()
                .with(LevelFilter::DEBUG)
                .with(written)
                .with(Spans)
                .init();
        });
        let log = Self::default();
        RECORDED.replace(Some(log.clone()));
        log
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// Returns the spans that ended since, in order.
    pub(crate) fn spans(&self) -> Vec<EndedSpan> {
        self.spans.lock().unwrap().clone()
    }
}

/// Stores the spans of the SDK.
struct Spans;

impl<S: tracing::Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else {
            return;
        };
        if !span.metadata().target().starts_with("glance_sdk") {
            return;
        }
        let ended = EndedSpan {
            name: span.name(),
            parent: span.parent().map(|parent| parent.name()),
            fields: span
                .extensions_mut()
                .remove::<Fields>()
                .map(|fields| fields.0)
                .unwrap_or_default(),
        };
        RECORDED.with_borrow(|log| {
            if let Some(log) = log {
                log.spans.lock().unwrap().push(ended);
            }
        });
    }
}

#[derive(Default)]
struct Fields(BTreeMap<&'static str, String>);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

struct Writer;

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        RECORDED.with_borrow(|log| {
            if let Some(log) = log {
                log.text.lock().unwrap().extend_from_slice(bytes);
            }
        });
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
