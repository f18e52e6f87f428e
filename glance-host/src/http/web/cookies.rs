//! The host's cookies.
//!
//! With HTTPS a cookie's name begins with `__Host-`, so that no other host of the domain can set it. Without
//! HTTPS the name contains the port, because browsers share cookies between all ports of a machine.

use std::sync::Arc;

use axum::extract::FromRef;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use crate::http::state::AppState;
use crate::model::host_info::HostInfo;
use crate::service::sign_in::SignInState;

/// The cookie with the id of a session.
pub(super) const SESSION: &str = "glance";

/// Reads and writes the host's cookies.
pub(super) struct Cookies {
    info: Arc<HostInfo>,
    sign_in: Arc<SignInState>,
}

impl FromRef<AppState> for Cookies {
    fn from_ref(app: &AppState) -> Self {
        Self {
            info: Arc::clone(&app.info),
            sign_in: Arc::clone(&app.sign_in),
        }
    }
}

impl Cookies {
    /// Returns the value of a cookie that this host signed.
    pub(super) fn find(&self, headers: &HeaderMap, cookie: &str) -> Option<String> {
        let name = self.name(cookie);
        let cookies = headers.get_all(COOKIE).iter();
        let mut pairs = cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        let (_, value) = pairs.find(|(found, _)| *found == name)?;
        self.sign_in.verified(cookie, value).map(str::to_owned)
    }

    /// Returns the `Set-Cookie` that stores a signed value for so many seconds. No script sees the cookie, and
    /// requests of other sites do not bring it, except when a person follows a link.
    pub(super) fn set(&self, cookie: &str, value: &str, seconds: i64) -> HeaderValue {
        self.write(cookie, &self.sign_in.signed(cookie, value), seconds)
    }

    /// Returns the `Set-Cookie` that removes a cookie.
    pub(super) fn remove(&self, cookie: &str) -> HeaderValue {
        self.write(cookie, "", 0)
    }

    fn write(&self, cookie: &str, value: &str, seconds: i64) -> HeaderValue {
        let name = self.name(cookie);
        let secure = if self.info.is_https() { "; Secure" } else { "" };
        let cookie =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
        // ASCII letters, digits and punctuation.
        HeaderValue::try_from(cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    fn name(&self, cookie: &str) -> String {
        match self.info.is_https() {
            true => format!("__Host-{cookie}"),
            false => format!("{cookie}-{}", self.info.address.port()),
        }
    }
}
