//! How the fields of a log line are written as text: values of others neither act on a terminal nor
//! fill it.

use std::fmt;

use glance_sdk::printable::printable;
use tracing::field::Field;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// The longest value, in characters.
pub(super) const LONGEST: usize = 2000;

/// Writes fields as `tracing_subscriber` does, with control and bidirectional characters escaped and
/// each value cut after 2000 characters.
pub fn log_fields() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    debug_fn(write_field).delimited(" ")
}

fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = format!("{value:?}");
    let value = printable(&value).at_most(LONGEST);
    let name = field.name().trim_start_matches("r#");
    match name {
        "message" => write!(writer, "{value}"),
        _ if writer.has_ansi_escapes() => {
            write!(writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m{value}")
        }
        _ => write!(writer, "{name}={value}"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn values_of_others_are_escaped_and_cut() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .fmt_fields(log_fields())
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        let bad = format!("a\x1b[2J\n\u{202e}{}", "x".repeat(300_000));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(id = %bad, count = 7, "refused: {bad}");
        });
        let line = String::from_utf8(lines.0.lock().clone()).unwrap();
        assert!(line.ends_with(" count=7\n"), "{line}");
        assert!(
            line.contains("refused: a\\u{1b}[2J\\n\\u{202e}xx"),
            "{line}"
        );
        assert!(line.contains(" id=a\\u{1b}[2J"), "{line}");
        assert!(line.len() < 4500 && line.lines().count() == 1, "{line}");
    }
}
