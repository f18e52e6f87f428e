//! Rooms, people and messages in the JSON of the REST API and of webhooks.

use aws_lc_rs::digest::{SHA256, digest};
use glance_sdk::model::webhook::{
    Message, MessageType, NotificationMessage, Privacy, Room, RoomLinks, User, UserLinks,
};
use glance_sdk::model::{
    Color, MessageFormat, Notification, Presence, RoomDetails, Show, UserDetails,
};
use serde::Serialize;

use crate::model::{self, Entry};

/// Renders resources with links below this URL of the REST API.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    api_url: String,
}

impl Wire {
    pub(crate) fn new(api_url: String) -> Self {
        Self { api_url }
    }

    pub(crate) fn person(&self, user: &model::User) -> User {
        let mut links = UserLinks::default();
        links.self_url = Some(format!("{}/user/{}", self.api_url, user.id));
        let mut person = User::new(user.id);
        person.name = Some(user.name.clone());
        person.mention_name = Some(user.mention_name());
        person.version = Some(user_version(user));
        person.links = Some(links);
        person
    }

    fn people(&self, users: &[model::User]) -> Vec<User> {
        users.iter().map(|user| self.person(user)).collect()
    }

    pub(crate) fn user_details(&self, user: &model::User, is_online: bool) -> UserDetails {
        let mut presence = Presence::default();
        presence.is_online = Some(is_online);
        presence.show = is_online.then_some(Show::Chat);
        let person = self.person(user);
        let mut details = UserDetails::new(user.id);
        details.name = person.name;
        details.mention_name = person.mention_name;
        details.version = person.version;
        details.links = person.links;
        details.email.clone_from(&user.email);
        details.timezone = Some(user.timezone.clone());
        details.is_group_admin = Some(user.is_admin);
        details.is_guest = Some(user.is_guest);
        details.is_deleted = Some(user.is_removed);
        details.presence = Some(presence);
        details
    }

    /// Renders a room as lists and webhooks have it.
    pub(crate) fn room(&self, room: &model::Room) -> Room {
        let mut rendered = Room::new(room.id);
        rendered.name = Some(room.name.clone());
        rendered.is_archived = Some(room.is_archived);
        rendered.privacy = Some(privacy(room));
        rendered.version = Some(room_version(room));
        rendered.links = Some(self.links(room));
        rendered
    }

    /// Renders a room with its owner, the people who are in it now, and the time of its newest entry.
    pub(crate) fn room_details(
        &self,
        room: &model::Room,
        owner: Option<&model::User>,
        present: &[model::User],
        last_active: Option<i64>,
    ) -> RoomDetails {
        let mut details = RoomDetails::new(room.id);
        details.name = Some(room.name.clone());
        details.topic = Some(room.topic.clone());
        details.privacy = Some(privacy(room));
        details.is_archived = Some(room.is_archived);
        details.is_guest_accessible = Some(false);
        details.owner = owner.map(|owner| self.person(owner));
        details.participants = Some(self.people(present));
        details.created = Some(date(room.created.saturating_mul(1_000_000)));
        details.last_active = last_active.map(date);
        details.version = Some(room_version(room));
        details.links = Some(self.links(room));
        details
    }

    fn links(&self, room: &model::Room) -> RoomLinks {
        let own = format!("{}/room/{}", self.api_url, room.id);
        let mut links = RoomLinks::default();
        links.webhooks = Some(format!("{own}/webhook"));
        links.participants = Some(format!("{own}/participant"));
        // Clients recognize a private room by this link.
        links.members = (!room.is_public).then(|| format!("{own}/member"));
        links.self_url = Some(own);
        links
    }

    /// Renders a message. `sender` is `None` for a message of an add-on, because `from` describes a person.
    pub(crate) fn message(
        &self,
        entry: &Entry,
        message: &model::Message,
        sender: Option<&model::User>,
        mentioned: &[model::User],
    ) -> Message {
        let mut rendered = Message::new(&message.text);
        rendered.id = Some(entry.id.clone());
        rendered.date = Some(date(entry.at));
        rendered.kind = Some(MessageType::Message);
        rendered.from = sender.map(|user| self.person(user));
        rendered.mentions = Some(self.people(mentioned));
        if let Some(parent) = &message.reply_to {
            let parent = parent.clone().into();
            rendered.extra.insert("attach_to".to_owned(), parent);
        }
        rendered
    }

    pub(crate) fn notification(
        &self,
        entry: &Entry,
        notification: &Notification,
        mentioned: &[model::User],
    ) -> NotificationMessage {
        let mut rendered = NotificationMessage::new(&notification.message);
        rendered.id = Some(entry.id.clone());
        rendered.date = Some(date(entry.at));
        rendered.kind = Some(MessageType::Notification);
        rendered.from = Some(entry.sender_name.clone());
        rendered.color = Some(notification.color.clone().unwrap_or(Color::Yellow));
        let format = notification.message_format.clone();
        rendered.message_format = Some(format.unwrap_or(MessageFormat::Html));
        rendered.mentions = Some(self.people(mentioned));
        rendered
    }
}

fn privacy(room: &model::Room) -> Privacy {
    match room.is_public {
        true => Privacy::Public,
        false => Privacy::Private,
    }
}

