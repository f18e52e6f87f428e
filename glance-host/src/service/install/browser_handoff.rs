//! Sends a person's browser to a page of an add-on and back: add-ons without a `callbackUrl` are installed this way,
//! and others may show a page after an installation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use glance_sdk::auth::random_alphanumeric;
use glance_sdk::model::{Installable, InstallationData};
use reqwest::Url;

use super::{InstallError, data};
use crate::model::Installed;
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// The time that a person may stay at the add-on's page.
const LIFE: Duration = Duration::from_secs(15 * 60);

/// Letters and digits of a name: 131 bits.
const LENGTH: usize = 22;

/// The purpose of a hand-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// An installation that is completed only if the person returns.
    Installation,
    /// Something that has happened already.
    News,
}

/// The pending hand-offs by name.
#[derive(Debug, Default)]
pub(crate) struct Visits(Mutex<HashMap<String, Visit>>);

#[derive(Debug)]
struct Visit {
    about: About,
    installed: Installed,
    page: Url,
    /// The name of the installation data, which is shown once.
    shown_as: String,
    data: Option<InstallationData>,
    ends_at: Duration,
}

/// The end of a hand-off.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It is complete.
    Done,
    /// The add-on did not fetch the installation data, so its installation was removed.
    NotTaken(String),
}

/// The next step for a person who returns.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Returned {
    /// The installation of the add-on with this name waits for them.
    ToInstall(String),
    /// There is none.
    Done,
}

impl Visit {
    fn is_over(&self, shared: &Shared) -> bool {
        self.ends_at <= shared.clock.elapsed()
    }
}

impl Visits {
    fn all(&self) -> MutexGuard<'_, HashMap<String, Visit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
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

/// Prepares a visit to an add-on's page about something that happened, if the add-on has one.
pub(crate) fn tell(
    shared: &Arc<Shared>,
    installed: &Installed,
    page: Option<String>,
) -> Option<String> {
    begin(shared, About::News, installed, &page?).ok()
}

/// Prepares a visit to an add-on's page. Returns its name.
pub(super) fn begin(
    shared: &Arc<Shared>,
    about: About,
    installed: &Installed,
    page: &str,
) -> Result<String, InstallError> {
    let page = Url::parse(page)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| InstallError::NoAddress(page.to_owned()))?;
    let name = random_alphanumeric(LENGTH)?;
    let visit = Visit {
        about,
        installed: installed.clone(),
        page,
        shown_as: random_alphanumeric(LENGTH)?,
        data: Some(data(shared, installed)),
        ends_at: shared.clock.elapsed() + LIFE,
    };
    shared.visits.all().insert(name.clone(), visit);
    let shared = Arc::clone(shared);
    tokio::spawn(async move {
        tokio::select! {
            () = shared.shutdown.begun() => {}
            () = shared.clock.sleep(LIFE) => expire(&shared).await,
        }
    });
    Ok(name)
}

/// Returns the URL for the browser: the add-on's page, with the URLs of the installation data and of the way back.
pub(crate) fn address(shared: &Shared, name: &str, back: &str) -> Option<Url> {
    let visits = shared.visits.all();
    let visit = visits.get(name).filter(|visit| !visit.is_over(shared))?;
    let mut url = visit.page.clone();
    url.query_pairs_mut()
        .append_pair("redirect_url", &format!("{}{back}", shared.info.base_url))
        .append_pair(
            "installable_url",
            &format!("{}/installable/{}", shared.info.base_url, visit.shown_as),
        );
    Some(url)
}

/// Returns the installation data of a visit, once.
pub(crate) fn show(shared: &Shared, shown_as: &str) -> Option<InstallationData> {
    let mut visits = shared.visits.all();
    let visit = visits
        .values_mut()
        .find(|visit| visit.shown_as == shown_as && !visit.is_over(shared))?;
    visit.data.take()
}

/// Returns the next step for a person who returns. A visit without an installation ends here. Returns `None` if there
/// is no such visit, or it expired.
pub(crate) fn returned(shared: &Shared, name: &str) -> Option<Returned> {
    let mut visits = shared.visits.all();
    let visit = visits.get(name).filter(|visit| !visit.is_over(shared))?;
    if visit.about == About::Installation {
        return Some(Returned::ToInstall(visit.installed.descriptor.name.clone()));
    }
    visits.remove(name);
    Some(Returned::Done)
}

/// Completes a visit. Returns `None` if there is none, or it expired.
pub(crate) async fn finish(shared: &Shared, name: &str) -> Result<Option<Ended>, StorageError> {
    expire(shared).await;
    let Some(visit) = shared.visits.all().remove(name) else {
        return Ok(None);
    };
    let installed = &visit.installed;
    if visit.about == About::News {
        return Ok(Some(Ended::Done));
    }
    if visit.data.is_some() {
        shared
            .state
            .remove_installation(&installed.oauth_id)
            .await?;
        return Ok(Some(Ended::NotTaken(installed.descriptor.name.clone())));
    }
    super::finish(shared, installed).await?;
    Ok(Some(Ended::Done))
}

/// Ends expired visits, and removes the installations that waited for them.
pub(crate) async fn expire(shared: &Shared) {
    end(shared, |visit| visit.is_over(shared)).await;
}

/// Ends the pending visits for an add-on that is installed again in the same place.
pub(super) async fn replace(shared: &Shared, new: &Installed) {
    let is_same = |visit: &Visit| {
        let old = &visit.installed;
        (&old.descriptor.key, old.room_id) == (&new.descriptor.key, new.room_id)
    };
    end(shared, |visit| {
        visit.about == About::Installation && is_same(visit)
    })
    .await;
}

async fn end(shared: &Shared, ends: impl Fn(&Visit) -> bool) {
    let ended: Vec<_> = shared
        .visits
        .all()
        .extract_if(|_, visit| ends(visit))
        .collect();
    for (_, visit) in ended {
        if visit.about == About::Installation
            && let Err(cause) = shared
                .state
                .remove_installation(&visit.installed.oauth_id)
                .await
        {
            tracing::error!("an installation that nobody finished stays: {cause:#}");
        }
    }
}
