//! Removes installations. First storage marks the installation as leaving, which ends its tokens, glances and
//! webhooks at once. Then the host calls the add-on; after its answer the row is deleted.
//!
//! The host retries after a crash, and if an add-on is down, at its next start and every [`PAUSE`], for at
//! most [`LIMIT`].

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use glance_sdk::model::OauthId;
use parking_lot::Mutex;
use reqwest::StatusCode;

use super::{DESCRIPTOR_TIMEOUT, MAX_ANSWER_BYTES, changed, plain};
use crate::model::clock::Clock;
use crate::model::event::AccessChange;
use crate::model::shutdown::Shutdown;
use crate::model::{Installed, Leaving};
use crate::net::outbound::NoAnswer;
use crate::service::addon_calls::AddOnCalls;
use crate::service::webhooks::Webhooks;
use crate::storage::{Effects, Storage, StorageError};

/// The pause before removal calls are retried.
const PAUSE: Duration = Duration::from_secs(5 * 60);

/// The time after which the host gives up.
const LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The number of rows that are read at a time.
const BATCH: u32 = 100;

/// The number of concurrent removal calls.
const AT_ONCE: usize = 8;

/// The time after which an installation is removed that its add-on has not accepted: longer than
/// [`CALLBACK_TIMEOUT`](super::CALLBACK_TIMEOUT). One that waits for a person ends with its hand-off.
pub(super) const UNFINISHED_LIFE: Duration = Duration::from_secs(2 * 60);

/// How long the removal call of a deleted room waits for the webhooks of the deletion.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Removes installations. Clones share the calls that are being sent.
#[derive(Debug, Clone)]
pub(crate) struct Removals {
    storage: Arc<dyn Storage>,
    webhooks: Webhooks,
    addon_calls: AddOnCalls,
    clock: Clock,
    shutdown: Shutdown,
    in_progress: InProgress,
}

/// The installations whose add-ons are being told, so that none is told twice at once.
#[derive(Debug, Clone, Default)]
struct InProgress(Arc<Mutex<HashSet<OauthId>>>);

impl InProgress {
    /// Marks an installation until the returned value is dropped; `None` if it is marked already.
    fn begin(&self, oauth_id: &OauthId) -> Option<Telling> {
        let is_new = self.0.lock().insert(oauth_id.clone());
        is_new.then(|| Telling {
            in_progress: self.clone(),
            oauth_id: oauth_id.clone(),
        })
    }
}

struct Telling {
    in_progress: InProgress,
    oauth_id: OauthId,
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.in_progress.0.lock().remove(&self.oauth_id);
    }
}

