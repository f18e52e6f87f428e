//! Finds the add-on's own URLs in a descriptor, and those that a crate serves itself.

use glance_sdk::BaseUrl;
use reqwest::Url;
use serde_json::{Value, json};

use super::Change;
use super::repairs::change;
use crate::descriptor_source::PLACEHOLDER_BASE_URL;

/// The image that replaces invalid ones.
const ICON: &str = "/icon.svg";

/// The first path segments that the SDK serves, or that the crate serves for it.
const TAKEN: [&str; 15] = [
    "",
    "administration",
    "after-installation",
    "after-removal",
    "after-update",
    "configuration",
    "dialog",
    "glance",
    "installed",
    "live-page.js",
    "page",
    "panel",
    "uninstalled",
    "updated",
    "webhook",
];

/// The members of `installable` with URLs for browsers, and their paths in a crate.
pub(super) const BROWSER: [(&str, &str); 3] = [
    ("installedUrl", "/after-installation"),
    ("uninstalledUrl", "/after-removal"),
    ("updatedUrl", "/after-update"),
];

pub(super) struct Addresses {
    /// The base URL of the original, without a trailing slash.
    base: String,
    /// Whether the add-on is installed through a browser instead of a `POST`.
    pub(super) by_browser: bool,
    /// Whether its home page is the descriptor itself.
    has_own_homepage: bool,
}

impl Addresses {
    pub(super) fn of(document: &Value) -> Self {
        let installable = &document["capabilities"]["installable"];
        let by_browser =
            installable.get("callbackUrl").is_none() && installable.get("installedUrl").is_some();
        let links = &document["links"];
        let has_own_homepage = links
            .get("homepage")
            .is_some_and(|page| *page != links["self"]);
        Self {
            base: base(document).unwrap_or_else(|| PLACEHOLDER_BASE_URL.to_owned()),
            by_browser,
            has_own_homepage,
        }
    }

    /// Returns the base URL of the original, without a trailing slash.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Returns the part after the base URL, if the URL is the add-on's own.
    fn own<'a>(&self, url: &'a str) -> Option<&'a str> {
        let rest = url.strip_prefix(&self.base)?;
        (rest.is_empty() || rest.starts_with(['/', '?', '#'])).then_some(rest)
    }

    /// Returns a file that a crate serves at the same path as the original, and the path with its
    /// query.
    pub(super) fn file<'a>(&self, url: &'a str) -> Option<(&'a str, &'a str)> {
        let whole = self.own(url)?;
        let path = whole.split('?').next().unwrap_or_default();
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._~@+-".contains(letter);
        let parts: Vec<_> = path.split('/').skip(1).collect();
        let is_served = path.chars().all(is_plain)
            && whole
                .chars()
                .all(|letter| is_plain(letter) || "?=&".contains(letter))
            && parts
                .iter()
                .all(|part| !part.is_empty() && !part.starts_with('.'))
            && parts.first().is_some_and(|first| !TAKEN.contains(first));
        is_served.then_some((path, whole))
    }

    /// Returns the URL of an image, as a crate contains it.
    pub(super) fn image<'a>(&self, url: &'a str) -> &'a str {
        self.file(url).map_or(url, |(_, whole)| whole)
    }

    /// Returns the home page, as a crate contains it, and the path at which the crate serves one.
    pub(super) fn homepage<'a>(&self, url: &'a str) -> (&'a str, Option<&'a str>) {
        if url.starts_with('/') || self.own(url).is_some() {
            return match self.file(url).filter(|_| self.has_own_homepage) {
                Some((path, whole)) => (whole, Some(path)),
                None => ("/", None),
            };
        }
        (url, None)
    }

    /// Replaces invalid image URLs.
    pub(super) fn repair_icons(&self, document: &mut Value, changes: &mut Vec<Change>) {
        let mut places = Vec::new();
        let capabilities = &document["capabilities"];
        for name in ["glance", "webPanel"] {
            let entries = capabilities[name].as_array().map_or(0, Vec::len);
            places.extend((0..entries).map(|at| format!("/capabilities/{name}/{at}/icon")));
        }
        let avatar = "/capabilities/hipchatApiConsumer/avatar";
        places.push(avatar.to_owned());
        let places = places
            .iter()
            .flat_map(|icon| [format!("{icon}/url"), format!("{icon}/url@2x")])
            .chain([avatar.to_owned()]);
        for place in places {
            let url = document.pointer(&place).and_then(Value::as_str);
            if url.is_some_and(|url| !self.is_image(url)) {
                let why = "This is not the URL of an image; `icon.svg` replaces it.";
                let icon = format!("{}{ICON}", self.base);
                change(document, changes, &place, Some(icon.into()), why);
            }
        }
    }

    fn is_image(&self, url: &str) -> bool {
        if self.own(url).is_some() {
            return self.file(url).is_some();
        }
        Url::parse(url).is_ok() && !url.contains(char::is_whitespace)
    }
}

