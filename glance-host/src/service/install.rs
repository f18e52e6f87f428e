//! Installs and updates add-ons: the host's side of the handshake.

pub(crate) mod approval;
pub(crate) mod browser_handoff;
mod conflict;
mod error;
mod read;
pub(crate) mod removal;
pub(crate) mod script;

use std::sync::Arc;
use std::time::Duration;

use glance_sdk::auth::random_alphanumeric;
use glance_sdk::egress::Redirects;
use glance_sdk::model::{Descriptor, InstallationData, InstallationUpdate, RoomId, Webhook};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;

use crate::cluster::bus::Bus;
use crate::content::pattern;
use crate::model::Installed;
use crate::model::clock::Clock;
use crate::model::event::{AccessChange, Event, Topic};
use crate::model::host_info::HostInfo;
use crate::model::shutdown::Shutdown;
use crate::net::outbound::{Answer, NoAnswer, Outbound};
use crate::storage::{Effects, Storage, StorageError};
use browser_handoff::Purpose;
use error::no_answer;
use removal::Removals;

pub use conflict::Conflict;
pub use error::InstallError;
pub(crate) use read::ReadDescriptor;

/// The log target of the steps of an installation, which `cargo glance` prints.
pub(crate) const STEPS: &str = "glance_host::steps";

/// The timeout for fetching a descriptor and for a removal call.
const DESCRIPTOR_TIMEOUT: Duration = Duration::from_secs(10);

/// The time in which an add-on has to accept an installation; it calls the host in between.
const CALLBACK_TIMEOUT: Duration = Duration::from_secs(30);

/// The shortest pause before the installation data is posted again.
const MIN_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Letters and digits of a secret: 238 bits.
pub(crate) const SECRET_LENGTH: usize = 40;

const MAX_DESCRIPTOR_BYTES: usize = 512 * 1024;
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Installs and updates add-ons.
#[derive(Debug, Clone)]
pub(crate) struct Installer {
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
    outbound: Outbound,
    removals: Removals,
    info: Arc<HostInfo>,
    clock: Clock,
    shutdown: Shutdown,
}

