//! The findings of the checks.

use glance_sdk::printable::printable;
use serde_json::{Value, json};

use crate::style::{Style, paint};

/// The maximum length of a finding's text, in characters.
const LONGEST: usize = 2000;

/// The level of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Good,
    /// The add-on works, but the finding may surprise people.
    Warning,
    /// The problem prevents the add-on from working.
    Bad,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
        }
    }
}

/// A finding of a check: its subject, its level, and the remedy.
#[derive(Debug)]
pub(super) struct Finding {
    /// The checked subject, for programs.
    subject: &'static str,
    pub(super) level: Level,
    text: String,
    help: Option<String>,
}

impl Finding {
    pub(super) fn good(subject: &'static str, text: impl Into<String>) -> Self {
        Self {
            subject,
            level: Level::Good,
            text: text.into(),
            help: None,
        }
    }

    pub(super) fn warning(
        subject: &'static str,
        text: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            subject,
            level: Level::Warning,
            text: text.into(),
            help: Some(help.into()),
        }
    }

    pub(super) fn bad(
        subject: &'static str,
        text: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            subject,
            level: Level::Bad,
            text: text.into(),
            help: Some(help.into()),
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "subject": self.subject,
            "level": self.level.name(),
            "text": self.text,
            "help": self.help,
        })
    }

    pub(super) fn text(&self, has_colours: bool) -> String {
        let style = match self.level {
            Level::Good => Style::Green,
            Level::Warning => Style::Yellow,
            Level::Bad => Style::Red,
        };
        let level = format!("{:<8}", self.level.name());
        let level = paint(has_colours, style, level);
        let text = printable(&self.text).with_lines().at_most(LONGEST);
        let line = format!("{level} {:<11} {text}", self.subject);
        match &self.help {
            Some(help) => format!(
                "{line}\n{:21}help: {}",
                "",
                printable(help).at_most(LONGEST)
            ),
            None => line,
        }
    }
}
