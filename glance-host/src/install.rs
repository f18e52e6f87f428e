//! Installs, moves and removes add-ons: the host's side of the handshake.

use std::fmt;
use std::time::Duration;

use glance_sdk::auth::random_alphanumeric;
use glance_sdk::model::{Descriptor, InstallationData, InstallationUpdate, OauthId, RoomId};
use glance_sdk::validate::{self, Problem, Severity};
use reqwest::{Method, StatusCode, Url};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hub::{Event, To};
use crate::outgoing::{self, NoAnswer};
use crate::pattern;
use crate::shared::Shared;
use crate::state::{Installed, StateError};

/// What is told as it happens: each step of an installation.
pub(crate) const STEPS: &str = "glance_host::steps";

/// How long an add-on may take to serve its descriptor, and to take its leave.
const DESCRIPTOR_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an add-on may take to accept an installation; it calls the host meanwhile.
const CALLBACK_TIMEOUT: Duration = Duration::from_secs(30);

const MAX_DESCRIPTOR_BYTES: usize = 512 * 1024;
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Why an add-on was not installed.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstallError {
    /// What was given is no http or https address.
    NoAddress(String),
    /// The add-on gave no answer.
    NoAnswer {
        /// What was asked for: the descriptor, or the callback.
        what: &'static str,
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// The descriptor's address answered with a failure.
    Status {
        /// Where.
        url: String,
        /// With what.
        status: u16,
    },
    /// What stands there is no JSON.
    NotJson {
        /// Where.
        url: String,
        /// Why, with line and column.
        why: String,
    },
    /// What stands there is no descriptor.
    Invalid {
        /// Where.
        url: String,
        /// Everything that is wrong, each with its JSON pointer.
        problems: Vec<Problem>,
    },
    /// The descriptor does not allow an installation here.
    NotAllowed(&'static str),
    /// The add-on is installed here already.
    AlreadyInstalled(String),
    /// The descriptor that stands there now is another add-on's.
    OtherAddOn {
        /// The key it has.
        found: String,
        /// The key it should have.
        expected: String,
    },
    /// The add-on refused.
    Refused {
        /// With what.
        status: u16,
        /// The first line of what it said.
        said: String,
    },
    /// The host's own database failed.
    State(StateError),
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress(url) => write!(
                f,
                "{url:?} is no address of a descriptor; give one that starts with http:// or https://"
            ),
            Self::NoAnswer { what, url, why } => {
                write!(f, "the {what} at {url} {why}; check that the add-on runs")
            }
            Self::Status { url, status } => write!(
                f,
                "{url} answered {status} instead of a descriptor; check the address"
            ),
            Self::NotJson { url, why } => write!(f, "what stands at {url} is no JSON: {why}"),
            Self::Invalid { url, problems } => {
                write!(f, "what stands at {url} is no descriptor")?;
                for problem in problems {
                    write!(f, "\n  {problem}")?;
                }
                Ok(())
            }
            Self::NotAllowed(what) => write!(f, "its descriptor does not allow {what}"),
            Self::AlreadyInstalled(name) => {
                write!(
                    f,
                    "{name} is installed here already; remove it first to install it anew"
                )
            }
            Self::OtherAddOn { found, expected } => {
                write!(
                    f,
                    "the add-on there is {found}, not {expected}; check the address"
                )
            }
            Self::Refused { status, said } if said.is_empty() => {
                write!(
                    f,
                    "the add-on refused the installation with status {status}"
                )
            }
            Self::Refused { status, said } => {
                write!(
                    f,
                    "the add-on refused the installation with status {status}: {said}"
                )
            }
            Self::State(cause) => cause.fmt(f),
        }
    }
}

impl std::error::Error for InstallError {}

impl From<StateError> for InstallError {
    fn from(cause: StateError) -> Self {
        Self::State(cause)
    }
}

impl From<glance_sdk::Error> for InstallError {
    fn from(cause: glance_sdk::Error) -> Self {
        Self::State(StateError(cause.to_string()))
    }
}

