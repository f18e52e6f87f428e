//! The waiting data of one installation, and the data that its host has. Performs no I/O.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use serde_json::Value;

use crate::model::{RoomId, UserId};

/// The people to whom a push is shown.
///
/// ```
/// use glance_sdk::client::To;
/// use glance_sdk::model::RoomId;
///
/// assert_eq!(To::from(RoomId::new(42)), To::Room(42.into()));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum To {
    /// Everyone in every room.
    Group,
    /// Everyone in one room.
    Room(RoomId),
    /// One person in every room.
    User(UserId),
    /// One person in one room.
    RoomUser(RoomId, UserId),
}

impl From<RoomId> for To {
    fn from(room: RoomId) -> Self {
        Self::Room(room)
    }
}

impl From<UserId> for To {
    fn from(user: UserId) -> Self {
        Self::User(user)
    }
}

impl From<(RoomId, UserId)> for To {
    fn from((room, user): (RoomId, UserId)) -> Self {
        Self::RoomUser(room, user)
    }
}

impl To {
    /// Returns the name for spans.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Room(_) => "room",
            Self::User(_) => "user",
            Self::RoomUser(..) => "room_user",
        }
    }

    pub(super) fn room(self) -> Option<RoomId> {
        match self {
            Self::Room(room) | Self::RoomUser(room, _) => Some(room),
            Self::Group | Self::User(_) => None,
        }
    }

    pub(super) fn user(self) -> Option<UserId> {
        match self {
            Self::User(user) | Self::RoomUser(_, user) => Some(user),
            Self::Group | Self::Room(_) => None,
        }
    }

    fn kind(self) -> usize {
        match self {
            Self::Group => 0,
            Self::Room(_) => 1,
            Self::User(_) => 2,
            Self::RoomUser(..) => 3,
        }
    }

    /// Returns whether both may reach the same person.
    fn overlaps(self, other: Self) -> bool {
        fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        !differ(self.room(), other.room()) && !differ(self.user(), other.user())
    }

    /// Returns whether this target reaches everybody whom the other reaches.
    fn covers(self, other: Self) -> bool {
        (self.room().is_none() || self.room() == other.room())
            && (self.user().is_none() || self.user() == other.user())
    }
}

/// Data by the key of its glance.
pub(super) type Glances = BTreeMap<String, Data>;

/// Data that waits or is being sent.
#[derive(Debug, Clone)]
pub(super) struct Data {
    pub(super) value: Value,
    hash: u64,
    /// The time of this data on the queue's own clock. Of two values that reach the same person,
    /// the later must be sent last.
    came: u64,
    /// The time of the first data that this one replaced. The oldest goes first, even if its data
    /// changes often.
    since: u64,
}

/// The result of enqueuing data.
#[derive(Debug, PartialEq)]
pub(super) enum Put {
    /// The host has the same data.
    Unchanged,
    /// The data waits, and replaces this many older values.
    Waits { merged: usize },
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    clock: u64,
    /// The waiting data by [kind](To::kind) of target. Different rooms never overlap, nor do
    /// different users, so only other kinds need a search.
    waiting: [HashMap<To, Glances>; 4],
    order: BTreeMap<u64, (To, String)>,
    /// A hash of the last sent data, by glance and target.
    sent: HashMap<String, HashMap<To, u64>>,
    is_working: bool,
    in_flight: Option<To>,
}

impl Queue {
    /// Enqueues new data.
    pub(super) fn put(
        &mut self,
        to: To,
        key: &str,
        value: Value,
        hasher: &impl BuildHasher,
    ) -> Put {
        let hash = hasher.hash_one(value.to_string());
        let is_known = self.sent.get(key).and_then(|sent| sent.get(&to)) == Some(&hash);
        if is_known && !self.may_change(to, key) {
            return Put::Unchanged;
        }
        self.clock += 1;
        let came = self.clock;
        let superseded: Vec<To> = self
            .others(to, key)
            .map(|(other, _)| other)
            .filter(|other| to.covers(*other))
            .collect();
        for other in &superseded {
            self.take(*other, key);
        }
        let replaced = self.take(to, key);
        let merged = superseded.len() + usize::from(replaced.is_some());
        let since = replaced.map_or(came, |old| old.since);
        self.insert(
            to,
            key,
            Data {
                value,
                hash,
                came,
                since,
            },
        );
        Put::Waits { merged }
    }

