//! Lists, installs, updates and removes add-ons, like the pages of integrations.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use glance_sdk::model::OauthId;
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::caller::Caller;
use super::entry::{Entries, scope};
use super::error::AdminError;
use crate::model::host_info::HostInfo;
use crate::model::{InstallationQuery, ListedInstallation, Place, Room};
use crate::service::directory::Directory;
use crate::service::install::Installer;
use crate::service::install::approval::Approval;
use crate::service::install::removal::Removals;
use crate::service::install::script::{Outcome, ScriptError};
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
    let applied = installer.install_for_script(&url, room, digest.as_deref());
    let applied = applied.await.map_err(|error| refused(error, &info))?;
    let outcome = name(applied.outcome);
    let id = &applied.id;
    tracing::info!(installation = %id, outcome, by = %caller, "installation by a script");
    let entry = entries.write(&find(&*storage, id).await?).await?;
    let warnings = applied.warnings.iter().map(ToString::to_string);
    let answer = Json(json!({
        "outcome": outcome,
        "installation": entry,
        "digest": applied.digest,
        "warnings": warnings.collect::<Vec<_>>(),
    }));
    let status = match applied.outcome {
        Outcome::Installed => StatusCode::CREATED,
        Outcome::Updated | Outcome::Unchanged => StatusCode::OK,
    };
    Ok((status, answer).into_response())
}

fn name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Installed => "installed",
        Outcome::Updated => "updated",
        Outcome::Unchanged => "unchanged",
    }
}

fn refused(error: ScriptError, info: &HostInfo) -> AdminError {
    match error {
        ScriptError::OtherDescriptor { digest, requests } => {
            let help =
                format!("approve the digest {digest} instead if you agree to what it asks for now");
            let what = "the descriptor is not the one that was approved";
            AdminError::conflict("descriptor-changed", what, help)
                .with(asks_for(&digest, &requests))
        }
        ScriptError::NeedsApproval {
            name,
            digest,
            requests,
        } => {
            let sentence = format!(
                "{name} is installed, and its descriptor asks for more now: {}",
                sentence_part(&requests)
            );
            let help = format!("approve the digest {digest} if you agree");
            AdminError::conflict("needs-approval", sentence, help)
                .with(asks_for(&digest, &requests))
        }
        ScriptError::NeedsBrowser { name, url } => AdminError::conflict(
            "needs-browser",
            format!(
                "{name} can be installed in a browser only, as it wants to be visited meanwhile"
            ),
            format!("open {} and install it there", browser_page(info, &url)),
        ),
        ScriptError::Install(error) => error.into(),
    }
}

/// Returns the page on which a person installs the add-on with this descriptor.
fn browser_page(info: &HostInfo, descriptor_url: &str) -> String {
    let url: String = form_urlencoded::byte_serialize(descriptor_url.as_bytes()).collect();
    format!("{}/addons/install?url={url}", info.base_url)
}

/// Lists the requests of a descriptor in a sentence.
fn sentence_part(requests: &Approval) -> String {
    let scopes = requests
        .scopes
        .iter()
        .map(|scope| scope.as_str().to_owned());
    let webhooks = requests.webhooks.iter();
    let webhooks = webhooks.map(|webhook| match &webhook.pattern {
        Some(pattern) => format!("the webhook {} for {pattern}", webhook.event),
        None => format!("the webhook {}", webhook.event),
    });
    let origins = requests.origins.iter();
    let moves = origins.map(|origin| format!("to be at {origin}"));
    let all: Vec<_> = scopes.chain(webhooks).chain(moves).collect();
    all.join(", ")
}

/// Renders the requests of a descriptor, and the digest that approves them.
fn asks_for(digest: &str, requests: &Approval) -> Value {
    let scopes = requests.scopes.iter().map(scope);
    let webhooks = requests
        .webhooks
        .iter()
        .map(|webhook| json!({ "event": webhook.event, "pattern": webhook.pattern }));
    json!({
        "digest": digest,
        "asks_for": {
            "scopes": scopes.collect::<Vec<_>>(),
            "webhooks": webhooks.collect::<Vec<_>>(),
            "origins": requests.origins,
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
