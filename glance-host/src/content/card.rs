//! Renders cards: URLs are checked, HTML is sanitized, and all lengths are limited.

use glance_sdk::model::notification::{self as sent, CardFormat, Description};
use glance_sdk::model::{CardStyle, MessageFormat, Picture};
use serde::Serialize;
use serde_json::Number;

use crate::content::html;
use crate::content::image_urls::InstallationImages;

/// The body of a notification, or a text in its card.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Body {
    Text(String),
    /// Sanitized HTML.
    Html(String),
    Card(Box<Card>),
}

/// The longest title, label or value, in characters.
const MAX_LINE: usize = 500;

/// The longest description and activity, in characters.
const MAX_TEXT: usize = 10_000;

/// The longest URL, in bytes: pictures may be `data:` URLs.
const MAX_URL: usize = 100_000;

/// The largest number of attributes.
const MAX_ATTRIBUTES: usize = 50;

/// A card as pages show it.
#[derive(Debug, Serialize)]
pub(crate) struct Card {
    style: CardStyle,
    format: CardFormat,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<Body>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<Image>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<Activity>,
    attributes: Vec<Attribute>,
}

#[derive(Debug, Serialize)]
struct Image {
    url: String,
    #[serde(rename = "url@2x", skip_serializing_if = "Option::is_none")]
    url_2x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<Number>,
}

#[derive(Debug, Serialize)]
struct Activity {
    html: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<Image>,
}

#[derive(Debug, Serialize)]
struct Attribute {
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    value: String,
    /// The kind of lozenge, with the names that glances use.
    #[serde(skip_serializing_if = "Option::is_none")]
    lozenge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icon: Option<Image>,
}

impl Card {
    pub(crate) fn new(card: &sent::Card, images: InstallationImages<'_>) -> Self {
        let icon = |picture: &Picture| icon(picture, images);
        let attributes = card.attributes.iter().flatten().take(MAX_ATTRIBUTES);
        Self {
            style: card.style.clone(),
            format: card.format.clone().unwrap_or(CardFormat::Medium),
            title: truncate(card.title.as_deref().unwrap_or_default(), MAX_LINE),
            url: link(card.url.as_ref()),
            description: card.description.as_ref().and_then(description),
            thumbnail: card.thumbnail.as_ref().and_then(|picture| {
                Some(Image {
                    width: picture.width.clone(),
                    height: picture.height.clone(),
                    ..image(&picture.url, picture.url_2x.as_deref(), images)?
                })
            }),
            icon: card.icon.as_ref().and_then(icon),
            activity: card.activity.as_ref().map(|activity| Activity {
                html: html::card(&truncate(&activity.html, MAX_TEXT)),
                icon: activity.icon.as_ref().and_then(icon),
            }),
            attributes: attributes.map(|one| attribute(one, images)).collect(),
        }
    }
}

fn description(description: &Description) -> Option<Body> {
    let (text, is_html) = match description {
        Description::Text(text) => (text, false),
        Description::Formatted(text) => (&text.value, text.format == Some(MessageFormat::Html)),
        _ => return None,
    };
    let text = truncate(text, MAX_TEXT);
    Some(match is_html {
        true => Body::Html(html::card(&text)),
        false => Body::Text(text),
    })
}

fn attribute(attribute: &sent::Attribute, images: InstallationImages<'_>) -> Attribute {
    let value = &attribute.value;
    let style = value.style.as_ref().map(sent::AttributeStyle::as_str);
    let lozenge = style.and_then(|style| match style.strip_prefix("lozenge")? {
        "" => Some("default"),
        kind => kind.strip_prefix('-'),
    });
    Attribute {
        label: attribute
            .label
            .as_ref()
            .map(|label| truncate(label, MAX_LINE)),
        value: truncate(&value.label, MAX_LINE),
        lozenge: lozenge.map(|kind| truncate(kind, MAX_LINE)),
        url: link(value.url.as_ref()),
        icon: value
            .icon
            .as_ref()
            .and_then(|picture| icon(picture, images)),
    }
}

fn icon(picture: &Picture, images: InstallationImages<'_>) -> Option<Image> {
    match picture {
        Picture::Url(url) => image(url, None, images),
        Picture::Icon(icon) => image(&icon.url, icon.url_2x.as_deref(), images),
        _ => None,
    }
}

fn image(url: &str, url_2x: Option<&str>, images: InstallationImages<'_>) -> Option<Image> {
    let is_allowed = |url: &&str| url.len() <= MAX_URL && html::is_picture(url);
    Some(Image {
        url: images.proxied(Some(url).filter(is_allowed)?),
        url_2x: url_2x.filter(is_allowed).map(|url| images.proxied(url)),
        width: None,
        height: None,
    })
}

fn link(url: Option<&String>) -> Option<String> {
    let link = url.filter(|url| url.len() <= MAX_URL && html::is_link(url));
    link.cloned()
}

fn truncate(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
