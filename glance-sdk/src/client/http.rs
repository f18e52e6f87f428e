//! One HTTP exchange with a host: time limits, size limits, errors in words.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind, Result, json};

/// More than any answer of the protocol has.
const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How often a host may send a request elsewhere on its own origin.
const MAX_REDIRECTS: usize = 5;

pub(super) fn client() -> Result<reqwest::Client> {
    reqwest::Client::builder()
        .user_agent(concat!("glance-sdk/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(5))
        .timeout(Duration::from_secs(30))
        .referer(false)
        // Whom the add-on trusts is an origin: a host must not send its requests to another.
        .redirect(Policy::custom(|attempt| {
            let is_same = |url: &Url| url.origin() == attempt.url().origin();
            match attempt.previous().len() <= MAX_REDIRECTS
                && attempt.previous().iter().all(is_same)
            {
                true => attempt.follow(),
                false => attempt.stop(),
            }
        }))
        .build()
        .map_err(|cause| {
            Error::new(ErrorKind::Configuration, "the HTTP client cannot be made").because(cause)
        })
}

/// Appends segments to a base address, each percent-encoded.
pub(super) fn join(base: &str, path: &[&str]) -> Result<Url> {
    // An address cannot hold these: it would be another one without a word.
    if let Some(segment) = path.iter().find(|s| matches!(**s, "" | "." | "..")) {
        let what = format!("{segment:?} cannot stand in a path; it was to be {path:?}");
        return Err(Error::new(ErrorKind::Invalid, what));
    }
    let wrong = || {
        Error::new(
            ErrorKind::BadAnswer,
            format!("{base:?} is no address of a host"),
        )
    };
    let mut url = Url::parse(base).map_err(|cause| wrong().because(cause))?;
    url.path_segments_mut()
        .map_err(|()| wrong())?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Where it came from, after redirects.
    #[cfg_attr(not(feature = "server"), expect(dead_code))]
    pub(super) url: Url,
    request: String,
}

/// A request without an answer.
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether the host may have seen the request.
    pub(super) arrived: bool,
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        failure.error
    }
}

/// Sends a request. The address in an error has no query, so no token either.
pub(super) async fn send(request: RequestBuilder, url: &Url) -> Result<Answer, Failure> {
    let mut shown = url.clone();
    shown.set_query(None);
    let failed = |cause: reqwest::Error| Failure {
        arrived: !cause.is_connect(),
        error: Error::new(ErrorKind::Unreachable, format!("{shown} gave no answer"))
            .because(cause.without_url()),
    };
    let mut response = request.send().await.map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            let what = format!("{shown} answered more than {MAX_ANSWER_BYTES} bytes");
            let error = Error::new(ErrorKind::BadAnswer, what);
            return Err(Failure {
                error,
                arrived: true,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: response.status(),
        headers: std::mem::take(response.headers_mut()),
        body,
        url: response.url().clone(),
        request: shown.to_string(),
    })
}

impl Answer {
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        json::from_slice(&self.body).map_err(|cause| {
            Error::new(
                ErrorKind::BadAnswer,
                format!(
                    "{} answered something that is not of the protocol",
                    self.request
                ),
            )
            .because(cause)
        })
    }

    /// The error for an answer that is no success, in the host's own words where it has some.
    pub(super) fn refusal(&self) -> Error {
        #[derive(Deserialize)]
        struct Refusal {
            error: Message,
        }
        #[derive(Deserialize)]
        struct Message {
            message: String,
        }
        let kind = match self.status {
            StatusCode::UNAUTHORIZED => ErrorKind::Unauthorized,
            StatusCode::NOT_FOUND => ErrorKind::NotFound,
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
            status if status.is_server_error() => ErrorKind::Unreachable,
            _ => ErrorKind::Refused,
        };
        let words = match json::from_slice::<Refusal>(&self.body) {
            Ok(refusal) => format!(": {}", refusal.error.message),
            Err(_) => String::new(),
        };
        Error::new(
            kind,
            format!("{} answered {}{words}", self.request, self.status),
        )
    }
}
