//! Sanitizes the HTML of notifications and cards. It keeps what protocol section 8.2 allows; links open a new tab
//! without a referrer, and pictures load from the host or are `data:` URLs.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use glance_sdk::label::Escaped;
use regex::{Captures, Regex};
use reqwest::Url;

use crate::content::image_urls::InstallationImages;
use crate::content::label;

const MESSAGE_TAGS: [&str; 21] = [
    "a", "b", "br", "code", "em", "i", "img", "li", "ol", "pre", "span", "strong", "table",
    "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption",
];

const CARD_TAGS: [&str; 5] = ["a", "b", "i", "span", "strong"];

/// The formatting elements of cards.
const PLAIN_CARD_TAGS: [&str; 3] = ["b", "i", "strong"];

/// The formatting elements of messages, and `br`.
const PLAIN_MESSAGE_TAGS: [&str; 6] = ["b", "br", "code", "em", "i", "strong"];

/// Elements that are removed with their content, because it is no text for people.
const REMOVED: [&str; 10] = [
    "iframe", "noembed", "noframes", "noscript", "script", "style", "template", "textarea",
    "title", "xmp",
];

const STYLES: [&str; 5] = ["color", "font-weight", "height", "text-decoration", "width"];

static MESSAGES: LazyLock<Builder<'static>> = LazyLock::new(|| builder(&MESSAGE_TAGS));
static CARDS: LazyLock<Builder<'static>> = LazyLock::new(|| builder(&CARD_TAGS));

fn builder(tags: &[&'static str]) -> Builder<'static> {
    let cell = ["colspan", "rowspan", "valign"].as_slice();
    let attributes: HashMap<&str, HashSet<&str>> = [
        (
            "a",
            ["href", "data-target", "data-target-options"].as_slice(),
        ),
        ("img", &["src", "alt", "width", "height", "align", "style"]),
        ("span", &["style"]),
        ("td", cell),
        ("th", cell),
        ("tr", &["valign"]),
    ]
    .into_iter()
    .filter(|(tag, _)| tags.contains(tag))
    .map(|(tag, names)| (tag, names.iter().copied().collect()))
    .collect();
    let mut builder = Builder::empty();
    builder
        .tags(tags.iter().copied().collect())
        .clean_content_tags(HashSet::from(REMOVED))
        .generic_attributes(HashSet::new())
        .tag_attributes(attributes)
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow"))
        .filter_style_properties(HashSet::from(STYLES))
        .url_schemes(HashSet::from(["http", "https", "mailto", "data"]))
        .url_relative(UrlRelative::Deny)
        .attribute_filter(|_, attribute, value| {
            let is_allowed = match attribute {
                "href" => is_link(value),
                "src" => is_picture(value),
                _ => true,
            };
            is_allowed.then_some(Cow::Borrowed(value))
        });
    builder
}

/// Matches a style in sanitized HTML, where quotes delimit values only.
static STYLE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(<(?:span|img)(?: [a-z-]+="[^"]*")*?) style=""#).ok());

/// The longest sanitized HTML, in bytes; longer HTML is reduced to its text.
const MAX_HTML: usize = 100_000;

/// Matches the URL of a picture in sanitized HTML.
static PICTURE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"(<img(?: [a-z-]+="[^"]*")*?) src="([^"]*)""#).ok());

/// Sanitizes the message of a notification.
pub(crate) fn message(html: &str) -> String {
    clean(&MESSAGES, &PLAIN_MESSAGE_TAGS, html)
}

/// Replaces the picture URLs in sanitized HTML by URLs of the host.
pub(crate) fn proxy_pictures(clean: &str, images: InstallationImages<'_>) -> String {
    if !clean.contains("<img") {
        return clean.to_owned();
    }
    let Some(picture) = &*PICTURE else {
        return ammonia::clean_text(clean);
    };
    let proxied = |found: &Captures<'_>| {
        let address = decode_attribute(&found[2]);
        format!(
            "{} src=\"{}\"",
            &found[1],
            Escaped(&images.proxied(&address))
        )
    };
    picture.replace_all(clean, proxied).into_owned()
}

/// Decodes an attribute's value; `&` is decoded last.
fn decode_attribute(value: &str) -> String {
    let pairs = [
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", "\u{a0}"),
        ("&amp;", "&"),
    ];
    pairs.iter().fold(value.to_owned(), |value, (from, to)| {
        value.replace(from, to)
    })
}

/// Sanitizes the HTML in a card.
pub(crate) fn card(html: &str) -> String {
    clean(&CARDS, &PLAIN_CARD_TAGS, html)
}

fn clean(builder: &Builder<'_>, plain_tags: &[&str], html: &str) -> String {
    if html.len() <= MAX_HTML && label::is_plain(html, plain_tags) {
        return html.to_owned();
    }
    let clean = builder.clean(&label::limit_elements(html)).to_string();
    let clean = label::normalize_line_breaks(clean);
    // The page parses this again, and a parser drops the first line break of a `pre`.
    let clean = clean.replace("<pre>\n", "<pre>\n\n");
    // The page's policy forbids the attribute; its script sets the properties.
    let clean = match &*STYLE {
        Some(style) => style.replace_all(&clean, "$1 data-style=\"").into_owned(),
        None => clean,
    };
    match clean.len() {
        0..=MAX_HTML => clean,
        _ => {
            let words: String = label::text(&clean).chars().take(10_000).collect();
            ammonia::clean_text(&words)
        }
    }
}

/// Returns whether a click may open this URL.
pub(crate) fn is_link(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
}

/// Returns whether a page may load a picture from this URL.
pub(crate) fn is_picture(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| match url.scheme() {
        "http" | "https" => true,
        "data" => url.path().starts_with("image/"),
        _ => false,
    })
}

#[cfg(test)]
mod tests;
