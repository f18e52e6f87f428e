//! Rooms and people in full, as the host knows them.

use std::collections::HashSet;

use glance_sdk::model::webhook::{Privacy, Room, RoomLinks};
use glance_sdk::model::{Presence, RoomDetails, Show, UserDetails};

use crate::content::wire::{date, person, version};
use crate::model;
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// A room as lists have it.
pub(crate) fn room(shared: &Shared, room: &model::Room) -> Room {
    let mut written = Room::new(room.id);
    written.name = Some(room.name.clone());
    written.is_archived = Some(room.is_archived);
    written.privacy = Some(privacy(room));
    written.version = Some(version(room));
    written.links = Some(links(shared, room));
    written
}

pub(crate) async fn room_details(
    shared: &Shared,
    room: &model::Room,
) -> Result<RoomDetails, StorageError> {
    let owner = shared.state.user(room.owner).await?;
    let newest = shared.state.timeline(room.id, 1).await?;
    let present = participants(shared, room).await?;
    let mut written = RoomDetails::new(room.id);
    written.name = Some(room.name.clone());
    written.topic = Some(room.topic.clone());
    written.privacy = Some(privacy(room));
    written.is_archived = Some(room.is_archived);
    written.is_guest_accessible = Some(false);
    written.owner = owner.map(|owner| person(shared, &owner));
    written.participants = Some(present.iter().map(|user| person(shared, user)).collect());
    written.created = Some(date(room.created.saturating_mul(1_000_000)));
    written.last_active = newest.last().map(|entry| date(entry.at));
    written.version = Some(version(room));
    written.links = Some(links(shared, room));
    Ok(written)
}

pub(crate) fn user_details(shared: &Shared, user: &model::User) -> UserDetails {
    let mut presence = Presence::default();
    let is_online = shared.attendance.is_online(user.id);
    presence.is_online = Some(is_online);
    presence.show = is_online.then_some(Show::Chat);
    let in_short = person(shared, user);
    let mut written = UserDetails::new(user.id);
    written.name = in_short.name;
    written.mention_name = in_short.mention_name;
    written.version = in_short.version;
    written.links = in_short.links;
    written.email.clone_from(&user.email);
    written.timezone = Some(user.timezone.clone());
    written.is_group_admin = Some(user.is_admin);
    written.is_guest = Some(user.is_guest);
    written.is_deleted = Some(user.is_removed);
    written.presence = Some(presence);
    written
}

/// Who is in a room now.
pub(crate) async fn participants(
    shared: &Shared,
    room: &model::Room,
) -> Result<Vec<model::User>, StorageError> {
    let present: Vec<_> = shared.attendance.in_room(room.id).into_iter().collect();
    let mut users = shared.state.users_with(&present).await?;
    users.retain(|user| !user.is_removed);
    Ok(users)
}

/// Who may enter a room: everyone, but of guests who was let in; or its owner and who was let in.
pub(crate) async fn members(
    shared: &Shared,
    room: &model::Room,
) -> Result<Vec<model::User>, StorageError> {
    let mut members = shared.state.members(room.id).await?;
    if members.iter().all(|member| member.id != room.owner) {
        members.extend(shared.state.user(room.owner).await?);
    }
    if !room.is_public {
        members.retain(|user| !user.is_removed);
        members.sort_by_key(|user| user.id);
        return Ok(members);
    }
    let let_in: HashSet<_> = members.iter().map(|member| member.id).collect();
    let mut users = shared.state.users().await?;
    users.retain(|user| !user.is_guest || let_in.contains(&user.id));
    Ok(users)
}

fn privacy(room: &model::Room) -> Privacy {
    match room.is_public {
        true => Privacy::Public,
        false => Privacy::Private,
    }
}

fn links(shared: &Shared, room: &model::Room) -> RoomLinks {
    let own = format!("{}/room/{}", shared.info.api_url(), room.id);
    let mut links = RoomLinks::default();
    links.webhooks = Some(format!("{own}/webhook"));
    links.participants = Some(format!("{own}/participant"));
    // Clients tell a private room by it.
    links.members = (!room.is_public).then(|| format!("{own}/member"));
    links.self_url = Some(own);
    links
}
