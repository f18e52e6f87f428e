//! Posts messages and notifications to rooms, for pages, the REST API and the program.

use std::fmt;
use std::sync::Arc;

use glance_sdk::model::Notification;

use crate::cluster::rate_limits::{Allowance, Exceeded, Limits};
use crate::model::{Archived, Content, Entry, Installed, Message, Room, User};
use crate::service::directory::Directory;
use crate::service::post_check::{PostRefused, check_post};
use crate::service::timeline::AppendError;
use crate::service::webhooks::Webhooks;
use crate::storage::{Storage, StorageError};

/// The longest text of a message, in characters.
pub(crate) const MAX_TEXT: usize = 10_000;

/// Posts entries to rooms.
#[derive(Debug, Clone)]
pub(crate) struct Messages {
    storage: Arc<dyn Storage>,
    directory: Directory,
    webhooks: Webhooks,
    limits: Arc<Limits>,
}

/// A message before it is posted.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) text: String,
    /// The UUID that the client chose. A client that posts the same draft again posts it once.
    pub(crate) id: Option<String>,
    /// The id of the entry that this one answers.
    pub(crate) reply_to: Option<String>,
}

impl From<String> for Draft {
    fn from(text: String) -> Self {
        Self {
            text,
            ..Self::default()
        }
    }
}

/// The reason why an entry was not posted.
#[derive(Debug)]
#[non_exhaustive]
pub enum PostError {
    /// The room with this name is archived.
    Archived(String),
    /// The text has this many characters; 1 to 10,000 are allowed.
    Length(usize),
    /// The room has no entry with this id to reply to.
    NoParent(String),
    /// The id is no UUID.
    BadId,
    /// Another message has the id.
    IdTaken,
    /// The entry cannot be rendered for pages.
    Render(serde_json::Error),
    /// The database failed.
    Storage(StorageError),
}

/// The reason why an entry of an add-on was not posted.
#[derive(Debug)]
pub(crate) enum AddOnPostError {
    Post(PostError),
    /// The installation posts too much.
    TooMany(Exceeded),
}

impl From<PostError> for AddOnPostError {
    fn from(error: PostError) -> Self {
        Self::Post(error)
    }
}

impl From<AppendError> for AddOnPostError {
    fn from(error: AppendError) -> Self {
        Self::Post(error.into())
    }
}

impl From<PostRefused> for AddOnPostError {
    fn from(refused: PostRefused) -> Self {
        match refused {
            PostRefused::Archived(error) => Self::Post(error.into()),
            PostRefused::TooMany(exceeded) => Self::TooMany(exceeded),
        }
    }
}

impl fmt::Display for AddOnPostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Post(error) => error.fmt(f),
            Self::TooMany(_) => f.write_str("the add-on posts too much"),
        }
    }
}

impl std::error::Error for AddOnPostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Post(error) => error.source(),
            Self::TooMany(_) => None,
        }
    }
}

impl fmt::Display for PostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Archived(name) => Archived(name.clone()).fmt(f),
            Self::Length(length) => write!(
                f,
                "the message has {length} characters, 1 to {MAX_TEXT} are allowed"
            ),
            Self::NoParent(id) => write!(f, "message {id} not found"),
            Self::BadId => f.write_str("the id of the message is no UUID"),
            Self::IdTaken => f.write_str("another message has this id"),
            Self::Render(error) => write!(f, "the entry cannot be rendered: {error}"),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PostError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Render(error) => Some(error),
            Self::Storage(error) => Some(error),
            _ => None,
        }
    }
}

impl From<Archived> for PostError {
    fn from(Archived(name): Archived) -> Self {
        Self::Archived(name)
    }
}

impl From<StorageError> for PostError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<AppendError> for PostError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Storage(error) => Self::Storage(error),
            AppendError::Render(error) => Self::Render(error),
        }
    }
}

impl Messages {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        directory: Directory,
        webhooks: Webhooks,
        limits: Arc<Limits>,
    ) -> Self {
        Self {
            storage,
            directory,
            webhooks,
            limits,
        }
    }

    /// Posts a message of a person. A draft with the id of an equal entry returns that entry.
    pub(crate) async fn post(
        &self,
        room: &Room,
        user: &User,
        mut draft: Draft,
    ) -> Result<Entry, PostError> {
        room.check_writable()?;
        let id = draft.id.take();
        let message = self.message(room, draft).await?;
        let mut entry = Entry::message(room.id, user, message);
        if let Some(id) = id {
            let id = uuid::Uuid::try_parse(&id).map_err(|_| PostError::BadId)?;
            entry.id = id.to_string();
        }
        if self.webhooks.post(&entry, None).await? {
            return Ok(entry);
        }
        let stored = self.storage.entry(room.id, &entry.id).await?;
        let is_same =
            |stored: &Entry| stored.sender == entry.sender && stored.content == entry.content;
        stored.filter(is_same).ok_or(PostError::IdTaken)
    }

    /// Posts a message of an add-on. Returns the entry and the rest of the installation's limit.
    pub(crate) async fn post_as_add_on(
        &self,
        room: &Room,
        installed: &Installed,
        draft: Draft,
    ) -> Result<(Entry, Allowance), AddOnPostError> {
        let message = self.message(room, draft).await?;
        let content = Content::Message(message);
        self.post_content(room, installed, content).await
    }

    /// Posts a notification of an add-on. Returns the entry and the rest of the installation's limit.
    pub(crate) async fn notify(
        &self,
        room: &Room,
        installed: &Installed,
        notification: Notification,
    ) -> Result<(Entry, Allowance), AddOnPostError> {
        let content = Content::Notification(Box::new(notification));
        self.post_content(room, installed, content).await
    }

    async fn post_content(
        &self,
        room: &Room,
        installed: &Installed,
        content: Content,
    ) -> Result<(Entry, Allowance), AddOnPostError> {
        let allowance = check_post(&self.limits, room, &installed.oauth_id)?;
        let entry = Entry::new(room.id, installed, content);
        self.webhooks.post(&entry, Some(installed)).await?;
        Ok((entry, allowance))
    }

    /// Checks the text and the parent of a draft, and finds the people whom it mentions.
    async fn message(&self, room: &Room, draft: Draft) -> Result<Message, PostError> {
        let length = draft.text.chars().count();
        if !(1..=MAX_TEXT).contains(&length) {
            return Err(PostError::Length(length));
        }
        if let Some(parent) = &draft.reply_to
            && self.storage.entry(room.id, parent).await?.is_none()
        {
            return Err(PostError::NoParent(parent.clone()));
        }
        let users = self.directory.mentioned_in(&draft.text).await?;
        let mut message = Message::new(draft.text, &users);
        message.reply_to = draft.reply_to;
        Ok(message)
    }
}
