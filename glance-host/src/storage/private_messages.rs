//! The storage of messages of add-ons to one person.

use std::fmt;

use async_trait::async_trait;
use glance_sdk::model::UserId;

use super::Result;
use crate::model::PrivateMessage;

/// Stores private messages.
#[async_trait]
pub trait PrivateMessageStore: fmt::Debug + Send + Sync + 'static {
    /// Stores a message, and keeps the newest [`MAX_PRIVATE_MESSAGES`](crate::model::MAX_PRIVATE_MESSAGES)
    /// to its person.
    async fn put_private_message(&self, message: &PrivateMessage) -> Result<()>;

    /// Returns the newest messages to a person, oldest first.
    async fn private_messages(&self, to: UserId, at_most: u32) -> Result<Vec<PrivateMessage>>;

    /// Counts the messages that a person has not read.
    async fn count_unread(&self, to: UserId) -> Result<u64>;

    /// Marks the message with this id, and earlier ones to the same person, as read.
    async fn mark_read(&self, to: UserId, id: &str) -> Result<()>;
}
