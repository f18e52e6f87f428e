//! Sends a person's browser to a page of an add-on and back: add-ons without a `callbackUrl` are installed this way,
//! and others may show a page after an installation.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use glance_sdk::auth::random_alphanumeric;
use glance_sdk::model::{Installable, InstallationData};
use parking_lot::Mutex;
use reqwest::Url;

use super::{InstallError, Installer};
use crate::model::Installed;
use crate::storage::StorageError;

/// The time that a person may stay at the add-on's page.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// Letters and digits of a name: 131 bits.
const LENGTH: usize = 22;

/// The purpose of a hand-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To complete an installation, if the person returns.
    Install,
    /// To show the add-on's page for something that has happened already.
    Inform,
}

/// The pending hand-offs by name. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Handoffs(Arc<Mutex<HashMap<String, Handoff>>>);

#[derive(Debug)]
struct Handoff {
    purpose: Purpose,
    installed: Installed,
    page: Url,
    /// The name of the installation data in its URL. The host serves the data once.
    data_name: String,
    data: Option<InstallationData>,
    ends_at: Duration,
}

/// The outcome of a hand-off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is complete.
    Done,
    /// The add-on with this name did not fetch the installation data, so its installation was removed.
    NotFetched(String),
}

/// The next step for a person who returns.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NextStep {
    /// Complete the installation of the add-on with this name.
    Install(String),
    /// There is none.
    Done,
}

impl Handoffs {}

/// Returns the page to visit after an installation.
pub(super) fn page_after_installation(installed: &Installed) -> Option<String> {
    installable(installed).installed_url
}

/// Returns the page to visit after an update.
pub(crate) fn page_after_update(installed: &Installed) -> Option<String> {
    let installable = installable(installed);
    installable.updated_url.or(installable.installed_url)
}

/// Returns the page to visit after a removal.
pub(crate) fn page_after_removal(installed: &Installed) -> Option<String> {
    installable(installed).uninstalled_url
}

fn installable(installed: &Installed) -> Installable {
    let installable = installed.descriptor.capabilities.installable.clone();
    installable.unwrap_or_default()
}

impl Installer {
    /// Prepares a visit to an add-on's page about something that happened, if the add-on has one. Returns the name of
    /// the hand-off.
    pub(crate) fn hand_off_to_inform(
        &self,
        installed: &Installed,
        page: Option<String>,
    ) -> Option<String> {
        self.begin_handoff(Purpose::Inform, installed, &page?).ok()
    }

    /// Prepares a visit to an add-on's page. Returns the name of the hand-off.
    pub(super) fn begin_handoff(
        &self,
        purpose: Purpose,
        installed: &Installed,
        page: &str,
    ) -> Result<String, InstallError> {
        let page = Url::parse(page)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| InstallError::NoAddress(page.to_owned()))?;
        let name = random_alphanumeric(LENGTH)?;
        let handoff = Handoff {
            purpose,
            installed: installed.clone(),
            page,
            data_name: random_alphanumeric(LENGTH)?,
            data: Some(self.data(installed)),
            ends_at: self.clock.elapsed() + LIFE,
        };
        self.handoffs.0.lock().insert(name.clone(), handoff);
        let installer = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = installer.shutdown.begun() => {}
                () = installer.clock.sleep(LIFE) => installer.expire_handoffs().await,
            }
        });
        Ok(name)
    }

    /// Returns the URL for the browser: the add-on's page, with the URLs of the installation data and of the way back.
    pub(crate) fn handoff_url(&self, name: &str, back: &str) -> Option<Url> {
        let handoffs = self.handoffs.0.lock();
        let handoff = handoffs
            .get(name)
            .filter(|handoff| self.is_pending(handoff))?;
        let base_url = &self.info.base_url;
        let mut url = handoff.page.clone();
        url.query_pairs_mut()
            .append_pair("redirect_url", &format!("{base_url}{back}"))
            .append_pair(
                "installable_url",
                &format!("{base_url}/installable/{}", handoff.data_name),
            );
        Some(url)
    }

    /// Returns the installation data of a hand-off, once.
    pub(crate) fn take_handoff_data(&self, data_name: &str) -> Option<InstallationData> {
        let mut handoffs = self.handoffs.0.lock();
        let handoff = handoffs
            .values_mut()
            .find(|handoff| handoff.data_name == data_name && self.is_pending(handoff))?;
        handoff.data.take()
    }

    /// Returns the next step for a person who returns. A hand-off without an installation ends here. Returns `None` if
    /// there is no such hand-off, or it expired.
    pub(crate) fn return_from_handoff(&self, name: &str) -> Option<NextStep> {
        let mut handoffs = self.handoffs.0.lock();
        let handoff = handoffs
            .get(name)
            .filter(|handoff| self.is_pending(handoff))?;
        if handoff.purpose == Purpose::Install {
            return Some(NextStep::Install(handoff.installed.descriptor.name.clone()));
        }
        handoffs.remove(name);
        Some(NextStep::Done)
    }

    /// Completes a hand-off. Returns `None` if there is none, or it expired.
    pub(crate) async fn finish_handoff(&self, name: &str) -> Result<Option<Outcome>, StorageError> {
        self.expire_handoffs().await;
        let Some(handoff) = self.handoffs.0.lock().remove(name) else {
            return Ok(None);
        };
        let installed = &handoff.installed;
        if handoff.purpose == Purpose::Inform {
            return Ok(Some(Outcome::Done));
        }
        if handoff.data.is_some() {
            let id = &installed.oauth_id;
            self.storage.remove_installation(id).await?;
            let name = installed.descriptor.name.clone();
            return Ok(Some(Outcome::NotFetched(name)));
        }
        self.finish(installed).await?;
        Ok(Some(Outcome::Done))
    }

    fn is_pending(&self, handoff: &Handoff) -> bool {
        handoff.ends_at > self.clock.elapsed()
    }

    /// Ends expired hand-offs, and removes the installations that waited for them.
    pub(super) async fn expire_handoffs(&self) {
        self.end_handoffs(|handoff| !self.is_pending(handoff)).await;
    }

    /// Ends the pending hand-offs for an add-on that is installed again in the same place.
    pub(super) async fn replace_handoffs(&self, new: &Installed) {
        let is_same = |handoff: &Handoff| {
            let old = &handoff.installed;
            (&old.descriptor.key, old.room_id) == (&new.descriptor.key, new.room_id)
        };
        self.end_handoffs(|handoff| handoff.purpose == Purpose::Install && is_same(handoff))
            .await;
    }

    async fn end_handoffs(&self, ends: impl Fn(&Handoff) -> bool) {
        let ended: Vec<_> = self
            .handoffs
            .0
            .lock()
            .extract_if(|_, handoff| ends(handoff))
            .collect();
        for (_, handoff) in ended {
            let id = &handoff.installed.oauth_id;
            if handoff.purpose == Purpose::Install
                && let Err(error) = self.storage.remove_installation(id).await
            {
                let error = format!("{error:#}");
                tracing::error!(installation = %id, error, "removing an unfinished installation failed");
            }
        }
    }
}
