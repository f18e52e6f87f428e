//! The errors of a host.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use crate::net::inbound::tls::CertificateError;
use crate::service::rooms::RoomError;
use crate::storage::{OpenError, StorageError};

/// The reason why a host could not start, or could not do what was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The host cannot listen on the address.
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        cause: std::io::Error,
    },
    /// The address is no loopback address, and people do not sign in.
    NotLoopback(IpAddr),
    /// The public URL is not allowed.
    PublicUrl {
        /// The URL.
        url: String,
        /// The reason.
        why: &'static str,
    },
    /// The host cannot have a public URL, because people do not sign in.
    NobodySignsIn {
        /// The URL.
        url: String,
    },
    /// Sign-in cannot be set up.
    SignIn(Box<dyn std::error::Error + Send + Sync>),
    /// The data folder cannot be created.
    Folder {
        /// The folder.
        path: PathBuf,
        /// The cause.
        cause: std::io::Error,
    },
    /// The group's name is not allowed.
    Group(String),
    /// Another host uses the data folder.
    FolderInUse(PathBuf),
    /// The database cannot be opened.
    Database(OpenError),
    /// The database failed.
    Storage(StorageError),
    /// The host has no admin yet in whose name it could act.
    NoAdmin,
    /// The room cannot be created or changed.
    Room(RoomError),
    /// The panel cannot be opened.
    Panel(String),
    /// The certificate for HTTPS, or its key, is invalid.
    Certificate {
        /// The file.
        path: PathBuf,
        /// The problem.
        problem: String,
    },
    /// The HTTP client or server cannot be created.
    Http(String),
}

impl Error {
    /// Returns whether the address is in use, so that another port may work.
    pub fn is_address_in_use(&self) -> bool {
        matches!(self, Self::Listen { cause, .. } if cause.kind() == std::io::ErrorKind::AddrInUse)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listen { address, cause } => {
                write!(f, "the host cannot listen at {address}: {cause}")
            }
            Self::NotLoopback(ip) => write!(
                f,
                "without sign-in a host listens on this machine only: use 127.0.0.1 instead of {ip}, or choose how people sign in"
            ),
            Self::PublicUrl { url, why } => {
                write!(f, "{url} cannot be the host's public URL: {why}")
            }
            Self::NobodySignsIn { url } => write!(
                f,
                "{url} cannot be the host's public URL: nobody signs in, and whoever reached it would be the person at this machine; choose how people sign in"
            ),
            Self::SignIn(cause) => cause.fmt(f),
            Self::Folder { path, cause } => {
                write!(
                    f,
                    "the data folder {} cannot be used: {cause}",
                    path.display()
                )
            }
            Self::Group(problem) => write!(f, "the name of the group {problem}"),
            Self::FolderInUse(path) => write!(
                f,
                "another host uses the data folder {}: stop it first, or set `data` to another",
                path.display()
            ),
            Self::Database(cause) => cause.fmt(f),
            Self::Storage(cause) => cause.fmt(f),
            Self::NoAdmin => f.write_str("nobody administers this host yet: sign in first"),
            Self::Room(cause) => cause.fmt(f),
            Self::Panel(problem) => f.write_str(problem),
            Self::Certificate { path, problem } => {
                write!(
                    f,
                    "HTTPS is not possible with {}: {problem}",
                    path.display()
                )
            }
            Self::Http(cause) => f.write_str(cause),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The messages of the others contain their causes.
        match self {
            Self::Database(cause) => cause.source(),
            Self::Storage(cause) => cause.source(),
            Self::Room(cause) => cause.source(),
            _ => None,
        }
    }
}

impl From<CertificateError> for Error {
    fn from(cause: CertificateError) -> Self {
        Self::Certificate {
            path: cause.path().to_owned(),
            problem: cause.to_string(),
        }
    }
}

impl From<OpenError> for Error {
    fn from(cause: OpenError) -> Self {
        Self::Database(cause)
    }
}

impl From<RoomError> for Error {
    fn from(cause: RoomError) -> Self {
        match cause {
            RoomError::Storage(cause) => Self::Storage(cause),
            cause => Self::Room(cause),
        }
    }
}

impl From<StorageError> for Error {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}