impl Installer {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        bus: Arc<dyn Bus>,
        outbound: Outbound,
        removals: Removals,
        info: Arc<HostInfo>,
        clock: Clock,
        shutdown: Shutdown,
    ) -> Self {
        Self {
            storage,
            bus,
            outbound,
            removals,
            info,
            clock,
            shutdown,
        }
    }

    /// Reads the descriptor, posts the installation data to the add-on, and completes the installation once the add-on
    /// accepted it.
    pub(crate) async fn install(
        &self,
        descriptor_url: &str,
        room: Option<RoomId>,
    ) -> Result<Installed, InstallError> {
        let read = self.read(descriptor_url).await?;
        self.install_read(read, room).await
    }

    /// Installs the add-on with a descriptor that was read before.
    pub(crate) async fn install_read(
        &self,
        read: ReadDescriptor,
        room: Option<RoomId>,
    ) -> Result<Installed, InstallError> {
        let installed = self.begin(read, room).await?;
        self.finish(&installed).await?;
        Ok(installed)
    }

    /// Reads and checks the descriptor at a URL that somebody typed.
    pub(crate) async fn read(&self, url: &str) -> Result<ReadDescriptor, InstallError> {
        read::read(&self.outbound, url).await
    }

    /// Installs an add-on that a person approved. Returns the name of the browser hand-off that follows, if the add-on
    /// has a page for it.
    pub(crate) async fn install_approved(
        &self,
        read: ReadDescriptor,
        room: Option<RoomId>,
    ) -> Result<(Installed, Option<String>), InstallError> {
        let installed = self.begin(read, room).await?;
        let has_callback = callback_url(&installed).is_some();
        let page = browser_handoff::page_after_installation(&installed);
        if has_callback || page.is_none() {
            self.finish(&installed).await?;
        }
        let purpose = if has_callback {
            Purpose::Inform
        } else {
            Purpose::Install
        };
        let Some(page) = page else {
            return Ok((installed, None));
        };
        match self.begin_handoff(purpose, &installed, &page).await {
            Err(error) if !has_callback => {
                let id = &installed.oauth_id;
                self.storage.remove_installation(id).await?;
                Err(error)
            }
            handoff => Ok((installed, handoff.ok())),
        }
    }

    /// Checks whether a descriptor can be installed here.
    pub(crate) async fn check(
        &self,
        descriptor: &Descriptor,
        room: Option<RoomId>,
    ) -> Result<(), InstallError> {
        let installable = descriptor
            .capabilities
            .installable
            .clone()
            .unwrap_or_default();
        match room {
            Some(_) if !installable.for_rooms() => {
                return Err(InstallError::NotAllowed("an installation in one room"));
            }
            None if !installable.for_groups() => {
                return Err(InstallError::NotAllowed("an installation for all rooms"));
            }
            _ => {}
        }
        match Conflict::find(&*self.storage, &descriptor.key, room).await? {
            Some(conflict) => Err(InstallError::AlreadyInstalled {
                name: descriptor.name.clone(),
                conflict,
            }),
            None => Ok(()),
        }
    }

    /// Stores an installation and posts its data to the add-on. The installation shows nothing until it is
    /// [`finish`](Self::finish)ed, and is removed if that takes [too long](removal::UNFINISHED_LIFE).
    async fn begin(
        &self,
        read: ReadDescriptor,
        room: Option<RoomId>,
    ) -> Result<Installed, InstallError> {
        self.check(&read.descriptor, room).await?;
        let installed = Installed {
            oauth_id: uuid::Uuid::new_v4().to_string().into(),
            oauth_secret: random_alphanumeric(SECRET_LENGTH)?.into(),
            room_id: room,
            descriptor_url: read.url,
            descriptor: read.descriptor,
        };
        self.removals.leave_unfinished().await?;
        // The add-on requests a token before it answers, so the installation must be stored by then.
        let now = self.clock.now();
        if !self.storage.begin_installation(&installed, now).await? {
            let conflict = Conflict::find(&*self.storage, &installed.descriptor.key, room).await?;
            return Err(InstallError::AlreadyInstalled {
                name: installed.descriptor.name,
                conflict: conflict.unwrap_or(Conflict::UnderWay),
            });
        }
        if let Err(refused) = self
            .post_installation(&installed, PostedData::Installation)
            .await
        {
            let id = &installed.oauth_id;
            if refused.is_certain {
                self.storage.remove_installation(id).await?;
            } else {
                // The add-on may have accepted: the host has to tell it of the removal.
                self.removals.undo(id).await?;
            }
            return Err(refused.error);
        }
        Ok(installed)
    }

    /// Completes an installation that its add-on accepted: from now on it shows.
    async fn finish(&self, installed: &Installed) -> Result<(), InstallError> {
        let id = &installed.oauth_id;
        let finished = self.storage.finish_installation(id, changed(installed));
        if !finished.await? {
            return Err(InstallError::Expired);
        }
        Ok(self.log_installed(installed).await?)
    }

    async fn log_installed(&self, installed: &Installed) -> Result<(), StorageError> {
        tracing::info!(target: STEPS, "{:?} is installed", installed.descriptor.name);
        warn_of_patterns(&installed.descriptor).await
    }

    /// Reads the descriptor again, maybe from another URL, and posts the installation data again, because the host may
    /// have another address too. The installation keeps its id and secret.
    pub(crate) async fn update(
        &self,
        installed: &Installed,
        descriptor_url: &str,
    ) -> Result<Installed, InstallError> {
        let read = self.read(descriptor_url).await?;
        self.replace(installed, read).await
    }

    /// Replaces the descriptor of an installation.
    pub(crate) async fn replace(
        &self,
        installed: &Installed,
        read: ReadDescriptor,
    ) -> Result<Installed, InstallError> {
        if read.descriptor.key != installed.descriptor.key {
            return Err(InstallError::OtherAddOn {
                found: read.descriptor.key,
                expected: installed.descriptor.key.clone(),
            });
        }
        let updated = Installed {
            descriptor_url: read.url,
            descriptor: read.descriptor,
            ..installed.clone()
        };
        self.post_update(&updated).await?;
        let id = &updated.oauth_id;
        let effects = changed(&updated)
            .event(topic(&updated), Event::Introduced(id.clone()))
            .access(AccessChange::Installation(id.clone()));
        self.storage
            .replace_descriptor(id, &updated.descriptor_url, &updated.descriptor, effects)
            .await?;
        tracing::info!(target: STEPS, "{:?} is up to date", updated.descriptor.name);
        warn_of_patterns(&updated.descriptor).await?;
        Ok(updated)
    }

    /// Queries the glances of an installation again for everyone who looks at them. Does not wait for the answers.
    pub(crate) fn query_again(&self, installed: &Installed) {
        let event = Event::QueryAgain(installed.oauth_id.clone());
        // Nothing is stored, so the event is in no log.
        self.bus.publish(topic(installed), event);
    }

    /// Posts the installation data to the add-on, if it has a callback URL.
    async fn post_installation(
        &self,
        installed: &Installed,
        kind: PostedData,
    ) -> Result<(), NotAccepted> {
        let Some(url) = callback_url(installed) else {
            return Ok(());
        };
        self.post(url, kind, &self.data(installed)).await
    }

    /// Tells the add-on of an update: without the secret, if it has a URL for updates. An add-on that forgot the
    /// installation, or knows the host by another address, gets the secret after all.
    async fn post_update(&self, installed: &Installed) -> Result<(), InstallError> {
        let installable = installed.descriptor.capabilities.installable.as_ref();
        let Some(url) = installable.and_then(|one| one.update_callback_url.as_deref()) else {
            return Ok(self
                .post_installation(installed, PostedData::Update)
                .await?);
        };
        let update = InstallationUpdate::from(&self.data(installed));
        match self.post(url, PostedData::Update, &update).await {
            Err(NotAccepted {
                error:
                    InstallError::Refused {
                        status: 403 | 404, ..
                    },
                ..
            }) if callback_url(installed).is_some() => Ok(self
                .post_installation(installed, PostedData::Update)
                .await?),
            posted => Ok(posted?),
        }
    }

    fn data(&self, installed: &Installed) -> InstallationData {
        let mut data = InstallationData::new(
            installed.oauth_id.clone(),
            installed.oauth_secret.clone(),
            format!("{}/capabilities", self.info.api_url()),
            self.info.group.id,
        );
        data.room_id = installed.room_id;
        data
    }

    async fn post(
        &self,
        url: &str,
        kind: PostedData,
        body: &impl Serialize,
    ) -> Result<(), NotAccepted> {
        let url = Url::parse(url).map_err(|_| NotAccepted {
            error: InstallError::NoAddress(url.to_owned()),
            is_certain: true,
        })?;
        tracing::info!(target: STEPS, "POST {}: the {}", shown(&url), kind.name());
        let answer = self
            .post_with_retries(&url, body)
            .await
            .map_err(|cause| NotAccepted {
                is_certain: matches!(cause, NoAnswer::Refused(_) | NoAnswer::Unreachable(_)),
                error: no_answer("callback", &url, &cause),
            })?;
        if answer.status.is_success() {
            tracing::info!(target: STEPS, "the add-on accepted with {}", answer.status);
            return Ok(());
        }
        let status = answer.status.as_u16();
        let said = quote(&String::from_utf8_lossy(&answer.body), answer.status);
        let what = kind.name();
        tracing::warn!(
            url = shown(&url),
            status,
            said,
            "an add-on refused the {what}"
        );
        Err(NotAccepted {
            // A proxy that timed out does not know whether the add-on acted.
            is_certain: !matches!(
                answer.status,
                StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT
            ),
            error: InstallError::Refused { what, status, said },
        })
    }

    /// Posts to the add-on, and retries while it answers 503 with `Retry-After`. Nothing else is retried, because the
    /// add-on may have acted. All attempts together take at most [`CALLBACK_TIMEOUT`].
    #[expect(
        clippy::disallowed_methods,
        reason = "add-ons recover in real time, also in a test whose clock stands still"
    )]
    async fn post_with_retries(
        &self,
        url: &Url,
        body: &impl Serialize,
    ) -> Result<Answer, NoAnswer> {
        let began = tokio::time::Instant::now();
        loop {
            let left = CALLBACK_TIMEOUT.saturating_sub(began.elapsed());
            let request = self
                .outbound
                .request(Method::POST, url.clone(), Redirects::None)
                .json(body);
            let answer = request.send(left, MAX_ANSWER_BYTES).await?;
            let pause = answer
                .retry_after
                .filter(|_| answer.status == StatusCode::SERVICE_UNAVAILABLE)
                .map(|pause| pause.max(MIN_RETRY_AFTER))
                .filter(|pause| began.elapsed() + *pause < CALLBACK_TIMEOUT);
            let Some(pause) = pause else {
                return Ok(answer);
            };
            tracing::info!(target: STEPS, "the add-on answered 503; again in {} s", pause.as_secs());
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.shutdown.begun() => return Ok(answer),
            }
        }
    }
}

