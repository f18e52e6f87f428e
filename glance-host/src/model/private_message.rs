//! What was written to one person.

use glance_sdk::model::{MessageFormat, OauthId, UserId};

use super::Installed;
use super::entry::now_in_micros;

/// How many messages to one person are kept.
pub const MAX_PRIVATE_MESSAGES: u32 = 1_000;

/// What an add-on wrote to one person, in no room.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PrivateMessage {
    /// Names it: a UUID.
    pub id: String,
    /// To whom.
    pub to: UserId,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// Whose installation wrote it.
    pub from: OauthId,
    /// The name it had then.
    pub sender_name: String,
    /// The text, as it was written.
    pub text: String,
    /// Whether it is plain text or HTML.
    pub format: MessageFormat,
    /// Whether the person is to be alerted.
    pub notify: bool,
    /// Whether the person has seen it.
    pub is_read: bool,
}

impl PrivateMessage {
    /// What an add-on writes now.
    pub fn new(
        to: UserId,
        by: &Installed,
        text: impl Into<String>,
        format: MessageFormat,
        notify: bool,
    ) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            to,
            at: now_in_micros(),
            from: by.oauth_id.clone(),
            sender_name: by.sender_name().to_owned(),
            text: text.into(),
            format,
            notify,
            is_read: false,
        }
    }
}
