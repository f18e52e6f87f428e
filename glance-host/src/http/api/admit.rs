//! The middleware of the REST API: authentication, rate limits and errors.

use std::borrow::Cow;

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use glance_sdk::serve::limit_bodies;
use url::form_urlencoded;

use super::caller::Caller;
use super::error::ApiError;
use crate::http::state::AppState;
use crate::http::{body_limit, rate_limit_headers};

/// The largest error response, in bytes.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;

/// Finds the caller, applies the rate limit, and turns every error into the protocol's JSON.
pub(super) async fn admit(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let query = CallerQuery::take(request.uri_mut());
    let token = bearer(request.headers()).or(query.token.as_deref());
    let caller = match token {
        Some(token) => Caller::find(&app.access_tokens, token, query.only_tests).await,
        None => Ok(None),
    };
    let (mut response, allowance) = match caller {
        Ok(caller) => {
            let id = caller.as_ref().map(|caller| &caller.installed().oauth_id);
            match app.limits.request(id) {
                Ok(allowance) => {
                    let inbound = app.inbound.clone();
                    let answer = match caller {
                        Some(caller) => {
                            request.extensions_mut().insert(caller);
                            limit_bodies(State(inbound), request, next).await
                        }
                        None => body_limit::limit(State(inbound), request, next).await,
                    };
                    (refused_in_json(answer).await, Some(allowance))
                }
                Err(exceeded) => (ApiError::from(exceeded).into_response(), None),
            }
        }
        Err(cause) => (
            ApiError::from(cause).into_response(),
            app.limits.request(None).ok(),
        ),
    };
    app.metrics.requested(response.status().as_u16());
    let headers = response.headers_mut();
    if let Some(allowance) = allowance {
        rate_limit_headers::insert(allowance, headers);
    }
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// The parameters of an address that describe the caller.
#[derive(Default)]
struct CallerQuery {
    token: Option<String>,
    only_tests: bool,
}

impl CallerQuery {
    /// Removes them from the address, and duplicate slashes too. Later code may log the address because it
    /// contains no token.
    fn take(uri: &mut Uri) -> Self {
        let mut query = Self::default();
        if uri.query().is_none() && is_normal(uri.path()) {
            return query;
        }
        let mut rest = Vec::new();
        for pair in uri.query().unwrap_or_default().split('&') {
            let (name, value) = read(pair);
            match &*name {
                _ if !pair.contains('=') && !pair.is_empty() => rest.push(pair),
                "auth_token" => query.token = Some(value.into_owned()),
                "auth_test" => query.only_tests = value.eq_ignore_ascii_case("true"),
                _ if pair.is_empty() => {}
                _ => rest.push(pair),
            }
        }
        // Old clients append a path with a slash to an address that ends in one.
        let path: Vec<_> = uri
            .path()
            .split('/')
            .filter(|part| !part.is_empty())
            .collect();
        let mut plain = format!("/{}", path.join("/"));
        if !rest.is_empty() {
            plain = format!("{plain}?{}", rest.join("&"));
        }
        let mut parts = std::mem::take(uri).into_parts();
        // It consists of parts of a valid address.
        parts.path_and_query = PathAndQuery::try_from(plain).ok();
        *uri = Uri::from_parts(parts).unwrap_or_default();
        query
    }
}

/// Returns whether a path has no empty part.
fn is_normal(path: &str) -> bool {
    path.starts_with('/') && !path.contains("//") && (path == "/" || !path.ends_with('/'))
}

/// Decodes the name and value of one parameter.
fn read(pair: &str) -> (Cow<'_, str>, Cow<'_, str>) {
    form_urlencoded::parse(pair.as_bytes())
        .next()
        .unwrap_or_default()
}

/// Returns the token of `Authorization: Bearer ...`.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

/// Turns an error response of axum, which is text, into the protocol's JSON.
async fn refused_in_json(response: Response) -> Response {
    let status = response.status();
    let is_json = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let text = to_bytes(response.into_body(), MAX_REFUSAL_BYTES).await;
    let text = text.unwrap_or_default();
    let reason = status.canonical_reason().unwrap_or_default();
    let message = match str::from_utf8(&text) {
        Ok(text) if !text.is_empty() => text,
        _ => reason,
    };
    ApiError::new(status, message).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_the_caller_is_taken_out_of_the_address() {
        for (address, plain, token, only_tests) in [
            ("/room/1", "/room/1", None, false),
            ("//room//1/", "/room/1", None, false),
            ("/", "/", None, false),
            ("/room?auth_token=abc", "/room", Some("abc"), false),
            (
                "/room?max-results=2&auth_token=abc&auth_test=true&start-index=1",
                "/room?max-results=2&start-index=1",
                Some("abc"),
                true,
            ),
            (
                "/a%2Fb/%C3%A9?auth_test=false&",
                "/a%2Fb/%C3%A9",
                None,
                false,
            ),
            (
                "/capabilities?auth_token=&token=",
                "/capabilities?token=",
                Some(""),
                false,
            ),
            (
                "http://a.example//room?auth_token=abc",
                "http://a.example/room",
                Some("abc"),
                false,
            ),
        ] {
            let mut uri: Uri = address.parse().unwrap();
            let query = CallerQuery::take(&mut uri);
            assert_eq!(uri.to_string(), plain);
            assert_eq!(query.token.as_deref(), token, "{address}");
            assert_eq!(query.only_tests, only_tests, "{address}");
        }
    }
}
