//! The removal of an installation, the add-on's side.
//!
//! `DELETE callbackUrl/{oauthId}` names an installation by an id that everybody sees who sees a signed
//! address, so by itself it proves nothing. Proof is an uninstall token in its `Authorization` header.
//! Without one the add-on asks the host whether it still takes the installation's secret, and removes
//! the installation only if it does not.

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
use crate::extract::RemovalChecksOf;
use crate::model::OauthId;

pub(crate) use checks::RemovalChecks;

/// `DELETE callbackUrl/{oauthId}`. It is answered 204 whether the installation is known or not, and
/// whether the request proves anything or not: a host may repeat it, and a stranger learns nothing.
pub(super) async fn removed(
    installations: Installations,
    RemovalChecksOf(checks): RemovalChecksOf,
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

/// The token that may prove the removal: of this installation, in the header. One in the address is a
/// signed request, which people see.
fn proof<'h>(headers: &'h HeaderMap, oauth_id: &OauthId) -> Option<Token<'h>> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("JWT") {
        return None;
    }
    let token = Token::parse(token.trim()).ok()?;
    (token.issuer() == oauth_id).then_some(token)
}

/// Whether the installation's secret signed this token for its removal.
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
            tracing::warn!(%oauth_id, "a removal without proof: {rejection}");
            false
        }
    })
}

/// Forgets an installation whose removal is proven, and runs the hook; one that is not known is no
/// failure.
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
            tracing::error!(%oauth_id, "the add-on's own part of its removal failed: {problem}");
        }
    }
    Ok(())
}
