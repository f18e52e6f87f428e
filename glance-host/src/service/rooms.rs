//! Creates, changes, archives and deletes rooms, for the pages, the REST API and the program.

use std::fmt;
use std::sync::Arc;

use glance_sdk::model::RoomId;
use glance_sdk::printable::acts;

use crate::model::access;
use crate::model::clock::Clock;
use crate::model::event::{AccessChange, Event, Topic};
use crate::model::{Archived, Installed, NewRoom, Room, User};
use crate::service::STALE_RETRIES;
use crate::service::install::removal::Removals;
use crate::service::webhooks::{Calls, RoomEvent, Webhooks};
use crate::storage::{Effects, RoomChange, RoomEffects, Storage, StorageError};

/// The longest name of a room, in characters.
const MAX_NAME: usize = 50;

/// The longest topic, in characters.
const MAX_TOPIC: usize = 250;

/// The reason why a room was not created or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum RoomError {
    /// The name has this many characters; 1 to 50 are allowed.
    NameLength(usize),
    /// The name has a character that is not visible, such as a line break.
    NameCharacter,
    /// Another room has this name.
    NameTaken(String),
    /// The topic has this many characters; 250 are allowed.
    TopicLength(usize),
    /// The room with this name is archived, and the change does not restore it.
    Archived(String),
    /// The room was deleted meanwhile.
    Gone,
    /// Others change the room at the same time.
    Busy,
    /// The database failed.
    Storage(StorageError),
}

impl fmt::Display for RoomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameLength(length) => {
                write!(
                    f,
                    "the name has {length} characters, 1 to {MAX_NAME} are allowed"
                )
            }
            Self::NameCharacter => f.write_str(
                "the name has a character that cannot be seen, such as a line break; leave it out",
            ),
            Self::NameTaken(name) => write!(f, "There is a room with the name {name}"),
            Self::TopicLength(length) => {
                write!(
                    f,
                    "the topic has {length} characters, {MAX_TOPIC} are allowed"
                )
            }
            Self::Archived(name) => Archived(name.clone()).fmt(f),
            Self::Gone => f.write_str("The room is gone"),
            Self::Busy => f.write_str("Others are changing the room at the same time; try again"),
            Self::Storage(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for RoomError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Storage(cause) => cause.source(),
            _ => None,
        }
    }
}

impl From<Archived> for RoomError {
    fn from(Archived(name): Archived) -> Self {
        Self::Archived(name)
    }
}

impl From<StorageError> for RoomError {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

/// Why a person was not let into a room, or not taken out.
#[derive(Debug)]
pub(crate) enum MembershipError {
    /// The room is public, and the person is no guest.
    NotNeeded,
    /// The person was removed from the host, or is no person.
    NoPerson,
    /// The person with this name is no member.
    NoMember(String),
    Storage(StorageError),
}

impl From<StorageError> for MembershipError {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

impl fmt::Display for MembershipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotNeeded => f.write_str(
                "The room is public: everyone may enter it, and only guests are let in or taken out",
            ),
            Self::NoPerson => f.write_str("There is no such person"),
            Self::NoMember(name) => write!(f, "{name} is no member of the room"),
            Self::Storage(cause) => cause.fmt(f),
        }
    }
}

/// An installation in one room cannot create or delete rooms.
#[derive(Debug)]
pub(crate) struct NotForGroup;

impl fmt::Display for NotForGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("This integration is installed in one room and cannot create or delete any")
    }
}

/// Returns whether a person may create rooms: guests may not.
pub(crate) fn may_create(user: &User) -> bool {
    !user.is_guest
}

/// Checks that an installation may create and delete rooms: only those of the whole group may.
pub(crate) fn check_manages_rooms(installed: &Installed) -> Result<(), NotForGroup> {
    match installed.room_id {
        None => Ok(()),
        Some(_) => Err(NotForGroup),
    }
}

/// Checks that a person needs a membership to enter a room.
fn check_membership(room: &Room, user: &User) -> Result<(), MembershipError> {
    if user.is_removed || user.is_technical {
        return Err(MembershipError::NoPerson);
    }
    match access::needs_membership(user, room) {
        true => Ok(()),
        false => Err(MembershipError::NotNeeded),
    }
}

/// Creates, changes and deletes rooms.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    storage: Arc<dyn Storage>,
    webhooks: Webhooks,
    removals: Removals,
    clock: Clock,
}

