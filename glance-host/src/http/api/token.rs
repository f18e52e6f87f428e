//! `/v2/oauth/token`: creates an access token by client credentials, describes and revokes it.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::body::Bytes;
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::{Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::model::{OauthId, Secret, TokenAnswer};
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::{Caller, token_digest};
use super::error::ApiError;
use crate::model::{Installed, StoredToken};
use crate::service::install::{SECRET_LENGTH, STEPS};
use crate::service::shared::Shared;

/// The parameters of a token request.
#[derive(Default, Deserialize)]
pub(super) struct Grant {
    grant_type: Option<String>,
    scope: Option<String>,
}

type Unkept<T> = ([(HeaderName, &'static str); 1], Json<T>);

fn unkept<T>(answer: T) -> Unkept<T> {
    ([(CACHE_CONTROL, "no-store")], Json(answer))
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(in_query): Query<Grant>,
    request: Request,
) -> Result<Unkept<TokenAnswer>, ApiError> {
    let installed = authenticate(&shared, &headers).await?;
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

    let secret = random_alphanumeric(40)?;
    let life = i64::try_from(shared.token_life.as_secs()).unwrap_or(i64::MAX);
    let now = shared.clock.now();
    let token = StoredToken {
        digest: token_digest(&secret),
        oauth_id: installed.oauth_id,
        scope: scope.clone(),
        expires_at: now.saturating_add(life),
    };
    shared.state.put_token(&token, now).await?;

    tracing::info!(target: STEPS, "a token for the add-on: {scope}");
    let mut answer = TokenAnswer::new(secret.into(), shared.token_life.as_secs());
    answer.group_id = Some(shared.info.group.id);
    answer.group_name = Some(shared.info.group.name.clone());
    answer.scope = Some(scope);
    Ok(unkept(answer))
}

/// Reads a body, a form or JSON. Old clients put everything into the query and send no body.
async fn read(request: Request) -> Result<Grant, ApiError> {
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
        return Ok(Grant::default());
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
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(token): Path<String>,
) -> Result<Unkept<Value>, ApiError> {
    caller.needs(&[])?;
    let stored = find(&shared, &caller, &token).await?;
    let scopes = caller.allows(&stored.scope);
    let installed = &caller.installed;
    let room = match installed.room_id {
        Some(id) => shared.state.room(id).await?,
        None => None,
    };
    Ok(unkept(json!({
        "access_token": token,
        "expires_in": stored.expires_at.saturating_sub(shared.clock.now()),
        "group_id": shared.info.group.id,
        "group_name": shared.info.group.name,
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
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(token): Path<String>,
) -> Result<StatusCode, ApiError> {
    caller.needs(&[])?;
    let stored = find(&shared, &caller, &token).await?;
    shared.state.remove_token(&stored.digest).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Returns a valid token of the caller. Messages never contain it.
async fn find(shared: &Shared, caller: &Caller, token: &str) -> Result<StoredToken, ApiError> {
    let (id, now) = (&caller.installed.oauth_id, shared.clock.now());
    let stored = shared.state.token(&token_digest(token)).await?;
    stored
        .filter(|stored| stored.oauth_id == *id && stored.expires_at > now)
        .ok_or_else(|| ApiError::not_found("Token not found"))
}

/// Replaces the secret of an unknown id, so that a comparison takes the same time.
static NOBODYS: LazyLock<Secret> = LazyLock::new(|| {
    let secret = random_alphanumeric(SECRET_LENGTH).unwrap_or_default();
    secret.into()
});

/// Authenticates by HTTP Basic with OAuth id and secret. A wrong secret takes the same time whether the id exists
/// or not: the host reads one small row, and the installation only after the secret matched.
async fn authenticate(shared: &Shared, headers: &HeaderMap) -> Result<Installed, ApiError> {
    let (id, secret) = basic(headers).ok_or_else(ApiError::unauthorized)?;
    let id = OauthId::from(id);
    let stored = shared.state.secret(&id).await?;
    let right = stored.as_ref().unwrap_or(&NOBODYS).expose();
    let is_same = verify_slices_are_equal(right.as_bytes(), secret.as_bytes()).is_ok();
    if !is_same || stored.is_none() || right.is_empty() {
        return Err(ApiError::unauthorized());
    }
    let installed = shared.state.installation(&id).await?;
    // The installation may have been removed, or its secret replaced, in between.
    installed
        .filter(|installed| installed.oauth_secret.expose() == right)
        .ok_or_else(ApiError::unauthorized)
}

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
fn scope(installed: &Installed, asked: Option<&str>) -> Result<String, ApiError> {
    let consumer = installed
        .descriptor
        .capabilities
        .hipchat_api_consumer
        .as_ref();
    let granted: Vec<&str> = consumer
        .map(|consumer| consumer.scopes.iter().map(|scope| scope.as_str()).collect())
        .unwrap_or_default();
    // An encoded plus still means a space.
    let asked: Vec<&str> = asked
        .unwrap_or_default()
        .split(|c: char| c.is_whitespace() || c == '+')
        .filter(|scope| !scope.is_empty())
        .collect();
    if let Some(unknown) = asked.iter().find(|scope| !granted.contains(scope)) {
        return Err(ApiError::bad_request(format!(
            "invalid_scope: The scope {unknown} is not declared in the descriptor"
        )));
    }
    Ok(if asked.is_empty() { granted } else { asked }.join(" "))
}
