//! The host's cookies.
//!
//! With HTTPS a cookie's name begins with `__Host-`, so that no other host of the domain can set it. Without
//! HTTPS the name contains the port, because browsers share cookies between all ports of a machine.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::http::state::AppState;

/// The cookie with the id of a session.
pub(super) const SESSION: &str = "glance";

/// Returns the value of a cookie that this host signed.
pub(super) fn find(app: &AppState, headers: &HeaderMap, cookie: &str) -> Option<String> {
    let name = name(app, cookie);
    let cookies = headers.get_all(COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    app.sign_in.verified(cookie, value).map(str::to_owned)
}

/// Returns the `Set-Cookie` that stores a signed value for so many seconds. No script sees the cookie, and
/// requests of other sites do not bring it, except when a person follows a link.
pub(super) fn set(app: &AppState, cookie: &str, value: &str, seconds: i64) -> HeaderValue {
    write(app, cookie, &app.sign_in.signed(cookie, value), seconds)
}

/// Returns the `Set-Cookie` that removes a cookie.
pub(super) fn remove(app: &AppState, cookie: &str) -> HeaderValue {
    write(app, cookie, "", 0)
}

fn write(app: &AppState, cookie: &str, value: &str, seconds: i64) -> HeaderValue {
    let name = name(app, cookie);
    let secure = if app.info.is_https() { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    // ASCII letters, digits and punctuation.
    HeaderValue::try_from(cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn name(app: &AppState, cookie: &str) -> String {
    match app.info.is_https() {
        true => format!("__Host-{cookie}"),
        false => format!("{cookie}-{}", app.info.address.port()),
    }
}
