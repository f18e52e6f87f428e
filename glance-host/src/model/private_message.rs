//! Private messages of add-ons to people.

use glance_sdk::model::{MessageFormat, OauthId, UserId};

use super::Installed;
use super::entry::now_in_micros;

/// The number of private messages that are stored per person.
pub const MAX_PRIVATE_MESSAGES: u32 = 1_000;

/// A message of an add-on to one person.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PrivateMessage {
    /// The id, a UUID.
    pub id: String,
    /// The recipient.
    pub to: UserId,
    /// The time, in microseconds since 1970.
    pub at: i64,
    /// The installation that sent it.
    pub from: OauthId,
    /// The name of the add-on at that time.
    pub sender_name: String,
    /// The text as it was sent.
    pub text: String,
    /// The format of the text.
    pub format: MessageFormat,
    /// Whether to alert the person.
    pub notify: bool,
    /// Whether the person has read it.
    pub is_read: bool,
}

impl PrivateMessage {
    /// Creates a message of an add-on with the current time.
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
