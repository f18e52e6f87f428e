//! Changes people: makes them admins, members or guests, removes and restores them.

use std::sync::Arc;

use glance_sdk::model::UserId;

use crate::model::User;
use crate::model::event::{AccessChange, Event, Topic};
use crate::service::STALE_RETRIES;
use crate::storage::{Effects, PersonChange, Storage, StorageError};

/// The role of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Admin,
    Member,
    Guest,
}

impl Role {
    pub(crate) fn of(user: &User) -> Self {
        match (user.is_admin, user.is_guest) {
            (true, _) => Self::Admin,
            (false, true) => Self::Guest,
            (false, false) => Self::Member,
        }
    }
}

/// Changes people and tells open pages.
#[derive(Debug, Clone)]
pub(crate) struct People {
    storage: Arc<dyn Storage>,
}

impl People {
    pub(crate) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage }
    }

    /// Changes the current state of a person. Returns [`PersonChange::Stale`] if others keep changing them at the same
    /// time.
    pub(crate) async fn change(
        &self,
        id: UserId,
        change: impl Fn(&mut User),
    ) -> Result<PersonChange, StorageError> {
        for _ in 0..=STALE_RETRIES {
            let Some(before) = self.storage.user(id).await? else {
                return Ok(PersonChange::Gone);
            };
            let mut after = before.clone();
            change(&mut after);
            let effects = effects(&before, &after);
            let changed = self.storage.change_person(&before, &after, effects);
            match changed.await? {
                PersonChange::Stale => {}
                changed => return Ok(changed),
            }
        }
        Ok(PersonChange::Stale)
    }

    pub(crate) async fn set_role(
        &self,
        id: UserId,
        role: Role,
    ) -> Result<PersonChange, StorageError> {
        let change = |user: &mut User| {
            user.is_admin = role == Role::Admin;
            user.is_guest = role == Role::Guest;
        };
        self.change(id, change).await
    }

    /// Lets a removed person sign in again.
    pub(crate) async fn restore(&self, id: UserId) -> Result<PersonChange, StorageError> {
        self.change(id, |user| user.is_removed = false).await
    }

    pub(crate) async fn remove(&self, id: UserId) -> Result<PersonChange, StorageError> {
        self.storage.remove_person(id, role_changed(id)).await
    }

    /// Stores the time zone that a person's page says, for the tokens that the host makes from now on.
    pub(crate) async fn set_time_zone(&self, user: &User, zone: &str) -> Result<(), StorageError> {
        match zone == user.timezone {
            true => Ok(()),
            false => self.storage.set_timezone(user.id, zone).await,
        }
    }
}

/// Returns the effects of a change to a person: open pages look whether their role changed.
pub(super) fn effects(before: &User, after: &User) -> Effects {
    let role = |user: &User| (user.is_admin, user.is_guest, user.is_removed);
    match role(after) == role(before) {
        true => Effects::none(),
        false => role_changed(after.id),
    }
}

fn role_changed(id: UserId) -> Effects {
    Effects::none()
        .access(AccessChange::Person(id))
        // Conditions of glances test whether a person is an admin or a guest.
        .event(Topic::AllRooms, Event::Changed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cluster::bus::{Bus, LocalBus};
    use crate::storage::SqliteState;

    struct Fixture {
        storage: Arc<dyn Storage>,
        bus: Arc<LocalBus>,
        people: People,
    }

    impl Fixture {
        fn new() -> Self {
            let storage: Arc<dyn Storage> = Arc::new(SqliteState::in_memory().unwrap());
            let bus = Arc::new(LocalBus::default());
            storage.add_receiver(Arc::downgrade(&bus) as _);
            let people = People::new(Arc::clone(&storage));
            Self {
                storage,
                bus,
                people,
            }
        }

        async fn admin(&self, name: &str) -> User {
            let mut user = self.storage.get_or_create_user(name).await.unwrap();
            user.is_admin = true;
            self.storage.update_user(&user).await.unwrap();
            user
        }
    }

    #[tokio::test]
    async fn last_admin_stays_an_admin() {
        let fixture = Fixture::new();
        let people = &fixture.people;
        let (ann, bo) = (fixture.admin("Ann").await, fixture.admin("Bo").await);
        let demote = |user: &mut User| user.is_admin = false;
        assert_eq!(
            people.change(bo.id, demote).await.unwrap(),
            PersonChange::Done
        );
        assert_eq!(
            people.change(ann.id, demote).await.unwrap(),
            PersonChange::LastAdmin
        );
        assert_eq!(
            people.remove(ann.id).await.unwrap(),
            PersonChange::LastAdmin
        );
        assert_eq!(fixture.storage.user(ann.id).await.unwrap(), Some(ann));
    }

    #[tokio::test]
    async fn only_changes_of_the_role_are_published() {
        let fixture = Fixture::new();
        fixture.admin("Ann").await;
        let bo = fixture.admin("Bo").await;
        let mut access = fixture.bus.subscribe_access();
        let mut room = fixture.bus.subscribe(1.into());
        let rename = |user: &mut User| user.name = "Cy".to_owned();
        let changed = fixture.people.change(bo.id, rename).await.unwrap();
        assert_eq!(changed, PersonChange::Done);
        assert!(access.try_recv().is_err() && room.try_recv().is_err());

        let expected = Event::Access(AccessChange::Person(bo.id));
        let make_guest = |user: &mut User| user.is_guest = true;
        let changed = fixture.people.change(bo.id, make_guest).await.unwrap();
        assert_eq!(changed, PersonChange::Done);
        assert_eq!(access.try_recv().unwrap().event, expected);
        assert_eq!(room.try_recv().unwrap().event, Event::Changed);
        let removed = fixture.people.remove(bo.id).await.unwrap();
        assert_eq!(removed, PersonChange::Done);
        assert_eq!(access.try_recv().unwrap().event, expected);
    }

    #[tokio::test]
    async fn unknown_person_is_gone() {
        let fixture = Fixture::new();
        let changed = fixture.people.change(7.into(), |_| ()).await.unwrap();
        assert_eq!(changed, PersonChange::Gone);
        assert_eq!(
            fixture.people.remove(7.into()).await.unwrap(),
            PersonChange::Gone
        );
    }
}
