//! Who may enter a room, and who may change what.

use std::collections::HashSet;

use glance_sdk::model::RoomId;

use crate::shared::Shared;
use crate::state::{Room, StateError, User};

/// Which rooms a person may enter.
pub(crate) struct Access<'a> {
    user: &'a User,
    let_into: HashSet<RoomId>,
}

impl<'a> Access<'a> {
    pub(crate) async fn of(shared: &Shared, user: &'a User) -> Result<Self, StateError> {
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

    fn user(id: u64, is_admin: bool, is_guest: bool) -> User {
        User {
            id: id.into(),
            name: format!("user {id}"),
            is_admin,
            is_guest,
            timezone: "UTC".to_owned(),
            email: None,
            is_removed: false,
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