/// Reads the descriptor, introduces the host to the add-on, and keeps the installation once the
/// add-on accepted it.
pub(crate) async fn install(
    shared: &Shared,
    descriptor_url: &str,
    room: Option<RoomId>,
) -> Result<Installed, InstallError> {
    let (url, descriptor) = fetch(shared, descriptor_url).await?;
    let installable = descriptor
        .capabilities
        .installable
        .clone()
        .unwrap_or_default();
    match room {
        Some(_) if installable.allow_room == Some(false) => {
            return Err(InstallError::NotAllowed("an installation in one room"));
        }
        None if installable.allow_global == Some(false) => {
            return Err(InstallError::NotAllowed("an installation for all rooms"));
        }
        _ => {}
    }
    if is_installed(shared, &descriptor.key, room).await? {
        return Err(InstallError::AlreadyInstalled(descriptor.name));
    }

    let installed = Installed {
        oauth_id: uuid::Uuid::new_v4().to_string().into(),
        oauth_secret: random_alphanumeric(40)?.into(),
        room_id: room,
        descriptor_url: url.to_string(),
        descriptor,
    };
    // The add-on asks for a token before it answers: the new client must be known by then.
    if !shared.state.begin_installation(&installed).await? {
        return Err(InstallError::AlreadyInstalled(installed.descriptor.name));
    }
    if let Err(refused) = introduce(shared, &installed).await {
        shared
            .state
            .remove_installation(&installed.oauth_id)
            .await?;
        return Err(refused);
    }
    shared
        .state
        .finish_installation(&installed.oauth_id)
        .await?;
    warn_of_patterns(&installed.descriptor);
    shared.hub.publish(places(&installed), Event::Changed);
    tracing::info!(target: STEPS, "{} is installed", installed.descriptor.name);
    Ok(installed)
}

/// Reads the descriptor again, maybe at another address, and introduces the host anew, as it may
/// have another address too. The installation keeps its id and secret.
pub(crate) async fn update(
    shared: &Shared,
    installed: &Installed,
    descriptor_url: &str,
) -> Result<Installed, InstallError> {
    let (url, descriptor) = fetch(shared, descriptor_url).await?;
    if descriptor.key != installed.descriptor.key {
        return Err(InstallError::OtherAddOn {
            found: descriptor.key,
            expected: installed.descriptor.key.clone(),
        });
    }
    let updated = Installed {
        descriptor_url: url.to_string(),
        descriptor,
        ..installed.clone()
    };
    introduce_again(shared, &updated).await?;
    shared
        .state
        .replace_descriptor(
            &updated.oauth_id,
            &updated.descriptor_url,
            &updated.descriptor,
        )
        .await?;
    warn_of_patterns(&updated.descriptor);
    shared.hub.publish(places(&updated), Event::Changed);
    tracing::info!(target: STEPS, "{} is up to date", updated.descriptor.name);
    Ok(updated)
}

/// Tells the add-on that it is removed, and forgets it whatever it answers.
pub(crate) async fn uninstall(shared: &Shared, id: &OauthId) -> Result<bool, StateError> {
    let Some(installed) = shared.state.installation(id).await? else {
        return Ok(false);
    };
    take_leave(shared, &installed).await;
    let removed = shared.state.remove_installation(id).await?;
    shared.hub.publish(places(&installed), Event::Changed);
    Ok(removed)
}

/// Tells the add-on that it is removed, where it wants to know of it.
pub(crate) async fn take_leave(shared: &Shared, installed: &Installed) {
    let Some(mut url) = callback_url(installed).and_then(|url| Url::parse(url).ok()) else {
        return;
    };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(installed.oauth_id.as_str());
    }
    let request = shared.http.request(Method::DELETE, url.clone());
    match outgoing::send(shared, request, DESCRIPTOR_TIMEOUT, MAX_ANSWER_BYTES).await {
        Ok(answer) if answer.status.is_success() => {}
        Ok(answer) => tracing::warn!(%url, status = %answer.status, "removal was not accepted"),
        Err(cause) => tracing::warn!(%url, "the add-on was not told of its removal: it {cause}"),
    }
}

/// Says which webhooks are never called, because their patterns match nothing here.
fn warn_of_patterns(descriptor: &Descriptor) {
    let webhooks = descriptor.capabilities.webhook.iter();
    for webhook in webhooks.flat_map(|webhooks| webhooks.as_slice()) {
        if let Some(Err(why)) = webhook.pattern.as_deref().map(pattern::compile) {
            let (event, url) = (&webhook.event, &webhook.url);
            tracing::warn!(target: STEPS, "the webhook of {event} at {url} is never called: {why}");
        }
    }
}

/// The rooms in which an installation shows.
pub(crate) fn places(installed: &Installed) -> To {
    installed.room_id.map_or(To::All, To::Room)
}

