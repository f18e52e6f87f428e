//! Renders entries for pages: sanitized, and the same for everyone in the room.

use std::collections::HashMap;
use std::sync::Arc;

use glance_sdk::model::{Color, Icon, MessageFormat, Notification, OauthId};
use serde::Serialize;

use crate::content::card::{Body, Card};
use crate::content::image_urls::{ImageUrls, InstallationImages};
use crate::content::{html, label, wire};
use crate::model::{Content, Entry, Installed, Sender, User};
use crate::service::directory::Directory;
use crate::storage::{Storage, StorageError};

/// The longest excerpt of an answered entry, in characters.
const MAX_EXCERPT: usize = 140;

/// The colours that `random` chooses from.
const COLORS: [Color; 5] = [
    Color::Yellow,
    Color::Green,
    Color::Red,
    Color::Purple,
    Color::Gray,
];

/// An entry as pages show it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Rendered {
    id: String,
    /// The time, for example `2016-09-09T08:23:02.932694+00:00`.
    at: String,
    sender: RenderedSender,
    /// The entry that this one answers, or is attached to.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<Parent>,
    #[serde(flatten)]
    content: RenderedContent,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RenderedSender {
    id: String,
    name: String,
    is_add_on: bool,
    /// The add-on's picture, with URLs of the host.
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
enum RenderedContent {
    Message {
        text: String,
        /// The mention names in the text that belong to people.
        mentions: Vec<String>,
    },
    Notification {
        /// The addition to the sender's name.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        color: Color,
        notify: bool,
        /// As in a message; only for plain text.
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

/// A cache of the pictures of add-ons while entries are rendered.
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

    /// Renders an entry, whose sender is this installation if it is one.
    pub(crate) async fn render_new(
        &self,
        entry: &Entry,
        sender: Option<&Installed>,
    ) -> Result<Rendered, StorageError> {
        let mut avatars = Avatars::default();
        if let Some(sender) = sender {
            let avatar = self.images.of(&sender.oauth_id).avatar(&sender.descriptor);
            avatars.0.insert(sender.oauth_id.clone(), avatar);
        }
        self.render_with(&mut avatars, entry).await
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
        let (content, parent) = match &entry.content {
            Content::Message(message) => {
                let mentions = names(self.storage.users_by_id(&message.mentions).await?);
                let text = message.text.clone();
                (
                    RenderedContent::Message { text, mentions },
                    &message.reply_to,
                )
            }
            Content::Notification(notification) => {
                let sender = image_signer(&entry.sender);
                let images = self.images.of(&sender);
                let mentions = names(self.directory.mentioned_by(notification).await?);
                (
                    render_notification(entry, notification, mentions, images),
                    &notification.attach_to,
                )
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
            sender: RenderedSender {
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
            content,
        })
    }

    async fn avatar(
        &self,
        avatars: &mut Avatars,
        id: &OauthId,
    ) -> Result<Option<Icon>, StorageError> {
        if let Some(avatar) = avatars.0.get(id) {
            return Ok(avatar.clone());
        }
        let installed = self.storage.installation(id).await?;
        let avatar =
            installed.and_then(|installed| self.images.of(id).avatar(&installed.descriptor));
        avatars.0.insert(id.clone(), avatar.clone());
        Ok(avatar)
    }
}

fn render_notification(
    entry: &Entry,
    notification: &Notification,
    mentions: Vec<String>,
    images: InstallationImages<'_>,
) -> RenderedContent {
    let color = match notification.color.clone().unwrap_or(Color::Yellow) {
        Color::Random => {
            // Derived from the id: everyone sees the same colour, also after a reload.
            let chance: usize = entry.id.bytes().map(usize::from).sum();
            COLORS[chance % COLORS.len()].clone()
        }
        color => color,
    };
    RenderedContent::Notification {
        from: notification
            .from
            .clone()
            .filter(|from| !from.trim().is_empty()),
        color,
        notify: notification.notify == Some(true),
        mentions,
        body: match &notification.card {
            Some(card) => Body::Card(Box::new(Card::new(card, images))),
            None => match body(notification) {
                Body::Html(html) => Body::Html(html::proxy_pictures(&html, images)),
                other => other,
            },
        },
    }
}

fn body(notification: &Notification) -> Body {
    match notification.message_format {
        Some(MessageFormat::Text) => Body::Text(notification.message.clone()),
        _ => Body::Html(html::message(&notification.message)),
    }
}

/// Returns the id for which the image URLs of an entry are signed.
fn image_signer(sender: &Sender) -> OauthId {
    match sender {
        Sender::Person(id) => OauthId::from(id.to_string()),
        Sender::AddOn(id) => OauthId::from(id.to_string()),
    }
}

/// Returns the first words of an entry.
fn excerpt(content: &Content) -> String {
    let words = match content {
        Content::Message(message) => message.text.clone(),
        Content::Notification(notification) => {
            let title = notification
                .card
                .as_ref()
                .and_then(|card| card.title.clone());
            title.unwrap_or_else(|| match body(notification) {
                Body::Html(html) => label::text(&html),
                _ => notification.message.clone(),
            })
        }
    };
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(MAX_EXCERPT) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}

#[cfg(test)]
mod tests;
