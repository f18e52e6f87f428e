//! Sessions: an id in a browser's cookie that says who its person is.
//!
//! The id is random and has 256 bits. The database stores only its digest, so reading the database gives nobody
//! a session. The cookie also has the host's signature, so that made-up ids do not reach the database.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use glance_sdk::auth::random_alphanumeric;

use super::SignInState;
use crate::model::clock::Clock;
use crate::model::event::AccessChange;
use crate::model::{Session, User};
use crate::storage::{Effects, Storage, StorageError};

/// How long a session lasts without being used, in seconds.
const IDLE: i64 = 14 * DAY;

/// How long a session lasts, however much it is used.
pub(crate) const LONGEST: i64 = 90 * DAY;

const DAY: i64 = 24 * 60 * 60;

/// So many letters and digits are 256 bits.
const ID_LENGTH: usize = 43;

/// Begins, finds and ends sessions.
#[derive(Debug, Clone)]
pub(crate) struct Sessions {
    storage: Arc<dyn Storage>,
    clock: Clock,
}

impl Sessions {
    pub(crate) fn new(storage: Arc<dyn Storage>, clock: Clock) -> Self {
        Self { storage, clock }
    }

    /// Begins a session for a person and ends the one that the browser had. Returns the id of the new session, which is
    /// always another one: others may know the id that was in the browser before.
    pub(crate) async fn begin(
        &self,
        before: Option<&str>,
        user: &User,
    ) -> Result<String, StorageError> {
        self.end(before).await?;
        let id = random_alphanumeric(ID_LENGTH).map_err(StorageError::other)?;
        let now = self.clock.now();
        let session = Session {
            digest: digested(&id),
            user: user.id,
            began_at: now,
            expires_at: now.saturating_add(IDLE),
        };
        self.storage.put_session(&session, now).await?;
        Ok(id)
    }

    /// Finds the session with this id, unless it has expired, and prolongs it.
    pub(crate) async fn find(&self, id: &str) -> Result<Option<Session>, StorageError> {
        let now = self.clock.now();
        let found = self.storage.session(&digested(id)).await?;
        let Some(mut session) = found.filter(|session| session.expires_at > now) else {
            return Ok(None);
        };
        let last = session.began_at.saturating_add(LONGEST);
        let until = now.saturating_add(IDLE).min(last);
        // Once a day is enough, and spares the database a write for each request.
        if until - session.expires_at >= DAY {
            // A full disk must not sign people out: the session holds until its stored end.
            match self.storage.prolong_session(&session.digest, until).await {
                Ok(()) => session.expires_at = until,
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::error!(error, "prolonging a session failed");
                }
            }
        }
        Ok(Some(session))
    }

    /// Ends the session with this id.
    pub(crate) async fn end(&self, id: Option<&str>) -> Result<(), StorageError> {
        if let Some(id) = id {
            let digest = digested(id);
            let effects = Effects::none().access(AccessChange::SessionEnded(digest.clone()));
            self.storage.remove_session(&digest, effects).await?;
        }
        Ok(())
    }
}

fn digested(id: &str) -> Vec<u8> {
    digest(&SHA256, id.as_bytes()).as_ref().to_vec()
}

impl SignInState {
    /// Signs a value for a cookie with this purpose. Neither may contain a dot.
    pub(crate) fn signed(&self, purpose: &str, value: &str) -> String {
        let tag = hmac::sign(&self.key, format!("{purpose}.{value}").as_bytes());
        format!("{value}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// Returns the value that was signed for this purpose.
    pub(crate) fn verified<'a>(&self, purpose: &str, signed: &'a str) -> Option<&'a str> {
        let (value, tag) = signed.rsplit_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let said = format!("{purpose}.{value}");
        hmac::verify(&self.key, said.as_bytes(), &tag).ok()?;
        Some(value)
    }
}
