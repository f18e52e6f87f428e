//! A room's timeline: what was written into it.

use std::collections::HashSet;
use std::fmt;
use std::time::UNIX_EPOCH;

use glance_sdk::model::{Notification, OauthId, RoomId, UserId};
use serde::{Deserialize, Serialize};

use super::clock::machine_system_time;
use super::{Installed, User};

/// Something that was written into a room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Names it: a UUID.
    pub id: String,
    /// Where it was written.
    pub room_id: RoomId,
    /// When, in microseconds since 1970.
    pub at: i64,
    /// Who wrote it.
    pub sender: Sender,
    /// The name they had then.
    pub sender_name: String,
    /// What it says.
    pub content: Content,
}

/// Who wrote an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sender {
    /// A person.
    Person(UserId),
    /// An add-on's installation.
    AddOn(OauthId),
}

/// A side of an entry in its timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What was written before it.
    Before,
    /// What was written after it.
    After,
}

/// What an entry of a timeline says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Content {
    /// What an add-on wrote.
    Notification(Box<Notification>),
    /// What a person wrote, or an add-on in the manner of one.
    Message(Message),
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The text, as it was written.
    pub text: String,
    /// Whom it mentions.
    pub mentions: Vec<UserId>,
    /// The id of the entry it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

impl Entry {
    /// What an add-on writes now, under the name its descriptor gives.
    pub fn new(room_id: RoomId, by: &Installed, content: Content) -> Self {
        let sender = Sender::AddOn(by.oauth_id.clone());
        Self::now(room_id, sender, by.sender_name(), content)
    }

    /// What a person writes now.
    pub fn said(room_id: RoomId, by: &User, message: Message) -> Self {
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

/// How many people a message mentions at most: each is told of it, and shown with it.
const MAX_MENTIONS: usize = 100;

impl Message {
    /// A message that mentions those of `users` whose mention name stands behind an `@`, at most 100.
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

    /// The first 100 names behind an `@` in a text, in lower case, each once: whom it would mention.
    pub fn mentioned(text: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        let names = mentioned(text).map(str::to_lowercase);
        names
            .filter(|name| seen.insert(name.clone()))
            .take(MAX_MENTIONS)
            .collect()
    }
}

/// The words behind an `@` that begins a word: an e-mail address mentions nobody.
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
    fn an_at_sign_before_a_name_mentions() {
        for (text, expected) in [
            ("@ann", vec!["ann"]),
            ("hi @Ann, and (@bo_1)!", vec!["Ann", "bo_1"]),
            ("ann@example.com @ @@ @é", vec!["é"]),
            ("", vec![]),
        ] {
            assert_eq!(mentioned(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
