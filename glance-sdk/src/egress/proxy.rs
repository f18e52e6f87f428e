//! The proxies for calls.

use std::fmt;
use std::sync::Arc;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{NoProxy, Proxy, Url};

use super::is_loopback;

/// The addresses that are never called through a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The proxies of a client. Calls to this machine never use one.
///
/// A proxy resolves names itself, so it must check the addresses behind names; the
/// [`EgressPolicy`](super::EgressPolicy) still checks numeric addresses in URLs.
///
/// ```
/// use glance_sdk::egress::{EgressPolicy, HttpClient, Proxies};
///
/// let proxies = Proxies::new("http://proxy.example.com:3128", &["intranet.example.com"])?;
/// let http = HttpClient::builder(EgressPolicy::internet()).proxies(proxies).build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Proxies(Option<Arc<Settings>>);

struct Settings {
    names: Vec<String>,
    /// The proxies in the order of their matching.
    proxies: Vec<Proxy>,
    /// The same rules, to find the proxy of a call.
    matcher: Matcher,
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let matcher = self.0.as_ref().map(|settings| &settings.matcher);
        f.debug_tuple("Proxies").field(&matcher).finish()
    }
}

/// An invalid proxy, with the reason. The message contains no password.
///
/// ```
/// use glance_sdk::egress::Proxies;
///
/// let error = Proxies::new("socks5://proxy.example.com", &["localhost"]).unwrap_err();
/// println!("{error}");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidProxy(String);

impl fmt::Display for InvalidProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for InvalidProxy {}

impl Proxies {
    /// Connects directly and ignores the proxy settings of the environment.
    pub fn none() -> Self {
        Self::default()
    }

    /// Sends all calls through a proxy, except calls to `except`: names (including subdomains),
    /// addresses and networks, as in `NO_PROXY`. The URL may contain a user name and a password.
    ///
    /// ```
    /// use glance_sdk::egress::Proxies;
    ///
    /// assert!(Proxies::new("http://user:password@proxy.example.com:3128", &["10.0.0.0/8"]).is_ok());
    /// assert!(Proxies::new("socks5://proxy.example.com", &["10.0.0.0/8"]).is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`InvalidProxy`] if the URL is not an http or https URL with a host.
    pub fn new(url: &str, except: &[impl AsRef<str>]) -> Result<Self, InvalidProxy> {
        let except: Vec<_> = except.iter().map(AsRef::as_ref).collect();
        let no = except.join(",");
        let url = parse("the proxy", url)?;
        Self::of(Some(url.clone()), Some(url), Some(&no))
    }

    /// Reads `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` like curl, in upper or lower
    /// case. In a CGI script `HTTP_PROXY` is ignored, because it comes from the request. A variable
    /// without an http or https proxy is ignored, and the log contains a warning.
    pub fn from_env() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let is_cgi = variable("REQUEST_METHOD").is_some();
        Self::from_variables(|name| match name {
            "HTTP_PROXY" if is_cgi => None,
            name => variable(name).or_else(|| variable(&name.to_ascii_lowercase())),
        })
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Self {
        let ignored = |error: &InvalidProxy| {
            tracing::warn!(%error, "ignoring a proxy of the environment");
        };
        let read = |name| {
            let url = variable(name).map(|value| parse(name, &value));
            url?.inspect_err(ignored).ok()
        };
        let (http, https, all) = (read("HTTP_PROXY"), read("HTTPS_PROXY"), read("ALL_PROXY"));
        let no = variable("NO_PROXY");
        Self::of(http.or_else(|| all.clone()), https.or(all), no.as_deref())
            .inspect_err(ignored)
            .unwrap_or_default()
    }

    fn of(http: Option<Url>, https: Option<Url>, no: Option<&str>) -> Result<Self, InvalidProxy> {
        let no = match no {
            Some(no) => format!("{no},{LOOPBACK}"),
            None => LOOPBACK.to_owned(),
        };
        if http.is_none() && https.is_none() {
            return Ok(Self::none());
        }
        let all = http.iter().chain(&https);
        let names = all.filter_map(|url| Some(url.host_str()?.to_owned()));
        let names = names.collect();
        let mut matcher = Matcher::builder().no(no.clone());
        let mut proxies = Vec::new();
        let make = |proxy: reqwest::Result<Proxy>| {
            let proxy = proxy.map_err(|cause| InvalidProxy(cause.without_url().to_string()))?;
            Ok(proxy.no_proxy(NoProxy::from_string(&no)))
        };
        if let Some(url) = http {
            matcher = matcher.http(String::from(url.clone()));
            proxies.push(make(Proxy::http(url))?);
        }
        if let Some(url) = https {
            matcher = matcher.https(String::from(url.clone()));
            proxies.push(make(Proxy::https(url))?);
        }
        let matcher = matcher.build();
        Ok(Self(Some(Arc::new(Settings {
            names,
            proxies,
            matcher,
        }))))
    }

