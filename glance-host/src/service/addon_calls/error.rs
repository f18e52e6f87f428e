//! Why a call to an add-on failed.

use std::error::Error;
use std::fmt;

use crate::content::query_answer::QueryAnswerError;
use crate::model::TooLarge;
use crate::net::outbound::NoAnswer;
use crate::net::outbound::call_limiter::Busy;

/// The reason why a request to an add-on, or the URL of one of its pages, could not be created. Its text is a
/// sentence.
#[derive(Debug)]
pub(crate) enum RequestError {
    /// The add-on declared something that is no URL.
    Url(url::ParseError),
    /// The URL has this scheme.
    Scheme(String),
    /// The system gives no random numbers for a token.
    Random(glance_sdk::Error),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => write!(f, "Its URL is invalid: {error}."),
            Self::Scheme(scheme) => write!(
                f,
                "Its URL has the scheme {scheme}, it must be http or https."
            ),
            Self::Random(error) => write!(f, "{error:#}."),
        }
    }
}

impl Error for RequestError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Random(error) => Some(error),
            Self::Scheme(_) => None,
        }
    }
}

/// The reason why a request got no answer. Its text has no period.
#[derive(Debug)]
pub(crate) enum SendError {
    /// Too many calls were running.
    Busy(Busy),
    /// The add-on gave no answer.
    NoAnswer(NoAnswer),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(busy) => busy.fmt(f),
            Self::NoAnswer(error) => write!(f, "it {error}"),
        }
    }
}

impl Error for SendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Busy(busy) => Some(busy),
            Self::NoAnswer(error) => Some(error),
        }
    }
}

/// The reason why a query of a glance returned no data. Its text is a sentence.
#[derive(Debug)]
pub(crate) enum QueryError {
    Request(RequestError),
    Send(SendError),
    Answer(QueryAnswerError),
    /// The metadata is too large.
    Data(TooLarge),
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => error.fmt(f),
            Self::Send(SendError::NoAnswer(error)) => write!(f, "It {error}."),
            Self::Send(error) => write!(f, "{error}."),
            Self::Answer(error) => error.fmt(f),
            Self::Data(error) => write!(f, "Its answer is no glance data: {error}."),
        }
    }
}

impl Error for QueryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Request(error) => error.source(),
            Self::Send(error) => error.source(),
            Self::Answer(error) => error.source(),
            Self::Data(error) => Some(error),
        }
    }
}
