//! Makes, changes and removes rooms, whoever asks for it, and tells everyone who must know.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::hub::{Event, To};
use crate::install;
use crate::shared::Shared;
use crate::sign_in::Change;
use crate::state::{NewRoom, Room, StateError, User};
use crate::webhooks::{self, Happening};

/// The longest name of a room, in characters.
const MAX_NAME: usize = 50;

/// The longest topic, in characters.
const MAX_TOPIC: usize = 250;

/// Why a room is not made or changed.
#[derive(Debug)]
pub(crate) enum RoomError {
    /// This member of it cannot be so, for this reason.
    Wrong(&'static str, String),
    /// Another room has this name.
    Taken(String),
    State(StateError),
}

impl From<StateError> for RoomError {
    fn from(cause: StateError) -> Self {
        Self::State(cause)
    }
}

pub(crate) async fn create(shared: &Arc<Shared>, new: &NewRoom) -> Result<Room, RoomError> {
    check(&new.name, &new.topic)?;
    let Some(room) = shared.state.create_room(new).await? else {
        return Err(RoomError::Taken(new.name.clone()));
    };
    if let Some(owner) = shared.state.user(room.owner).await? {
        webhooks::tell(shared, room.id, Happening::Created(owner)).await;
    }
    Ok(room)
}

/// Makes a room what it is here; its id names it.
pub(crate) async fn change(
    shared: &Arc<Shared>,
    room: &Room,
    by: Option<User>,
) -> Result<(), RoomError> {
    check(&room.name, &room.topic)?;
    let Some(before) = shared.state.room(room.id).await? else {
        return Ok(());
    };
    if !shared.state.update_room(room).await? {
        return Err(RoomError::Taken(room.name.clone()));
    }
    shared.entrance.tell(Change::Room(room.id));
    shared.hub.publish(To::Room(room.id), Event::Changed);
    let Some(by) = by else { return Ok(()) };
    if before.topic != room.topic {
        let (topic, by) = (room.topic.clone(), by.clone());
        webhooks::tell(shared, room.id, Happening::TopicChanged { topic, by }).await;
    }
    if before.is_archived != room.is_archived {
        let happening = match room.is_archived {
            true => Happening::Archived(by),
            false => Happening::Unarchived(by),
        };
        webhooks::tell(shared, room.id, happening).await;
    }
    Ok(())
}

/// Removes a room. Its webhooks are told while it is still there, and the add-ons that are installed
/// in it alone that they are not any more.
pub(crate) async fn remove(shared: &Arc<Shared>, room: &Room, by: User) -> Result<(), StateError> {
    webhooks::tell(shared, room.id, Happening::Deleted(by)).await;
    let here = shared.state.installations_in(room.id).await?;
    let own = here.iter().filter(|installed| installed.room_id.is_some());
    let leave = own.map(|installed| async {
        webhooks::settle(shared, &installed.oauth_id).await;
        install::uninstall(shared, &installed.oauth_id).await
    });
    for left in join_all(leave).await {
        left?;
    }
    shared.state.remove_room(room.id).await?;
    shared.entrance.tell(Change::Room(room.id));
    Ok(())
}

fn check(name: &str, topic: &str) -> Result<(), RoomError> {
    let length = name.chars().count();
    if !(1..=MAX_NAME).contains(&length) {
        let why = format!("the name has {length} characters, 1 to {MAX_NAME} are allowed");
        return Err(RoomError::Wrong("name", why));
    }
    let length = topic.chars().count();
    if length > MAX_TOPIC {
        let why = format!("the topic has {length} characters, {MAX_TOPIC} are allowed");
        return Err(RoomError::Wrong("topic", why));
    }
    Ok(())
}
