//! Sends a person's browser to a page of an add-on and back: add-ons without a `callbackUrl` are installed this way,
//! and others may show a page after an installation.

use std::time::Duration;

use glance_sdk::auth::random_alphanumeric;
use glance_sdk::model::{Installable, InstallationData};
use reqwest::Url;

use super::{InstallError, Installer, changed};
use crate::model::{Handoff, Installed};
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
    /// the hand-off. Logs a failure: what happened is not undone.
    pub(crate) async fn hand_off_to_inform(
        &self,
        installed: &Installed,
        page: Option<String>,
    ) -> Option<String> {
        let handoff = self.begin_handoff(Purpose::Inform, installed, &page?).await;
        let log = |error: &InstallError| {
            let error = format!("{error:#}");
            tracing::warn!(installation = %installed.oauth_id, error, "no visit to an add-on's page");
        };
        handoff.inspect_err(log).ok()
    }

    /// Prepares a visit to an add-on's page. Returns the name of the hand-off.
    pub(super) async fn begin_handoff(
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
        let life = i64::try_from(LIFE.as_secs()).unwrap_or(i64::MAX);
        let handoff = Handoff {
            name: name.clone(),
            completes: (purpose == Purpose::Install).then(|| installed.oauth_id.clone()),
            add_on_name: installed.descriptor.name.clone(),
            page: page.into(),
            data_name: random_alphanumeric(LENGTH)?,
            data: self.data(installed),
            is_data_taken: false,
            expires_at: self.clock.now().saturating_add(life),
        };
        self.storage.put_handoff(&handoff).await?;
        Ok(name)
    }

    /// Returns the URL for the browser: the add-on's page, with the URLs of the installation data and of the way back.
    /// Returns `None` if there is no such hand-off, or it expired.
    pub(crate) async fn handoff_url(
        &self,
        name: &str,
        back: &str,
    ) -> Result<Option<Url>, StorageError> {
        let Some(handoff) = self.storage.handoff(name, self.clock.now()).await? else {
            return Ok(None);
        };
        let base_url = &self.info.base_url;
        let mut url = Url::parse(&handoff.page).map_err(StorageError::other)?;
        url.query_pairs_mut()
            .append_pair("redirect_url", &format!("{base_url}{back}"))
            .append_pair(
                "installable_url",
                &format!("{base_url}/installable/{}", handoff.data_name),
            );
        Ok(Some(url))
    }

    /// Returns the installation data of a hand-off, once.
    pub(crate) async fn take_handoff_data(
        &self,
        data_name: &str,
    ) -> Result<Option<InstallationData>, StorageError> {
        let now = self.clock.now();
        self.storage.take_handoff_data(data_name, now).await
    }

    /// Returns the next step for a person who returns. A hand-off without an installation ends here. Returns `None` if
    /// there is no such hand-off, or it expired.
    pub(crate) async fn return_from_handoff(
        &self,
        name: &str,
    ) -> Result<Option<NextStep>, StorageError> {
        let now = self.clock.now();
        Ok(match self.storage.handoff(name, now).await? {
            None => None,
            Some(handoff) if handoff.completes.is_some() => {
                Some(NextStep::Install(handoff.add_on_name))
            }
            Some(_) => {
                let finished = self.storage.finish_handoff(name, now, Box::new(changed));
                let ended = finished.await?;
                ended.map(|_| NextStep::Done)
            }
        })
    }

    /// Completes a hand-off. Returns `None` if there is none, or it expired.
    pub(crate) async fn finish_handoff(&self, name: &str) -> Result<Option<Outcome>, StorageError> {
        let now = self.clock.now();
        let finished = self.storage.finish_handoff(name, now, Box::new(changed));
        let Some(handoff) = finished.await? else {
            return Ok(None);
        };
        let Some(id) = &handoff.completes else {
            return Ok(Some(Outcome::Done));
        };
        if !handoff.is_data_taken {
            return Ok(Some(Outcome::NotFetched(handoff.add_on_name)));
        }
        if let Some(installed) = self.storage.installation(id).await? {
            self.log_installed(&installed).await?;
        }
        Ok(Some(Outcome::Done))
    }
}
