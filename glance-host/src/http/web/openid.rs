//! The redirect to an OpenID Connect provider, and the return from it.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::cookies;
use super::pages::PageError;
use super::sign_in::{Back, enter, form, own_page};
use crate::service::shared::Shared;
use crate::service::sign_in::Way;
use crate::service::sign_in::openid::{Flow, PATIENCE};

/// The cookie of a pending sign-in.
const FLOW: &str = "glance-sign-in";

pub(super) async fn begin(
    State(shared): State<Arc<Shared>>,
    Query(Back { to }): Query<Back>,
) -> Result<Response, PageError> {
    let Way::OpenId(provider) = &shared.entrance.way else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    match provider.begin(&shared, own_page(&to)) {
        Ok((url, flow)) => {
            let cookie = cookies::set(&shared, FLOW, &flow.written(), PATIENCE);
            let cookie = AppendHeaders([(SET_COOKIE, cookie)]);
            Ok((cookie, Redirect::to(url.as_str())).into_response())
        }
        Err(cause) => {
            tracing::error!("a sign-in cannot begin: {cause}");
            let why = "The host cannot reach its provider; its log says why.";
            form(&shared, &to, StatusCode::BAD_GATEWAY, Some(why)).await
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    state: String,
    code: Option<String>,
    error: Option<String>,
}

pub(super) async fn callback(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Query(answer): Query<Answer>,
) -> Result<Response, PageError> {
    let Way::OpenId(provider) = &shared.entrance.way else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let flow = cookies::find(&shared, &headers, FLOW).and_then(|written| Flow::read(&written));
    let flow = flow.filter(|flow| flow.is_of(&answer.state, shared.clock.now()));
    let Some(flow) = flow else {
        let why = "This browser began no sign-in that this answers, or it took more than 10 \
                   minutes. Sign in again.";
        return form(&shared, "", StatusCode::BAD_REQUEST, Some(why)).await;
    };
    let to = flow.to.clone();
    let identity = match (answer.code, answer.error) {
        (Some(code), None) => provider.finish(&shared, flow, code).await,
        (_, Some(error)) => Err(format!("{} did not sign you in: {error}.", provider.name())),
        (None, None) => Err(format!("{} gave no answer.", provider.name())),
    };
    let entered = match identity {
        Ok(identity) => {
            let user = shared.welcome(&identity).await?;
            enter(&shared, &headers, &user, &to).await?
        }
        Err(why) => form(&shared, &to, StatusCode::FORBIDDEN, Some(&why)).await?,
    };
    // The sign-in has ended, whatever its result.
    let over = cookies::remove(&shared, FLOW);
    Ok((AppendHeaders([(SET_COOKIE, over)]), entered).into_response())
}
