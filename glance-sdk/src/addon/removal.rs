//! Removes installations.
//!
//! The request `DELETE callbackUrl/{oauthId}` contains only the id of an installation, which
//! everybody knows who sees a signed URL, so the request alone proves nothing. An uninstall token
//! in its `Authorization` header proves the removal. Without the token, the add-on asks the host
//! whether it still accepts the installation's secret, and removes the installation only if the
//! host refuses it.

mod checks;
mod schedule;

use std::sync::Arc;

use axum::Extension;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::hooks::Hooks;
use super::observe::identify_installation;
use crate::auth::{SigningKey, Token, is_uninstall, now};
use crate::client::Installations;
use crate::model::OauthId;

pub(super) use checks::RemovalChecks;

/// Handles `DELETE callbackUrl/{oauthId}`. Responds with 204 whether or not the installation exists
/// and the request proves the removal: a host may repeat the request, and a stranger learns
/// nothing.
pub(super) async fn removed(
    installations: Installations,
    Extension(checks): Extension<Arc<RemovalChecks>>,
    Extension(hooks): Extension<Arc<Hooks>>,
    Path(oauth_id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let oauth_id = OauthId::from(oauth_id);
    if oauth_id.check().is_err() {
        return StatusCode::NO_CONTENT.into_response();
    }
    identify_installation(&oauth_id);
    let removed = async {
        let is_proven = match proof(&headers, &oauth_id) {
            Some(token) => is_proven(&installations, &oauth_id, token).await?,
            None => false,
        };
        match is_proven {
            true => remove(&installations, &hooks, &oauth_id).await,
            false => checks.request(&oauth_id, now()).await,
        }
    };
    match removed.await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

/// Returns the token that may prove the removal: a token of this installation in the header. A
/// token in the URL is a signed request, which people can see.
fn proof<'h>(headers: &'h HeaderMap, oauth_id: &OauthId) -> Option<Token<'h>> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("JWT") {
        return None;
    }
    let token = Token::parse(token.trim()).ok()?;
    (token.issuer() == oauth_id).then_some(token)
}

/// Returns whether the token is an uninstall token, signed with the installation's secret.
async fn is_proven(
    installations: &Installations,
    oauth_id: &OauthId,
    token: Token<'_>,
) -> crate::Result<bool> {
    let Some(installation) = installations.get(oauth_id).await? else {
        return Ok(false);
    };
    let key = SigningKey::new(&installation.data.oauth_secret);
    Ok(match token.verify(&key, now()) {
        Ok(claims) => is_uninstall(&claims),
        Err(rejection) => {
            tracing::warn!(%oauth_id, %rejection, "removal not proven");
            false
        }
    })
}

/// Removes an installation whose removal is proven, and runs the hook. An unknown installation is
/// not an error.
pub(super) async fn remove(
    installations: &Installations,
    hooks: &Hooks,
    oauth_id: &OauthId,
) -> crate::Result<()> {
    let Some(installation) = installations.get(oauth_id).await? else {
        return Ok(());
    };
    if installations.remove(oauth_id).await? {
        tracing::info!(%oauth_id, "removed");
        if let Err(problem) = Hooks::run(hooks.on_uninstall.as_ref(), installation).await {
            tracing::error!(%oauth_id, error = %problem, "the uninstall hook failed");
        }
    }
    Ok(())
}
