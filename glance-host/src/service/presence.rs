//! Calls webhooks when people enter and leave rooms.

use std::collections::HashSet;
use std::sync::Arc;

use glance_sdk::model::{RoomId, UserId};
use tokio::sync::Mutex;

use crate::cluster::attendance::Attendance;
use crate::model::User;
use crate::service::webhooks::{RoomEvent, Webhooks};
use crate::storage::Storage;

/// The number of people whose events are stored at the same time.
const PARTS: usize = 64;

type Announced = HashSet<(RoomId, UserId)>;

/// Compares who is in a room with the latest webhook calls about it.
#[derive(Debug, Clone)]
pub(crate) struct Presence {
    storage: Arc<dyn Storage>,
    attendance: Attendance,
    webhooks: Webhooks,
    /// The people whose arrival was announced, in several parts. The lock of a part is held until the webhook calls are
    /// stored, so that every add-on receives the enter and exit events of a person in their order.
    announced: Arc<[Mutex<Announced>; PARTS]>,
}

impl Presence {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        attendance: Attendance,
        webhooks: Webhooks,
    ) -> Self {
        Self {
            storage,
            attendance,
            webhooks,
            announced: Arc::new(std::array::from_fn(|_| Mutex::default())),
        }
    }

    /// Announces that a person entered or left a room, if that changed since the last announcement.
    pub(crate) async fn settle(&self, room: RoomId, user: UserId) {
        let part = (room.get() ^ user.get()) as usize % PARTS;
        let mut announced = self.announced[part].lock().await;
        let is_there = self.attendance.is_in(room, user);
        if is_there && announced.insert((room, user)) {
            self.announce(room, user, RoomEvent::Entered).await;
        } else if !is_there && announced.remove(&(room, user)) {
            self.announce(room, user, RoomEvent::Left).await;
        }
    }

    async fn announce(&self, room: RoomId, user: UserId, event: impl FnOnce(User) -> RoomEvent) {
        match self.storage.user(user).await {
            Ok(Some(user)) => self.webhooks.call(room, event(user)).await,
            Ok(None) => {}
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(%room, %user, error, "presence webhooks not sent");
            }
        }
    }
}
