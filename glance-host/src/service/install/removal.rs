//! Removes installations. Storage first: the installation leaves, which ends its tokens, glances and
//! webhooks at once. Then its add-on is told, and once it has answered, the installation is forgotten.
//!
//! What a crash interrupts, or an add-on that is down, is repeated at the next start and every
//! [`PAUSE`], for [`LIMIT`] at most.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use glance_sdk::model::OauthId;
use reqwest::StatusCode;

use super::{DESCRIPTOR_TIMEOUT, MAX_ANSWER_BYTES, places, plain};
use crate::model::event::AccessChange;
use crate::model::event::Event;
use crate::model::{Installed, Leaving};
use crate::net::outbound::NoAnswer;
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// How long is waited before add-ons that gave no answer are told again.
const PAUSE: Duration = Duration::from_secs(5 * 60);

/// How long an add-on is told of a removal.
const LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many removals are read from the database at a time.
const BATCH: u32 = 100;

/// How many add-ons are told at once.
const AT_ONCE: usize = 8;

/// How long the add-ons of a deleted room may take to hear of it, before they are told to go.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// The add-ons that are being told, so that none is told twice at once.
#[derive(Debug, Default)]
pub(crate) struct Removals(Mutex<HashSet<OauthId>>);

impl Removals {
    fn under_way(&self) -> MutexGuard<'_, HashSet<OauthId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends with the notice to an add-on, however that ends.
struct Turn<'s> {
    shared: &'s Shared,
    oauth_id: OauthId,
}

impl<'s> Turn<'s> {
    /// `None` where the add-on is being told already.
    fn take(shared: &'s Shared, oauth_id: &OauthId) -> Option<Self> {
        let is_new = shared.removals.under_way().insert(oauth_id.clone());
        is_new.then(|| Self {
            shared,
            oauth_id: oauth_id.clone(),
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.shared.removals.under_way().remove(&self.oauth_id);
    }
}

/// Removes an installation and tells its add-on, whatever that answers; says whether there was one.
pub(crate) async fn uninstall(shared: &Arc<Shared>, id: &OauthId) -> Result<bool, StorageError> {
    let Some(installed) = shared.state.leave(id, shared.clock.now()).await? else {
        return Ok(false);
    };
    shared.bus.publish(places(&installed), Event::Changed);
    shared
        .bus
        .publish_access(AccessChange::Installation(id.clone()));
    // In a task of its own: whoever waits for it may go away.
    let telling = tokio::spawn(tell_removed(Arc::clone(shared), installed, false));
    if let Err(cause) = telling.await {
        tracing::error!(installation = %id, "telling an add-on of its removal failed: {cause:#}");
    }
    Ok(true)
}

/// Removes an installation whose add-on may or may not have accepted it. Nobody waits for the notice.
pub(super) async fn undo(shared: &Arc<Shared>, id: &OauthId) -> Result<(), StorageError> {
    if let Some(installed) = shared.state.leave(id, shared.clock.now()).await? {
        tokio::spawn(tell_removed(Arc::clone(shared), installed, false));
    }
    Ok(())
}

/// Tells the add-ons that were installed in a deleted room, once they have heard of its end. Nobody
/// waits for them.
pub(crate) fn tell_of_room(shared: &Arc<Shared>, installed: Vec<Installed>) {
    for installed in installed {
        tokio::spawn(tell_removed(Arc::clone(shared), installed, true));
    }
}

/// Tells what is stored as leaving, now and from time to time, until the host ends.
pub(crate) fn begin(shared: &Arc<Shared>) {
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        let telling = async {
            loop {
                if let Err(cause) = tell_all(&shared).await {
                    tracing::error!("removals cannot be read: {cause:#}");
                }
                shared.clock.sleep(PAUSE).await;
            }
        };
        tokio::select! {
            () = shared.shutdown.begun() => {}
            () = telling => {}
        }
    });
}

async fn tell_all(shared: &Shared) -> Result<(), StorageError> {
    let mut after: Option<OauthId> = None;
    loop {
        let leaving = shared.state.leaving(after.as_ref(), BATCH).await?;
        after = leaving.last().map(|last| last.oauth_id.clone());
        if after.is_none() {
            return Ok(());
        }
        stream::iter(&leaving)
            .for_each_concurrent(AT_ONCE, |leaving| async move {
                if let Some(_turn) = Turn::take(shared, &leaving.oauth_id) {
                    tell(shared, leaving).await;
                }
            })
            .await;
    }
}

async fn tell_removed(shared: Arc<Shared>, installed: Installed, after_its_webhooks: bool) {
    let Some(leaving) = installed.leaving(shared.clock.now()) else {
        return;
    };
    let Some(_turn) = Turn::take(&shared, &leaving.oauth_id) else {
        return;
    };
    let telling = async {
        if after_its_webhooks {
            let heard = shared.webhooks.idle(&leaving.oauth_id);
            // One that is not to be reached is told all the same.
            let _ = tokio::time::timeout(LAST_WORDS, heard).await;
        }
        tell(&shared, &leaving).await;
    };
    tokio::select! {
        () = shared.shutdown.begun() => {}
        () = telling => {}
    }
}

/// Tells an add-on, and forgets the installation unless it should be told again.
async fn tell(shared: &Shared, leaving: &Leaving) {
    let id = &leaving.oauth_id;
    let limit = i64::try_from(LIMIT.as_secs()).unwrap_or(i64::MAX);
    let is_over = shared.clock.now().saturating_sub(leaving.since) >= limit;
    if is_over {
        tracing::warn!(
            installation = %id,
            url = plain(&leaving.callback_url),
            "the add-on was not told of its removal within 24 hours, and no longer will be"
        );
    } else if !is_told(shared, leaving).await {
        return;
    }
    if let Err(cause) = shared.state.forget_leaving(id).await {
        tracing::error!(installation = %id, "forgetting a removed installation failed: {cause:#}");
    }
}

/// Whether there is nothing more to tell: the add-on answered, whatever it said, or never can.
async fn is_told(shared: &Shared, leaving: &Leaving) -> bool {
    let (installation, url) = (&leaving.oauth_id, plain(&leaving.callback_url));
    let request = match shared.addon_calls.removal(leaving) {
        Ok(request) => request,
        Err(why) => {
            tracing::warn!(%installation, url, "the add-on was not told of its removal: {why}");
            return true;
        }
    };
    match request.send(DESCRIPTOR_TIMEOUT, MAX_ANSWER_BYTES).await {
        Ok(answer) if answer.status.is_success() => true,
        // A proxy speaks for an add-on that is down.
        Ok(answer) if is_passing(answer.status) => {
            let status = answer.status;
            tracing::warn!(%installation, url, %status, "the add-on is told of its removal later");
            false
        }
        Ok(answer) => {
            let status = answer.status;
            tracing::warn!(%installation, url, %status, "removal was not accepted");
            true
        }
        Err(cause @ NoAnswer::Refused(_)) => {
            tracing::warn!(%installation, url, "the add-on was not told of its removal: it {cause}");
            true
        }
        Err(cause) => {
            tracing::warn!(%installation, url, "the add-on is told of its removal later: it {cause}");
            false
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