/// Formats microseconds since 1970 like `2016-09-09T08:23:02.932694+00:00`.
pub(crate) fn date(micros: i64) -> String {
    let fraction = micros.rem_euclid(1_000_000);
    let Some(mut date) = date_and_time(micros.div_euclid(1_000_000)) else {
        return date(0);
    };
    date.push('.');
    for part in [fraction / 10_000, fraction / 100 % 100, fraction % 100] {
        push_two_digits(&mut date, part);
    }
    date.push_str("+00:00");
    date
}

/// Formats seconds since 1970 like `2016-09-09T08:23:02`, in UTC. `None` means a year that has not four digits.
fn date_and_time(seconds: i64) -> Option<String> {
    // The general formatter would take most of the time of some calls.
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    let year = i64::from(at.year());
    if !(0..10_000).contains(&year) {
        return None;
    }
    let mut text = String::with_capacity("2016-09-09T08:23:02.932694+00:00".len());
    for (part, end) in [
        (year / 100, ""),
        (year % 100, "-"),
        (u8::from(at.month()).into(), "-"),
        (at.day().into(), "T"),
        (at.hour().into(), ":"),
        (at.minute().into(), ":"),
        (at.second().into(), ""),
    ] {
        push_two_digits(&mut text, part);
        text.push_str(end);
    }
    Some(text)
}

fn push_two_digits(text: &mut String, number: i64) {
    for digit in [number / 10 % 10, number % 10] {
        text.push(char::from(b'0' + digit as u8));
    }
}

/// Formats seconds since 1970 like `2016-09-09T08:23:02Z`.
pub(crate) fn time(seconds: i64) -> String {
    let mut date = date_and_time(seconds).unwrap_or_else(|| "1970-01-01T00:00:00".to_owned());
    date.push('Z');
    date
}

/// Returns a version that changes with any field of a person.
fn user_version(user: &model::User) -> String {
    // All fields by name, so that a new one cannot be forgotten.
    let model::User {
        id,
        name,
        is_admin,
        is_guest,
        timezone,
        email,
        is_removed,
        is_technical,
    } = user;
    let roles = (is_admin, is_guest, is_removed, is_technical);
    version(&(id, name, roles, timezone, email))
}

/// Returns a version that changes with any field of a room.
fn room_version(room: &model::Room) -> String {
    let model::Room {
        id,
        name,
        is_public,
        owner,
        topic,
        is_archived,
        created,
    } = room;
    version(&(id, name, is_public, owner, topic, is_archived, created))
}

/// Returns a short digest of a value's JSON, so that the version stays the same while the value does, also
/// after an update of the host.
pub(crate) fn version(of: &impl Serialize) -> String {
    let json = serde_json::to_vec(of).unwrap_or_default();
    let digest = digest(&SHA256, &json);
    let short = digest.as_ref().iter().take(4);
    let digits = short.flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// Changes one field of a value.
    type Change<T> = fn(&mut T);

    #[test]
    fn version_of_a_person_changes_with_each_field() {
        let user = model::User {
            id: 1.into(),
            name: "Ann".to_owned(),
            is_admin: false,
            is_guest: false,
            timezone: "UTC".to_owned(),
            email: None,
            is_removed: false,
            is_technical: false,
        };
        let changes: [Change<model::User>; 9] = [
            |user| user.id = 2.into(),
            |user| user.name = "Bo".to_owned(),
            |user| user.is_admin = true,
            |user| user.is_guest = true,
            |user| user.timezone = "Europe/Berlin".to_owned(),
            |user| user.email = Some(String::new()),
            |user| user.email = Some("UTC".to_owned()),
            |user| user.is_removed = true,
            |user| user.is_technical = true,
        ];
        let versions = changes.iter().map(|change| {
            let mut changed = user.clone();
            change(&mut changed);
            user_version(&changed)
        });
        let versions: HashSet<_> = versions.chain([user_version(&user)]).collect();
        assert_eq!(versions.len(), changes.len() + 1);
    }

    #[test]
    fn version_of_a_room_changes_with_each_field() {
        let room = model::Room {
            id: 1.into(),
            name: "ops".to_owned(),
            is_public: true,
            owner: 1.into(),
            topic: String::new(),
            is_archived: false,
            created: 1_700_000_000,
        };
        let changes: [Change<model::Room>; 7] = [
            |room| room.id = 2.into(),
            |room| room.name = "dev".to_owned(),
            |room| room.is_public = false,
            |room| room.owner = 2.into(),
            |room| room.topic = "ops".to_owned(),
            |room| room.is_archived = true,
            |room| room.created += 1,
        ];
        let versions = changes.iter().map(|change| {
            let mut changed = room.clone();
            change(&mut changed);
            room_version(&changed)
        });
        let versions: HashSet<_> = versions.chain([room_version(&room)]).collect();
        assert_eq!(versions.len(), changes.len() + 1);
    }

    #[test]
    fn dates_have_the_format_of_the_protocol() {
        assert_eq!(
            date(1_473_409_382_932_694),
            "2016-09-09T08:23:02.932694+00:00"
        );
        assert_eq!(date(0), "1970-01-01T00:00:00.000000+00:00");
        assert_eq!(time(1_473_409_382), "2016-09-09T08:23:02Z");
        assert_eq!(date(i64::MAX), "1970-01-01T00:00:00.000000+00:00");
    }
}
