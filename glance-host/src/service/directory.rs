//! Reads rooms and people for the REST API, webhooks and pages.

use std::collections::HashSet;
use std::sync::Arc;

use glance_sdk::model::webhook::{self, NotificationMessage};
use glance_sdk::model::{MessageFormat, Notification, RoomDetails, RoomId, UserDetails, UserId};

use crate::cluster::attendance::Attendance;
use crate::content::wire::Wire;
use crate::model::access::Access;
use crate::model::{Entry, Installed, Message, Room, Sender, TokenOwner, User};
use crate::storage::{Storage, StorageError};

/// Looks up rooms and people, and renders them as JSON.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    storage: Arc<dyn Storage>,
    attendance: Attendance,
    wire: Wire,
}

impl Directory {
    pub(crate) fn new(storage: Arc<dyn Storage>, attendance: Attendance, api_url: String) -> Self {
        Self {
            storage,
            attendance,
            wire: Wire::new(api_url),
        }
    }

    /// Finds a room by its id, or by its name.
    pub(crate) async fn find_room(&self, id_or_name: &str) -> Result<Option<Room>, StorageError> {
        if let Ok(id) = id_or_name.parse::<RoomId>()
            && let Some(room) = self.storage.room(id).await?
        {
            return Ok(Some(room));
        }
        self.storage.find_room(id_or_name).await
    }

    /// Finds a room by its id or name for the installation of a token, which may be for one room only.
    pub(crate) async fn find_room_for(
        &self,
        owner: &TokenOwner,
        id_or_name: &str,
    ) -> Result<Option<Room>, StorageError> {
        if owner.installed.room_id.is_none() {
            return self.find_room(id_or_name).await;
        }
        // An installation in one room reads no other, whichever it names: neither the answer nor the time it takes
        // says whether there is another.
        let own = owner.room.as_ref();
        let id = id_or_name.parse::<RoomId>().ok();
        Ok(own
            .filter(|own| id == Some(own.id) || own.name == id_or_name)
            .cloned())
    }

    /// Finds a room by its id or name that a person may enter.
    pub(crate) async fn find_room_to_enter(
        &self,
        user: &User,
        id_or_name: &str,
    ) -> Result<Option<Room>, StorageError> {
        let access = Access::new(user, self.storage.memberships(user.id).await?);
        let with_id = match id_or_name.parse::<RoomId>() {
            Ok(id) => self.storage.room(id).await?,
            Err(_) => None,
        };
        let with_name = self.storage.find_room(id_or_name).await?;
        let mut found = with_id.into_iter().chain(with_name);
        Ok(found.find(|room| access.may_enter(room)))
    }

    /// Finds the installation of an add-on in a room by the add-on's key.
    pub(crate) async fn find_add_on(
        &self,
        room: RoomId,
        key: &str,
    ) -> Result<Option<Installed>, StorageError> {
        let installations = self.storage.installations_in(room).await?;
        Ok(installations
            .into_iter()
            .find(|installed| installed.descriptor.key == key))
    }

    /// Finds a person by id, name, mention name (after an `@`) or email address.
    pub(crate) async fn find_person(&self, id_or_name: &str) -> Result<Option<User>, StorageError> {
        let user = match id_or_name.parse::<UserId>() {
            Ok(id) => self.storage.user(id).await?,
            Err(_) if id_or_name.contains('@') => match id_or_name.strip_prefix('@') {
                Some(mention) => {
                    let found = self.storage.users_mentioned(&[mention.to_owned()]).await?;
                    found.into_iter().next()
                }
                None => self.storage.find_user_by_email(id_or_name).await?,
            },
            Err(_) => self.storage.find_user(id_or_name).await?,
        };
        Ok(user.filter(|user| !user.is_technical))
    }

    pub(crate) fn person(&self, user: &User) -> webhook::User {
        self.wire.person(user)
    }

    pub(crate) fn user_details(&self, user: &User) -> UserDetails {
        let is_online = self.attendance.is_online(user.id);
        self.wire.user_details(user, is_online)
    }

    /// Returns whether a person has a room open.
    pub(crate) fn is_online(&self, user: UserId) -> bool {
        self.attendance.is_online(user)
    }

    /// Renders a room as lists and webhooks have it.
    pub(crate) fn room(&self, room: &Room) -> webhook::Room {
        self.wire.room(room)
    }

    /// Renders a room with all members of the REST API.
    pub(crate) async fn room_details(&self, room: &Room) -> Result<RoomDetails, StorageError> {
        let (owner, last_active) = self.storage.owner_and_last_active(room).await?;
        let present = self.participants(room).await?;
        let owner = owner.as_ref();
        Ok(self.wire.room_details(room, owner, &present, last_active))
    }

    pub(crate) async fn message(
        &self,
        entry: &Entry,
        message: &Message,
    ) -> Result<webhook::Message, StorageError> {
        let mentioned = self.storage.users_by_id(&message.mentions).await?;
        let sender = match &entry.sender {
            Sender::Person(id) => self.storage.user(*id).await?,
            Sender::AddOn(_) => None,
        };
        let sender = sender.as_ref();
        Ok(self.wire.message(entry, message, sender, &mentioned))
    }

    pub(crate) async fn notification(
        &self,
        entry: &Entry,
        notification: &Notification,
    ) -> Result<NotificationMessage, StorageError> {
        let mentioned = self.mentioned_by(notification).await?;
        Ok(self.wire.notification(entry, notification, &mentioned))
    }

