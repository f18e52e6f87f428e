//! The installation handshake, the add-on's side.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Router};

use super::accept::{InstallError, accept};
use super::hooks::Hooks;
use super::observe::{Kind, identify_installation, observe, request_span};
use super::{RemovalChecks, browser, removal};
use crate::client::Installations;
use crate::extract::{JsonBody, JsonRejection};
use crate::model::{Installable, InstallationData, InstallationUpdate};
use crate::printable::printable;

const INSTALLED: &str = "/installed";
const UPDATED: &str = "/updated";
const UNINSTALLED: &str = "/uninstalled";

/// Returns the descriptor's declaration of the installation URLs.
pub(super) fn declare(hooks: &Hooks) -> Installable {
    let url = |path: &str| Some(path.to_owned());
    let updated = Installable {
        update_callback_url: url(UPDATED),
        ..Installable::default()
    };
    match hooks.by_browser {
        true => Installable {
            installed_url: url(INSTALLED),
            updated_url: url(INSTALLED),
            uninstalled_url: url(UNINSTALLED),
            ..updated
        },
        false => Installable {
            callback_url: url(INSTALLED),
            ..updated
        },
    }
}

pub(super) fn routes<S: Clone + Send + Sync + 'static>(
    hooks: Arc<Hooks>,
    checks: Arc<RemovalChecks>,
) -> Router<S> {
    let install = from_fn(async |request: Request, next: Next| {
        let span = request_span!("glance.install", request.method().as_str());
        observe(Kind::Install, "", span, next.run(request)).await
    });
    let update = from_fn(async |request: Request, next: Next| {
        let span = request_span!("glance.update", request.method().as_str());
        observe(Kind::Update, "", span, next.run(request)).await
    });
    let remove = from_fn(async |request: Request, next: Next| {
        let span = request_span!("glance.remove", request.method().as_str());
        observe(Kind::Remove, "", span, next.run(request)).await
    });
    let routes = Router::new().route(UPDATED, post(updated).layer(update));
    let routes = if hooks.by_browser {
        routes
            .route(INSTALLED, get(browser::installed).layer(install))
            .route(UNINSTALLED, get(browser::uninstalled).layer(remove))
    } else {
        routes
            .route(INSTALLED, post(installed).layer(install))
            .route(
                &format!("{INSTALLED}/{{oauth_id}}"),
                delete(removal::removed).layer(remove),
            )
    };
    routes.layer(Extension(hooks)).layer(Extension(checks))
}

/// Handles `POST callbackUrl`. Responds after the host has delivered its capabilities and a token,
/// and the store contains the installation.
async fn installed(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    data: Result<JsonBody<InstallationData>, JsonRejection>,
) -> Response {
    let data = match data {
        Ok(JsonBody(data)) => data,
        Err(rejection) => {
            tracing::warn!(%rejection, "refused an installation");
            return (StatusCode::BAD_REQUEST, "invalid installation data").into_response();
        }
    };
    match accept(&installations, &hooks, data).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// Handles `POST updateCallbackUrl`.
///
/// The request contains no secret and therefore proves nothing. The stored installation is verified
/// again, at its stored address: a different address would receive the secret.
async fn updated(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    update: Result<JsonBody<InstallationUpdate>, JsonRejection>,
) -> Response {
    let update = match update {
        Ok(JsonBody(update)) => update,
        Err(rejection) => {
            tracing::warn!(%rejection, "refused an update");
            return (StatusCode::BAD_REQUEST, "invalid update").into_response();
        }
    };
    if let Err(invalid) = update.oauth_id.check() {
        return InstallError::from(invalid).into_response();
    }
    identify_installation(&update.oauth_id);
    let stored = match installations.get(&update.oauth_id).await {
        Ok(Some(stored)) => stored.data,
        Ok(None) => {
            tracing::warn!(oauth_id = %update.oauth_id, "refused an update: not installed");
            return (StatusCode::NOT_FOUND, "unknown installation").into_response();
        }
        Err(error) => return error.into_response(),
    };
    if update.capabilities_url != stored.capabilities_url {
        tracing::warn!(
            oauth_id = %update.oauth_id,
            host = %printable(&update.capabilities_url),
            installed_from = %stored.capabilities_url,
            "refused an update: another address"
        );
        let message =
            "installed from another address; after a move the host must send the secret too";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    match accept(&installations, &hooks, stored).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => refused.into_response(),
    }
}