    /// Returns whether a new worker must start sending.
    pub(super) fn begin(&mut self) -> bool {
        !self.order.is_empty() && !std::mem::replace(&mut self.is_working, true)
    }

    /// Returns the next call: all data of one target, except data that must follow other data.
    /// `None` ends the worker.
    pub(super) fn next(&mut self) -> Option<(To, Glances)> {
        self.in_flight = None;
        // The oldest waiting data does not have to follow other data.
        let first = self
            .order
            .values()
            .find(|(to, key)| !self.is_behind(*to, key));
        let Some((to, _)) = first.cloned() else {
            self.is_working = false;
            return None;
        };
        let keys: Vec<String> = self.waiting[to.kind()].get(&to)?.keys().cloned().collect();
        let keys = keys
            .into_iter()
            .filter(|key| !self.is_behind(to, key))
            .collect::<Vec<_>>();
        self.in_flight = Some(to);
        let taken = keys
            .into_iter()
            .filter_map(|key| Some((key.clone(), self.take(to, &key)?)));
        Some((to, taken.collect()))
    }

    /// Records the data that the host accepted.
    pub(super) fn accepted(&mut self, to: To, glances: &Glances) {
        for (key, data) in glances {
            let sent = self.sent.entry(key.clone()).or_default();
            // People whom both targets reach have this data now.
            sent.retain(|other, _| !other.overlaps(to));
            sent.insert(to, data.hash);
        }
    }

