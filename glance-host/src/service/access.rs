//! Who may enter a room, and who may change what.

use std::collections::HashSet;

use glance_sdk::model::RoomId;

use crate::model::{Room, User};
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// Which rooms a person may enter.
pub(crate) struct Access<'a> {
    user: &'a User,
    let_into: HashSet<RoomId>,
}

impl<'a> Access<'a> {
    pub(crate) async fn of(shared: &Shared, user: &'a User) -> Result<Self, StorageError> {
        let let_into = shared.state.memberships(user.id).await?;
        let let_into = let_into.into_iter().collect();
        Ok(Self { user, let_into })
    }

    /// Everyone of the group may enter a public room. Into a private one come its owner, admins and
    /// who was let in; a guest comes nowhere else.
    pub(crate) fn may_enter(&self, room: &Room) -> bool {
        let user = self.user;
        let is_open = room.is_public && !user.is_guest;
        let is_theirs = user.is_admin || room.owner == user.id;
        !user.is_removed && (is_open || is_theirs || self.let_into.contains(&room.id))
    }
}

/// Whether a person may change a room and its integrations: its owner, and admins; never a guest, whose
/// room it may have been before.
pub(crate) fn manages(user: &User, room: &Room) -> bool {
    manages_group(user) || !user.is_guest && room.owner == user.id
}

/// Whether a person may change what is installed for all rooms: admins, as long as they are no guests.
pub(crate) fn manages_group(user: &User) -> bool {
    user.is_admin && !user.is_guest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{SqliteState, State};

    fn user(id: u64, is_admin: bool, is_guest: bool) -> User {
        User {
            id: id.into(),
            name: format!("user {id}"),
            is_admin,
            is_guest,
            timezone: "UTC".to_owned(),
            email: None,
            is_removed: false,
            is_technical: false,
        }
    }

    #[test]
    fn rooms_are_for_whom_they_are() {
        let room = |is_public| Room {
            id: 7.into(),
            name: "ops".to_owned(),
            is_public,
            owner: 1.into(),
            topic: String::new(),
            is_archived: false,
            created: 0,
        };
        for (user, is_let_in, into_public, into_private) in [
            (user(1, false, false), false, true, true),
            (user(2, true, false), false, true, true),
            (user(3, false, false), false, true, false),
            (user(3, false, false), true, true, true),
            (user(1, false, true), false, true, true),
            (user(4, false, true), false, false, false),
            (user(4, false, true), true, true, true),
        ] {
            let mut user = user;
            for is_removed in [false, true] {
                user.is_removed = is_removed;
                let let_into = is_let_in.then_some(RoomId::new(7)).into_iter().collect();
                let access = Access {
                    user: &user,
                    let_into,
                };
                let expected = |may| may && !is_removed;
                assert_eq!(access.may_enter(&room(true)), expected(into_public));
                assert_eq!(access.may_enter(&room(false)), expected(into_private));
            }
        }
    }

    #[tokio::test]
    async fn the_rooms_that_are_open_to_a_person_are_those_they_may_enter() {
        let state = SqliteState::in_memory().unwrap();
        let mut users = Vec::new();
        for (name, is_admin, is_guest, is_removed) in [
            ("owner", false, false, false),
            ("guest who owns", false, true, false),
            ("admin", true, false, false),
            ("member", false, false, false),
            ("guest", false, true, false),
            ("removed", false, false, true),
        ] {
            let mut user = state.get_or_create_user(name).await.unwrap();
            (user.is_admin, user.is_guest, user.is_removed) = (is_admin, is_guest, is_removed);
            state.update_user(&user).await.unwrap();
            users.push(user);
        }
        for (owner, is_public, is_archived, let_in) in [
            (0, true, false, None),
            (0, false, false, None),
            (0, false, false, Some(3)),
            (0, true, false, Some(4)),
            (0, false, false, Some(4)),
            (0, false, true, Some(4)),
            (0, true, true, None),
            (1, false, false, None),
            (1, true, false, Some(5)),
        ] {
            let number = state.rooms().await.unwrap().len();
            let owner = users[owner].id;
            let mut room = state
                .get_or_create_room(&format!("room {number}"), owner)
                .await;
            let room = room.as_mut().unwrap();
            (room.is_public, room.is_archived) = (is_public, is_archived);
            state.update_room(room).await.unwrap();
            if let Some(user) = let_in {
                state.add_member(room.id, users[user].id).await.unwrap();
            }
        }
        let all = state.rooms().await.unwrap();
        for user in &users {
            let let_into = state.memberships(user.id).await.unwrap();
            let access = Access {
                user,
                let_into: let_into.into_iter().collect(),
            };
            let open = all
                .iter()
                .filter(|room| !room.is_archived && access.may_enter(room));
            let open: Vec<_> = open.cloned().collect();
            let found = state.rooms_open_to(user, 100).await.unwrap();
            assert_eq!(found, open, "{}", user.name);
            let first = state.rooms_open_to(user, 2).await.unwrap();
            assert_eq!(first, open[..open.len().min(2)], "{}", user.name);
        }
    }

    #[test]
    fn a_room_is_managed_by_its_owner_and_admins_but_guests() {
        let room = Room {
            id: 7.into(),
            name: "ops".to_owned(),
            is_public: true,
            owner: 1.into(),
            topic: String::new(),
            is_archived: false,
            created: 0,
        };
        for (user, expected) in [
            (user(1, false, false), true),
            (user(1, false, true), false),
            (user(2, true, false), true),
            (user(3, false, false), false),
        ] {
            assert_eq!(manages(&user, &room), expected);
        }
    }
}
