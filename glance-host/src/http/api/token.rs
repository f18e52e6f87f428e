//! `/v2/oauth/token`: creates an access token by client credentials, describes and revokes it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::{Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use glance_sdk::model::TokenAnswer;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::error::ApiError;
use crate::model::host_info::HostInfo;
use crate::model::{Installed, StoredToken};
use crate::service::access_tokens::AccessTokens;
use crate::service::install::STEPS;
use crate::storage::Storage;

/// The parameters of a token request.
#[derive(Default, Deserialize)]
pub(super) struct TokenRequest {
    grant_type: Option<String>,
    scope: Option<String>,
}

/// JSON that no cache stores.
type NoStore<T> = ([(HeaderName, &'static str); 1], Json<T>);

fn no_store<T>(answer: T) -> NoStore<T> {
    ([(CACHE_CONTROL, "no-store")], Json(answer))
}

pub(super) async fn create(
    State(tokens): State<AccessTokens>,
    State(info): State<Arc<HostInfo>>,
    headers: HeaderMap,
    Query(in_query): Query<TokenRequest>,
    request: Request,
) -> Result<NoStore<TokenAnswer>, ApiError> {
    let (id, secret) = basic(&headers).ok_or_else(ApiError::unauthorized)?;
    let installed = tokens.authenticate(&id.into(), &secret).await?;
    let installed = installed.ok_or_else(ApiError::unauthorized)?;
    let in_body = read(request).await?;
    let grant_type = in_body.grant_type.or(in_query.grant_type);
    match grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            let message = "unsupported_grant_type: grant_type must be client_credentials";
            return Err(ApiError::bad_request(message));
        }
        None => {
            let message = "invalid_request: grant_type must be client_credentials";
            return Err(ApiError::bad_request(message));
        }
    }
    let scope = scope(&installed, in_body.scope.or(in_query.scope).as_deref())?;
    let token = tokens.create(&installed.oauth_id, &scope).await?;
    tracing::info!(target: STEPS, "a token for the add-on: {scope}");
    let mut answer = TokenAnswer::new(token, tokens.life_seconds());
    answer.group_id = Some(info.group.id);
    answer.group_name = Some(info.group.name.clone());
    answer.scope = Some(scope);
    Ok(no_store(answer))
}

/// Reads a body, a form or JSON. Old clients put everything into the query and send no body.
async fn read(request: Request) -> Result<TokenRequest, ApiError> {
    let content_type = request.headers().get(CONTENT_TYPE);
    let content_type = content_type.map_or("None", |value| value.to_str().unwrap_or_default());
    let content_type = content_type.to_owned();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let form = Form::from_request(request, &()).await;
        return match form {
            Ok(Form(grant)) => Ok(grant),
            Err(cause) => Err(ApiError::new(cause.status(), cause.body_text())),
        };
    }
    let body = Bytes::from_request(request, &())
        .await
        .map_err(|cause| ApiError::new(cause.status(), cause.body_text()))?;
    if body.is_empty() {
        return Ok(TokenRequest::default());
    }
    if !media_type.eq_ignore_ascii_case("application/json") {
        let message = format!("Invalid content type: {content_type}");
        return Err(ApiError::bad_request(message));
    }
    glance_sdk::json::from_slice(&body)
        .map_err(|cause| ApiError::bad_request(format!("The body is no JSON object: {cause}")))
}

/// Describes what a token of the caller permits, and until when.
pub(super) async fn read_token(
    State(tokens): State<AccessTokens>,
    State(storage): State<Arc<dyn Storage>>,
    State(info): State<Arc<HostInfo>>,
    caller: Caller,
    Path(token): Path<String>,
) -> Result<NoStore<Value>, ApiError> {
    caller.needs(&[])?;
    let stored = find(&tokens, &caller, &token).await?;
    let scopes: Vec<_> = caller.allows(&stored.scope).collect();
    let installed = caller.installed();
    let room = match installed.room_id {
        Some(id) => storage.room(id).await?,
        None => None,
    };
    Ok(no_store(json!({
        "access_token": token,
        "expires_in": tokens.seconds_left(&stored),
        "group_id": info.group.id,
        "group_name": info.group.name,
        "scope": scopes.join(" "),
        "scopes": scopes,
        "token_type": "bearer",
        "owner_type": "client",
        "client": {
            "id": installed.oauth_id,
            "name": installed.descriptor.name,
            "allowed_scopes": scopes,
            // Clients tell by it whether the token is for one room only.
            "room": room.map(|room| json!({ "id": room.id, "name": room.name })),
        },
    })))
}

/// Revokes a token of the caller.
pub(super) async fn remove(
    State(tokens): State<AccessTokens>,
    caller: Caller,
    Path(token): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[])?;
    let stored = find(&tokens, &caller, &token).await?;
    tokens.revoke(&stored).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns a valid token of the caller. Messages never contain it.
async fn find(
    tokens: &AccessTokens,
    caller: &Caller,
    token: &str,
) -> Result<StoredToken, ApiError> {
    let stored = tokens.find(token).await?;
    stored
        .filter(|stored| stored.oauth_id == caller.installed().oauth_id)
        .ok_or_else(|| ApiError::not_found("Token not found"))
}

/// Returns id and secret of HTTP Basic authentication.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, encoded) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Returns the requested scopes that the descriptor declares, or all of those if none are requested.
fn scope(installed: &Installed, requested: Option<&str>) -> Result<String, ApiError> {
    let consumer = installed
        .descriptor
        .capabilities
        .hipchat_api_consumer
        .as_ref();
    let granted: Vec<&str> = consumer
        .map(|consumer| consumer.scopes.iter().map(|scope| scope.as_str()).collect())
        .unwrap_or_default();
    // An encoded plus still means a space.
    let requested: Vec<&str> = requested
        .unwrap_or_default()
        .split(|c: char| c.is_whitespace() || c == '+')
        .filter(|scope| !scope.is_empty())
        .collect();
    if let Some(unknown) = requested.iter().find(|scope| !granted.contains(scope)) {
        return Err(ApiError::bad_request(format!(
            "invalid_scope: The scope {unknown} is not declared in the descriptor"
        )));
    }
    Ok(if requested.is_empty() {
        granted
    } else {
        requested
    }
    .join(" "))
}
