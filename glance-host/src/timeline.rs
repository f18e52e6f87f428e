//! A room's timeline as its page gets it: made harmless, and the same for everyone who looks.

mod card;

use glance_sdk::model::{Color, MessageFormat, Notification, OauthId};
use serde::Serialize;

use crate::icons::Images;
use crate::shared::Shared;
use crate::state::{Content, Entry, Sender, StateError, User};
use crate::{html, label, wire};
use card::Card;

/// How much of an entry stands over one that answers it, in characters.
const EXCERPT: usize = 140;

/// What `random` chooses from.
const COLORS: [Color; 5] = [
    Color::Yellow,
    Color::Green,
    Color::Red,
    Color::Purple,
    Color::Gray,
];

/// An entry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Shown {
    id: String,
    /// When, for example `2016-09-09T08:23:02.932694+00:00`.
    at: String,
    sender: By,
    /// What it answers, or is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Parent>,
    #[serde(flatten)]
    said: Said,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct By {
    id: String,
    name: String,
    is_add_on: bool,
}

#[derive(Debug, Serialize)]
struct Parent {
    id: String,
    /// The id of who wrote it.
    by: String,
    name: String,
    excerpt: String,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
enum Said {
    Message {
        text: String,
        /// The names behind an `@` that are somebody's.
        mentions: Vec<String>,
    },
    Notification {
        /// Stands beside the sender's name.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        color: Color,
        notify: bool,
        #[serde(flatten)]
        body: Body,
    },
}

/// What a notification says, or a part of its card.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Body {
    Text(String),
    /// Sanitized.
    Html(String),
    Card(Box<Card>),
}

pub(crate) async fn shown(shared: &Shared, entry: &Entry) -> Result<Shown, StateError> {
    let (said, parent) = match &entry.content {
        Content::Message(message) => {
            let mentioned = shared.state.users_with(&message.mentions).await?;
            let mentions = mentioned.iter().map(User::mention_name).collect();
            let text = message.text.clone();
            (Said::Message { text, mentions }, &message.reply_to)
        }
        Content::Notification(said) => {
            let sender = sender(&entry.sender);
            let images = shared.images.of(&sender);
            (notification(entry, said, images), &said.attach_to)
        }
    };
    let parent = match parent {
        Some(id) => shared.state.entry(entry.room_id, id).await?,
        None => None,
    };
    let (id, is_add_on) = match &entry.sender {
        Sender::Person(id) => (id.to_string(), false),
        Sender::AddOn(id) => (id.to_string(), true),
    };
    Ok(Shown {
        id: entry.id.clone(),
        at: wire::date(entry.at),
        sender: By {
            id,
            name: entry.sender_name.clone(),
            is_add_on,
        },
        parent: parent.map(|parent| Parent {
            excerpt: excerpt(&parent.content),
            by: parent.sender.to_string(),
            id: parent.id,
            name: parent.sender_name,
        }),
        said,
    })
}

fn notification(entry: &Entry, said: &Notification, images: Images<'_>) -> Said {
    let color = match said.color.clone().unwrap_or(Color::Yellow) {
        Color::Random => {
            // The same for everyone, and each time.
            let chance: usize = entry.id.bytes().map(usize::from).sum();
            COLORS[chance % COLORS.len()].clone()
        }
        color => color,
    };
    Said::Notification {
        from: said.from.clone().filter(|from| !from.trim().is_empty()),
        color,
        notify: said.notify == Some(true),
        body: match &said.card {
            Some(card) => Body::Card(Box::new(Card::new(card, images))),
            None => match body(said) {
                Body::Html(html) => Body::Html(html::by_host(&html, images)),
                other => other,
            },
        },
    }
}

fn body(said: &Notification) -> Body {
    match said.message_format {
        Some(MessageFormat::Text) => Body::Text(said.message.clone()),
        _ => Body::Html(html::message(&said.message)),
    }
}

/// Who names the pictures of an entry.
fn sender(sender: &Sender) -> OauthId {
    match sender {
        Sender::Person(id) => OauthId::from(id.to_string()),
        Sender::AddOn(id) => OauthId::from(id.to_string()),
    }
}

/// Its first words.
fn excerpt(content: &Content) -> String {
    let words = match content {
        Content::Message(message) => message.text.clone(),
        Content::Notification(said) => {
            let title = said.card.as_ref().and_then(|card| card.title.clone());
            title.unwrap_or_else(|| match body(said) {
                Body::Html(html) => label::text(&html),
                _ => said.message.clone(),
            })
        }
    };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(EXCERPT) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests;
