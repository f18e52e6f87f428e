//! Accepts installations: checks the host, stores the installation and runs the add-on's hook.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::hooks::Hooks;
use super::observe::identify_installation;
use crate::client::{InstallationLimits, Installations, NotAdded};
use crate::model::{InstallationData, InvalidInstallation};
use crate::printable::printable;
use crate::{Error, ErrorKind};

/// Limits for hosts that the add-on does not name, because anybody can run one. Nothing is evicted.
const UNNAMED_HOST_LIMITS: InstallationLimits = InstallationLimits {
    per_origin: 100,
    overall: 10_000,
};

/// The reason why the add-on refused an installation.
pub(super) enum InstallError {
    /// The host may not install the add-on.
    Host,
    /// The host does not know the secret.
    Secret,
    /// The installation data is invalid.
    Invalid(InvalidInstallation),
    /// Hosts that the add-on does not name have too many installations.
    Full,
    Failed(Error),
}

impl From<InvalidInstallation> for InstallError {
    fn from(invalid: InvalidInstallation) -> Self {
        tracing::warn!(error = %invalid, "refused an installation");
        Self::Invalid(invalid)
    }
}

impl From<NotAdded> for InstallError {
    fn from(not_added: NotAdded) -> Self {
        match not_added {
            NotAdded::Failed(error) => error.into(),
            NotAdded::Full { limit } => {
                tracing::warn!(
                    limit,
                    "refused an installation: hosts that are not named have too many; name the \
                     hosts that may install with AddOn::allow_hosts"
                );
                Self::Full
            }
        }
    }
}

impl From<Error> for InstallError {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Unauthorized => {
                tracing::warn!(error = %format_args!("{error:#}"), "refused an installation");
                Self::Secret
            }
            _ => Self::Failed(error),
        }
    }
}

impl IntoResponse for InstallError {
    fn into_response(self) -> Response {
        let message = match self {
            Self::Host => "this host may not install the add-on",
            Self::Secret => "the host does not issue a token for this secret",
            Self::Full => {
                "the add-on accepts no more installations; ask its operator to allow your host"
            }
            Self::Invalid(invalid) => {
                return (StatusCode::BAD_REQUEST, invalid.to_string()).into_response();
            }
            Self::Failed(error) => return error.into_response(),
        };
        (StatusCode::FORBIDDEN, message).into_response()
    }
}

/// Stores an installation and runs the add-on's hook.
///
/// The host must be allowed to install and must prove that it knows the secret. If the hook of a
/// new installation fails, the installation is removed again.
pub(super) async fn accept(
    installations: &Installations,
    hooks: &Hooks,
    data: InstallationData,
) -> Result<(), InstallError> {
    data.check()?;
    identify_installation(&data.oauth_id);
    if !hooks.may_install(&data.capabilities_url) {
        tracing::warn!(
            host = %printable(&data.capabilities_url),
            "refused an installation: host not allowed"
        );
        return Err(InstallError::Host);
    }
    if hooks.may_install_unnamed(&data.capabilities_url) {
        tracing::warn!(
            host = %printable(&data.capabilities_url),
            "any host may install this add-on; name the allowed hosts with AddOn::allow_hosts"
        );
    }
    let oauth_id = data.oauth_id.clone();
    let unfinished = &hooks.unfinished;
    let is_new = unfinished.contains(&oauth_id) || installations.get(&oauth_id).await?.is_none();
    let result = store(installations, hooks, data, is_new).await;
    match &result {
        // The store may contain it despite the error, and the host retries.
        Err(InstallError::Failed(error)) if is_new && error.kind() == ErrorKind::Storage => {
            unfinished.add(&oauth_id);
        }
        _ => unfinished.remove(&oauth_id),
    }
    result
}

/// Stores an installation after its host has proved itself, and runs the hook.
async fn store(
    installations: &Installations,
    hooks: &Hooks,
    data: InstallationData,
    is_new: bool,
) -> Result<(), InstallError> {
    let oauth_id = data.oauth_id.clone();
    let limits = (!hooks.is_named(&data.capabilities_url)).then_some(&UNNAMED_HOST_LIMITS);
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
        let what = format!("the install hook for {oauth_id} failed: {problem}");
        return Err(Error::new(ErrorKind::Hook, what).into());
    }
    tracing::info!(%oauth_id, "{}", if is_new { "installed" } else { "updated" });
    Ok(())
}
