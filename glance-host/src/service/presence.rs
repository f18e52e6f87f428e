//! Tells webhooks who came into a room and who left it.

use std::collections::HashSet;
use std::sync::Arc;

use glance_sdk::model::{RoomId, UserId};
use tokio::sync::Mutex;

use crate::service::shared::Shared;
use crate::service::webhooks;
use crate::service::webhooks::RoomEvent;

/// Who was told to have come. Locked until everyone is told, so that nobody hears of a person's
/// leaving after their return.
#[derive(Debug, Default)]
pub(crate) struct Presence(Mutex<HashSet<(RoomId, UserId)>>);

/// Tells what changed for a person in a room since it was last told.
pub(crate) async fn settle(shared: &Arc<Shared>, room: RoomId, user: UserId) {
    let mut told = shared.presence.0.lock().await;
    let is_there = shared.attendance.is_in(room, user);
    if is_there && told.insert((room, user)) {
        tell(shared, room, user, RoomEvent::Entered).await;
    } else if !is_there && told.remove(&(room, user)) {
        tell(shared, room, user, RoomEvent::Left).await;
    }
}

async fn tell(
    shared: &Arc<Shared>,
    room: RoomId,
    user: UserId,
    event: impl FnOnce(crate::model::User) -> RoomEvent,
) {
    match shared.state.user(user).await {
        Ok(Some(user)) => webhooks::tell(shared, room, event(user)).await,
        Ok(None) => {}
        Err(cause) => tracing::error!("nobody was told who came or left: {cause:#}"),
    }
}
