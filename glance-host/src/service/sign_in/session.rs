//! Sessions: a cookie that says who a browser's person is.
//!
//! The cookie holds a random id of 256 bits and the host's signature on it. The database has only the
//! id's digest, so that who reads it has no session; the signature keeps made-up ids away from the
//! database. With HTTPS the cookie's name begins with `__Host-`, so that no other host of the domain
//! can set it; without, it has the port in it, because browsers give all ports of a machine the same
//! cookies.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glance_sdk::auth::random_alphanumeric;

use super::Entrance;
use crate::model::event::AccessChange;
use crate::model::{Session, User};
use crate::service::shared::Shared;
use crate::storage::StorageError;

/// How long a session holds without being used, in seconds.
const IDLE: i64 = 14 * DAY;

/// How long a session holds, however much it is used.
const LONGEST: i64 = 90 * DAY;

const DAY: i64 = 24 * 60 * 60;

/// So many letters and digits are 256 bits.
const ID_LENGTH: usize = 43;

/// Signs a person in, always with a new id: one that was in the browser before may be known to
/// others. Gives the cookie.
pub(crate) async fn begin(
    shared: &Shared,
    headers: &HeaderMap,
    user: &User,
) -> Result<HeaderValue, StorageError> {
    end(shared, headers).await?;
    let id = random_alphanumeric(ID_LENGTH).map_err(StorageError::other)?;
    let now = shared.clock.now();
    let session = Session {
        digest: digested(&id),
        user: user.id,
        began_at: now,
        expires_at: now.saturating_add(IDLE),
    };
    shared.state.put_session(&session, now).await?;
    Ok(set_cookie(
        shared,
        SESSION,
        &shared.entrance.signed(SESSION, &id),
        LONGEST,
    ))
}

/// The session of a request, where it has one that holds. Being asked for, it lasts.
pub(crate) async fn find(
    shared: &Shared,
    headers: &HeaderMap,
) -> Result<Option<Session>, StorageError> {
    let Some(digest) = presented(shared, headers) else {
        return Ok(None);
    };
    let now = shared.clock.now();
    let found = shared.state.session(&digest).await?;
    let Some(mut session) = found.filter(|session| session.expires_at > now) else {
        return Ok(None);
    };
    let last = session.began_at.saturating_add(LONGEST);
    let until = now.saturating_add(IDLE).min(last);
    // Once a day is enough, and spares the database a write for each request.
    if until - session.expires_at >= DAY {
        session.expires_at = until;
        shared.state.prolong_session(&session.digest, until).await?;
    }
    Ok(Some(session))
}

/// Signs out whoever the request is of. Gives the cookie that takes the browser's away.
pub(crate) async fn end(shared: &Shared, headers: &HeaderMap) -> Result<HeaderValue, StorageError> {
    if let Some(digest) = presented(shared, headers) {
        shared.state.remove_session(&digest).await?;
        shared
            .bus
            .publish_access(AccessChange::SessionEnded(digest));
    }
    Ok(set_cookie(shared, SESSION, "", 0))
}

fn presented(shared: &Shared, headers: &HeaderMap) -> Option<Vec<u8>> {
    let id = cookie(shared, headers, SESSION)?;
    Some(digested(&id))
}

fn digested(id: &str) -> Vec<u8> {
    digest(&SHA256, id.as_bytes()).as_ref().to_vec()
}

/// The cookie of a session.
const SESSION: &str = "glance";

/// What a cookie of the request says, where this host wrote it.
pub(crate) fn cookie(shared: &Shared, headers: &HeaderMap, purpose: &str) -> Option<String> {
    let name = name(shared, purpose);
    let cookies = headers.get_all(COOKIE).iter();
    let mut pairs = cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    shared.entrance.verified(purpose, value).map(str::to_owned)
}

/// A cookie for this host only, which no script sees and no other site's request brings, except
/// where a person follows a link.
pub(crate) fn set_cookie(shared: &Shared, purpose: &str, value: &str, seconds: i64) -> HeaderValue {
    let name = name(shared, purpose);
    let secure = if shared.info.is_https() {
        "; Secure"
    } else {
        ""
    };
    let cookie =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    // Letters, digits and punctuation of ASCII.
    HeaderValue::try_from(cookie).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn name(shared: &Shared, purpose: &str) -> String {
    match shared.info.is_https() {
        true => format!("__Host-{purpose}"),
        false => format!("{purpose}-{}", shared.info.address.port()),
    }
}

impl Entrance {
    /// A value for a cookie, signed for one purpose. Neither may have a dot.
    pub(crate) fn signed(&self, purpose: &str, value: &str) -> String {
        let tag = hmac::sign(&self.key, format!("{purpose}.{value}").as_bytes());
        format!("{value}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    fn verified<'a>(&self, purpose: &str, signed: &'a str) -> Option<&'a str> {
        let (value, tag) = signed.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let said = format!("{purpose}.{value}");
        hmac::verify(&self.key, said.as_bytes(), &tag).ok()?;
        Some(value)
    }
}
