//! The entries of a room's timeline.

use std::collections::HashSet;
use std::fmt;
use std::time::UNIX_EPOCH;

use glance_sdk::model::{Notification, OauthId, RoomId, UserId};
use serde::{Deserialize, Serialize};

use super::clock::machine_system_time;
use super::{Installed, User};

/// An entry of a room's timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The id, a UUID.
    pub id: String,
    /// The room.
    pub room_id: RoomId,
    /// The time, in microseconds since 1970.
    pub at: i64,
    /// The author.
    pub sender: Sender,
    /// The author's name at that time.
    pub sender_name: String,
    /// The content.
    pub content: Content,
}

/// The author of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sender {
    /// A person.
    Person(UserId),
    /// An add-on's installation.
    AddOn(OauthId),
}

/// A direction in the timeline, from an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The entries before it.
    Before,
    /// The entries after it.
    After,
}

/// The content of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Content {
    /// A notification of an add-on.
    Notification(Box<Notification>),
    /// A message of a person, or of an add-on that posts like one.
    Message(Message),
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The text as it was sent.
    pub text: String,
    /// The people whom it mentions.
    pub mentions: Vec<UserId>,
    /// The id of the entry that it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

impl Entry {
    /// Creates an entry of an add-on, with the current time and the name in its descriptor.
    pub fn new(room_id: RoomId, by: &Installed, content: Content) -> Self {
        let sender = Sender::AddOn(by.oauth_id.clone());
        Self::now(room_id, sender, by.sender_name(), content)
    }

    /// Creates an entry for a message of a person, with the current time.
    pub fn message(room_id: RoomId, by: &User, message: Message) -> Self {
        let sender = Sender::Person(by.id);
        Self::now(room_id, sender, &by.name, Content::Message(message))
    }

    fn now(room_id: RoomId, sender: Sender, name: &str, content: Content) -> Self {
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            room_id,
            at: now_in_micros(),
            sender,
            sender_name: name.to_owned(),
            content,
        }
    }
}

pub(super) fn now_in_micros() -> i64 {
    let now = machine_system_time()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros());
    i64::try_from(now).unwrap_or(i64::MAX)
}

/// The largest number of people that a message mentions. Webhooks and pages list them all.
const MAX_MENTIONS: usize = 100;

impl Message {
    /// Creates a message that mentions those of `users` whose mention name follows an `@`, at most 100.
    pub fn new(text: impl Into<String>, users: &[User]) -> Self {
        let text = text.into();
        let names = Self::mentioned(&text);
        let mentions = users
            .iter()
            .filter(|user| names.contains(&user.mention_name().to_lowercase()))
            .map(|user| user.id)
            .take(MAX_MENTIONS)
            .collect();
        Self {
            text,
            mentions,
            reply_to: None,
        }
    }

    /// Returns the first 100 names that follow an `@` in a text, in lower case and without duplicates.
    pub fn mentioned(text: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        let names = mentioned(text).map(str::to_lowercase);
        names
            .filter(|name| seen.insert(name.clone()))
            .take(MAX_MENTIONS)
            .collect()
    }
}

/// Returns the words after an `@` at the beginning of a word: an email address mentions nobody.
fn mentioned(text: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices('@').filter_map(move |(at, _)| {
        if text[..at].chars().next_back().is_some_and(is_word) {
            return None;
        }
        let behind = &text[at + 1..];
        let end = behind.find(|c| !is_word(c)).unwrap_or(behind.len());
        Some(&behind[..end]).filter(|name| !name.is_empty())
    })
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => id.fmt(f),
            Self::AddOn(id) => id.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_sign_before_name_mentions() {
        for (text, expected) in [
            ("@ann", vec!["ann"]),
            ("hi @Ann, and (@bo_1)!", vec!["Ann", "bo_1"]),
            ("ann@example.com @ @@ @é", vec!["é"]),
            ("", vec![]),
        ] {
            assert_eq!(mentioned(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn message_mentions_at_most_100_different_names() {
        assert_eq!(Message::mentioned("@Ann @bo @ann @BO"), ["ann", "bo"]);
        let text: String = (0..150).map(|number| format!("@n{number} ")).collect();
        let names = Message::mentioned(&text);
        assert_eq!((names.len(), names[99].as_str()), (100, "n99"));
    }

    #[test]
    fn message_mentions_people_by_name_without_spaces() {
        let user = |id: u64, name: &str| User {
            id: id.into(),
            name: name.to_owned(),
            is_admin: false,
            is_guest: false,
            timezone: "UTC".to_owned(),
            email: None,
            is_removed: false,
            is_technical: false,
        };
        let users = [user(1, "Ann Lee"), user(2, "Ann"), user(3, "Bo")];
        let message = Message::new("@annlee, @BO: see ann@example.com", &users);
        assert_eq!(message.mentions, [1.into(), 3.into()]);
    }
}
