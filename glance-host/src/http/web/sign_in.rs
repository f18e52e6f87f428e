//! Signing in and out.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRef, Query, State};
use axum::http::header::{ACCEPT, REFERER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use super::cookies::{Cookies, SESSION};
use super::pages::{PageError, render};
use crate::http::state::AppState;
use crate::model::User;
use crate::model::host_info::HostInfo;
use crate::service::sign_in::accounts::{Accounts, NameError};
use crate::service::sign_in::session::{self, Sessions};
use crate::service::sign_in::{SignInMethod, SignInState, name};
use crate::storage::Storage;

#[derive(Deserialize)]
pub(super) struct SignInQuery {
    /// The page to return to.
    #[serde(default)]
    pub(super) to: String,
}

/// Returns a page of this host, whatever the parameter says.
pub(super) fn own_page(to: &str) -> &str {
    let is_own = to.starts_with('/')
        && !to.starts_with("//")
        && to.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if is_own { to } else { "/" }
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Returns the page to which a browser returns after sign-in: the requested page, or the one whose form it sends.
/// Other clients, such as scripts, get a status only.
pub(super) fn way_back(request: &Parts, info: &HostInfo) -> Option<String> {
    let text = |name: HeaderName| {
        request
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let is_navigation = match text(SEC_FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => text(ACCEPT).is_some_and(|accepted| accepted.contains("text/html")),
    };
    let page = || {
        if request.method == Method::GET {
            let page = request.uri.path_and_query();
            return Some(page.map_or("/", |page| page.as_str()).to_owned());
        }
        let referer = Url::parse(text(REFERER)?).ok()?;
        let origin = referer.origin().ascii_serialization();
        let is_own = info.origins.contains(&origin);
        is_own.then(|| referer.path().to_owned())
    };
    is_navigation.then(|| page().unwrap_or_else(|| "/".to_owned()))
}

/// Returns the address of the sign-in page, with the page to return to.
pub(super) fn address(to: &str) -> String {
    // A constant address with a parameter is valid.
    let url = Url::parse_with_params("http://host/sign-in", [("to", to)]);
    url.map_or("/sign-in".to_owned(), |url| {
        format!("{}?{}", url.path(), url.query().unwrap_or_default())
    })
}

pub(super) async fn page(
    State(pages): State<SignInPages>,
    Query(SignInQuery { to }): Query<SignInQuery>,
) -> Result<Response, PageError> {
    pages.form(&to, StatusCode::OK, None).await
}

#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
    #[serde(default)]
    to: String,
}

pub(super) async fn by_name(
    State(pages): State<SignInPages>,
    State(accounts): State<Accounts>,
    headers: HeaderMap,
    Form(NameForm { name, to }): Form<NameForm>,
) -> Result<Response, PageError> {
    match accounts.sign_in_by_name(&name).await {
        Ok(user) => pages.enter(&headers, &user, &to).await,
        Err(NameError::OtherMethod) => Ok(StatusCode::NOT_FOUND.into_response()),
        Err(NameError::Invalid) => {
            let why = format!("A name has 1 to {} characters.", name::MAX_NAME);
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            pages.form(&to, status, Some(&why)).await
        }
        Err(NameError::Storage(cause)) => Err(cause.into()),
    }
}

pub(super) async fn out(
    State(cookies): State<Cookies>,
    State(sessions): State<Sessions>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let id = cookies.find(&headers, SESSION);
    sessions.end(id.as_deref()).await?;
    let cookie = cookies.remove(SESSION);
    Ok((
        AppendHeaders([(SET_COOKIE, cookie)]),
        Redirect::to("/sign-in"),
    )
        .into_response())
}

/// Renders the form for signing in, and starts sessions.
pub(super) struct SignInPages {
    storage: Arc<dyn Storage>,
    info: Arc<HostInfo>,
    sign_in: Arc<SignInState>,
    sessions: Sessions,
    cookies: Cookies,
}

impl FromRef<AppState> for SignInPages {
    fn from_ref(app: &AppState) -> Self {
        Self {
            storage: Arc::clone(&app.storage),
            info: Arc::clone(&app.info),
            sign_in: Arc::clone(&app.sign_in),
            sessions: app.sessions.clone(),
            cookies: Cookies::from_ref(app),
        }
    }
}

impl SignInPages {
    /// Starts a session unless the person was removed, and redirects to the requested page.
    pub(super) async fn enter(
        &self,
        headers: &HeaderMap,
        user: &User,
        to: &str,
    ) -> Result<Response, PageError> {
        if user.is_removed {
            let why = format!("An admin removed {} from this host.", user.name);
            return self.form(to, StatusCode::FORBIDDEN, Some(&why)).await;
        }
        let before = self.cookies.find(headers, SESSION);
        let id = self.sessions.begin(before.as_deref(), user).await?;
        let cookie = self.cookies.set(SESSION, &id, session::LONGEST);
        tracing::info!(user = %user.id, "signed in");
        Ok((
            AppendHeaders([(SET_COOKIE, cookie)]),
            Redirect::to(own_page(to)),
        )
            .into_response())
    }

    pub(super) async fn form(
        &self,
        to: &str,
        status: StatusCode,
        error: Option<&str>,
    ) -> Result<Response, PageError> {
        let mut people = Vec::new();
        let mut provider: Option<String> = None;
        match &self.sign_in.method {
            // People of these two methods never need to sign in.
            SignInMethod::Local(_) | SignInMethod::Proxy(_) => {
                return Ok(Redirect::to("/").into_response());
            }
            SignInMethod::Name => {
                let users = self.storage.users().await?;
                people.extend(users.into_iter().map(|user| user.name));
            }
            #[cfg(feature = "openid")]
            SignInMethod::OpenId(found) => provider = Some(found.name().to_owned()),
        }
        let values = json!({
            "group": self.info.group.name,
            "to": own_page(to),
            "people": people,
            "provider": provider.take(),
            "error": error,
        });
        Ok(render(status, "sign-in.html", values))
    }
}

#[cfg(test)]
mod tests {
    use super::own_page;

    #[test]
    fn one_comes_back_to_this_host_only() {
        for to in ["/", "/rooms/1", "/rooms/1/integrations"] {
            assert_eq!(own_page(to), to);
        }
        for to in [
            "",
            "rooms/1",
            "//evil.example/",
            "/\\evil.example/",
            "https://evil.example/",
            "/\t/evil.example",
            "/\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_page(to), "/", "{to:?}");
        }
    }
}
