//! Changes people: makes them admins, members or guests, removes and restores them.

use std::sync::Arc;

use glance_sdk::model::UserId;

use crate::cluster::bus::{Bus, Topic};
use crate::model::User;
use crate::model::event::{AccessChange, Event};
use crate::storage::{PersonChange, Storage, StorageError};

/// Changes people and tells open pages.
#[derive(Debug, Clone)]
pub(crate) struct People {
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
}

impl People {
    pub(crate) fn new(storage: Arc<dyn Storage>, bus: Arc<dyn Bus>) -> Self {
        Self { storage, bus }
    }

    /// Changes the current state of a person.
    pub(crate) async fn change(
        &self,
        id: UserId,
        change: impl Fn(&mut User),
    ) -> Result<PersonChange, StorageError> {
        loop {
            let Some(before) = self.storage.user(id).await? else {
                return Ok(PersonChange::Gone);
            };
            let mut after = before.clone();
            change(&mut after);
            let changed = self.storage.change_person(&before, &after).await?;
            if changed == PersonChange::Done {
                self.publish(&before, &after);
            }
            if changed != PersonChange::Stale {
                return Ok(changed);
            }
        }
    }

    pub(crate) async fn remove(&self, id: UserId) -> Result<PersonChange, StorageError> {
        let removed = self.storage.remove_person(id).await?;
        if removed == PersonChange::Done {
            self.publish_role(id);
        }
        Ok(removed)
    }

    /// Tells open pages if the role of a person changed.
    pub(crate) fn publish(&self, before: &User, after: &User) {
        let role = |user: &User| (user.is_admin, user.is_guest, user.is_removed);
        if role(after) != role(before) {
            self.publish_role(after.id);
        }
    }

    fn publish_role(&self, id: UserId) {
        self.bus.publish_access(AccessChange::Person(id));
        // Conditions of glances test whether a person is an admin or a guest.
        self.bus.publish(Topic::AllRooms, Event::Changed);
    }
}
