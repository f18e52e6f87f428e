//! Why an add-on was not installed.

use std::fmt;

use glance_sdk::printable::printable;
use glance_sdk::validate::Problem;
use reqwest::Url;

use super::Conflict;
use crate::net::outbound::NoAnswer;
use crate::storage::StorageError;

/// The longest text of others in a message, in characters.
const LONGEST: usize = 1000;

/// Why an add-on was not installed.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstallError {
    /// What was given is no address of a descriptor.
    NoAddress(String),
    /// The add-on gave no answer.
    NoAnswer {
        /// What was asked for: the descriptor, or the callback.
        what: &'static str,
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// The host does not call this address.
    OutOfReach {
        /// What was asked for: the descriptor, or the callback.
        what: &'static str,
        /// Where.
        url: String,
        /// Why, and which setting changes it.
        why: String,
    },
    /// The descriptor's address answered with a failure.
    Status {
        /// Where.
        url: String,
        /// With what.
        status: u16,
    },
    /// What stands there is no JSON.
    NotJson {
        /// Where.
        url: String,
        /// Why, with line and column.
        why: String,
    },
    /// What stands there is no descriptor.
    Invalid {
        /// Where.
        url: String,
        /// Everything that is wrong, each with its JSON pointer.
        problems: Vec<Problem>,
    },
    /// The descriptor does not allow an installation here.
    NotAllowed(&'static str),
    /// The descriptor declares more of something than a host takes.
    TooMany {
        /// The capability.
        what: &'static str,
        /// How many it declares.
        declared: usize,
        /// How many may be declared.
        allowed: usize,
    },
    /// The add-on would show twice.
    AlreadyInstalled {
        /// What it is called.
        name: String,
        /// Where it is installed.
        conflict: Conflict,
    },
    /// The descriptor that stands there now is another add-on's.
    OtherAddOn {
        /// The key it has.
        found: String,
        /// The key it should have.
        expected: String,
    },
    /// The add-on refused.
    Refused {
        /// What it refused: the installation, or the update.
        what: &'static str,
        /// With what.
        status: u16,
        /// What it said, in at most 2000 characters and 40 lines.
        said: String,
    },
    /// The host's own database failed.
    Storage(StorageError),
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress(url) => write!(
                f,
                "\"{}\" is no address of a descriptor; give one that starts with http://, https:// or data:",
                printable(url)
            ),
            Self::NoAnswer { what, url, why } => {
                let (url, why) = (printable(url), printable(why));
                write!(f, "the {what} at {url} {why}; check that the add-on runs")
            }
            Self::OutOfReach { what, url, why } => {
                write!(
                    f,
                    "the {what} at {} {}",
                    printable(url),
                    printable(why).at_most(LONGEST)
                )
            }
            Self::Status { url, status } => write!(
                f,
                "{} answered {status} instead of a descriptor; check the address",
                printable(url)
            ),
            Self::NotJson { url, why } => {
                let (url, why) = (printable(url), printable(why));
                write!(f, "what stands at {url} is no JSON: {why}")
            }
            Self::Invalid { url, problems } => {
                write!(f, "what stands at {} is no descriptor", printable(url))?;
                for problem in problems {
                    write!(f, "\n  {problem}")?;
                }
                Ok(())
            }
            Self::NotAllowed(what) => write!(f, "its descriptor does not allow {what}"),
            Self::TooMany {
                what,
                declared,
                allowed,
            } => write!(
                f,
                "its descriptor declares {declared} entries of {what}, this host takes {allowed}"
            ),
            Self::AlreadyInstalled { name, conflict } => {
                write!(f, "{} {conflict}", printable(name))
            }
            Self::OtherAddOn { found, expected } => {
                let (found, expected) = (printable(found), printable(expected));
                write!(
                    f,
                    "the add-on there is {found}, not {expected}; check the address"
                )
            }
            Self::Refused { what, status, said } => {
                write!(f, "the add-on refused the {what} with status {status}")?;
                match said.lines().count() {
                    0 => Ok(()),
                    1 => write!(f, ": {said}"),
                    _ => write!(
                        f,
                        ":
{said}"
                    ),
                }
            }
            Self::Storage(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for InstallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Storage(cause) => cause.source(),
            _ => None,
        }
    }
}

impl From<StorageError> for InstallError {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

impl From<glance_sdk::Error> for InstallError {
    fn from(cause: glance_sdk::Error) -> Self {
        Self::Storage(StorageError::other(cause))
    }
}

pub(super) fn no_answer(what: &'static str, url: &Url, cause: &NoAnswer) -> InstallError {
    let (url, why) = (url.to_string(), cause.to_string());
    match cause {
        NoAnswer::Refused(_) => InstallError::OutOfReach { what, url, why },
        _ => InstallError::NoAnswer { what, url, why },
    }
}