impl Rooms {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        webhooks: Webhooks,
        removals: Removals,
        clock: Clock,
    ) -> Self {
        Self {
            storage,
            webhooks,
            removals,
            clock,
        }
    }

    /// Creates a room and calls webhooks.
    pub(crate) async fn create(&self, new: &NewRoom) -> Result<Room, RoomError> {
        check(&new.name, &new.topic)?;
        let created = self.create_unchecked(new).await?;
        created.ok_or_else(|| RoomError::NameTaken(new.name.clone()))
    }

    /// Creates a room, whatever its name and topic, and calls webhooks. Returns `None` if another room has its name.
    pub(crate) async fn create_unchecked(
        &self,
        new: &NewRoom,
    ) -> Result<Option<Room>, StorageError> {
        let effects = self.creation(new).await?;
        self.storage.create_room(new, effects).await
    }

    /// Creates a room and calls webhooks, unless there is a room.
    pub(crate) async fn create_first(&self, new: &NewRoom) -> Result<(), StorageError> {
        let effects = self.creation(new).await?;
        self.storage.create_first_room(new, effects).await?;
        Ok(())
    }

    async fn creation(&self, new: &NewRoom) -> Result<RoomEffects, StorageError> {
        let owner = self.storage.user(new.owner).await?;
        Ok(self.webhooks.prepare_creation(owner).await)
    }

    /// Changes the current state of a room and calls webhooks. Returns the changed room.
    pub(crate) async fn change(
        &self,
        id: RoomId,
        by: &User,
        change: impl Fn(&mut Room),
    ) -> Result<Room, RoomError> {
        for _ in 0..=STALE_RETRIES {
            let before = self.storage.room(id).await?.ok_or(RoomError::Gone)?;
            let mut room = before.clone();
            change(&mut room);
            if room.is_archived && before != room {
                before.check_writable()?;
            }
            check(&room.name, &room.topic)?;
            let mut calls = Calls::default();
            for event in changes(&before, &room, by) {
                calls.extend(self.webhooks.prepare_for(&room, &event).await);
            }
            let effects = self.effects(id, calls);
            match self.storage.change_room(&before, &room, effects).await? {
                RoomChange::Done => return Ok(room),
                RoomChange::Stale => {}
                RoomChange::NameTaken => return Err(RoomError::NameTaken(room.name)),
                RoomChange::Gone => return Err(RoomError::Gone),
            }
        }
        Err(RoomError::Busy)
    }

    /// Returns the effects of a change to a room: calls webhooks, and tells open pages.
    fn effects(&self, room: RoomId, calls: Calls) -> Effects {
        self.webhooks
            .effects(calls)
            .access(AccessChange::Room(room))
            .event(Topic::Room(room), Event::Changed)
    }

    /// Changes the current state of a room for an add-on.
    pub(crate) async fn change_for_add_on(
        &self,
        room: &Room,
        change: impl Fn(&mut Room),
    ) -> Result<(), RoomError> {
        let by = self.owner(room).await?;
        self.change(room.id, &by, change).await?;
        Ok(())
    }

    /// Deletes a room for an add-on.
    pub(crate) async fn delete_for_add_on(&self, room: &Room) -> Result<(), RoomError> {
        let by = self.owner(room).await?;
        match self.delete(room, &by).await? {
            true => Ok(()),
            false => Err(RoomError::Gone),
        }
    }

    /// Returns the person for events that an add-on causes, because events name a person: the owner of the room.
    async fn owner(&self, room: &Room) -> Result<User, StorageError> {
        let owner = self.storage.user(room.owner).await?;
        owner.ok_or_else(|| {
            let what = format!("the owner of room {}", room.id);
            let source = "there is no such person".into();
            StorageError::Corrupt { what, source }
        })
    }

    /// Lets a person into a room. Does nothing if they are a member already.
    pub(crate) async fn add_member(&self, room: &Room, user: &User) -> Result<(), MembershipError> {
        check_membership(room, user)?;
        self.storage.add_member(room.id, user.id).await?;
        Ok(())
    }

    /// Takes a person out of a room.
    pub(crate) async fn remove_member(
        &self,
        room: &Room,
        user: &User,
    ) -> Result<(), MembershipError> {
        check_membership(room, user)?;
        let effects = Effects::none().access(AccessChange::Room(room.id));
        let removed = self.storage.remove_member(room.id, user.id, effects);
        match removed.await? {
            true => Ok(()),
            false => Err(MembershipError::NoMember(user.name.clone())),
        }
    }

    /// Deletes a room with all its content. Calls the webhooks for the deletion, then sends the removal calls to the
    /// add-ons of the room. Returns false if there is no such room.
    pub(crate) async fn delete(&self, room: &Room, by: &User) -> Result<bool, StorageError> {
        // Deleting the room deletes its webhooks, so the calls are prepared first.
        let deleted = RoomEvent::Deleted(by.clone());
        let calls = self.webhooks.prepare(room.id, &deleted).await;
        let (now, effects) = (self.clock.now(), self.effects(room.id, calls));
        let Some(installed) = self.storage.remove_room(room.id, now, effects).await? else {
            return Ok(false);
        };
        self.removals.tell_of_room(installed);
        Ok(true)
    }
}

/// Returns the events of a change to a room.
fn changes(before: &Room, after: &Room, by: &User) -> Vec<RoomEvent> {
    let mut events = Vec::new();
    if before.topic != after.topic {
        let (topic, by) = (after.topic.clone(), by.clone());
        events.push(RoomEvent::TopicChanged { topic, by });
    }
    match (before.is_archived, after.is_archived) {
        (false, true) => events.push(RoomEvent::Archived(by.clone())),
        (true, false) => events.push(RoomEvent::Unarchived(by.clone())),
        _ => {}
    }
    events
}

/// Checks the name and topic of a room.
pub(crate) fn check(name: &str, topic: &str) -> Result<(), RoomError> {
    let length = name.chars().count();
    if !(1..=MAX_NAME).contains(&length) {
        return Err(RoomError::NameLength(length));
    }
    if name.chars().any(acts) {
        return Err(RoomError::NameCharacter);
    }
    match topic.chars().count() {
        0..=MAX_TOPIC => Ok(()),
        length => Err(RoomError::TopicLength(length)),
    }
}
