//! Tokens for scripts: an admin creates them, and they open `/admin/v1` and nothing else.
//!
//! A token is `glance_admin_`, its id, `_` and a secret of 40 letters and digits. The id finds the row; the
//! database has the secret's digest only.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use glance_sdk::auth::random_alphanumeric;
use glance_sdk::model::Secret;

use crate::cluster::rate_limits::{Exceeded, Limits};
use crate::model::access;
use crate::model::clock::Clock;
use crate::model::{AdminToken, MAX_ADMIN_TOKENS, NewAdminToken, User};
use crate::service::install::SECRET_LENGTH;
use crate::service::sign_in::{SignInMethod, SignInState, name};
use crate::storage::{Storage, StorageError};

/// How every token begins, so that people and programs that look for leaked secrets recognise one.
const PREFIX: &str = "glance_admin_";

/// The default lifetime of a token, in days.
pub(crate) const DEFAULT_DAYS: u32 = 90;

/// The longest a token may hold, in days.
pub(crate) const MAX_DAYS: u32 = 365;

/// The reason why a guest creates no token.
pub(crate) const NOT_FOR_GUESTS: &str = "A guest cannot create tokens.";

/// The reason why a host has no tokens.
pub(crate) const NOT_NEEDED: &str =
    "Nobody signs in to this host, so it takes commands of its own machine without a token.";

const DAY: i64 = 24 * 60 * 60;

/// How much older than the last use the stored time of it may be, in seconds: a script that makes many
/// calls costs one write.
const TOUCH_AFTER: i64 = 60;

/// Why a token was not created.
#[derive(Debug)]
pub(crate) enum NotCreated {
    /// Guests create none, not even as admins.
    Guest,
    /// Nobody signs in to this host.
    NotNeeded,
    Name,
    Days,
    TooMany,
    Storage(StorageError),
}

impl fmt::Display for NotCreated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guest => f.write_str(NOT_FOR_GUESTS),
            Self::NotNeeded => f.write_str(NOT_NEEDED),
            Self::Name => write!(
                f,
                "A name has 1 to {} characters that can be seen.",
                name::MAX_NAME
            ),
            Self::Days => write!(f, "A token holds for 1 to {MAX_DAYS} days."),
            Self::TooMany => write!(
                f,
                "There are {MAX_ADMIN_TOKENS} tokens already. Revoke one that nobody needs first."
            ),
            Self::Storage(cause) => cause.fmt(f),
        }
    }
}

impl From<StorageError> for NotCreated {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

/// The reason why a token is refused. Whoever shows the right secret learns the token's name.
#[derive(Debug)]
pub(crate) enum Refused {
    Missing,
    Unknown,
    Expired(String),
    Revoked(String),
    /// Its creator is no longer an admin.
    NoAdmin(String),
    /// Too many wrong ones came from the same address, for so many seconds more.
    TooManyTries(i64),
    Storage(StorageError),
}

impl From<StorageError> for Refused {
    fn from(cause: StorageError) -> Self {
        Self::Storage(cause)
    }
}

impl From<Exceeded> for Refused {
    fn from(exceeded: Exceeded) -> Self {
        Self::TooManyTries(exceeded.retry_after)
    }
}

/// Creates, verifies and revokes tokens.
#[derive(Debug, Clone)]
pub(crate) struct AdminTokens {
    storage: Arc<dyn Storage>,
    sign_in: Arc<SignInState>,
    limits: Arc<Limits>,
    clock: Clock,
}

impl AdminTokens {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        sign_in: Arc<SignInState>,
        limits: Arc<Limits>,
        clock: Clock,
    ) -> Self {
        Self {
            storage,
            sign_in,
            limits,
            clock,
        }
    }

    /// Creates a token in an admin's name. Returns what is stored and the token itself, which nobody can see
    /// again.
    pub(crate) async fn create(
        &self,
        by: &User,
        name: &str,
        days: u32,
    ) -> Result<(AdminToken, Secret), NotCreated> {
        if !access::manages_group(by) {
            return Err(NotCreated::Guest);
        }
        if self.sign_in.is_local() {
            return Err(NotCreated::NotNeeded);
        }
        let name = name::typed(name).ok_or(NotCreated::Name)?;
        if !(1..=MAX_DAYS).contains(&days) {
            return Err(NotCreated::Days);
        }
        let secret = random_alphanumeric(SECRET_LENGTH).map_err(StorageError::other)?;
        let now = self.clock.now();
        let new = NewAdminToken {
            name,
            digest: digested(&secret).to_vec(),
            created_by: by.id,
            expires_at: now.saturating_add(i64::from(days) * DAY),
        };
        let created = self.storage.create_admin_token(&new, now).await?;
        let created = created.ok_or(NotCreated::TooMany)?;
        tracing::info!(token = created.id, name = created.name, by = %by.id, "token for scripts created");
        let token = format!("{PREFIX}{}_{secret}", created.id);
        Ok((created, token.into()))
    }

    /// Revokes a token. Returns false if it was revoked before.
    pub(crate) async fn revoke(&self, by: &User, id: u64) -> Result<bool, StorageError> {
        let is_revoked = self
            .storage
            .revoke_admin_token(id, self.clock.now())
            .await?;
        if is_revoked {
            tracing::info!(token = id, by = %by.id, "token for scripts revoked");
        }
        Ok(is_revoked)
    }

    /// Returns the token that a request from this address shows.
    ///
    /// An address that shows wrong tokens is refused for a while. Where one address stands for many people, a
    /// right token is taken all the same: strangers must not lock scripts out, and nobody guesses a secret of
    /// 238 bits.
    pub(crate) async fn find(
        &self,
        from: IpAddr,
        shown: Option<&str>,
    ) -> Result<AdminToken, Refused> {
        let shown = shown.ok_or(Refused::Missing)?;
        let is_shared = is_shared(&self.sign_in.method, from);
        limit_tries(&self.limits, from, is_shared, self.verify(shown)).await
    }

