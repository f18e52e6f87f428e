//! Makes hosts show what rooms have chosen, however often a call fails in between.
//!
//! A choice is written first, as a wish. Then the host is told, by calls that may be repeated, and
//! only when it agreed that is written too. So whatever fails or ends in between, the room is found
//! again among the unsettled ones.

use std::time::Duration;

use glance_sdk::ErrorKind;
use glance_sdk::glance::Glance;
use glance_sdk::prelude::*;

use crate::{Blockers, blockers};

/// The wait before failed calls are made again; it doubles while they fail.
const FIRST_WAIT: Duration = Duration::from_secs(1);

const LONGEST_WAIT: Duration = Duration::from_secs(60);

impl Blockers {
    /// Tells a host what the room wants, and pushes what its lines say from then on.
    pub(crate) async fn settle(
        &self,
        installations: &Installations,
        pusher: &Pusher,
        oauth_id: &OauthId,
        room: RoomId,
    ) -> Result<(), Failure> {
        let client = installations.client(oauth_id).await?;
        let turn = self.settling.lock().await;
        let wanted = self.rooms.get(oauth_id, room).await?;
        if !wanted.is_settled {
            let glances = client.room(room).glances();
            let has_glance = wanted.project.is_some();
            let told = match has_glance {
                true => glances.create_registered::<blockers>().await,
                false => glances.remove(blockers::KEY).await,
            };
            match told {
                Err(error) if error.kind() == ErrorKind::NotFound && !has_glance => {}
                told => told?,
            }
            let generation = wanted.generation;
            if !self.rooms.settled(oauth_id, room, generation).await? {
                self.behind.notify_one();
            }
        }
        drop(turn);
        self.push(pusher, oauth_id, room).await
    }

    /// Settles what was left behind, at the start and after a failure; runs beside the server.
    pub async fn keep_up(self, installations: Installations, pusher: Pusher) {
        let mut wait = FIRST_WAIT;
        loop {
            match self.settle_all(&installations, &pusher).await {
                Ok(()) => {
                    // Another process may have left something behind, and cannot say so here.
                    let _ = tokio::time::timeout(LONGEST_WAIT, self.behind.notified()).await;
                    wait = FIRST_WAIT;
                }
                Err(failure) => {
                    tracing::warn!("a room is not settled, again in {wait:?}: {failure}");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Tries every room, and says what failed last.
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
