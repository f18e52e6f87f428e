//! Counts viewers: a person is in a room as long as they have a viewer there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use glance_sdk::model::{RoomId, UserId};
use parking_lot::{Mutex, MutexGuard};

/// The number of viewers per person and room; `None` counts guests without a name.
type Open = BTreeMap<(RoomId, Option<UserId>), usize>;

/// The people in rooms. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attendance(Arc<Mutex<Open>>);

impl Attendance {
    /// Adds a viewer of a person, or of a guest without a name, until the returned value is dropped.
    pub(crate) fn enter(&self, room: RoomId, user: Option<UserId>) -> Attending {
        *self.open().entry((room, user)).or_default() += 1;
        Attending {
            attendance: self.clone(),
            at: (room, user),
        }
    }

    /// Returns the people in this room.
    pub(crate) fn in_room(&self, room: RoomId) -> BTreeSet<UserId> {
        let open = self.open();
        let here = open.keys().filter(|(other, _)| *other == room);
        here.filter_map(|(_, user)| *user).collect()
    }

    /// Returns whether a person is in this room.
    pub(crate) fn is_in(&self, room: RoomId, user: UserId) -> bool {
        self.open().contains_key(&(room, Some(user)))
    }

    /// Returns whether a person is in any room.
    pub(crate) fn is_online(&self, user: UserId) -> bool {
        self.open().keys().any(|(_, other)| *other == Some(user))
    }

    /// Returns the number of viewers, and the number of rooms with viewers.
    pub(crate) fn count(&self) -> (usize, usize) {
        let open = self.open();
        let rooms: BTreeSet<_> = open.keys().map(|(room, _)| room).collect();
        (open.values().sum(), rooms.len())
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock()
    }
}

/// Counts one viewer of a person in a room until it is dropped.
#[derive(Debug)]
pub(crate) struct Attending {
    attendance: Attendance,
    at: (RoomId, Option<UserId>),
}

impl Drop for Attending {
    fn drop(&mut self) {
        let mut open = self.attendance.open();
        if let Some(viewers) = open.get_mut(&self.at) {
            *viewers -= 1;
            if *viewers == 0 {
                open.remove(&self.at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn person_is_in_room_until_last_viewer_closes() {
        let attendance = Attendance::default();
        let (one, two, ann) = (RoomId::new(1), RoomId::new(2), UserId::new(7));
        let first = attendance.enter(one, Some(ann));
        let second = attendance.enter(one, Some(ann));
        let elsewhere = attendance.enter(two, Some(ann));
        let nobody = attendance.enter(two, None);
        assert_eq!(attendance.count(), (4, 2));
        assert_eq!(attendance.in_room(two), BTreeSet::from([ann]));
        drop((first, nobody));
        assert!(attendance.in_room(one).contains(&ann));
        drop(second);
        assert!(attendance.in_room(one).is_empty());
        assert!(attendance.is_online(ann));
        drop(elsewhere);
        assert!(!attendance.is_online(ann));
        assert!(attendance.open().is_empty());
    }
}
