//! `/v2/room/{room}/webhook` and `.../extension/webhook/{key}`: webhooks created at run time.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, header};
use glance_sdk::model::{Event, Page, RoomId, Scope, Webhook};
use glance_sdk::validate;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::extension::checked;
use super::page::Paging;
use crate::content::pattern;
use crate::http::state::AppState;
use crate::model::host_info::HostInfo;
use crate::model::{RegisteredWebhook, Room};
use crate::service::extensions::{Extensions, WebhookName};

/// The caller, a room, and the key or the id of a webhook, if the address has one.
pub(super) struct WebhookPath {
    caller: Caller,
    room: Room,
    /// A key or an id, as the route says.
    name: String,
}

impl FromRequestParts<AppState> for WebhookPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.needs(&[Scope::AdminRoom])?;
        let Path(mut path) = Path::<HashMap<String, String>>::from_request_parts(parts, app)
            .await
            .map_err(|cause| ApiError::bad_request(cause.body_text()))?;
        let room = path.remove("room").unwrap_or_default();
        Ok(Self {
            room: caller.room(&app.directory, &room).await?,
            caller,
            name: path.remove("name").unwrap_or_default(),
        })
    }
}

/// Returns the URL of a webhook.
fn address(info: &HostInfo, room: RoomId, id: u64) -> String {
    format!("{}/room/{room}/webhook/{id}", info.api_url())
}

fn json_of(info: &HostInfo, room: RoomId, one: &RegisteredWebhook) -> Result<Value, ApiError> {
    let mut json = serde_json::to_value(&one.webhook)?;
    json["id"] = json!(one.id);
    json["links"] = json!({ "self": address(info, room, one.id) });
    Ok(json)
}

pub(super) async fn list(
    State(extensions): State<Extensions>,
    State(info): State<Arc<HostInfo>>,
    WebhookPath { caller, room, .. }: WebhookPath,
    paging: Paging,
) -> Result<Json<Page<Value>>, ApiError> {
    let all = extensions.webhooks(caller.installed(), room.id).await?;
    let json = all.iter().map(|one| json_of(&info, room.id, one));
    Ok(Json(paging.page(json.collect::<Result<Vec<_>, _>>()?)))
}

pub(super) async fn read_by_id(
    State(extensions): State<Extensions>,
    State(info): State<Arc<HostInfo>>,
    WebhookPath { caller, room, name }: WebhookPath,
) -> Result<Json<Value>, ApiError> {
    let name = WebhookName::Id(&name);
    let one = extensions
        .webhook(caller.installed(), room.id, name)
        .await?;
    json_of(&info, room.id, &one).map(Json)
}

pub(super) async fn read_by_key(
    State(extensions): State<Extensions>,
    State(info): State<Arc<HostInfo>>,
    WebhookPath { caller, room, name }: WebhookPath,
) -> Result<Json<Value>, ApiError> {
    let name = WebhookName::Key(&name);
    let one = extensions
        .webhook(caller.installed(), room.id, name)
        .await?;
    json_of(&info, room.id, &one).map(Json)
}

type Created = (StatusCode, [(HeaderName, String); 1], Json<Value>);

pub(super) async fn create(
    State(extensions): State<Extensions>,
    State(info): State<Arc<HostInfo>>,
    path: WebhookPath,
    body: Bytes,
) -> Result<Created, ApiError> {
    let webhook = parse(&body).await?;
    put(&extensions, &info, &path, &webhook).await
}

pub(super) async fn create_by_key(
    State(extensions): State<Extensions>,
    State(info): State<Arc<HostInfo>>,
    path: WebhookPath,
    body: Bytes,
) -> Result<Created, ApiError> {
    let mut webhook = parse(&body).await?;
    let key = webhook.key.get_or_insert_with(|| path.name.clone());
    if *key != path.name {
        return Err(ApiError::bad_request(format!(
            "/key: the webhook has the key {key}, the address {}; they must be the same",
            path.name
        )));
    }
    put(&extensions, &info, &path, &webhook).await
}

pub(super) async fn remove_by_id(
    State(extensions): State<Extensions>,
    WebhookPath { caller, room, name }: WebhookPath,
) -> Result<StatusCode, ApiError> {
    let name = WebhookName::Id(&name);
    extensions
        .remove_webhook(caller.installed(), room.id, name)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove_by_key(
    State(extensions): State<Extensions>,
    WebhookPath { caller, room, name }: WebhookPath,
) -> Result<StatusCode, ApiError> {
    let name = WebhookName::Key(&name);
    extensions
        .remove_webhook(caller.installed(), room.id, name)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn parse(body: &[u8]) -> Result<Webhook, ApiError> {
    let mut document: Value = glance_sdk::json::from_slice(body)
        .map_err(|cause| ApiError::bad_request(format!("The body is no JSON: {cause}")))?;
    if let Some(members) = document.as_object_mut() {
        // Old clients write missing members as null; the host assigns the id and the links.
        members.retain(|name, value| !value.is_null() && !matches!(&**name, "id" | "links"));
    }
    let webhook: Webhook = checked(document, "webhook", validate::webhook)?;
    if let Some(pattern) = webhook.pattern.clone() {
        let compiled = pattern::run_limited(move || pattern::compiled(&pattern)).await?;
        compiled.map_err(|why| ApiError::bad_request(format!("/pattern: {why}")))?;
    }
    match &webhook.event {
        Event::Unknown(event) => Err(ApiError::bad_request(format!(
            "/event: there is no event `{event}`"
        ))),
        _ => Ok(webhook),
    }
}

async fn put(
    extensions: &Extensions,
    info: &HostInfo,
    path: &WebhookPath,
    webhook: &Webhook,
) -> Result<Created, ApiError> {
    let room = path.room.id;
    let put = extensions.put_webhook(path.caller.installed(), room, webhook);
    let id = put.await?;
    let address = address(info, room, id);
    let body = json!({ "id": id, "links": { "self": address } });
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, address)],
        Json(body),
    ))
}
