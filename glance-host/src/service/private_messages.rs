//! Private messages of add-ons to people.

use std::fmt;
use std::sync::Arc;

use glance_sdk::model::{MessageFormat, Notification, UserId};

use crate::cluster::rate_limits::{Allowance, Exceeded, Limits};
use crate::model::{Installed, PrivateMessage, User};
use crate::storage::{Storage, StorageError};

/// Sends and lists private messages.
#[derive(Debug, Clone)]
pub(crate) struct PrivateMessages {
    storage: Arc<dyn Storage>,
    limits: Arc<Limits>,
}

/// The reason why a private message was not sent.
#[derive(Debug)]
pub(crate) enum PrivateMessageError {
    /// The person was removed from the host.
    Removed,
    /// The installation sends too much to this person.
    TooMany(Exceeded),
    Storage(StorageError),
}

impl From<StorageError> for PrivateMessageError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl fmt::Display for PrivateMessageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Removed => f.write_str("the person was removed from the host"),
            Self::TooMany(_) => f.write_str("the add-on sends too much to this person"),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for PrivateMessageError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Storage(error) => Some(error),
            Self::Removed | Self::TooMany(_) => None,
        }
    }
}

impl PrivateMessages {
    pub(crate) fn new(storage: Arc<dyn Storage>, limits: Arc<Limits>) -> Self {
        Self { storage, limits }
    }

    /// Returns the latest messages to a person, oldest first, as they were before this call marks them as read.
    pub(crate) async fn read(
        &self,
        user: UserId,
        at_most: u32,
    ) -> Result<Vec<PrivateMessage>, StorageError> {
        let messages = self.storage.private_messages(user, at_most).await?;
        if let Some(newest) = messages.last().filter(|newest| !newest.is_read) {
            // They stay unread while the disk is full.
            if let Err(error) = self.storage.mark_read(user, &newest.id).await {
                let error = format!("{error:#}");
                tracing::error!(%user, error, "marking messages as read failed");
            }
        }
        Ok(messages)
    }

    /// Sends a message of an add-on to a person. Returns the rest of the installation's limit.
    pub(crate) async fn send(
        &self,
        installed: &Installed,
        to: &User,
        message: Notification,
    ) -> Result<Allowance, PrivateMessageError> {
        if to.is_removed {
            return Err(PrivateMessageError::Removed);
        }
        let allowance = self.limits.message(&installed.oauth_id, to.id);
        let allowance = allowance.map_err(PrivateMessageError::TooMany)?;
        // The default format of private messages differs from that of notifications.
        let format = message.message_format.unwrap_or(MessageFormat::Text);
        let notify = message.notify.unwrap_or(false);
        let message = PrivateMessage::new(to.id, installed, message.message, format, notify);
        self.storage.put_private_message(&message).await?;
        Ok(allowance)
    }
}