impl Removals {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        webhooks: Webhooks,
        addon_calls: AddOnCalls,
        clock: Clock,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            storage,
            webhooks,
            addon_calls,
            clock,
            shutdown,
            in_progress: InProgress::default(),
        }
    }

    /// Removes an installation and tells its add-on, whatever that answers. Returns false if there is none.
    pub(crate) async fn uninstall(&self, id: &OauthId) -> Result<bool, StorageError> {
        let effects = |installed: &Installed| {
            changed(installed).access(AccessChange::Installation(installed.oauth_id.clone()))
        };
        let left = self.storage.leave(id, self.clock.now(), Box::new(effects));
        let Some(installed) = left.await? else {
            return Ok(false);
        };
        // In a task of its own: the caller may disconnect.
        let removals = self.clone();
        let telling = tokio::spawn(async move { removals.tell_removed(installed, false).await });
        if let Err(error) = telling.await {
            tracing::error!(installation = %id, %error, "telling an add-on of its removal panicked");
        }
        Ok(true)
    }

    /// Removes an installation that its add-on may or may not have accepted. Does not wait for the call.
    pub(super) async fn undo(&self, id: &OauthId) -> Result<(), StorageError> {
        // It never showed.
        let no_effects = Box::new(|_: &Installed| Effects::none());
        let left = self.storage.leave(id, self.clock.now(), no_effects);
        if let Some(installed) = left.await? {
            self.spawn_tell(installed, false);
        }
        Ok(())
    }

    /// Removes installations that were not finished in time, as after a crash, and tells their add-ons. Does not wait for
    /// the calls.
    pub(crate) async fn leave_unfinished(&self) -> Result<(), StorageError> {
        let now = self.clock.now();
        let life = i64::try_from(UNFINISHED_LIFE.as_secs()).unwrap_or(i64::MAX);
        let began_before = now.saturating_sub(life);
        for installed in self.storage.leave_unfinished(began_before, now).await? {
            tracing::info!(installation = %installed.oauth_id, "removed an unfinished installation");
            self.spawn_tell(installed, false);
        }
        Ok(())
    }

    /// Tells the add-ons of a deleted room, after their webhooks for the deletion. Does not wait for the calls.
    pub(crate) fn tell_of_room(&self, installed: Vec<Installed>) {
        for installed in installed {
            self.spawn_tell(installed, true);
        }
    }

    fn spawn_tell(&self, installed: Installed, after_webhooks: bool) {
        let removals = self.clone();
        tokio::spawn(async move { removals.tell_removed(installed, after_webhooks).await });
    }

    /// Spawns a task that retries the stored removals, and removes unfinished installations, until the host shuts down.
    pub(crate) fn start(&self) {
        let removals = self.clone();
        tokio::spawn(async move {
            let telling = async {
                loop {
                    if let Err(error) = removals.leave_unfinished().await {
                        let error = format!("{error:#}");
                        tracing::error!(error, "removing unfinished installations failed");
                    }
                    if let Err(error) = removals.tell_all().await {
                        let error = format!("{error:#}");
                        tracing::error!(error, "reading removed installations failed");
                    }
                    removals.clock.sleep(PAUSE).await;
                }
            };
            tokio::select! {
                () = removals.shutdown.begun() => {}
                () = telling => {}
            }
        });
    }

    async fn tell_all(&self) -> Result<(), StorageError> {
        let mut after: Option<OauthId> = None;
        loop {
            let leaving = self.storage.leaving(after.as_ref(), BATCH).await?;
            after = leaving.last().map(|last| last.oauth_id.clone());
            if after.is_none() {
                return Ok(());
            }
            stream::iter(&leaving)
                .for_each_concurrent(AT_ONCE, |leaving| async move {
                    if let Some(_telling) = self.in_progress.begin(&leaving.oauth_id) {
                        // After a restart the webhooks of its room's deletion may be stored still.
                        self.wait_for_webhooks(&leaving.oauth_id).await;
                        self.tell(leaving).await;
                    }
                })
                .await;
        }
    }

    async fn tell_removed(&self, installed: Installed, after_webhooks: bool) {
        let Some(leaving) = installed.leaving(self.clock.now()) else {
            return;
        };
        let Some(_telling) = self.in_progress.begin(&leaving.oauth_id) else {
            return;
        };
        let telling = async {
            if after_webhooks {
                self.wait_for_webhooks(&leaving.oauth_id).await;
            }
            self.tell(&leaving).await;
        };
        tokio::select! {
            () = self.shutdown.begun() => {}
            () = telling => {}
        }
    }

    /// Waits until the webhook calls of an installation are over. An add-on that is down is told all the same.
    async fn wait_for_webhooks(&self, id: &OauthId) {
        let _ = tokio::time::timeout(LAST_WORDS, self.webhooks.idle(id)).await;
    }

    /// Tells an add-on, and deletes the stored removal unless it has to be retried.
    async fn tell(&self, leaving: &Leaving) {
        let id = &leaving.oauth_id;
        let limit = i64::try_from(LIMIT.as_secs()).unwrap_or(i64::MAX);
        let is_over = self.clock.now().saturating_sub(leaving.since) >= limit;
        if is_over {
            tracing::warn!(
                installation = %id,
                url = plain(&leaving.callback_url),
                "gave up telling the add-on of its removal after 24 hours"
            );
        } else if !self.is_told(leaving).await {
            return;
        }
        if let Err(error) = self.storage.forget_leaving(id).await {
            let error = format!("{error:#}");
            tracing::error!(installation = %id, error, "deleting a removed installation failed");
        }
    }

    /// Calls the add-on. Returns true if it answered, or can never be called.
    async fn is_told(&self, leaving: &Leaving) -> bool {
        let (installation, url) = (&leaving.oauth_id, plain(&leaving.callback_url));
        let call = match self.addon_calls.removal(leaving) {
            Ok(call) => call,
            Err(error) => {
                tracing::warn!(%installation, url, %error, "cannot tell the add-on of its removal");
                return true;
            }
        };
        match call.send(DESCRIPTOR_TIMEOUT, MAX_ANSWER_BYTES).await {
            Ok(answer) if answer.status.is_success() => true,
            // A proxy answers for an add-on that is down.
            Ok(answer) if is_passing(answer.status) => {
                let status = answer.status;
                tracing::warn!(%installation, url, %status, "retrying the removal call later");
                false
            }
            Ok(answer) => {
                let status = answer.status;
                tracing::warn!(%installation, url, %status, "removal was not accepted");
                true
            }
            Err(cause @ NoAnswer::Refused(_)) => {
                tracing::warn!(%installation, url, %cause, "cannot tell the add-on of its removal");
                true
            }
            Err(cause) => {
                tracing::warn!(%installation, url, %cause, "retrying the removal call later");
                false
            }
        }
    }
}

fn is_passing(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}
