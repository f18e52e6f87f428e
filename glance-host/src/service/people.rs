//! What is done to people, whoever does it: made admins, members or guests, removed, let back.

use crate::cluster::bus::Topic;
use crate::model::User;
use crate::model::event::AccessChange;
use crate::model::event::Event;
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// Makes a person who they are now, and tells open pages where they may do something else. Whoever
/// calls holds [`Shared::roles`] since they read `before`.
pub(crate) async fn change(shared: &Shared, before: &User, now: &User) -> Result<(), StorageError> {
    if now == before {
        return Ok(());
    }
    shared.state.update_user(now).await?;
    if now.is_removed {
        shared.state.remove_sessions(now.id).await?;
        shared.state.remove_private_messages(now.id).await?;
    }
    let role = |user: &User| (user.is_admin, user.is_guest, user.is_removed);
    if role(now) != role(before) {
        shared.bus.publish_access(AccessChange::Person(now.id));
        // Glances may be for admins or guests.
        shared.bus.publish(Topic::AllRooms, Event::Changed);
    }
    Ok(())
}
