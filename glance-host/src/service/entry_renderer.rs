//! Renders entries for pages: sanitized, and the same for everyone in the room.

use std::collections::HashMap;
use std::sync::Arc;

use glance_sdk::model::{Color, Icon, MessageFormat, Notification, OauthId};
use serde::Serialize;

use crate::content::card::{Body, Card};
use crate::content::image_urls::{ImageUrls, InstallationImages};
use crate::content::{html, label, wire};
use crate::model::{Content, Entry, Sender, User};
use crate::service::directory::Directory;
use crate::storage::{Storage, StorageError};

/// The length of the excerpt of an answered entry, in characters.
const EXCERPT: usize = 140;

/// The colours that `random` chooses from.
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
pub(crate) struct Rendered {
    id: String,
    /// When, for example `2016-09-09T08:23:02.932694+00:00`.
    at: String,
    sender: By,
    /// The entry that this one answers, or is attached to.
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
    /// The picture that an add-on has of itself, by way of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    avatar: Option<Icon>,
}

#[derive(Debug, Serialize)]
struct Parent {
    id: String,
    /// The id of its author.
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
        /// As in a message; in plain text only.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        mentions: Vec<String>,
        #[serde(flatten)]
        body: Body,
    },
}

/// Renders entries for pages.
#[derive(Debug, Clone)]
pub(crate) struct EntryRenderer {
    storage: Arc<dyn Storage>,
    directory: Directory,
    images: Arc<ImageUrls>,
}

/// The pictures of add-ons, each looked up once.
#[derive(Default)]
struct Avatars(HashMap<OauthId, Option<Icon>>);

impl EntryRenderer {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        directory: Directory,
        images: Arc<ImageUrls>,
    ) -> Self {
        Self {
            storage,
            directory,
            images,
        }
    }

    pub(crate) async fn render(&self, entry: &Entry) -> Result<Rendered, StorageError> {
        self.render_with(&mut Avatars::default(), entry).await
    }

    /// Renders several entries, in their order.
    pub(crate) async fn render_all(
        &self,
        entries: &[Entry],
    ) -> Result<Vec<Rendered>, StorageError> {
        let mut avatars = Avatars::default();
        let mut rendered = Vec::with_capacity(entries.len());
        for entry in entries {
            rendered.push(self.render_with(&mut avatars, entry).await?);
        }
        Ok(rendered)
    }

    async fn render_with(
        &self,
        avatars: &mut Avatars,
        entry: &Entry,
    ) -> Result<Rendered, StorageError> {
        let names = |users: Vec<User>| users.iter().map(User::mention_name).collect();
        let (body, parent) = match &entry.content {
            Content::Message(message) => {
                let mentions = names(self.storage.users_with(&message.mentions).await?);
                let text = message.text.clone();
                (Said::Message { text, mentions }, &message.reply_to)
            }
            Content::Notification(said) => {
                let sender = sender(&entry.sender);
                let images = self.images.of(&sender);
                let mentions = names(self.directory.mentioned_by(said).await?);
                (notification(entry, said, mentions, images), &said.attach_to)
            }
        };
        let parent = match parent {
            Some(id) => self.storage.entry(entry.room_id, id).await?,
            None => None,
        };
        let (id, is_add_on, avatar) = match &entry.sender {
            Sender::Person(id) => (id.to_string(), false, None),
            Sender::AddOn(id) => (id.to_string(), true, self.avatar(avatars, id).await?),
        };
        Ok(Rendered {
            id: entry.id.clone(),
            at: wire::date(entry.at),
            sender: By {
                id,
                name: entry.sender_name.clone(),
                is_add_on,
                avatar,
            },
            parent: parent.map(|parent| Parent {
                excerpt: excerpt(&parent.content),
                by: parent.sender.to_string(),
                id: parent.id,
                name: parent.sender_name,
            }),
            said: body,
        })
    }

    async fn avatar(
        &self,
        known: &mut Avatars,
        id: &OauthId,
    ) -> Result<Option<Icon>, StorageError> {
        if let Some(known) = known.0.get(id) {
            return Ok(known.clone());
        }
        let installed = self.storage.installation(id).await?;
        let avatar =
            installed.and_then(|installed| self.images.of(id).avatar(&installed.descriptor));
        known.0.insert(id.clone(), avatar.clone());
        Ok(avatar)
    }
}

fn notification(
    entry: &Entry,
    said: &Notification,
    mentions: Vec<String>,
    images: InstallationImages<'_>,
) -> Said {
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
        mentions,
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

/// Returns the id under which the images of an entry are signed.
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