    /// Returns the people whose mention names follow an `@` in a text.
    pub(crate) async fn mentioned_in(&self, text: &str) -> Result<Vec<User>, StorageError> {
        match Message::mentioned(text).as_slice() {
            [] => Ok(Vec::new()),
            names => self.storage.users_mentioned(names).await,
        }
    }

    /// Returns the people whom a notification mentions. Only plain text mentions people; HTML and cards contain names as
    /// the add-on formats them.
    pub(crate) async fn mentioned_by(
        &self,
        notification: &Notification,
    ) -> Result<Vec<User>, StorageError> {
        match (&notification.message_format, &notification.card) {
            (Some(MessageFormat::Text), None) => self.mentioned_in(&notification.message).await,
            _ => Ok(Vec::new()),
        }
    }

    /// Returns the people who are in a room now.
    pub(crate) async fn participants(&self, room: &Room) -> Result<Vec<User>, StorageError> {
        let present: Vec<_> = self.attendance.in_room(room.id).into_iter().collect();
        let mut users = self.storage.users_by_id(&present).await?;
        users.retain(|user| !user.is_removed);
        Ok(users)
    }

    /// Returns people whom a message in a room may mention: those who may enter it and whose mention name starts with
    /// these letters in any case, by mention name.
    pub(crate) async fn people_to_mention(
        &self,
        room: &Room,
        starts: &str,
        at_most: u32,
    ) -> Result<Vec<User>, StorageError> {
        let mut found = self.storage.members(room.id).await?;
        found.extend(self.storage.user(room.owner).await?);
        let starts_lower = starts.to_lowercase();
        found.retain(|user| {
            let mention = user.mention_name().to_lowercase();
            mention.starts_with(&starts_lower) && !user.is_removed && !user.is_technical
        });
        if room.is_public {
            found.extend(self.storage.users_to_mention(starts, at_most).await?);
        }
        found.sort_by_key(|user| (user.mention_name().to_lowercase(), user.id));
        found.dedup_by_key(|user| user.id);
        found.truncate(at_most as usize);
        Ok(found)
    }

    /// Returns the people who may enter a room. A public room is open to everyone but guests who are not
    /// members of it; a private room to its owner and its members.
    pub(crate) async fn members(&self, room: &Room) -> Result<Vec<User>, StorageError> {
        let mut members = self.storage.members(room.id).await?;
        if members.iter().all(|member| member.id != room.owner) {
            members.extend(self.storage.user(room.owner).await?);
        }
        if !room.is_public {
            members.retain(|user| !user.is_removed);
            members.sort_by_key(|user| user.id);
            return Ok(members);
        }
        let member_ids: HashSet<_> = members.iter().map(|member| member.id).collect();
        let mut users = self.storage.users().await?;
        users.retain(|user| !user.is_guest || member_ids.contains(&user.id));
        Ok(users)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NewRoom;
    use crate::storage::{Effects, SqliteState};

    #[tokio::test]
    async fn members_are_the_people_who_may_enter() {
        let storage: Arc<dyn Storage> = Arc::new(SqliteState::in_memory().unwrap());
        let directory = Directory::new(Arc::clone(&storage), Attendance::default(), String::new());
        let user = async |name: &str, change: fn(&mut User)| {
            let mut user = storage.get_or_create_user(name).await.unwrap();
            change(&mut user);
            storage.update_user(&user).await.unwrap();
            user
        };
        let owner = user("Owner", |_| ()).await;
        user("Ann", |_| ()).await;
        let member = user("Member", |_| ()).await;
        user("Guest", |user| user.is_guest = true).await;
        let guest_member = user("Guest member", |user| user.is_guest = true).await;
        let removed = user("Removed", |user| user.is_removed = true).await;
        for (name, is_public, expected) in [
            (
                "public",
                true,
                &["Owner", "Ann", "Member", "Guest member"][..],
            ),
            ("private", false, &["Owner", "Member", "Guest member"]),
        ] {
            let new = NewRoom {
                name: name.to_owned(),
                is_public,
                owner: owner.id,
                topic: String::new(),
            };
            let room = storage
                .create_room(&new, Box::new(|_| Effects::none()))
                .await
                .unwrap()
                .unwrap();
            for person in [&member, &guest_member, &removed] {
                storage.add_member(room.id, person.id).await.unwrap();
            }
            let members = directory.members(&room).await.unwrap();
            let names: Vec<_> = members.iter().map(|member| &*member.name).collect();
            assert_eq!(names, expected, "{name}");
            let mention = async |starts, at_most| {
                let found = directory.people_to_mention(&room, starts, at_most).await;
                let names = found.unwrap().into_iter().map(|user| user.name);
                names.collect::<Vec<_>>()
            };
            let mut by_name = expected.to_vec();
            by_name.sort_unstable();
            by_name.sort_by_key(|name| name.to_lowercase().replace(' ', ""));
            assert_eq!(mention("", 9).await, by_name, "{name}");
            assert_eq!(mention("", 2).await, by_name[..2], "{name}");
            assert_eq!(mention("gUEST", 9).await, ["Guest member"], "{name}");
            assert_eq!(mention("rem", 9).await, [""; 0], "{name}");
        }
    }
}
