//! The URL at which hosts reach an add-on.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

use crate::model::urls::Urls;
use crate::printable::printable;
use crate::{Error, ErrorKind, Result};

/// The URL at which hosts reach an add-on: an `http` or `https` URL, which may have a path, but
/// neither a query nor a fragment. A trailing slash is removed.
///
/// Handlers extract it; hooks and background tasks read it from
/// [`Client::base_url`](crate::client::Client::base_url),
/// [`Installations::base_url`](crate::client::Installations::base_url) and
/// [`Built::base_url`](crate::addon::Built::base_url). In a test it is known after the add-on has
/// started to listen, because the port is chosen then.
///
/// ```
/// use glance_sdk::BaseUrl;
/// use glance_sdk::prelude::*;
///
/// async fn setup(base_url: BaseUrl) -> String {
///     format!("Post your builds to {}", base_url.join("/hooks/builds"))
/// }
///
/// let add_on = AddOn::new("com.example.builds", "Builds").configuration_page(get(setup));
/// # add_on.build("https://builds.example.com")?;
/// let base_url: BaseUrl = "https://example.com/builds/".parse()?;
/// assert_eq!(base_url.join("/hooks/builds"), "https://example.com/builds/hooks/builds");
/// # Ok::<(), glance_sdk::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl(Arc<str>);

impl BaseUrl {
    /// Parses a base URL.
    ///
    /// ```
    /// use glance_sdk::{BaseUrl, ErrorKind};
    ///
    /// assert_eq!(BaseUrl::new("https://example.com/builds/")?.as_str(), "https://example.com/builds");
    /// let error = BaseUrl::new("https://example.com/?team=ops").unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Configuration);
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Configuration`] if hosts cannot call the URL.
    pub fn new(url: &str) -> Result<Self> {
        let wrong = |what: &str| {
            let message = format!(
                "the base URL {url:?} {what}; set BASE_URL to the address at which hosts reach the add-on, \
                 such as https://add-on.example.com"
            );
            Error::new(ErrorKind::Configuration, message)
        };
        if url.contains(|character: char| character.is_whitespace() || character.is_control()) {
            return Err(wrong("contains a space"));
        }
        let parsed = Url::parse(url).map_err(|_| wrong("is not an absolute URL"))?;
        if !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
            return Err(wrong("is not an absolute URL of http or https"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            // The URL would be in the descriptor, which everybody may read.
            let message = "the base URL contains a user name or a password; set BASE_URL to the address \
                           at which hosts reach the add-on, such as https://add-on.example.com";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        if parsed.query().is_some() {
            return Err(wrong("has a query"));
        }
        if parsed.fragment().is_some() {
            return Err(wrong("has a fragment"));
        }
        Ok(Self(url.trim_end_matches('/').into()))
    }

    /// Returns a placeholder for an invalid URL, so that further mistakes can be found.
    #[cfg(feature = "server")]
    pub(crate) fn stand_in() -> Self {
        Self("https://add-on.example.com".into())
    }

    /// Returns the URL without a trailing slash.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Completes a path of the add-on, such as `/hooks/builds`, to an absolute URL. Returns all
    /// other text unchanged, for example absolute URLs.
    ///
    /// ```
    /// use glance_sdk::BaseUrl;
    ///
    /// let base_url = BaseUrl::new("https://example.com/builds")?;
    /// assert_eq!(base_url.join("/icon.svg"), "https://example.com/builds/icon.svg");
    /// assert_eq!(base_url.join("https://cdn.example.com/icon.svg"), "https://cdn.example.com/icon.svg");
    /// # Ok::<(), glance_sdk::Error>(())
    /// ```
    pub fn join(&self, path: &str) -> String {
        match is_path(path) {
            true => format!("{}{path}", self.0),
            false => path.to_owned(),
        }
    }

    /// Completes all paths of the add-on in a part of its descriptor.
    #[cfg(feature = "server")]
    pub(crate) fn join_all(&self, part: &mut impl Urls) {
        part.visit_urls(&mut |url| *url = self.join(url));
    }
}

/// Returns whether a URL is a path of the add-on: it starts with exactly one slash. Two slashes
/// precede a host name.
pub(crate) fn is_path(url: &str) -> bool {
    url.starts_with('/') && !url.starts_with("//")
}

/// Completes the paths of the add-on in data that it sends. Warns of URLs that cannot be completed:
/// hosts show a placeholder instead of such an image.
///
/// # Errors
///
/// Returns [`ErrorKind::Invalid`] if there is a path and the base URL is not known.
pub(crate) fn complete(base_url: Option<&BaseUrl>, sent: &mut impl Urls) -> Result<()> {
    let mut incomplete = None;
    sent.visit_urls(&mut |url| match base_url {
        Some(base_url) if is_path(url) => *url = base_url.join(url),
        None if is_path(url) => incomplete = Some(url.clone()),
        _ if Url::parse(url).is_err() => {
            tracing::warn!(
                url = %printable(url),
                "this URL is neither absolute nor a path of the add-on, which starts with a slash"
            );
        }
        _ => {}
    });
    match incomplete {
        None => Ok(()),
        Some(path) => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "{path} is a path of the add-on, and its base URL is not known here; set it with \
                 Installations::with_base_url"
            ),
        )),
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.0)
    }
}

impl AsRef<str> for BaseUrl {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        Self::new(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unreachable_base_urls_are_refused_with_reason() {
        for (url, reason) in [
            ("", "is not an absolute URL"),
            ("add-on.example.com", "is not an absolute URL"),
            ("/add-on", "is not an absolute URL"),
            ("localhost:8080", "is not an absolute URL of http or https"),
            ("ftp://a.example", "is not an absolute URL of http or https"),
            ("https://a.example?x=1", "has a query"),
            ("https://a.example/b#c", "has a fragment"),
            ("https://a.example/b c", "contains a space"),
            (" https://a.example", "contains a space"),
            ("https://u:s3cret@a.example", "a user name or a password"),
            ("https://u:s3cret@a.example?x", "a user name or a password"),
        ] {
            let error = BaseUrl::new(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            let message = error.to_string();
            assert!(message.contains(reason), "{url}: {message}");
            assert!(message.contains("BASE_URL"), "{url}: {message}");
            assert!(!message.contains("s3cret"), "{message}");
        }
    }

    #[test]
    fn only_paths_are_completed() {
        for base in ["https://a.example/b", "https://a.example/b/"] {
            let base = BaseUrl::new(base).unwrap();
            for (url, expected) in [
                ("/i.svg", "https://a.example/b/i.svg"),
                ("/", "https://a.example/b/"),
                ("//cdn.example/i.svg", "//cdn.example/i.svg"),
                ("https://cdn.example/i.svg", "https://cdn.example/i.svg"),
                ("data:image/png;base64,AA", "data:image/png;base64,AA"),
                ("i.svg", "i.svg"),
            ] {
                assert_eq!(base.join(url), expected);
            }
        }
    }
}
