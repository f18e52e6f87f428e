//! The installation handshake, the add-on's side.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Extension, Router};

use super::hooks::Hooks;
use super::observe::{Kind, identify_installation, observe, request_span};
use super::{browser, removal};
use crate::client::{InstallationLimits, Installations, NotAdded};
use crate::extract::{JsonBody, JsonRejection};
use crate::model::{Installable, InstallationData, InstallationUpdate, InvalidInstallation};
use crate::printable::printable;
use crate::{Error, ErrorKind};

const INSTALLED: &str = "/installed";
const UPDATED: &str = "/updated";
const UNINSTALLED: &str = "/uninstalled";

/// What hosts may fill that the add-on does not name: anybody can run one. Nothing is evicted.
const LIMITS: InstallationLimits = InstallationLimits {
    per_origin: 100,
    overall: 10_000,
};

/// How hosts install the add-on.
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

pub(super) fn routes<S: Clone + Send + Sync + 'static>(hooks: Arc<Hooks>) -> Router<S> {
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
    routes.layer(Extension(hooks))
}

/// `POST callbackUrl`. It is answered once the host gave its capabilities and a token, and the
/// installation is stored.
async fn installed(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    data: Result<JsonBody<InstallationData>, JsonRejection>,
) -> Response {
    let data = match data {
        Ok(JsonBody(data)) => data,
        Err(rejection) => {
            tracing::warn!("refused an installation: {rejection}");
            return (StatusCode::BAD_REQUEST, "this is no installation data").into_response();
        }
    };
    match accept(&installations, &hooks, data).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// `POST updateCallbackUrl`. It brings no secret, so nothing it says is believed: what is stored
/// proves itself again, at the address it came from. Another would be sent the secret.
async fn updated(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    update: Result<JsonBody<InstallationUpdate>, JsonRejection>,
) -> Response {
    let update = match update {
        Ok(JsonBody(update)) => update,
        Err(rejection) => {
            tracing::warn!("refused an update: {rejection}");
            return (StatusCode::BAD_REQUEST, "this is no update").into_response();
        }
    };
    if let Err(invalid) = update.oauth_id.check() {
        return Refused::from(invalid).into_response();
    }
    identify_installation(&update.oauth_id);
    let stored = match installations.get(&update.oauth_id).await {
        Ok(Some(stored)) => stored.data,
        Ok(None) => {
            tracing::warn!(oauth_id = %update.oauth_id, "refused an update: not installed");
            return (StatusCode::NOT_FOUND, "there is no such installation").into_response();
        }
        Err(error) => return error.into_response(),
    };
    if update.capabilities_url != stored.capabilities_url {
        tracing::warn!(
            oauth_id = %update.oauth_id,
            host = %printable(&update.capabilities_url),
            "refused an update: installed from {}", stored.capabilities_url
        );
        let said = "installed from another address; a host that moved must send the secret too";
        return (StatusCode::FORBIDDEN, said).into_response();
    }
    match accept(&installations, &hooks, stored).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => refused.into_response(),
    }
}

/// Why an installation was not accepted.
pub(super) enum Refused {
    /// Its host is none of those that may install.
    Host,
    /// Its host does not know the secret.
    Secret,
    /// Its data cannot be used.
    Invalid(InvalidInstallation),
    /// There are too many of hosts that the add-on does not name.
    Full,
    Failed(Error),
}

impl From<InvalidInstallation> for Refused {
    fn from(invalid: InvalidInstallation) -> Self {
        tracing::warn!("refused an installation: {invalid}");
        Self::Invalid(invalid)
    }
}

impl From<NotAdded> for Refused {
    fn from(not_added: NotAdded) -> Self {
        match not_added {
            NotAdded::Failed(error) => error.into(),
            NotAdded::Full { limit } => {
                tracing::warn!(
                    limit,
                    "refused an installation: too many of hosts that are not allowed by name; name \
                     those that may install with AddOn::allow_hosts"
                );
                Self::Full
            }
        }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Unauthorized => {
                tracing::warn!("refused an installation: {error:#}");
                Self::Secret
            }
            _ => Self::Failed(error),
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let said = match self {
            Self::Host => "this host may not install the add-on",
            Self::Secret => "the host gives no token for this secret",
            Self::Full => {
                "the add-on takes no more installations; ask who runs it to allow your host"
            }
            Self::Invalid(invalid) => {
                return (StatusCode::BAD_REQUEST, invalid.to_string()).into_response();
            }
            Self::Failed(error) => return error.into_response(),
        };
        (StatusCode::FORBIDDEN, said).into_response()
    }
}

/// Keeps an installation of a host that may install, once the host proved that it knows the
/// secret, and runs its hook. A new one whose hook fails is undone.
pub(super) async fn accept(
    installations: &Installations,
    hooks: &Hooks,
    data: InstallationData,
) -> Result<(), Refused> {
    data.check()?;
    identify_installation(&data.oauth_id);
    if !hooks.may_install(&data.capabilities_url) {
        tracing::warn!(
            host = %printable(&data.capabilities_url),
            "refused an installation: host not allowed"
        );
        return Err(Refused::Host);
    }
    if hooks.may_install_unnamed(&data.capabilities_url) {
        tracing::warn!(
            host = %printable(&data.capabilities_url),
            "any host may install this add-on; name those that may with AddOn::allow_hosts"
        );
    }
    let oauth_id = data.oauth_id.clone();
    let unfinished = &hooks.unfinished;
    let is_new = unfinished.contains(&oauth_id) || installations.get(&oauth_id).await?.is_none();
    let kept = keep(installations, hooks, data, is_new).await;
    match &kept {
        // It may be stored all the same, and the host tries again.
        Err(Refused::Failed(error)) if is_new && error.kind() == ErrorKind::Storage => {
            unfinished.add(&oauth_id);
        }
        _ => unfinished.remove(&oauth_id),
    }
    kept
}

/// Stores an installation once its host proved itself, and runs the hook.
async fn keep(
    installations: &Installations,
    hooks: &Hooks,
    data: InstallationData,
    is_new: bool,
) -> Result<(), Refused> {
    let oauth_id = data.oauth_id.clone();
    let limits = (!hooks.is_named(&data.capabilities_url)).then_some(&LIMITS);
    installations.add(data, limits).await?;
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
        return Err(Error::new(ErrorKind::Hook, what).into());
    }
    tracing::info!(%oauth_id, "{}", if is_new { "installed" } else { "updated" });
    Ok(())
}