    async fn verify(&self, shown: &str) -> Result<AdminToken, Refused> {
        let (id, secret) = parts(shown).ok_or(Refused::Unknown)?;
        let stored = self.storage.admin_token(id).await?;
        // Compared for a missing token too, so that the response time tells nothing.
        let known = stored
            .as_ref()
            .map_or(&[0; SHA256_OUTPUT_LEN][..], |token| &token.digest);
        let is_same = verify_slices_are_equal(known, &digested(secret)).is_ok();
        let token = stored.filter(|_| is_same).ok_or(Refused::Unknown)?;
        let now = self.clock.now();
        if token.revoked_at.is_some() {
            return Err(Refused::Revoked(token.name));
        }
        if !token.holds(now) {
            return Err(Refused::Expired(token.name));
        }
        if !self.is_of_admin(&token).await? {
            return Err(Refused::NoAdmin(token.name));
        }
        let is_stale = |last: i64| now.saturating_sub(last) >= TOUCH_AFTER;
        if token.last_used_at.is_none_or(is_stale) {
            // A full disk must not refuse calls that only read.
            if let Err(error) = self.storage.touch_admin_token(token.id, now).await {
                let error = format!("{error:#}");
                tracing::error!(token = token.id, error, "storing the use of a token failed");
            }
        }
        Ok(token)
    }

    /// Returns whether the creator of a token is still an admin.
    pub(crate) async fn is_of_admin(&self, token: &AdminToken) -> Result<bool, StorageError> {
        let creator = self.storage.user(token.created_by).await?;
        Ok(creator.is_some_and(|user| access::manages_group(&user) && !user.is_removed))
    }
}

/// Verifies a token unless this address has shown too many wrong ones.
async fn limit_tries(
    limits: &Limits,
    from: IpAddr,
    is_shared: bool,
    verify: impl Future<Output = Result<AdminToken, Refused>>,
) -> Result<AdminToken, Refused> {
    if !is_shared {
        limits.check_address(from)?;
    }
    match verify.await {
        Err(refused) if !matches!(refused, Refused::Storage(_)) => {
            limits.count_wrong_token(from)?;
            tracing::warn!(%from, "a token for scripts was refused");
            Err(refused)
        }
        verified => verified,
    }
}

/// Returns whether many people have this address, because a proxy is there.
fn is_shared(method: &SignInMethod, address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || matches!(method, SignInMethod::Proxy(proxy) if proxy.is_peer(address))
}

/// The id and the secret in a token.
fn parts(token: &str) -> Option<(u64, &str)> {
    let (id, secret) = token.strip_prefix(PREFIX)?.split_once('_')?;
    let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let id = id.parse().ok().filter(|_| is_number)?;
    (secret.len() == SECRET_LENGTH).then_some((id, secret))
}

fn digested(secret: &str) -> [u8; SHA256_OUTPUT_LEN] {
    let mut digested = [0; SHA256_OUTPUT_LEN];
    digested.copy_from_slice(digest(&SHA256, secret.as_bytes()).as_ref());
    digested
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;
    use crate::service::sign_in::Proxy;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_of_proxies_and_of_this_machine_are_shared() {
        let method = SignInMethod::Proxy(Proxy::new(["198.51.100.7/32".parse().unwrap()]));
        for (from, expected) in [
            ("192.0.2.1", false),
            ("198.51.100.7", true),
            ("::ffff:198.51.100.7", true),
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
        ] {
            assert_eq!(is_shared(&method, address(from)), expected, "{from}");
        }
    }

    #[tokio::test]
    async fn many_wrong_tokens_lock_out_their_address_unless_it_is_shared() {
        let limits = Limits::new(Clock::standing_at(0), 1, 1);
        let right = AdminToken {
            id: 1,
            name: "deploy".to_owned(),
            digest: Vec::new(),
            created_by: 1.into(),
            created_at: 0,
            expires_at: 1,
            last_used_at: None,
            revoked_at: None,
        };
        let (one, another, proxy) = ("192.0.2.1", "192.0.2.2", "198.51.100.7");
        for (from, is_shared) in [(one, false), (proxy, true)] {
            loop {
                let wrong = ready(Err(Refused::Unknown));
                match limit_tries(&limits, address(from), is_shared, wrong).await {
                    Err(Refused::Unknown) => {}
                    Err(Refused::TooManyTries(300)) => break,
                    other => panic!("{from}: {other:?}"),
                }
            }
        }
        for (from, is_shared, is_heard) in [
            (one, false, false),
            (another, false, true),
            (proxy, true, true),
        ] {
            let right = ready(Ok(right.clone()));
            let found = limit_tries(&limits, address(from), is_shared, right).await;
            assert_eq!(found.is_ok(), is_heard, "{from}: {found:?}");
        }
    }

    #[test]
    fn tokens_are_read_strictly() {
        let secret = "x".repeat(SECRET_LENGTH);
        let token = format!("glance_admin_17_{secret}");
        assert_eq!(parts(&token), Some((17, secret.as_str())));
        for wrong in [
            "",
            "glance_admin_",
            &format!("glance_admin_17{secret}"),
            &format!("glance_admin__{secret}"),
            &format!("glance_admin_+17_{secret}"),
            &format!("glance_admin_17_{secret}x"),
            &format!("glance_admin_99999999999999999999_{secret}"),
            &format!("Glance_admin_17_{secret}"),
        ] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }
}
