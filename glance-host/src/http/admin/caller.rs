//! Authenticates scripts: by a token, or, on a host without sign-in, because they run on this machine.
//!
//! A browser is always refused: a page of another site could use it to send requests to a host on this machine.
//! `Origin` and `Sec-Fetch-Site` reveal a browser, and the `Host` header a name that an attacker made resolve to this
//! machine. Headers that proxies add reveal a proxy, so a host without sign-in does not take the people behind it
//! for people at this machine.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, FORWARDED, ORIGIN, VIA};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::AdminError;
use crate::http::body_limit;
use crate::http::own_name::is_own_name;
use crate::http::state::AppState;

/// The caller, for the log.
#[derive(Debug, Clone)]
pub(super) enum Caller {
    /// Somebody at this machine, on a host without sign-in.
    Local,
    /// The holder of the token with this id.
    Token(u64),
}

impl std::fmt::Display for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local => f.write_str("this machine"),
            Self::Token(id) => write!(f, "token {id}"),
        }
    }
}

pub(super) async fn admit(
    State(app): State<AppState>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let mut response = match find(&app, peer, request.headers()).await {
        Ok(caller) => {
            body_limit::sender_is_known(request.extensions_mut());
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, no_store);
    response
}

async fn find(
    app: &AppState,
    peer: Option<IpAddr>,
    headers: &HeaderMap,
) -> Result<Caller, AdminError> {
    if !is_own_name(&app.info, headers) {
        return Err(AdminError::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong-name",
            format!(
                "this host is at {} and under no other name",
                app.info.base_url
            ),
            "use that address; a proxy has to pass the Host header on",
        ));
    }
    if is_of_browser(headers) {
        return Err(AdminError::forbidden(
            "from-browser",
            "a browser sent this request, and these calls are for scripts",
            "use the pages of the host in a browser",
        ));
    }
    // Every served request has a peer address.
    let peer = peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if !app.sign_in.is_local() {
        let token = app.admin_tokens.find(peer, bearer(headers)).await?;
        return Ok(Caller::Token(token.id));
    }
    if !peer.is_loopback() || is_forwarded(headers) {
        return Err(AdminError::forbidden(
            "not-local",
            "without sign-in this host takes this call from its own machine only, and through no proxy",
            "run the command on the host's machine, or let people sign in and use a token",
        ));
    }
    Ok(Caller::Local)
}

/// Returns whether a browser sent a request. Node.js sends `Sec-Fetch-Mode` too, so that header does not count.
fn is_of_browser(headers: &HeaderMap) -> bool {
    headers.contains_key(ORIGIN) || headers.contains_key("sec-fetch-site")
}

/// Returns whether a proxy forwarded a request.
fn is_forwarded(headers: &HeaderMap) -> bool {
    let is_added = |name: &str| name.starts_with("x-forwarded-") || name == "x-real-ip";
    headers.contains_key(FORWARDED)
        || headers.contains_key(VIA)
        || headers.keys().any(|name| is_added(name.as_str()))
}

/// Returns the token of the one `Authorization` header. Anything else counts as an invalid token.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (first, second) = (all.next()?, all.next());
    let text = first.to_str().ok().filter(|_| second.is_none());
    let (scheme, token) = text.unwrap_or_default().split_once(' ').unwrap_or_default();
    Some(match scheme.eq_ignore_ascii_case("Bearer") {
        true => token.trim(),
        false => "",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn browsers_and_proxies_are_recognised() {
        for (header, browser, proxy) in [
            ("origin", true, false),
            ("sec-fetch-site", true, false),
            ("sec-fetch-mode", false, false),
            ("x-forwarded-for", false, true),
            ("x-forwarded-host", false, true),
            ("x-real-ip", false, true),
            ("forwarded", false, true),
            ("via", false, true),
            ("user-agent", false, false),
        ] {
            let headers = headers(&[(header, "x")]);
            assert_eq!(is_of_browser(&headers), browser, "{header}");
            assert_eq!(is_forwarded(&headers), proxy, "{header}");
        }
    }

    #[test]
    fn a_token_stands_in_one_header() {
        for (pairs, expected) in [
            (&[][..], None),
            (&[("authorization", "Bearer abc")], Some("abc")),
            (&[("authorization", "bearer  abc ")], Some("abc")),
            (&[("authorization", "Basic abc")], Some("")),
            (&[("authorization", "abc")], Some("")),
            (
                &[
                    ("authorization", "Bearer abc"),
                    ("authorization", "Bearer abc"),
                ],
                Some(""),
            ),
        ] {
            assert_eq!(bearer(&headers(pairs)), expected, "{pairs:?}");
        }
    }
}
