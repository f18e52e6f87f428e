//! Errors of commands: a code for programs, a sentence for people, and a remedy.

use std::borrow::Cow;
use std::fmt;
use std::process::ExitCode;

use glance_sdk::addon::interrupted;
use glance_sdk::printable::printable;

/// The maximum length of a printed message, in characters.
const LONGEST: usize = 10_000;

const INTERRUPTED: &str = "interrupted";

/// The error of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CommandError {
    code: Cow<'static, str>,
    message: String,
    help: String,
}

impl CommandError {
    /// Creates an error with its code in kebab case, a sentence without a full stop, and the
    /// remedy.
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

    /// Creates the error of a command that Ctrl-C or a signal interrupted.
    pub(crate) fn interrupted() -> Self {
        Self::interrupted_after("interrupted", "start it again")
    }

    /// Like [`interrupted`](Self::interrupted), with a description of the progress so far.
    pub(crate) fn interrupted_after(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(INTERRUPTED, message, help)
    }

    /// Awaits work that Ctrl-C may cancel without cleaning up. A signal before it starts counts
    /// too.
    ///
    /// # Errors
    ///
    /// Returns [`interrupted`](Self::interrupted) at Ctrl-C.
    pub(crate) async fn unless_interrupted<T>(work: impl Future<Output = T>) -> Result<T, Self> {
        tokio::select! {
            biased;
            () = interrupted() => Err(Self::interrupted()),
            done = work => Ok(done),
        }
    }

    /// Returns the exit code of the command: 130 after Ctrl-C, like shells, otherwise 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match &*self.code {
            INTERRUPTED => ExitCode::from(130),
            _ => ExitCode::FAILURE,
        }
    }

    /// Returns the sentence alone.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns the code for programs.
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
