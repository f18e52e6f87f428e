//! Shows the host's log among the lines of the host.

use std::fmt;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::terminal::{Source, Terminal};
use crate::style::Style;

/// Starts logging; `GLANCE_DEV_LOG` filters it like `RUST_LOG` in other programs. `RUST_LOG` itself is for
/// the add-on.
pub(super) fn start(terminal: Terminal) {
    let filter = EnvFilter::try_from_env("GLANCE_DEV_LOG");
    let filter = filter.unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_ansi(terminal.has_colours())
        .event_format(Lines(terminal))
        .fmt_fields(glance_host::server::log_fields())
        .with_env_filter(filter)
        .with_writer(std::io::stdout)
        .init();
}

/// Formats each event as a line of the host.
struct Lines(Terminal);

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Self(terminal) = self;
        let level = *event.metadata().level();
        let style = match level {
            Level::ERROR => Style::Red,
            Level::WARN => Style::Yellow,
            _ => Style::Dim,
        };
        let level = terminal.paint(style, level.as_str().to_ascii_lowercase());
        write!(writer, "{} {level}: ", terminal.prefix(Source::Host))?;
        let fields = context.field_format();
        fields.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
