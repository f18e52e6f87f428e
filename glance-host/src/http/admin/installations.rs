//! Lists, installs, updates and removes add-ons, like the pages of integrations.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use glance_sdk::model::{OauthId, RoomId};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::caller::Caller;
use super::entry::{Entries, scope};
use super::error::AdminError;
use crate::model::host_info::HostInfo;
use crate::model::{InstallationQuery, Installed, ListedInstallation, Place, Room};
use crate::service::directory::Directory;
use crate::service::install::approval::Approval;
use crate::service::install::removal::Removals;
use crate::service::install::{self, Installer, ReadDescriptor};
use crate::storage::Storage;

/// The number of installations in a response.
const PAGE: u32 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    key: Option<String>,
    room: Option<String>,
    after: Option<OauthId>,
}

/// `GET /installations?key=&room=&after=`: at most [`PAGE`] installations, and `next` if there are more.
pub(super) async fn list(
    State(directory): State<Directory>,
    State(storage): State<Arc<dyn Storage>>,
    State(mut entries): State<Entries>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Value>, AdminError> {
    let Query(ListQuery { key, room, after }) =
        query.map_err(|cause| AdminError::unread(cause.status(), cause.body_text()))?;
    let place = match &room {
        Some(room) => Some(Place::Room(find_room(&directory, room).await?.id)),
        None => None,
    };
    let query = InstallationQuery {
        key,
        place,
        ..InstallationQuery::default()
    };
    let listed = storage
        .list_installations(&query, after.as_ref(), PAGE + 1)
        .await?;
    let (page, rest) = listed.split_at(listed.len().min(PAGE as usize));
    let next = page.last().filter(|_| !rest.is_empty());
    let mut written = Vec::with_capacity(page.len());
    for one in page {
        written.push(entries.write(one).await?);
    }
    Ok(Json(json!({
        "installations": written,
        "next": next.map(|last| &last.installed.oauth_id),
    })))
}

/// `GET /installations/{id}`.
pub(super) async fn read(
    State(storage): State<Arc<dyn Storage>>,
    State(mut entries): State<Entries>,
    Path(id): Path<OauthId>,
) -> Result<Json<Value>, AdminError> {
    let listed = find(&*storage, &id).await?;
    let entry = entries.write(&listed).await?;
    Ok(Json(json!({ "installation": entry })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InstallRequest {
    /// The URL of the descriptor.
    url: String,
    /// The id or the name of a room; `None` means all rooms.
    room: Option<String>,
    /// The digest of the approved descriptor. The host installs no other one, and this one may request more than
    /// the installed one.
    digest: Option<String>,
}

/// `POST /installations`: installs an add-on, or updates its installation in this place.
pub(super) async fn install(
    State(installer): State<Installer>,
    State(directory): State<Directory>,
    State(storage): State<Arc<dyn Storage>>,
    State(info): State<Arc<HostInfo>>,
    State(mut entries): State<Entries>,
    Extension(caller): Extension<Caller>,
    request: Result<Json<InstallRequest>, JsonRejection>,
) -> Result<Response, AdminError> {
    let Json(InstallRequest { url, room, digest }) =
        request.map_err(|cause| AdminError::unread(cause.status(), cause.body_text()))?;
    let room = match &room {
        Some(room) => Some(find_room(&directory, room).await?.id),
        None => None,
    };
    let read = installer.read(&url).await?;
    if digest.as_ref().is_some_and(|digest| *digest != read.digest) {
        let requests = asks_for(&read.digest, &Approval::of_new(&read.descriptor));
        return Err(AdminError::conflict(
            "descriptor-changed",
            "the descriptor is not the one that was approved",
            format!(
                "approve the digest {} instead if you agree to what it asks for now",
                read.digest
            ),
        )
        .with(requests));
    }
    let digest_of_read = read.digest.clone();
    let warnings: Vec<_> = read.warnings.iter().map(ToString::to_string).collect();
    let (outcome, id) = match installed_in(&*storage, &read.descriptor.key, room).await? {
        Some(installed) => update(&installer, installed, read, digest.is_some()).await?,
        None => {
            let id = install_new(&installer, &info, read, room).await?;
            (Outcome::Installed, id)
        }
    };
    tracing::info!(installation = %id, outcome = outcome.name(), by = %caller, "installation by a script");
    let entry = entries.write(&find(&*storage, &id).await?).await?;
    let answer = Json(json!({
        "outcome": outcome.name(),
        "installation": entry,
        "digest": digest_of_read,
        "warnings": warnings,
    }));
    let status = match outcome {
        Outcome::Installed => StatusCode::CREATED,
        Outcome::Updated | Outcome::Unchanged => StatusCode::OK,
    };
    Ok((status, answer).into_response())
}

#[derive(Debug, Clone, Copy)]
enum Outcome {
    Installed,
    Updated,
    Unchanged,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
        }
    }
}

async fn install_new(
    installer: &Installer,
    info: &HostInfo,
    read: ReadDescriptor,
    room: Option<RoomId>,
) -> Result<OauthId, AdminError> {
    installer.check(&read.descriptor, room).await?;
    if install::needs_browser(&read.descriptor) {
        return Err(AdminError::conflict(
            "needs-browser",
            format!(
                "{} can be installed in a browser only, as it wants to be visited meanwhile",
                read.descriptor.name
            ),
            format!(
                "open {} and install it there",
                browser_page(info, &read.url)
            ),
        ));
    }
    let installed = installer.install_read(read, room).await?;
    Ok(installed.oauth_id)
}

/// Returns the page on which a person installs the add-on with this descriptor.
fn browser_page(info: &HostInfo, descriptor_url: &str) -> String {
    let url: String = form_urlencoded::byte_serialize(descriptor_url.as_bytes()).collect();
    format!("{}/addons/install?url={url}", info.base_url)
}

/// Updates an installation with a different descriptor. A person has to approve what it requests beyond the old
/// one.
async fn update(
    installer: &Installer,
    installed: Installed,
    read: ReadDescriptor,
    is_approved: bool,
) -> Result<(Outcome, OauthId), AdminError> {
    let id = installed.oauth_id.clone();
    if read.url == installed.descriptor_url && read.descriptor == installed.descriptor {
        return Ok((Outcome::Unchanged, id));
    }
    let needed = Approval::needed((&read.url, &read.descriptor), &installed);
    if let Some(needed) = needed.filter(|_| !is_approved) {
        let scopes = needed.scopes.iter().map(|scope| scope.as_str().to_owned());
        let events = needed
            .webhooks
            .iter()
            .map(|webhook| match &webhook.pattern {
                Some(pattern) => format!("the webhook {} for {pattern}", webhook.event),
                None => format!("the webhook {}", webhook.event),
            });
        let moves = needed
            .origins
            .iter()
            .map(|origin| format!("to be at {origin}"));
        let requests: Vec<_> = scopes.chain(events).chain(moves).collect();
        return Err(AdminError::conflict(
            "needs-approval",
            format!(
                "{} is installed, and its descriptor asks for more now: {}",
                read.descriptor.name,
                requests.join(", ")
            ),
            format!("approve the digest {} if you agree", read.digest),
        )
        .with(asks_for(&read.digest, &needed)));
    }
    installer.replace(&installed, read).await?;
    Ok((Outcome::Updated, id))
}

/// Renders the requests of a descriptor, and the digest that approves them.
fn asks_for(digest: &str, approval: &Approval<'_>) -> Value {
    let scopes = approval.scopes.iter().map(|one| scope(one));
    let webhooks = approval
        .webhooks
        .iter()
        .map(|webhook| json!({ "event": webhook.event, "pattern": webhook.pattern }));
    json!({
        "digest": digest,
        "asks_for": {
            "scopes": scopes.collect::<Vec<_>>(),
            "webhooks": webhooks.collect::<Vec<_>>(),
            "origins": approval.origins,
        },
    })
}

/// `DELETE /installations/{id}`: removes an installation, and tells its add-on before the response.
pub(super) async fn remove(
    State(removals): State<Removals>,
    State(storage): State<Arc<dyn Storage>>,
    State(mut entries): State<Entries>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<OauthId>,
) -> Result<Json<Value>, AdminError> {
    let listed = find(&*storage, &id).await?;
    let mut entry = entries.write(&listed).await?;
    if !listed.is_accepted {
        return Err(AdminError::conflict(
            "under-way",
            format!("{} is being installed", listed.installed.descriptor.name),
            "wait until it is installed or gone, in 15 minutes at the latest",
        ));
    }
    if !removals.uninstall(&id).await? {
        return Err(no_installation(&id));
    }
    tracing::info!(installation = %id, by = %caller, "removal by a script");
    let is_told = !storage.is_leaving(&id).await?;
    entry["state"] = "removed".into();
    Ok(Json(json!({ "installation": entry, "told": is_told })))
}

async fn find(storage: &dyn Storage, id: &OauthId) -> Result<ListedInstallation, AdminError> {
    let query = InstallationQuery {
        id: Some(id.clone()),
        ..InstallationQuery::default()
    };
    let found = storage.list_installations(&query, None, 1).await?;
    found.into_iter().next().ok_or_else(|| no_installation(id))
}

fn no_installation(id: &OauthId) -> AdminError {
    AdminError::not_found(
        "no-installation",
        format!("this host has no installation {id}"),
        "list the installations to see their ids",
    )
}

/// Returns the accepted installation of an add-on in exactly this place.
async fn installed_in(
    storage: &dyn Storage,
    key: &str,
    room: Option<RoomId>,
) -> Result<Option<Installed>, AdminError> {
    let query = InstallationQuery {
        key: Some(key.to_owned()),
        place: Some(room.map_or(Place::Global, Place::Room)),
        ..InstallationQuery::default()
    };
    let found = storage.list_installations(&query, None, 1).await?;
    let accepted = found.into_iter().find(|one| one.is_accepted);
    Ok(accepted.map(|one| one.installed))
}

/// Returns the room with this id or name.
async fn find_room(directory: &Directory, id_or_name: &str) -> Result<Room, AdminError> {
    let found = directory.find_room(id_or_name).await?;
    found.ok_or_else(|| {
        AdminError::not_found(
            "no-room",
            format!("this host has no room {id_or_name}"),
            "name a room as its page does, or by the number in the page's address",
        )
    })
}