/// Returns scheme, host and port of the first URL of the add-on.
fn base(document: &Value) -> Option<String> {
    let capabilities = &document["capabilities"];
    let installable = &capabilities["installable"];
    let mut urls = vec![&installable["callbackUrl"], &installable["installedUrl"]];
    let lists = [
        ("glance", "queryUrl"),
        ("webPanel", "url"),
        ("dialog", "url"),
        ("externalPage", "url"),
        ("webhook", "url"),
    ];
    for (name, member) in lists {
        let entries = capabilities[name].as_array().into_iter().flatten();
        urls.extend(entries.map(|entry| &entry[member]));
    }
    urls.push(&capabilities["configurable"]["url"]);
    urls.push(&document["links"]["self"]);
    let origin = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let base = format!("{scheme}://{authority}");
        BaseUrl::new(&base).is_ok().then_some(base)
    };
    urls.into_iter().filter_map(Value::as_str).find_map(origin)
}

/// Replaces the URLs that the SDK serves by ones that hosts accept. Pages keep their query.
pub(super) fn serve(document: &mut Value) {
    let place = |path: &str| Value::from(format!("{PLACEHOLDER_BASE_URL}{path}"));
    if let Some(members) = document.as_object_mut() {
        let links = members.entry("links").or_insert_with(|| json!({}));
        if let Some(links) = links.as_object_mut() {
            links.insert("self".to_owned(), place("/"));
        }
    }
    let Some(capabilities) = document
        .get_mut("capabilities")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    if let Some(installable) = capabilities
        .get_mut("installable")
        .and_then(Value::as_object_mut)
    {
        installable.remove("updateCallbackUrl");
        installable.insert("callbackUrl".to_owned(), place("/installed"));
        for (member, path) in BROWSER {
            if let Some(url) = installable.get_mut(member) {
                *url = place(path);
            }
        }
    }
    for name in ["configurable", "adminPage"] {
        if let Some(page) = capabilities.get_mut(name).and_then(Value::as_object_mut) {
            serve_page(page);
        }
    }
    for name in ["webPanel", "dialog", "externalPage", "glance", "webhook"] {
        let entries = capabilities.get_mut(name).and_then(Value::as_array_mut);
        let entries = entries
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut);
        for entry in entries {
            match name {
                "glance" => {
                    if let Some(url) = entry.get_mut("queryUrl") {
                        *url = place("/glance");
                    }
                }
                "webhook" => {
                    entry.insert("url".to_owned(), place("/webhook"));
                }
                _ => serve_page(entry),
            }
        }
    }
}

fn serve_page(page: &mut serde_json::Map<String, Value>) {
    let url = page.get("url").and_then(Value::as_str).unwrap_or_default();
    let url = format!("{PLACEHOLDER_BASE_URL}/page{}", query(url));
    page.insert("url".to_owned(), url.into());
}

/// Returns the query of a page's URL, from its question mark on, including the variables of its
/// path.
fn query(url: &str) -> String {
    let url = url.split('#').next().unwrap_or_default();
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, query),
        None => (url, ""),
    };
    let mut items: Vec<String> = Vec::new();
    if !query.is_empty() {
        items.push(query.to_owned());
    }
    for part in path.split('{').skip(1) {
        let name = part.split('}').next().unwrap_or_default();
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
        if part.contains('}') && !name.is_empty() && name.chars().all(is_name) {
            let last = name.rsplit('.').next().unwrap_or_default();
            items.push(format!("{last}={{{name}}}"));
        }
    }
    match items.is_empty() {
        true => String::new(),
        false => format!("?{}", items.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(callback: &str) -> Addresses {
        Addresses::of(&json!({ "capabilities": { "installable": { "callbackUrl": callback } } }))
    }

    #[test]
    fn own_files_are_distinguished() {
        let own = addresses("https://a.example:8443/x/installed");
        assert_eq!(own.base(), "https://a.example:8443");
        for (url, expected) in [
            ("https://a.example:8443/img/i@2x.png", Some("/img/i@2x.png")),
            ("https://a.example:8443/img/i.png?v=2", Some("/img/i.png")),
            ("https://a.example:8443", None),
            ("https://a.example:8443/", None),
            ("https://a.example:84430/i.png", None),
            ("https://a.example/i.png", None),
            ("https://a.example:8443/glance/i.png", None),
            ("https://a.example:8443/{*rest}", None),
            ("https://a.example:8443/:id", None),
            ("https://a.example:8443//i.png", None),
            ("https://a.example:8443/../i.png", None),
            ("https://a.example:8443/ü.png", None),
            ("/i.png", None),
        ] {
            assert_eq!(own.file(url).map(|(path, _)| path), expected, "{url}");
        }
        for other in ["ftp://a/", "https://u:p@a.example/", "installed", ""] {
            assert_eq!(addresses(other).base(), PLACEHOLDER_BASE_URL, "{other}");
        }
    }

    #[test]
    fn pages_keep_their_queries_and_variables() {
        for (url, expected) in [
            ("https://a.example/x", ""),
            ("https://a.example/x?a=1&b={room.id}#c", "?a=1&b={room.id}"),
            ("https://a.example/job/{jobId}", "?jobId={jobId}"),
            (
                "{message.metadata.id}/x?y=1",
                "?y=1&id={message.metadata.id}",
            ),
            ("https://a.example/{a b}/{}/{open", ""),
        ] {
            assert_eq!(query(url), expected, "{url}");
        }
    }
}