    pub(super) fn proxies(&self) -> impl Iterator<Item = Proxy> {
        let settings = self.0.iter();
        settings.flat_map(|settings| settings.proxies.iter().cloned())
    }

    /// Returns whether a proxy has this name.
    pub(super) fn has_name(&self, name: &str) -> bool {
        let settings = self.0.as_ref();
        settings.is_some_and(|settings| settings.names.iter().any(|proxy| proxy == name))
    }

    /// Returns the proxy for a call to this URL, without user name and password.
    pub(super) fn of_call(&self, url: &Url) -> Option<String> {
        let settings = self.0.as_ref()?;
        if is_loopback(url) {
            return None;
        }
        let proxy = settings.matcher.intercept(&url.as_str().parse().ok()?)?;
        let uri = proxy.uri();
        Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
    }
}

fn parse(name: &str, value: &str) -> Result<Url, InvalidProxy> {
    let url = match value.contains("://") {
        true => Url::parse(value),
        false => Url::parse(&format!("http://{value}")),
    };
    match url {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(url),
        Ok(url) => Err(InvalidProxy(format!(
            "{name} has the scheme {}; it must be http or https",
            url.scheme()
        ))),
        // The value may contain a password.
        Err(cause) => Err(InvalidProxy(format!(
            "{name} is not the URL of a proxy: {cause}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Proxies {
        Proxies::from_variables(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn of(proxies: &Proxies, url: &str) -> Option<String> {
        proxies.of_call(&Url::parse(url).unwrap())
    }

    #[test]
    fn each_scheme_has_its_proxy_and_loopback_none() {
        let proxies = proxies(&[
            ("HTTP_PROXY", "http://user:s3cret@plain.example:3128"),
            ("ALL_PROXY", "all.example:8080"),
            ("NO_PROXY", "direct.example, 10.1.0.0/16"),
        ]);
        for (url, expected) in [
            ("http://a.example/", Some("http://plain.example:3128")),
            ("https://a.example/x?y", Some("http://all.example:8080")),
            ("http://10.2.0.1/", Some("http://plain.example:3128")),
            ("http://10.1.0.1/", None),
            ("https://direct.example/", None),
            ("https://sub.direct.example/", None),
            ("http://127.0.0.1:4400/", None),
            ("http://127.1.2.3/", None),
            ("http://[::1]:4400/", None),
            ("http://[::ffff:127.0.0.1]/", None),
            ("http://localhost:4400/", None),
            ("http://chat.localhost/", None),
        ] {
            assert_eq!(of(&proxies, url).as_deref(), expected, "{url}");
        }
        assert!(!format!("{proxies:?}").contains("s3cret"));
    }

    #[test]
    fn invalid_proxy_error_hides_password() {
        for value in [
            "socks5://user:s3cret@a.example",
            "http://",
            "ftp://a.example",
            "http://u:s3cret@:0/",
        ] {
            let error = Proxies::new(value, &[""]).unwrap_err().to_string();
            assert!(error.starts_with("the proxy "), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
            let ignored = proxies(&[("ALL_PROXY", value), ("HTTPS_PROXY", "p.example:3128")]);
            assert_eq!(of(&ignored, "http://a.example/"), None, "{value}");
            assert!(of(&ignored, "https://a.example/").is_some(), "{value}");
        }
    }

    #[test]
    fn no_variables_mean_no_proxy() {
        assert_eq!(of(&proxies(&[]), "http://a.example/"), None);
        let only_no = proxies(&[("NO_PROXY", "*")]);
        assert_eq!(of(&only_no, "http://a.example/"), None);
    }

    #[test]
    fn exceptions_follow_no_proxy() {
        let proxies = Proxies::new("https://p.example", &["a.example", "10.0.0.0/8"]).unwrap();
        assert_eq!(of(&proxies, "http://a.example/"), None);
        assert_eq!(of(&proxies, "http://10.9.9.9/"), None);
        assert!(of(&proxies, "http://b.example/").is_some());
    }
}
