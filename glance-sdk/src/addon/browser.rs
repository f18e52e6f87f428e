//! Installation and removal through a person's browser.
//!
//! Any page can send a browser to these addresses. The fetched installation must therefore prove
//! itself, and the browser is redirected to nothing but a host.

use std::sync::Arc;

use axum::Extension;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use serde::Deserialize;

use super::accept::{InstallError, accept};
use super::hooks::Hooks;
use super::observe::identify_installation;
use super::removal;
use crate::client::Installations;
use crate::model::InstallationData;
use crate::{Error, ErrorKind};

/// The query with which a host sends a person's browser.
#[derive(Deserialize)]
pub(super) struct Visit {
    installable_url: String,
    redirect_url: String,
}

type VisitQuery = Result<Query<Visit>, QueryRejection>;

/// Handles `GET installedUrl` and `GET updatedUrl`.
pub(super) async fn installed(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    query: VisitQuery,
) -> Result<Response, Page> {
    let (data, back) = fetch(&installations, &hooks, query).await?;
    accept(&installations, &hooks, data).await?;
    Ok(redirect(&back))
}

/// Handles `GET uninstalledUrl`.
///
/// The host has removed the add-on already, so an unknown installation is not an error. The secret in
/// the host's installation data proves the removal.
pub(super) async fn uninstalled(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    query: VisitQuery,
) -> Result<Response, Page> {
    let (data, back) = fetch(&installations, &hooks, query).await?;
    if let Some(stored) = installations.get(&data.oauth_id).await? {
        if stored.data.oauth_secret != data.oauth_secret {
            tracing::warn!(oauth_id = %data.oauth_id, "refused a removal: wrong secret");
            return Err(Page::FORGED);
        }
        removal::remove(&installations, &hooks, &data.oauth_id).await?;
    }
    Ok(redirect(&back))
}

/// Fetches the installation data and returns it with the address to which the browser returns.
///
/// The host serves the data once, so every check that needs no data comes first.
async fn fetch(
    installations: &Installations,
    hooks: &Hooks,
    query: VisitQuery,
) -> Result<(InstallationData, Url), Page> {
    let Ok(Query(Visit {
        installable_url,
        redirect_url,
    })) = query
    else {
        return Err(Page::NO_VISIT);
    };
    let (Some(installable_url), Some(redirect_url)) =
        (web_url(&installable_url), web_url(&redirect_url))
    else {
        return Err(Page::NO_VISIT);
    };
    for url in [&installable_url, &redirect_url] {
        if !hooks.may_install(url.as_str()) {
            let host = url.origin().ascii_serialization();
            tracing::warn!(host, "refused a browser: host not allowed");
            return Err(Page::HOST);
        }
    }
    let source = installable_url.origin();
    let data = installations.installable(installable_url).await;
    let data = data.map_err(|error| {
        tracing::warn!(error = %format_args!("{error:#}"), "fetching an installation failed");
        Page::NOT_SHOWN
    })?;
    data.check().map_err(InstallError::from)?;
    identify_installation(&data.oauth_id);
    if hooks.hosts.is_empty() {
        let declared = Url::parse(&data.capabilities_url).map(|url| url.origin());
        let to = redirect_url.origin();
        if to != source && !declared.is_ok_and(|host| host == to) {
            let host = to.ascii_serialization();
            tracing::warn!(host, "refused a browser: redirect to another site");
            return Err(Page::ELSEWHERE);
        }
    }
    Ok((data, redirect_url))
}

fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// Headers that keep the address of the installation data, a part of the query, from the next page.
const PRIVATE: [(header::HeaderName, &str); 2] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::REFERRER_POLICY, "no-referrer"),
];

fn redirect(to: &Url) -> Response {
    (
        StatusCode::FOUND,
        PRIVATE,
        [(header::LOCATION, to.as_str())],
    )
        .into_response()
}

/// A page for a person whose installation or removal failed: it names the failure and the next step.
pub(super) struct Page(StatusCode, &'static str);

impl Page {
    const NO_VISIT: Self = Self(
        StatusCode::BAD_REQUEST,
        "A chat host opens this page with the web addresses `installable_url` and \
         `redirect_url`.\nInstall or remove the add-on on the host.",
    );
    const HOST: Self = Self(
        StatusCode::FORBIDDEN,
        "This add-on does not allow your host.\nAsk the add-on's operator to allow it.",
    );
    const NOT_SHOWN: Self = Self(
        StatusCode::BAD_GATEWAY,
        "The host did not deliver the installation data; it does so only once, for a short time.\n\
         Remove the add-on on the host and install it again.",
    );
    const ELSEWHERE: Self = Self(
        StatusCode::BAD_REQUEST,
        "The address to return to belongs to another site than the host.\nNothing was changed; start \
         again on the host itself.",
    );
    const FORGED: Self = Self(
        StatusCode::FORBIDDEN,
        "The secret differs from the add-on's, so the installation was not removed.\nRemove the \
         add-on on the host itself.",
    );
    const SECRET: Self = Self(
        StatusCode::FORBIDDEN,
        "The host does not know its own installation.\nRemove the add-on on the host and install \
         it again.",
    );
    const INVALID: Self = Self(
        StatusCode::BAD_GATEWAY,
        "The id or the secret of the installation is invalid; the add-on's log contains the \
         reason.\nRemove the add-on on the host and install it again.",
    );
    const FULL: Self = Self(
        StatusCode::FORBIDDEN,
        "The add-on accepts no more installations from unknown hosts.\nAsk its operator to allow \
         your host.",
    );
    const CONFLICT: Self = Self(
        StatusCode::CONFLICT,
        "The add-on knows this installation with another secret.\nRemove the add-on on the host \
         and install it again.",
    );
    const HOST_FAILED: Self = Self(
        StatusCode::BAD_GATEWAY,
        "The host's response to the add-on was not as expected.\nRemove the add-on on the host and \
         install it again.",
    );
    const UNAVAILABLE: Self = Self(
        StatusCode::SERVICE_UNAVAILABLE,
        "The add-on cannot reach its database now.\nRemove the add-on on the host and install it \
         again in a moment.",
    );
    const FAILED: Self = Self(
        StatusCode::INTERNAL_SERVER_ERROR,
        "The add-on failed; its log contains the error.\nRemove the add-on on the host and \
         install it again.",
    );
}

impl From<Error> for Page {
    fn from(error: Error) -> Self {
        tracing::error!(code = error.code(), help = error.help(), "{error:#}");
        match error.kind() {
            ErrorKind::Conflict => Self::CONFLICT,
            ErrorKind::EgressRefused => Self::HOST,
            ErrorKind::Unreachable | ErrorKind::BadAnswer => Self::HOST_FAILED,
            ErrorKind::Storage => Self::UNAVAILABLE,
            _ => Self::FAILED,
        }
    }
}

impl From<InstallError> for Page {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Host => Self::HOST,
            InstallError::Secret => Self::SECRET,
            InstallError::Invalid(_) => Self::INVALID,
            InstallError::Full => Self::FULL,
            InstallError::Failed(error) => error.into(),
        }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let plain = [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ];
        (self.0, PRIVATE, plain, self.1).into_response()
    }
}
