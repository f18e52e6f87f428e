//! Signing in and out.

use axum::Form;
use axum::extract::{Query, State};
use axum::http::header::{ACCEPT, REFERER, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use reqwest::Url;
use serde::Deserialize;
use serde_json::json;

use super::cookies::{self, SESSION};
use super::pages::{PageError, render};
use crate::http::state::AppState;
use crate::model::{Identity, User};
use crate::service::sign_in::{SignInMethod, name, session};

#[derive(Deserialize)]
pub(super) struct Back {
    /// The page that the person wanted to open.
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
pub(super) fn way_back(asked: &Parts, app: &AppState) -> Option<String> {
    let text = |name: HeaderName| {
        asked
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let is_navigation = match text(SEC_FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => text(ACCEPT).is_some_and(|accepted| accepted.contains("text/html")),
    };
    let page = || {
        if asked.method == Method::GET {
            let asked = asked.uri.path_and_query();
            return Some(asked.map_or("/", |asked| asked.as_str()).to_owned());
        }
        let referer = Url::parse(text(REFERER)?).ok()?;
        let origin = referer.origin().ascii_serialization();
        let is_own = app.info.origins.contains(&origin);
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
    State(app): State<AppState>,
    Query(Back { to }): Query<Back>,
) -> Result<Response, PageError> {
    form(&app, &to, StatusCode::OK, None).await
}

#[derive(Deserialize)]
pub(super) struct Named {
    name: String,
    #[serde(default)]
    to: String,
}

pub(super) async fn by_name(
    State(app): State<AppState>,
    headers: HeaderMap,
    Form(Named { name, to }): Form<Named>,
) -> Result<Response, PageError> {
    if !matches!(app.sign_in.method, SignInMethod::Name) {
        return Ok(StatusCode::NOT_FOUND.into_response());
    }
    let Some(name) = name::typed(&name) else {
        let why = format!("A name has 1 to {} characters.", name::MAX_NAME);
        return form(&app, &to, StatusCode::UNPROCESSABLE_ENTITY, Some(&why)).await;
    };
    let identity = Identity {
        provider: None,
        subject: name.clone(),
        name,
        email: None,
        timezone: None,
        is_admin: None,
    };
    let user = app.accounts.sign_in_identity(&identity).await?;
    enter(&app, &headers, &user, &to).await
}

/// Starts a session unless the person was removed, and redirects to the wanted page.
pub(super) async fn enter(
    app: &AppState,
    headers: &HeaderMap,
    user: &User,
    to: &str,
) -> Result<Response, PageError> {
    if user.is_removed {
        let why = format!("An admin removed {} from this host.", user.name);
        return form(app, to, StatusCode::FORBIDDEN, Some(&why)).await;
    }
    let before = cookies::find(app, headers, SESSION);
    let id = app.sessions.begin(before.as_deref(), user).await?;
    let cookie = cookies::set(app, SESSION, &id, session::LONGEST);
    tracing::info!(user = %user.id, "signed in");
    Ok((
        AppendHeaders([(SET_COOKIE, cookie)]),
        Redirect::to(own_page(to)),
    )
        .into_response())
}

pub(super) async fn out(
    State(app): State<AppState>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let id = cookies::find(&app, &headers, SESSION);
    app.sessions.end(id.as_deref()).await?;
    let cookie = cookies::remove(&app, SESSION);
    Ok((
        AppendHeaders([(SET_COOKIE, cookie)]),
        Redirect::to("/sign-in"),
    )
        .into_response())
}

pub(super) async fn form(
    app: &AppState,
    to: &str,
    status: StatusCode,
    error: Option<&str>,
) -> Result<Response, PageError> {
    let mut people = Vec::new();
    let mut provider: Option<String> = None;
    match &app.sign_in.method {
        // People of these two methods never need to sign in.
        SignInMethod::Local(_) | SignInMethod::Proxy(_) => {
            return Ok(Redirect::to("/").into_response());
        }
        SignInMethod::Name => {
            let users = app.storage.users().await?;
            people.extend(users.into_iter().map(|user| user.name));
        }
        #[cfg(feature = "openid")]
        SignInMethod::OpenId(found) => provider = Some(found.name().to_owned()),
    }
    let values = json!({
        "group": app.info.group.name,
        "to": own_page(to),
        "people": people,
        "provider": provider.take(),
        "error": error,
    });
    Ok(render(status, "sign-in.html", values))
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
