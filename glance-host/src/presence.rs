//! Who is in which room: a person is there while a viewer of theirs is.

use std::collections::HashMap;
use std::sync::Arc;

use glance_sdk::model::{RoomId, UserId};
use tokio::sync::Mutex;

use crate::shared::Shared;
use crate::webhooks::{self, Happening};

/// How many viewers each person has in each room. Locked until everyone is told, so that nobody
/// hears of a person's leaving after their return.
#[derive(Debug, Default)]
pub(crate) struct Presence(Mutex<HashMap<(RoomId, UserId), usize>>);

pub(crate) async fn enter(shared: &Arc<Shared>, room: RoomId, user: UserId) {
    let mut there = shared.presence.0.lock().await;
    let viewers = there.entry((room, user)).or_default();
    *viewers += 1;
    if *viewers == 1 {
        tell(shared, room, user, Happening::Entered).await;
    }
}

pub(crate) async fn exit(shared: &Arc<Shared>, room: RoomId, user: UserId) {
    let mut there = shared.presence.0.lock().await;
    let Some(viewers) = there.get_mut(&(room, user)) else {
        return;
    };
    *viewers -= 1;
    if *viewers == 0 {
        there.remove(&(room, user));
        tell(shared, room, user, Happening::Left).await;
    }
}

async fn tell(
    shared: &Arc<Shared>,
    room: RoomId,
    user: UserId,
    happening: impl FnOnce(crate::state::User) -> Happening,
) {
    match shared.state.user(user).await {
        Ok(Some(user)) => webhooks::tell(shared, room, happening(user)).await,
        Ok(None) => {}
        Err(cause) => tracing::error!("nobody was told who came or left: {cause}"),
    }
}