    /// Enqueues unsent data again, unless newer data waits. Returns the number of replaced values.
    pub(super) fn put_back(&mut self, to: To, glances: Glances) -> usize {
        let mut merged = 0;
        for (key, data) in glances {
            let is_replaced = self.find(to, &key).is_some();
            if is_replaced || self.others(to, &key).any(|(other, _)| other.covers(to)) {
                merged += 1;
            } else {
                self.insert(to, &key, data);
            }
        }
        merged
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    fn find(&self, to: To, key: &str) -> Option<&Data> {
        self.waiting[to.kind()].get(&to)?.get(key)
    }

    fn insert(&mut self, to: To, key: &str, data: Data) {
        self.order.insert(data.since, (to, key.to_owned()));
        self.waiting[to.kind()]
            .entry(to)
            .or_default()
            .insert(key.to_owned(), data);
    }

    fn take(&mut self, to: To, key: &str) -> Option<Data> {
        let glances = self.waiting[to.kind()].get_mut(&to)?;
        let data = glances.remove(key)?;
        if glances.is_empty() {
            self.waiting[to.kind()].remove(&to);
        }
        self.order.remove(&data.since);
        Some(data)
    }

    /// Returns whether waiting data may change the data of this target soon.
    fn may_change(&self, to: To, key: &str) -> bool {
        self.in_flight.is_some_and(|other| other.overlaps(to))
            || self.find(to, key).is_some()
            || self.others(to, key).next().is_some()
    }

    /// Returns whether older data waits for some of the same people.
    fn is_behind(&self, to: To, key: &str) -> bool {
        self.find(to, key)
            .is_some_and(|own| self.others(to, key).any(|(_, other)| other.came < own.came))
    }

    /// Returns the other waiting data of this glance for some of the same people.
    fn others(&self, to: To, key: &str) -> impl Iterator<Item = (To, &Data)> {
        let other_kinds = self
            .waiting
            .iter()
            .enumerate()
            .filter(move |(kind, _)| *kind != to.kind());
        other_kinds
            .flat_map(|(_, targets)| targets)
            .filter(move |(other, _)| other.overlaps(to))
            .filter_map(move |(other, glances)| Some((*other, glances.get(key)?)))
    }
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use proptest::prelude::*;

    use super::*;

    const ROOMS: [u64; 2] = [1, 2];
    const USERS: [u64; 2] = [1, 2];

    fn target() -> impl Strategy<Value = To> + Clone {
        let room = prop::sample::select(&ROOMS[..]).prop_map(RoomId::new);
        let user = prop::sample::select(&USERS[..]).prop_map(UserId::new);
        prop_oneof![
            Just(To::Group),
            room.clone().prop_map(To::Room),
            user.clone().prop_map(To::User),
            (room, user).prop_map(|(room, user)| To::RoomUser(room, user)),
        ]
    }

    #[derive(Debug, Clone)]
    enum Step {
        Put(To, &'static str, u8),
        Send,
        Fail,
        /// Enqueues data during a call that then fails.
        PutAndFail(To, &'static str, u8),
    }

    fn step() -> impl Strategy<Value = Step> {
        let put = (target(), prop::sample::select(&["a", "b"][..]), 0u8..4);
        prop_oneof![
            4 => put.clone().prop_map(|(to, key, data)| Step::Put(to, key, data)),
            2 => Just(Step::Send),
            1 => Just(Step::Fail),
            1 => put.prop_map(|(to, key, data)| Step::PutAndFail(to, key, data)),
        ]
    }

    /// The data that each person sees in each room, by glance.
    type Seen = BTreeMap<(u64, u64, String), Value>;

    fn show(seen: &mut Seen, to: To, key: &str, data: &Value) {
        for room in ROOMS {
            for user in USERS {
                if to.covers(To::RoomUser(room.into(), user.into())) {
                    seen.insert((room, user, key.to_owned()), data.clone());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn everyone_sees_newest_data_at_the_end(steps in prop::collection::vec(step(), 0..60)) {
            let hasher = RandomState::new();
            let mut queue = Queue::default();
            let (mut expected, mut seen) = (Seen::new(), Seen::new());
            for step in steps {
                match step {
                    Step::Put(to, key, data) => {
                        show(&mut expected, to, key, &data.into());
                        queue.put(to, key, data.into(), &hasher);
                    }
                    Step::Send => {
                        if let Some((to, glances)) = queue.next() {
                            glances.iter().for_each(|(key, data)| show(&mut seen, to, key, &data.value));
                            queue.accepted(to, &glances);
                        }
                    }
                    Step::Fail => {
                        if let Some((to, glances)) = queue.next() {
                            queue.put_back(to, glances);
                        }
                    }
                    Step::PutAndFail(newer, key, data) => {
                        let taken = queue.next();
                        show(&mut expected, newer, key, &data.into());
                        queue.put(newer, key, data.into(), &hasher);
                        if let Some((to, glances)) = taken {
                            queue.put_back(to, glances);
                        }
                    }
                }
            }
            while let Some((to, glances)) = queue.next() {
                glances.iter().for_each(|(key, data)| show(&mut seen, to, key, &data.value));
                queue.accepted(to, &glances);
            }
            prop_assert_eq!(seen, expected);
            prop_assert_eq!(queue.len(), 0);
        }
    }

    #[test]
    fn unchanged_data_is_not_sent_again() {
        let hasher = RandomState::new();
        let mut queue = Queue::default();
        let room = To::Room(1.into());
        let put = |queue: &mut Queue, to, data: u8| queue.put(to, "g", data.into(), &hasher);
        assert_eq!(put(&mut queue, room, 1), Put::Waits { merged: 0 });
        assert_eq!(put(&mut queue, room, 2), Put::Waits { merged: 1 });
        let (to, glances) = queue.next().unwrap();
        queue.accepted(to, &glances);
        assert!(queue.next().is_none());

        assert_eq!(put(&mut queue, room, 2), Put::Unchanged);
        assert_eq!(put(&mut queue, To::Group, 3), Put::Waits { merged: 0 });
        assert_eq!(
            put(&mut queue, room, 2),
            Put::Waits { merged: 0 },
            "the group's push changes it"
        );
    }
}
