//! Makes hosts show the choices of rooms, even if calls fail in between.
//!
//! The choice is stored first. Then the host is called, with idempotent requests, and only after it
//! has accepted them is the room stored as settled. After any failure, the room is found again
//! among the unsettled ones.

use std::time::Duration;

use glance_sdk::ErrorKind;
use glance_sdk::glance::Glance;
use glance_sdk::prelude::*;

use crate::{Blockers, blockers};

/// The first backoff before failed calls are retried; it doubles while they fail.
const FIRST_WAIT: Duration = Duration::from_secs(1);

const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Blockers {
    /// Calls the host with the room's choice, and then pushes the glances.
    pub(crate) async fn settle(
        &self,
        installations: &Installations,
        pusher: &Pusher,
        oauth_id: &OauthId,
        room: RoomId,
    ) -> Result<(), Failure> {
        let client = installations.client(oauth_id).await?;
        let turn = self.settling.lock().await;
        let setting = self.rooms.get(oauth_id, room).await?;
        if !setting.is_settled {
            let glances = client.room(room).glances();
            let has_glance = setting.project.is_some();
            let result = match has_glance {
                true => glances.create_registered::<blockers>().await,
                false => glances.remove(blockers::KEY).await,
            };
            match result {
                Err(error) if error.kind() == ErrorKind::NotFound && !has_glance => {}
                result => result?,
            }
            let generation = setting.generation;
            if !self.rooms.settled(oauth_id, room, generation).await? {
                self.behind.notify_one();
            }
        }
        drop(turn);
        self.push(pusher, oauth_id, room).await
    }

    /// Settles the remaining rooms, at the start and after failures. Runs beside the server.
    pub async fn keep_up(self, installations: Installations, pusher: Pusher) {
        let mut wait = FIRST_WAIT;
        loop {
            match self.settle_all(&installations, &pusher).await {
                Ok(()) => {
                    // Another process may have left unsettled rooms behind, and cannot notify this
                    // one.
                    let _ = tokio::time::timeout(LONGEST_WAIT, self.behind.notified()).await;
                    wait = FIRST_WAIT;
                }
                Err(failure) => {
                    tracing::warn!(%failure, ?wait, "settling a room failed; retrying");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Tries every room. Returns the last failure.
    async fn settle_all(
        &self,
        installations: &Installations,
        pusher: &Pusher,
    ) -> Result<(), Failure> {
        let mut outcome = Ok(());
        for (oauth_id, room) in self.rooms.unsettled().await? {
            let settled = self.settle(installations, pusher, &oauth_id, room).await;
            outcome = settled.and(outcome);
        }
        outcome
    }
}
