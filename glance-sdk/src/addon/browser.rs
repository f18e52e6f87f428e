//! Installing and removing through a person's browser.
//!
//! Everything here comes from a browser, which any page can send anywhere: what is fetched must
//! prove itself, and the browser goes on to nowhere but a host.

use std::sync::Arc;

use axum::Extension;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use reqwest::Url;
use serde::Deserialize;

use super::hooks::Hooks;
use super::install::{self, Refused};
use super::observe::identify_installation;
use super::removal;
use crate::client::Installations;
use crate::model::InstallationData;
use crate::{Error, ErrorKind};

#[derive(Deserialize)]
pub(super) struct Visit {
    installable_url: String,
    redirect_url: String,
}

type Asked = Result<Query<Visit>, QueryRejection>;

/// `GET installedUrl` and `GET updatedUrl`.
pub(super) async fn installed(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    asked: Asked,
) -> Result<Response, Page> {
    let (data, back) = fetch(&installations, &hooks, asked).await?;
    install::accept(&installations, &hooks, data).await?;
    Ok(redirect(&back))
}

/// `GET uninstalledUrl`. The host removed the add-on already, so one that is gone here is no
/// failure. The proof is the installation's secret in what the host shows.
pub(super) async fn uninstalled(
    installations: Installations,
    Extension(hooks): Extension<Arc<Hooks>>,
    asked: Asked,
) -> Result<Response, Page> {
    let (data, back) = fetch(&installations, &hooks, asked).await?;
    if let Some(stored) = installations.get(&data.oauth_id).await? {
        if stored.data.oauth_secret != data.oauth_secret {
            tracing::warn!(oauth_id = %data.oauth_id, "refused a removal: another secret");
            return Err(Page::FORGED);
        }
        removal::remove(&installations, &hooks, &data.oauth_id).await?;
    }
    Ok(redirect(&back))
}

/// What the host shows of the installation, and where the browser goes afterwards. The host shows
/// it once, so what can be checked before is.
async fn fetch(
    installations: &Installations,
    hooks: &Hooks,
    asked: Asked,
) -> Result<(InstallationData, Url), Page> {
    let Ok(Query(Visit {
        installable_url,
        redirect_url,
    })) = asked
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
    let shown_at = installable_url.origin();
    let data = installations.installable(installable_url).await;
    let data = data.map_err(|error| {
        tracing::warn!("an installation cannot be fetched: {error:#}");
        Page::NOT_SHOWN
    })?;
    data.check().map_err(Refused::from)?;
    identify_installation(&data.oauth_id);
    if hooks.hosts.is_empty() {
        let stands_in_it = Url::parse(&data.capabilities_url).map(|url| url.origin());
        let to = redirect_url.origin();
        if to != shown_at && !stands_in_it.is_ok_and(|host| host == to) {
            let host = to.ascii_serialization();
            tracing::warn!(host, "refused a browser: it would go to another site");
            return Err(Page::ELSEWHERE);
        }
    }
    Ok((data, redirect_url))
}

fn web_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

/// Its own address holds that of the installation data, which the next page must not learn.
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

/// What a person reads where it did not work: what happened, and what to do.
pub(super) struct Page(StatusCode, &'static str);

impl Page {
    const NO_VISIT: Self = Self(
        StatusCode::BAD_REQUEST,
        "This address is one that a chat host opens, with the web addresses `installable_url` and \
         `redirect_url`.\nInstall or remove the add-on on the host.",
    );
    const HOST: Self = Self(
        StatusCode::FORBIDDEN,
        "This add-on is for other hosts.\nAsk who runs it to allow yours.",
    );
    const NOT_SHOWN: Self = Self(
        StatusCode::BAD_GATEWAY,
        "The host does not show the installation; it does so once, for a short time.\n\
         Remove the add-on on the host and install it again.",
    );
    const ELSEWHERE: Self = Self(
        StatusCode::BAD_REQUEST,
        "The page to go on to is of another site than the host.\nNothing was changed; begin anew \
         on the host itself.",
    );
    const FORGED: Self = Self(
        StatusCode::FORBIDDEN,
        "This is not the installation that the add-on knows, so it was not removed.\nRemove the \
         add-on on the host itself.",
    );
    const SECRET: Self = Self(
        StatusCode::FORBIDDEN,
        "The host does not know its own installation.\nRemove the add-on on the host and install \
         it again.",
    );
    const INVALID: Self = Self(
        StatusCode::BAD_GATEWAY,
        "The host shows an installation whose id or secret cannot be used; the add-on's log says \
         why.\nRemove the add-on on the host and install it again.",
    );
    const FULL: Self = Self(
        StatusCode::FORBIDDEN,
        "The add-on takes no more installations of hosts that it does not know.\nAsk who runs it to \
         allow yours.",
    );
    const CONFLICT: Self = Self(
        StatusCode::CONFLICT,
        "The add-on knows this installation with another secret.\nRemove the add-on on the host \
         and install it again.",
    );
    const HOST_FAILED: Self = Self(
        StatusCode::BAD_GATEWAY,
        "The host did not answer the add-on as expected.\nRemove the add-on on the host and \
         install it again.",
    );
    const UNAVAILABLE: Self = Self(
        StatusCode::SERVICE_UNAVAILABLE,
        "The add-on cannot reach its database now.\nRemove the add-on on the host and install it \
         again in a moment.",
    );
    const FAILED: Self = Self(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Something went wrong in the add-on; its log says what.\nRemove the add-on on the host and \
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

impl From<Refused> for Page {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Host => Self::HOST,
            Refused::Secret => Self::SECRET,
            Refused::Invalid(_) => Self::INVALID,
            Refused::Full => Self::FULL,
            Refused::Failed(error) => error.into(),
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
