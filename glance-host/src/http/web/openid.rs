//! The redirect to an OpenID Connect provider, and the return from it.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::cookies::Cookies;
use super::pages::PageError;
use super::sign_in::{SignInPages, SignInQuery, own_page};
use crate::model::clock::Clock;
use crate::service::sign_in::accounts::Accounts;
use crate::service::sign_in::openid::{FLOW_SECONDS, Flow};
use crate::service::sign_in::{SignInMethod, SignInState};

/// The cookie of a pending sign-in.
const FLOW: &str = "glance-sign-in";

pub(super) async fn begin(
    State(sign_in): State<Arc<SignInState>>,
    State(cookies): State<Cookies>,
    Query(SignInQuery { to }): Query<SignInQuery>,
) -> Response {
    let SignInMethod::OpenId(provider) = &sign_in.method else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let (url, flow) = provider.begin(own_page(&to));
    let cookie = cookies.set(FLOW, &flow.to_cookie(), FLOW_SECONDS);
    let cookie = AppendHeaders([(SET_COOKIE, cookie)]);
    (cookie, Redirect::to(url.as_str())).into_response()
}

#[derive(Deserialize)]
pub(super) struct CallbackQuery {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

pub(super) async fn callback(
    State(sign_in): State<Arc<SignInState>>,
    State(cookies): State<Cookies>,
    State(accounts): State<Accounts>,
    State(pages): State<SignInPages>,
    State(clock): State<Clock>,
    headers: HeaderMap,
    Query(answer): Query<CallbackQuery>,
) -> Result<Response, PageError> {
    let SignInMethod::OpenId(provider) = &sign_in.method else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let flow = cookies
        .find(&headers, FLOW)
        .and_then(|value| Flow::from_cookie(&value));
    let flow = flow.filter(|flow| flow.matches(&answer.state, clock.now()));
    let Some(flow) = flow else {
        let why = "This browser began no sign-in that this answers, or it took more than 10 \
                   minutes. Sign in again.";
        return pages.form("", StatusCode::BAD_REQUEST, Some(why)).await;
    };
    let to = flow.to.clone();
    let identity = match (answer.code, answer.error) {
        (Some(code), None) => {
            let identity = provider.finish(flow, code).await;
            identity.map_err(|error| error.to_string())
        }
        (_, Some(error)) => Err(format!("{} did not sign you in: {error}.", provider.name())),
        (None, None) => Err(format!("{} gave no answer.", provider.name())),
    };
    let entered = match identity {
        Ok(identity) => {
            let user = accounts.sign_in_identity(&identity).await?;
            pages.enter(&headers, &user, &to).await?
        }
        Err(why) => pages.form(&to, StatusCode::FORBIDDEN, Some(&why)).await?,
    };
    // The sign-in has ended, whatever its result.
    let over = cookies.remove(FLOW);
    Ok((AppendHeaders([(SET_COOKIE, over)]), entered).into_response())
}
