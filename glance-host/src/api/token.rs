//! `POST /v2/oauth/token`: a token by client credentials.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL};
use axum::http::{HeaderMap, HeaderName};
use axum::{Form, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use glance_sdk::auth::{now, random_alphanumeric};
use glance_sdk::model::{OauthId, TokenAnswer};
use serde::Deserialize;

use super::caller::token_digest;
use super::error::ApiError;
use crate::install::STEPS;
use crate::shared::Shared;
use crate::state::{Installed, StoredToken};

#[derive(Deserialize)]
pub(super) struct Request {
    grant_type: Option<String>,
    scope: Option<String>,
}

pub(super) async fn create(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    request: Result<Form<Request>, FormRejection>,
) -> Result<([(HeaderName, &'static str); 1], Json<TokenAnswer>), ApiError> {
    let installed = authenticate(&shared, &headers).await?;
    let Form(request) = request.map_err(|cause| ApiError::bad_request(cause.body_text()))?;
    if request.grant_type.as_deref() != Some("client_credentials") {
        return Err(ApiError::bad_request(
            "grant_type must be client_credentials",
        ));
    }
    let scope = scope(&installed, request.scope.as_deref())?;

    let secret = random_alphanumeric(40)?;
    let life = i64::try_from(shared.token_life.as_secs()).unwrap_or(i64::MAX);
    let token = StoredToken {
        digest: token_digest(&secret),
        oauth_id: installed.oauth_id,
        scope: scope.clone(),
        expires_at: now().saturating_add(life),
    };
    shared.state.put_token(&token, now()).await?;

    tracing::info!(target: STEPS, "a token for the add-on: {scope}");
    let mut answer = TokenAnswer::new(secret.into(), shared.token_life.as_secs());
    answer.group_id = Some(shared.group.id);
    answer.group_name = Some(shared.group.name.clone());
    answer.scope = Some(scope);
    Ok(([(CACHE_CONTROL, "no-store")], Json(answer)))
}

/// HTTP Basic: the OAuth id and its secret.
async fn authenticate(shared: &Shared, headers: &HeaderMap) -> Result<Installed, ApiError> {
    let (id, secret) = basic(headers).ok_or_else(ApiError::unauthorized)?;
    let installed = shared.state.installation(&OauthId::from(id)).await?;
    installed
        .filter(|installed| {
            let right = installed.oauth_secret.expose().as_bytes();
            verify_slices_are_equal(right, secret.as_bytes()).is_ok()
        })
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

/// The scopes asked for, all of the descriptor's where none are; never more than those.
fn scope(installed: &Installed, asked: Option<&str>) -> Result<String, ApiError> {
    let consumer = installed
        .descriptor
        .capabilities
        .hipchat_api_consumer
        .as_ref();
    let granted: Vec<&str> = consumer
        .map(|consumer| consumer.scopes.iter().map(|scope| scope.as_str()).collect())
        .unwrap_or_default();
    let asked: Vec<&str> = asked.unwrap_or_default().split_whitespace().collect();
    if let Some(unknown) = asked.iter().find(|scope| !granted.contains(scope)) {
        return Err(ApiError::bad_request(format!(
            "The scope {unknown} is not declared in the descriptor"
        )));
    }
    Ok(if asked.is_empty() { granted } else { asked }.join(" "))
}
