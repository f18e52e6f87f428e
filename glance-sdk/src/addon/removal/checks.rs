//! Asks hosts about installations after a request without proof to remove them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::Notify;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::{remove, schedule};
use crate::Result;
use crate::addon::hooks::Hooks;
use crate::auth::now;
use crate::client::Installations;
use crate::model::OauthId;
use crate::store::RemovalCheck;

/// The number of checks to read from the store at a time.
const BATCH: usize = 100;

/// The number of hosts to ask concurrently.
const AT_ONCE: usize = 8;

/// The timeout of a question to a host. It is less than the pause between two questions.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest interval between two reads of the store, in seconds. Other processes write there
/// too.
const LOOK_AHEAD: i64 = 60;

/// The number of attempts to record a request while other processes change the same check.
const TRIES: usize = 5;

/// The removal checks of an add-on. The store keeps them across restarts, and only one of several
/// processes makes each check.
#[derive(Debug)]
pub(in crate::addon) struct RemovalChecks {
    installations: Installations,
    hooks: Arc<Hooks>,
    is_started: AtomicBool,
    /// Wakes the task when a check is due.
    wake: Arc<Notify>,
}

impl RemovalChecks {
    pub(in crate::addon) fn new(installations: Installations, hooks: Arc<Hooks>) -> Arc<Self> {
        Arc::new(Self {
            installations,
            hooks,
            is_started: AtomicBool::new(false),
            wake: Arc::default(),
        })
    }

    /// Starts the task that makes the checks, unless it runs already. The task ends with the
    /// add-on.
    pub(in crate::addon) fn start(self: &Arc<Self>) {
        // The task is nearly always running, and a load costs each request less than a swap.
        if self.is_started.load(Ordering::Relaxed) || self.is_started.swap(true, Ordering::Relaxed)
        {
            return;
        }
        tokio::spawn(run(Arc::downgrade(self)));
    }

    /// Schedules a question to the host whether it still knows this installation, at `now` (seconds
    /// since 1970) or as soon as the host may be asked again. An unknown installation is not an
    /// error.
    pub(super) async fn request(self: &Arc<Self>, oauth_id: &OauthId, now: i64) -> Result<()> {
        let store = self.installations.store();
        for _ in 0..TRIES {
            let Some(check) = store.removal_check(oauth_id).await? else {
                return Ok(());
            };
            let requested = schedule::after_request(&check, now);
            if requested == check {
                break;
            }
            if store
                .set_removal_check(oauth_id, &check, &requested)
                .await?
            {
                tracing::warn!(
                    %oauth_id,
                    "removal not proven: asking the host"
                );
                break;
            }
        }
        self.start();
        self.wake.notify_one();
        Ok(())
    }

    /// Makes the checks that are due at `now`. Returns the time of the next check.
    async fn make_due(&self, now: i64) -> Result<i64> {
        let until = now.saturating_add(LOOK_AHEAD);
        loop {
            let checks = self.installations.store().due_removal_checks(until, BATCH);
            let checks = checks.await?;
            let is_due =
                |(_, check): &(OauthId, RemovalCheck)| check.due_at.is_some_and(|due| due <= now);
            let (due, later): (Vec<_>, Vec<_>) = checks.into_iter().partition(is_due);
            let is_all = due.len() < BATCH;
            stream::iter(due)
                .for_each_concurrent(AT_ONCE, |(oauth_id, check)| async move {
                    let span = tracing::debug_span!(
                        "glance.removal_check",
                        glance.oauth_id = oauth_id.as_str()
                    );
                    let made = self.make(&oauth_id, &check, now).instrument(span);
                    if let Err(error) = made.await {
                        tracing::error!(%oauth_id, error = %format_args!("{error:#}"), "a removal check failed");
                    }
                })
                .await;
            if is_all {
                let next = later.first().and_then(|(_, check)| check.due_at);
                return Ok(next.unwrap_or(until));
            }
        }
    }

    /// Asks the host, unless another process does.
    async fn make(&self, oauth_id: &OauthId, check: &RemovalCheck, now: i64) -> Result<()> {
        let Some(next) = schedule::after_question(check, now) else {
            return Ok(());
        };
        let store = self.installations.store();
        // The check is stored before the question, so a crash repeats the question later, not at
        // once.
        if !store.set_removal_check(oauth_id, check, &next).await? {
            return Ok(());
        }
        let Some(installation) = store.get(oauth_id).await? else {
            return Ok(());
        };
        let asking = self.installations.is_known_to_host(&installation);
        let why = match timeout(ANSWER_TIMEOUT, asking).await {
            Ok(Ok(false)) => return remove(&self.installations, &self.hooks, oauth_id).await,
            Ok(Ok(true)) => "its host still knows it".to_owned(),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("no answer within {} seconds", ANSWER_TIMEOUT.as_secs()),
        };
        match next.due_at {
            Some(due) => tracing::info!(
                %oauth_id,
                "the installation stays: {why}; its host is asked again in {} s",
                due - now
            ),
            None => tracing::info!(
                %oauth_id,
                "the installation stays: {why}; its host is not asked again"
            ),
        }
        Ok(())
    }
}

async fn run(checks: Weak<RemovalChecks>) {
    while let Some(running) = checks.upgrade() {
        let wait = match running.make_due(now()).await {
            Ok(next) => (next - now()).clamp(1, LOOK_AHEAD),
            Err(error) => {
                tracing::error!(error = %format_args!("{error:#}"), "reading removal checks failed");
                LOOK_AHEAD
            }
        };
        let wake = Arc::clone(&running.wake);
        // While the task waits, it holds no reference to the add-on.
        drop(running);
        let wait = Duration::from_secs(wait.unsigned_abs());
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }
}

#[cfg(test)]
mod tests;