/// Returns whether a person has to visit the add-on's own page to complete an installation, because the add-on has no
/// URL to which the host could post.
pub(crate) fn needs_browser(descriptor: &Descriptor) -> bool {
    let installable = descriptor.capabilities.installable.as_ref();
    installable.is_some_and(|one| one.callback_url.is_none() && one.installed_url.is_some())
}

/// Logs the webhooks that are never called because the host cannot match their patterns.
async fn warn_of_patterns(descriptor: &Descriptor) -> Result<(), StorageError> {
    let mut webhooks = descriptor.capabilities.webhooks().to_vec();
    webhooks.retain(|webhook| webhook.pattern.is_some());
    if webhooks.is_empty() {
        return Ok(());
    }
    let reading = pattern::run_limited(move || {
        let why = |webhook: &Webhook| pattern::compiled(webhook.pattern.as_deref()?).err();
        let never = webhooks.into_iter().filter_map(|webhook| {
            let why = why(&webhook)?;
            Some((webhook, why))
        });
        never.collect::<Vec<_>>()
    });
    for (Webhook { event, url, .. }, why) in reading.await.map_err(StorageError::other)? {
        let url = plain(&url);
        tracing::warn!(target: STEPS, "the webhook of {event} at {url} is never called: {why}");
    }
    Ok(())
}

