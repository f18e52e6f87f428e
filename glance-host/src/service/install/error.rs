//! The errors of installations.

use std::fmt;

use glance_sdk::printable::printable;
use glance_sdk::validate::Problem;
use reqwest::Url;

use super::Conflict;
use crate::net::outbound::NoAnswer;
use crate::storage::StorageError;

/// The longest quoted text in a message, in characters.
const LONGEST: usize = 1000;

/// The reason why an add-on was not installed.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstallError {
    /// The text is not the URL of a descriptor.
    NoAddress(String),
    /// The add-on did not answer.
    NoAnswer {
        /// The requested resource: the descriptor, or the callback.
        what: &'static str,
        /// Its URL.
        url: String,
        /// The reason.
        why: String,
    },
    /// The host's egress policy forbids this URL.
    OutOfReach {
        /// The requested resource: the descriptor, or the callback.
        what: &'static str,
        /// Its URL.
        url: String,
        /// The reason, and the setting that changes it.
        why: String,
    },
    /// The descriptor's URL answered with an error.
    Status {
        /// The URL.
        url: String,
        /// The status.
        status: u16,
    },
    /// The document is not JSON.
    NotJson {
        /// Its URL.
        url: String,
        /// The reason, with line and column.
        why: String,
    },
    /// The document is not a descriptor.
    Invalid {
        /// Its URL.
        url: String,
        /// All problems, each with a JSON pointer.
        problems: Vec<Problem>,
    },
    /// The descriptor does not allow an installation here.
    NotAllowed(&'static str),
    /// The descriptor declares more entries of a capability than the host accepts.
    TooMany {
        /// The capability.
        what: &'static str,
        /// The number of entries.
        declared: usize,
        /// The largest allowed number.
        allowed: usize,
    },
    /// The add-on is installed already.
    AlreadyInstalled {
        /// Its name.
        name: String,
        /// The existing installation.
        conflict: Conflict,
    },
    /// The descriptor at the URL belongs to another add-on now.
    OtherAddOn {
        /// The key in the descriptor.
        found: String,
        /// The expected key.
        expected: String,
    },
    /// The add-on refused.
    Refused {
        /// The refused data: the installation, or the update.
        what: &'static str,
        /// The status.
        status: u16,
        /// The answer, in at most 2000 characters and 40 lines.
        said: String,
    },
    /// The installation took so long that the host removed it.
    Expired,
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
            Self::Expired => {
                f.write_str("the installation took too long and was removed; try again")
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
