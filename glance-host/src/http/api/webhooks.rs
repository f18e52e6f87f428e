//! `/v2/room/{room}/webhook` and `.../extension/webhook/{key}`: webhooks created at run time.

use std::collections::HashMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode, header};
use glance_sdk::model::{Event, Page, Scope, Webhook};
use glance_sdk::validate;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use super::extension::checked;
use super::page::Paging;
use crate::content::pattern;
use crate::http::state::AppState;
use crate::model::{MAX_RUNTIME_WEBHOOKS, RegisteredWebhook, Room};
use crate::storage::StorageError;

/// The caller, a room, and the webhook that the address names, if any.
pub(super) struct At {
    caller: Caller,
    room: Room,
    /// A key or an id, as the route says.
    name: String,
}

impl FromRequestParts<AppState> for At {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let caller = Caller::from_request_parts(parts, app).await?;
        caller.needs(&[Scope::AdminRoom])?;
        let Path(mut path) = Path::<HashMap<String, String>>::from_request_parts(parts, app)
            .await
            .map_err(|cause| ApiError::bad_request(cause.body_text()))?;
        let room = path.remove("room").unwrap_or_default();
        Ok(Self {
            room: caller.room(&*app.storage, &room).await?,
            caller,
            name: path.remove("name").unwrap_or_default(),
        })
    }
}

impl At {
    async fn all(&self, app: &AppState) -> Result<Vec<RegisteredWebhook>, StorageError> {
        let state = &app.storage;
        state
            .webhooks_of(&self.caller.installed.oauth_id, self.room.id)
            .await
    }

    async fn by_key(&self, app: &AppState) -> Result<Option<RegisteredWebhook>, StorageError> {
        let key = Some(self.name.as_str());
        let mut all = self.all(app).await?.into_iter();
        Ok(all.find(|one| one.webhook.key.as_deref() == key))
    }

    async fn by_id(&self, app: &AppState) -> Result<Option<RegisteredWebhook>, StorageError> {
        let id = self.name.parse().ok();
        let mut all = self.all(app).await?.into_iter();
        Ok(all.find(|one| Some(one.id) == id))
    }

    fn found(&self, one: Option<RegisteredWebhook>) -> Result<RegisteredWebhook, ApiError> {
        one.ok_or_else(|| ApiError::not_found(format!("Webhook {} not found", self.name)))
    }

    /// Returns the URL of the webhook with this id.
    fn address(&self, app: &AppState, id: u64) -> String {
        format!("{}/room/{}/webhook/{id}", app.info.api_url(), self.room.id)
    }

    fn written(&self, app: &AppState, one: &RegisteredWebhook) -> Result<Value, ApiError> {
        let mut written = serde_json::to_value(&one.webhook)?;
        written["id"] = json!(one.id);
        written["links"] = json!({ "self": self.address(app, one.id) });
        Ok(written)
    }
}

pub(super) async fn list(
    State(app): State<AppState>,
    at: At,
    paging: Paging,
) -> Result<Json<Page<Value>>, ApiError> {
    let all = at.all(&app).await?;
    let written = all.iter().map(|one| at.written(&app, one));
    Ok(Json(paging.page(written.collect::<Result<Vec<_>, _>>()?)))
}

pub(super) async fn read_by_id(
    State(app): State<AppState>,
    at: At,
) -> Result<Json<Value>, ApiError> {
    let one = at.found(at.by_id(&app).await?)?;
    at.written(&app, &one).map(Json)
}

pub(super) async fn read_by_key(
    State(app): State<AppState>,
    at: At,
) -> Result<Json<Value>, ApiError> {
    let one = at.found(at.by_key(&app).await?)?;
    at.written(&app, &one).map(Json)
}

type Created = (StatusCode, [(HeaderName, String); 1], Json<Value>);

pub(super) async fn create(
    State(app): State<AppState>,
    at: At,
    body: Bytes,
) -> Result<Created, ApiError> {
    let webhook = parse(&body).await?;
    put(&app, &at, webhook).await
}

pub(super) async fn create_by_key(
    State(app): State<AppState>,
    at: At,
    body: Bytes,
) -> Result<Created, ApiError> {
    let mut webhook = parse(&body).await?;
    let key = webhook.key.get_or_insert_with(|| at.name.clone());
    if *key != at.name {
        return Err(ApiError::bad_request(format!(
            "/key: the webhook has the key {key}, the address {}; they must be the same",
            at.name
        )));
    }
    put(&app, &at, webhook).await
}

pub(super) async fn remove_by_id(
    State(app): State<AppState>,
    at: At,
) -> Result<StatusCode, ApiError> {
    let one = at.found(at.by_id(&app).await?)?;
    remove(&app, &at, one).await
}

pub(super) async fn remove_by_key(
    State(app): State<AppState>,
    at: At,
) -> Result<StatusCode, ApiError> {
    let one = at.found(at.by_key(&app).await?)?;
    remove(&app, &at, one).await
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

async fn put(app: &AppState, at: &At, webhook: Webhook) -> Result<Created, ApiError> {
    let all = at.all(app).await?;
    let same_key = |one: &&RegisteredWebhook| {
        one.room_id.is_none() && webhook.key.is_some() && one.webhook.key == webhook.key
    };
    if let Some(declared) = all.iter().find(same_key) {
        return Err(refuse_declared(declared, "replaced"));
    }
    let oauth_id = &at.caller.installed.oauth_id;
    let put = app.storage.put_webhook(oauth_id, at.room.id, &webhook);
    let id = put.await?.map_err(|_| {
        ApiError::quota(format!(
            "There are {MAX_RUNTIME_WEBHOOKS} webhooks in this room, which is the maximum"
        ))
    })?;
    let address = at.address(app, id);
    let body = json!({ "id": id, "links": { "self": address } });
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, address)],
        Json(body),
    ))
}

async fn remove(app: &AppState, at: &At, one: RegisteredWebhook) -> Result<StatusCode, ApiError> {
    if one.room_id.is_none() {
        return Err(refuse_declared(&one, "removed"));
    }
    let oauth_id = &at.caller.installed.oauth_id;
    match app.storage.remove_webhook(oauth_id, one.id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => at.found(None).map(|_| StatusCode::NO_CONTENT),
    }
}

fn refuse_declared(one: &RegisteredWebhook, what: &str) -> ApiError {
    let name = match &one.webhook.key {
        Some(key) => key.clone(),
        None => one.id.to_string(),
    };
    ApiError::forbidden(format!(
        "The webhook {name} is declared in the descriptor and cannot be {what}"
    ))
}
