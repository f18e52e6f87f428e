//! Changes people, whoever asks: makes them admins, members or guests, removes them, lets them back.

use glance_sdk::model::UserId;

use crate::cluster::bus::Topic;
use crate::model::User;
use crate::model::event::AccessChange;
use crate::model::event::Event;
use crate::service::shared::Shared;
use crate::storage::{PersonChange, StorageError};

/// Changes the person with this id as they are by now, and tells open pages.
pub(crate) async fn change(
    shared: &Shared,
    id: UserId,
    change: impl Fn(&mut User),
) -> Result<PersonChange, StorageError> {
    loop {
        let Some(before) = shared.state.user(id).await? else {
            return Ok(PersonChange::Gone);
        };
        let mut after = before.clone();
        change(&mut after);
        let changed = shared.state.change_person(&before, &after).await?;
        if changed == PersonChange::Done {
            publish(shared, &before, &after);
        }
        if changed != PersonChange::Stale {
            return Ok(changed);
        }
    }
}

/// Removes the person with this id, and tells open pages.
pub(crate) async fn remove(shared: &Shared, id: UserId) -> Result<PersonChange, StorageError> {
    let removed = shared.state.remove_person(id).await?;
    if removed == PersonChange::Done {
        publish_role(shared, id);
    }
    Ok(removed)
}

/// Tells open pages if a person may do something else now.
pub(crate) fn publish(shared: &Shared, before: &User, after: &User) {
    let role = |user: &User| (user.is_admin, user.is_guest, user.is_removed);
    if role(after) != role(before) {
        publish_role(shared, after.id);
    }
}

fn publish_role(shared: &Shared, id: UserId) {
    shared.bus.publish_access(AccessChange::Person(id));
    // Glances may be for admins or guests.
    shared.bus.publish(Topic::AllRooms, Event::Changed);
}
