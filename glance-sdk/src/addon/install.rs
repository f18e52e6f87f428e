//! The installation handshake, the add-on's side.

use std::sync::Arc;

use axum::extract::Path;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use axum::{Extension, Json, Router};

use super::hooks::Hooks;
use crate::client::Installations;
use crate::model::{InstallationData, OauthId};
use crate::{Error, ErrorKind};

pub(super) const PATH: &str = "/installed";

pub(super) fn routes<S: Clone + Send + Sync + 'static>(hooks: Hooks) -> Router<S> {
    Router::new()
        .route(PATH, post(installed))
        .route(&format!("{PATH}/{{oauth_id}}"), delete(removed))
        .layer(Extension(Arc::new(hooks)))
}

/// `POST callbackUrl`. It is answered once the host gave its capabilities and a token, and the
/// installation is stored.
async fn installed(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    data: Result<Json<InstallationData>, JsonRejection>,
) -> Response {
    let data = match data {
        Ok(Json(data)) => data,
        Err(rejection) => {
            tracing::warn!("refused an installation: {rejection}");
            return (StatusCode::BAD_REQUEST, "this is no installation data").into_response();
        }
    };
    if !hooks.may_install(&data.capabilities_url) {
        tracing::warn!(
            host = data.capabilities_url,
            "refused an installation: host not allowed"
        );
        return (
            StatusCode::FORBIDDEN,
            "this host may not install the add-on",
        )
            .into_response();
    }
    if hooks.hosts.is_empty() {
        tracing::warn!(
            host = data.capabilities_url,
            "any host may install this add-on; name those that may with AddOn::allow_hosts"
        );
    }
    match accept(&installations, &hooks, data).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) if error.kind() == ErrorKind::Unauthorized => {
            tracing::warn!("refused an installation: {error}");
            let said = "the host gives no token for this secret";
            (StatusCode::FORBIDDEN, said).into_response()
        }
        Err(error) => error.into_response(),
    }
}

/// Keeps an installation and runs its hook. A new one whose hook fails is undone.
async fn accept(
    installations: &Installations,
    hooks: &Hooks,
    data: InstallationData,
) -> crate::Result<()> {
    let oauth_id = data.oauth_id.clone();
    let is_new = installations.get(&oauth_id).await?.is_none();
    installations.add(data).await?;
    let client = installations.client(&oauth_id).await?;
    let hook = if is_new {
        &hooks.on_install
    } else {
        &hooks.on_update
    };
    if let Err(problem) = Hooks::run(hook.as_ref(), client).await {
        if is_new {
            installations.remove(&oauth_id).await?;
        }
        let what = format!("the add-on's own part of installing {oauth_id} failed: {problem}");
        return Err(Error::new(ErrorKind::Hook, what));
    }
    tracing::info!(%oauth_id, "{}", if is_new { "installed" } else { "updated" });
    Ok(())
}

/// `DELETE callbackUrl/{oauthId}`: answered 204 whether it was known or not, so that a host can
/// try again.
async fn removed(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    Path(oauth_id): Path<String>,
) -> Response {
    let oauth_id = OauthId::from(oauth_id);
    match remove(&installations, &hooks, &oauth_id).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

async fn remove(
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
