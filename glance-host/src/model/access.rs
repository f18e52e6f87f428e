//! The rules of who may enter a room and who may change it.

use std::collections::HashSet;

use glance_sdk::model::RoomId;

use crate::model::{Room, User};

/// The rooms that a person may enter.
pub(crate) struct Access<'a> {
    user: &'a User,
    memberships: HashSet<RoomId>,
}

impl<'a> Access<'a> {
    /// Creates the access of a person who is a member of these rooms.
    pub(crate) fn new(user: &'a User, memberships: impl IntoIterator<Item = RoomId>) -> Self {
        Self {
            user,
            memberships: memberships.into_iter().collect(),
        }
    }

    /// Returns whether the person may enter a room. Everyone but guests may enter a public room; its owner,
    /// admins and members may enter a private one. A guest enters only rooms that they own or are a member of.
    pub(crate) fn may_enter(&self, room: &Room) -> bool {
        let user = self.user;
        let is_open = room.is_public && !user.is_guest;
        let is_theirs = user.is_admin || room.owner == user.id;
        !user.is_removed && (is_open || is_theirs || self.memberships.contains(&room.id))
    }
}

/// Returns whether a person has to be a member of a room to enter it: guests do, and everyone else for a private room.
/// The owner enters as its owner.
pub(crate) fn needs_membership(user: &User, room: &Room) -> bool {
    user.is_guest || !room.is_public
}

/// Returns whether a person may change a room and its integrations: its owner and admins may. A guest may
/// not, even if the room was theirs before they became one.
pub(crate) fn manages(user: &User, room: &Room) -> bool {
    manages_group(user) || !user.is_guest && room.owner == user.id
}

/// Returns whether a person may change the integrations of all rooms: admins who are not guests may.
pub(crate) fn manages_group(user: &User) -> bool {
    user.is_admin && !user.is_guest
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn room(is_public: bool) -> Room {
        Room {
            id: 7.into(),
            name: "ops".to_owned(),
            is_public,
            owner: 1.into(),
            topic: String::new(),
            is_archived: false,
            created: 0,
        }
    }

    #[test]
    fn only_those_with_access_may_enter() {
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
                let memberships = is_let_in.then_some(RoomId::new(7));
                let access = Access::new(&user, memberships);
                let expected = |may| may && !is_removed;
                assert_eq!(access.may_enter(&room(true)), expected(into_public));
                assert_eq!(access.may_enter(&room(false)), expected(into_private));
            }
        }
    }

    #[test]
    fn owner_and_admins_manage_a_room_unless_they_are_guests() {
        let room = room(true);
        for (user, expected) in [
            (user(1, false, false), true),
            (user(1, false, true), false),
            (user(2, true, false), true),
            (user(2, true, true), false),
            (user(3, false, false), false),
        ] {
            assert_eq!(manages(&user, &room), expected);
            assert_eq!(manages_group(&user), expected && user.is_admin);
        }
    }

    #[test]
    fn guests_and_private_rooms_need_membership() {
        for (is_guest, is_public, expected) in [
            (false, true, false),
            (false, false, true),
            (true, true, true),
            (true, false, true),
        ] {
            let user = user(3, false, is_guest);
            assert_eq!(needs_membership(&user, &room(is_public)), expected);
        }
    }
}