/// Returns a URL for the log: without query and credentials, which may contain secrets.
fn shown(url: &Url) -> String {
    format!("{}{}", url.origin().ascii_serialization(), url.path())
}

/// Returns a URL for people: without query and credentials.
pub(crate) fn plain(url: &str) -> String {
    Url::parse(url).map_or_else(|_| String::new(), |url| shown(&url))
}

/// Returns the topic of the rooms in which an installation shows.
fn topic(installed: &Installed) -> Topic {
    Topic::of(installed.room_id)
}

/// Returns the effects of a change to an installation: the rooms in which it shows reload.
fn changed(installed: &Installed) -> Effects {
    Effects::none().event(topic(installed), Event::Changed)
}

fn callback_url(installed: &Installed) -> Option<&str> {
    let installable = installed.descriptor.capabilities.installable.as_ref()?;
    installable.callback_url.as_deref()
}

/// The error of an add-on that did not accept the data.
struct NotAccepted {
    error: InstallError,
    /// Whether the add-on certainly did not act on the data.
    is_certain: bool,
}

impl From<NotAccepted> for InstallError {
    fn from(refused: NotAccepted) -> Self {
        refused.error
    }
}

/// The kind of data that an add-on may refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PostedData {
    Installation,
    Update,
}

impl PostedData {
    fn name(self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Update => "update",
        }
    }
}

/// The largest part of an answer that an error quotes, in characters and in lines.
const MAX_REFUSAL: usize = 2000;
const MAX_REFUSAL_LINES: usize = 40;

/// Shortens an answer for an error. HTML pages are left out.
fn quote(said: &str, status: StatusCode) -> String {
    if said.trim_start().starts_with('<') {
        return status.canonical_reason().unwrap_or_default().to_owned();
    }
    let is_shown = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    let mut letters = said.trim().chars().filter(is_shown);
    let text: String = letters.by_ref().take(MAX_REFUSAL).collect();
    let mut lines = text.lines().map(str::trim_end);
    let kept: Vec<_> = lines.by_ref().take(MAX_REFUSAL_LINES).collect();
    let is_cut = letters.next().is_some() || lines.next().is_some();
    format!("{}{}", kept.join("\n"), if is_cut { "…" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_shown_in_full_up_to_a_limit() {
        let bad = StatusCode::BAD_REQUEST;
        for (said, expected) in [
            ("", ""),
            ("\n no \n", "no"),
            (
                "Two things:\r\n\r\n  a\t1  \n  b",
                "Two things:\n\n  a\t1\n  b",
            ),
            ("a\u{1b}[31mb", "a[31mb"),
            (" <!doctype html><p>no", "Bad Request"),
        ] {
            assert_eq!(quote(said, bad), expected, "{said:?}");
        }
        assert_eq!(quote(&"x".repeat(2000), bad), "x".repeat(2000));
        assert_eq!(
            quote(&"ä".repeat(2001), bad),
            format!("{}…", "ä".repeat(2000))
        );
        assert_eq!(quote(&"x\n".repeat(41), bad).lines().count(), 40);
    }
}
