//! The state of the stream, for the panel.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use glance_sdk::addon::LocalTime;
use glance_sdk::label::Escaped;

/// A change of the connection.
#[derive(Debug)]
pub(crate) enum Change {
    Connected,
    Status,
    /// The stream was interrupted, or could not be opened.
    Cut(String),
}

/// The stream.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    address: String,
    /// The reason why the stream is not connected; `None` if it is.
    problem: Option<String>,
    /// Seconds since 1970.
    last_status_at: Option<i64>,
}

impl Feed {
    pub(crate) fn follows(&mut self, address: String) {
        self.address = address;
    }

    pub(crate) fn record(&mut self, change: Change) {
        match change {
            Change::Connected => self.problem = None,
            Change::Status => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                let now = now.map_or(0, |since| since.as_secs());
                self.last_status_at = i64::try_from(now).ok();
            }
            Change::Cut(why) => self.problem = Some(why),
        }
    }
}

/// Displays the state as HTML.
impl fmt::Display for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<p><code>{}</code></p><p>", Escaped(&self.address))?;
        match self.last_status_at {
            Some(at) => write!(f, "Last status: {}", LocalTime(at))?,
            None => f.write_str("No status yet.")?,
        }
        f.write_str("</p>")?;
        match &self.problem {
            Some(problem) => write!(
                f,
                r#"<p class="problem">Not connected: {}. Retrying.</p>"#,
                Escaped(problem)
            ),
            None => Ok(()),
        }
    }
}