async fn fetch(shared: &Shared, given: &str) -> Result<(Url, Descriptor), InstallError> {
    let url = Url::parse(given.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| InstallError::NoAddress(given.to_owned()))?;
    tracing::info!(target: STEPS, "GET {url}: the descriptor");
    let request = shared.http.request(Method::GET, url.clone());
    let answer = outgoing::send(shared, request, DESCRIPTOR_TIMEOUT, MAX_DESCRIPTOR_BYTES)
        .await
        .map_err(|cause| no_answer("descriptor", &url, &cause))?;
    if !answer.status.is_success() {
        return Err(InstallError::Status {
            url: url.into(),
            status: answer.status.as_u16(),
        });
    }
    let document: Value =
        serde_json::from_slice(&answer.body).map_err(|cause| InstallError::NotJson {
            url: url.to_string(),
            why: cause.to_string(),
        })?;
    let mut problems = validate::descriptor(&document);
    problems.retain(|problem| problem.severity == Severity::Error);
    if !problems.is_empty() {
        return Err(InstallError::Invalid {
            url: url.into(),
            problems,
        });
    }
    let descriptor = Descriptor::deserialize(document).map_err(|cause| InstallError::NotJson {
        url: url.to_string(),
        why: cause.to_string(),
    })?;
    Ok((url, descriptor))
}

async fn is_installed(
    shared: &Shared,
    key: &str,
    room: Option<RoomId>,
) -> Result<bool, StateError> {
    let rooms = match room {
        Some(room) => vec![room],
        None => shared
            .state
            .rooms()
            .await?
            .into_iter()
            .map(|room| room.id)
            .collect(),
    };
    for room in rooms {
        let here = shared.state.installations_in(room).await?;
        if here.iter().any(|installed| installed.descriptor.key == key) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn callback_url(installed: &Installed) -> Option<&str> {
    let installable = installed.descriptor.capabilities.installable.as_ref()?;
    installable.callback_url.as_deref()
}

/// Posts the installation data to the add-on, where it wants to know of it.
async fn introduce(shared: &Shared, installed: &Installed) -> Result<(), InstallError> {
    let Some(url) = callback_url(installed) else {
        return Ok(());
    };
    post(
        shared,
        url,
        "the installation data",
        &data(shared, installed),
    )
    .await
}

/// Tells the add-on of an update: without the secret, where it has an address for that. An add-on
/// that forgot the installation, or knows the host at another address, needs the secret after all.
async fn introduce_again(shared: &Shared, installed: &Installed) -> Result<(), InstallError> {
    let installable = installed.descriptor.capabilities.installable.as_ref();
    let Some(url) = installable.and_then(|one| one.update_callback_url.as_deref()) else {
        return introduce(shared, installed).await;
    };
    let update = InstallationUpdate::from(&data(shared, installed));
    match post(shared, url, "the update", &update).await {
        Err(InstallError::Refused {
            status: 403 | 404, ..
        }) if callback_url(installed).is_some() => introduce(shared, installed).await,
        told => told,
    }
}

fn data(shared: &Shared, installed: &Installed) -> InstallationData {
    let mut data = InstallationData::new(
        installed.oauth_id.clone(),
        installed.oauth_secret.clone(),
        format!("{}/capabilities", shared.api_url()),
        shared.group.id,
    );
    data.room_id = installed.room_id;
    data
}

async fn post(
    shared: &Shared,
    url: &str,
    what: &str,
    body: &impl Serialize,
) -> Result<(), InstallError> {
    let url = Url::parse(url).map_err(|_| InstallError::NoAddress(url.to_owned()))?;
    tracing::info!(target: STEPS, "POST {url}: {what}");
    let request = shared.http.request(Method::POST, url.clone()).json(body);
    let answer = outgoing::send(shared, request, CALLBACK_TIMEOUT, MAX_ANSWER_BYTES)
        .await
        .map_err(|cause| no_answer("callback", &url, &cause))?;
    if answer.status.is_success() {
        tracing::info!(target: STEPS, "the add-on accepted with {}", answer.status);
        return Ok(());
    }
    let said = String::from_utf8_lossy(&answer.body);
    Err(InstallError::Refused {
        status: answer.status.as_u16(),
        said: first_line(&said, answer.status),
    })
}

/// What an add-on said, short enough to show; a page of HTML says nothing to people.
fn first_line(said: &str, status: StatusCode) -> String {
    let line = said
        .lines()
        .find(|line| !line.trim().is_empty())
        .unwrap_or_default()
        .trim();
    if line.starts_with('<') {
        return status.canonical_reason().unwrap_or_default().to_owned();
    }
    line.chars().take(200).collect()
}

fn no_answer(what: &'static str, url: &Url, cause: &NoAnswer) -> InstallError {
    InstallError::NoAnswer {
        what,
        url: url.to_string(),
        why: cause.to_string(),
    }
}
