//! Why a command failed: a code for programs, one sentence for people, and what to do about it.

use std::borrow::Cow;
use std::fmt;
use std::process::ExitCode;

use glance_sdk::addon::interrupted;
use glance_sdk::printable::printable;

/// The longest message that is printed, in characters.
const LONGEST: usize = 10_000;

const INTERRUPTED: &str = "interrupted";

/// Why a command failed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CommandError {
    code: Cow<'static, str>,
    message: String,
    help: String,
}

impl CommandError {
    /// A failure with its code in kebab case, a sentence without a full stop, and the remedy.
    pub(crate) fn new(
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            help: help.into(),
        }
    }

    /// The person pressed Ctrl-C, or the command was asked to end, before it was done.
    pub(crate) fn interrupted() -> Self {
        Self::interrupted_after("interrupted", "start it again")
    }

    /// The same, with what the command has done by then.
    pub(crate) fn interrupted_after(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(INTERRUPTED, message, help)
    }

    /// Waits for work that Ctrl-C ends without a trace. A signal that comes before it starts counts too.
    ///
    /// # Errors
    ///
    /// [`interrupted`](Self::interrupted) at Ctrl-C.
    pub(crate) async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Self> {
        tokio::select! {
            biased;
            () = interrupted() => Err(Self::interrupted()),
            done = work => Ok(done),
        }
    }

    /// The exit code of the command: 130 after Ctrl-C, as shells have it, else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match &*self.code {
            INTERRUPTED => ExitCode::from(130),
            _ => ExitCode::FAILURE,
        }
    }

    /// The sentence alone.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Names the failure for programs.
    #[cfg(test)]
    pub(crate) fn code(&self) -> &str {
        &self.code
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = printable(&self.message).with_lines().at_most(LONGEST);
        let help = printable(&self.help).with_lines().at_most(LONGEST);
        write!(f, "error[{}]: {message}\n  help: {help}", self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_show_code_and_remedy_and_escape_control_characters() {
        let error = CommandError::new("no-crate", "no crate in \u{1b}[2Jhere", "go elsewhere");
        assert_eq!(
            format!("{error:#}"),
            "error[no-crate]: no crate in \\u{1b}[2Jhere\n  help: go elsewhere"
        );
        assert_eq!(error.code(), "no-crate");
    }
}
