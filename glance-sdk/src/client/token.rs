//! Access tokens by client credentials: cached per set of scopes, shared with other processes
//! through the store, and renewed before they expire, with one request at a time.

use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::{StatusCode, Url};
use tokio::sync::Mutex;
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::http::{Answer, Http};
use super::meter;
use super::note_failure;
use super::retry::{self, RetryBudget};
use crate::auth::now;
use crate::clock_cache::ClockCache;
use crate::model::{Scope, Secret, TokenAnswer};
use crate::store::{AccessToken, Installation, InstallationStore};
use crate::{Error, ErrorKind, Result};

/// The time before the expiry at which a token is renewed, if its lifetime is more than twice this.
const EARLY: Duration = Duration::from_secs(60);

/// The interval in which the client does not ask a host again that refused the installation's
/// secret.
const GONE: Duration = Duration::from_secs(10 * 60);

/// The longest use of a token, in seconds: hosts may promise more years than a clock can count.
const MAX_SECONDS: u64 = 365 * 24 * 60 * 60;

/// The number of sets of scopes with a cached token.
const MAX_SETS: usize = AccessToken::MAX_PER_INSTALLATION;

/// The timeout of the store for a call: the host can issue a token without it.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// The requested scopes, sorted and joined by spaces; all scopes of the descriptor if empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Scopes(Arc<str>);

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().map(|s| s.to_string()).collect();
        scopes.sort();
        scopes.dedup();
        Self(scopes.join(" ").into())
    }
}

/// The access tokens of one installation.
#[derive(Debug)]
pub(super) struct Tokens {
    by_scopes: SyncMutex<ClockCache<Scopes, Arc<Cache>>>,
    refused_at: SyncMutex<Option<Instant>>,
    /// The store, which shares tokens with other processes.
    store: Option<Arc<dyn InstallationStore>>,
}

/// The cache of one token.
#[derive(Debug, Default)]
struct Cache {
    token: SyncMutex<Option<Token>>,
    /// Held during a token request, so that many callers cause one request.
    request: Mutex<()>,
}

impl Cache {
    /// Returns the token if it need not be renewed yet.
    fn valid(&self) -> Option<Secret> {
        let token = lock(&self.token);
        let valid = token
            .as_ref()
            .filter(|token| Instant::now() < token.renew_at);
        valid.map(|token| token.secret.clone())
    }

    fn put(&self, token: Token) {
        *lock(&self.token) = Some(token);
    }
}

#[derive(Debug)]
pub(super) struct Token {
    secret: Secret,
    renew_at: Instant,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            by_scopes: SyncMutex::new(ClockCache::new(MAX_SETS)),
            refused_at: SyncMutex::default(),
            store: None,
        }
    }
}

impl Tokens {
    /// Creates tokens that the processes with this store share.
    pub(super) fn shared_by(store: Arc<dyn InstallationStore>) -> Self {
        Self {
            store: Some(store),
            ..Self::default()
        }
    }

    /// Adds the token with all scopes that the installation just received.
    #[cfg(feature = "server")]
    pub(super) async fn with(self, token: Token, installation: &Installation) -> Self {
        let scopes = Scopes::default();
        self.share(&scopes, installation, &token).await;
        let cache = Arc::<Cache>::default();
        cache.put(token);
        lock(&self.by_scopes).insert(scopes, cache);
        self
    }

    /// Returns a token with these scopes. Requests one if neither this process nor the store has a
    /// valid token.
    pub(super) async fn get(
        &self,
        scopes: &Scopes,
        http: &Http,
        installation: &Installation,
    ) -> Result<Secret> {
        let cache = self.cache(scopes);
        if let Some(secret) = cache.valid() {
            return Ok(secret);
        }
        let _request = cache.request.lock().await;
        if let Some(secret) = cache.valid() {
            return Ok(secret);
        }
        if self.is_refused() {
            return Err(Error::new(
                ErrorKind::Unauthorized,
                format!(
                    "{} refused the secret of installation {}; a later call asks again",
                    installation.endpoints.token_url,
                    installation.oauth_id()
                ),
            ));
        }
        if let Some(shared) = self.find_shared(scopes, installation).await {
            meter::token("shared");
            let secret = shared.secret.clone();
            cache.put(shared);
            return Ok(secret);
        }
        match Token::request(scopes, http, installation).await {
            Ok(new) => {
                *lock(&self.refused_at) = None;
                self.share(scopes, installation, &new).await;
                let secret = new.secret.clone();
                cache.put(new);
                Ok(secret)
            }
            Err(error) => {
                if error.kind() == ErrorKind::Unauthorized {
                    self.refuse(installation);
                }
                Err(error)
            }
        }
    }

    /// Drops this token, here and in the store, unless another has already replaced it.
    pub(super) async fn drop_if(
        &self,
        scopes: &Scopes,
        installation: &Installation,
        refused: &Secret,
    ) {
        let cache = self.cache(scopes);
        let _request = cache.request.lock().await;
        let dropped = lock(&cache.token).take_if(|token| token.secret == *refused);
        if dropped.is_some()
            && let Some(store) = &self.store
        {
            let name = name(scopes, installation);
            let oauth_id = installation.oauth_id();
            let removal = store.remove_access_token(oauth_id, &name, refused);
            answer(installation, removal).await;
        }
    }

    /// Returns the valid token that another process stored, if there is one.
    async fn find_shared(&self, scopes: &Scopes, installation: &Installation) -> Option<Token> {
        let store = self.store.as_ref()?;
        let name = name(scopes, installation);
        let found = store.access_token(installation.oauth_id(), &name);
        let AccessToken { secret, renew_at } = answer(installation, found).await??;
        let holds = u64::try_from(renew_at.checked_sub(now())?).ok()?;
        let renew_at = Instant::now() + Duration::from_secs(holds.min(MAX_SECONDS));
        (holds > 0).then_some(Token { secret, renew_at })
    }

    /// Stores a token for other processes.
    async fn share(&self, scopes: &Scopes, installation: &Installation, token: &Token) {
        let Some(store) = &self.store else {
            return;
        };
        let holds = token.renew_at.saturating_duration_since(Instant::now());
        let holds = i64::try_from(holds.as_secs()).unwrap_or(i64::MAX);
        if holds == 0 {
            return;
        }
        let now = now();
        let shared = AccessToken::new(token.secret.clone(), now.saturating_add(holds));
        let name = name(scopes, installation);
        let put = store.put_access_token(installation.oauth_id(), &name, &shared, now);
        answer(installation, put).await;
    }

    /// Returns whether the token endpoint recently refused the installation's secret.
    pub(super) fn is_refused(&self) -> bool {
        lock(&self.refused_at).is_some_and(|at| at.elapsed() < GONE)
    }

    fn refuse(&self, installation: &Installation) {
        let before = lock(&self.refused_at).replace(Instant::now());
        if before.is_none() {
            tracing::warn!(
                oauth_id = %installation.oauth_id(),
                host = installation.endpoints.token_url,
            "the host refuses the secret of this installation, probably after its removal; \
             calls for it fail until it is installed again"
            );
        }
    }

    fn cache(&self, scopes: &Scopes) -> Arc<Cache> {
        let mut by_scopes = lock(&self.by_scopes);
        if let Some(cache) = by_scopes.get(scopes) {
            return Arc::clone(cache);
        }
        let cache = Arc::default();
        by_scopes.insert(scopes.clone(), Arc::clone(&cache));
        cache
    }
}

/// Returns the store's result, or `None` if the store fails or does not respond in time: a call
/// continues without it.
async fn answer<T>(
    installation: &Installation,
    operation: impl Future<Output = Result<T>>,
) -> Option<T> {
    let oauth_id = installation.oauth_id();
    match timeout(STORE_TIMEOUT, operation).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!(%oauth_id, error = %format_args!("{error:#}"), "sharing an access token failed");
            None
        }
        Err(_) => {
            let limit = STORE_TIMEOUT.as_secs();
            tracing::warn!(%oauth_id, timeout = limit, "sharing an access token timed out");
            None
        }
    }
}

fn lock<T>(mutex: &SyncMutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Identifies a token within its installation by its scopes and by the URLs at which it is used, so
/// that no host receives the token of another.
fn name(scopes: &Scopes, installation: &Installation) -> String {
    let endpoints = &installation.endpoints;
    let text = [&endpoints.token_url, &endpoints.api_url, &*scopes.0].join("\n");
    let digest = digest(&SHA256, text.as_bytes());
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Token {
    /// Requests a token with these scopes.
    pub(super) async fn request(
        scopes: &Scopes,
        http: &Http,
        installation: &Installation,
    ) -> Result<Self> {
        let asked_at = Instant::now();
        let span = token_span(installation);
        let answer = request(scopes, http, installation, &span);
        let answer = answer.instrument(span.clone()).await;
        meter::token(meter::outcome(&answer));
        note_failure(&span, &answer);
        let answer = answer?;
        // A host may omit the lifetime. Then an hour applies, the shortest lifetime observed; a 401
        // drops the token anyway.
        let seconds = answer.expires_in.unwrap_or(60 * 60);
        let holds = Duration::from_secs(seconds.min(MAX_SECONDS));
        Ok(Self {
            secret: answer.access_token,
            renew_at: asked_at + holds.saturating_sub(EARLY).max(holds / 2),
        })
    }
}

/// Returns whether the host accepts the installation's secret: `false` only if its token URL itself
/// responds with 401, or with 400 and the error `invalid_client`. All other failures may be
/// temporary.
#[cfg(feature = "server")]
pub(super) async fn is_taken(http: &Http, installation: &Installation) -> Result<bool> {
    let span = token_span(installation);
    let scopes = Scopes::default();
    let answer = exchange(&scopes, http, installation, |_| false, &span);
    let answer = answer.instrument(span.clone()).await;
    note_failure(&span, &answer);
    let answer = answer?;
    match answer.status {
        status if status.is_success() => Ok(true),
        _ if answer.is_redirected => Err(answer.refusal()),
        StatusCode::UNAUTHORIZED => Ok(false),
        StatusCode::BAD_REQUEST if names_invalid_client(&answer.body) => Ok(false),
        _ => Err(answer.refusal()),
    }
}

/// Returns whether a refusal contains the RFC 6749 error code for wrong credentials.
#[cfg(feature = "server")]
fn names_invalid_client(body: &[u8]) -> bool {
    let refusal: Option<serde_json::Value> = crate::json::from_slice(body).ok();
    refusal.is_some_and(|refusal| refusal["error"] == "invalid_client")
}

fn token_span(installation: &Installation) -> Span {
    tracing::debug_span!(
        "glance.token",
        otel.kind = "client",
        http.request.method = "POST",
        server.address = Empty,
        glance.oauth_id = installation.oauth_id().as_str(),
        http.response.status_code = Empty,
        error.type = Empty,
        otel.status_code = Empty,
    )
}

async fn request(
    scopes: &Scopes,
    http: &Http,
    installation: &Installation,
    span: &Span,
) -> Result<TokenAnswer> {
    let answer = exchange(scopes, http, installation, retry::is_passing, span).await?;
    if answer.status.is_success() {
        answer.json()
    } else {
        Err(answer.refusal())
    }
}

/// Calls the token URL. A repeated token request only creates a second token, so a request without
/// a response is always retried, and so is one with a status that `passes`.
async fn exchange(
    scopes: &Scopes,
    http: &Http,
    installation: &Installation,
    passes: fn(StatusCode) -> bool,
    span: &Span,
) -> Result<Answer> {
    let token_url = &installation.endpoints.token_url;
    let url = Url::parse(token_url).map_err(|cause| {
        Error::new(
            ErrorKind::BadAnswer,
            format!("{token_url:?} is not the URL of a token endpoint"),
        )
        .with_source(cause)
    })?;
    span.record("server.address", url.host_str());
    let data = &installation.data;
    let mut form = vec![("grant_type", "client_credentials")];
    if !scopes.0.is_empty() {
        form.push(("scope", &scopes.0));
    }
    let mut budget = RetryBudget::idempotent();
    loop {
        let request = http
            .request(reqwest::Method::POST, &url)
            .basic_auth(data.oauth_id.as_str(), Some(data.oauth_secret.expose()))
            .form(&form);
        match http.send(request, &url).await {
            Ok(answer) => {
                span.record(
                    "http.response.status_code",
                    i64::from(answer.status.as_u16()),
                );
                let wait = retry::retry_after(&answer.headers);
                if !passes(answer.status) || !budget.again(true, wait).await {
                    return Ok(answer);
                }
            }
            // A host that hung would hang again, while the caller waits.
            Err(failure) => {
                if failure.timed_out || !budget.again(true, None).await {
                    return Err(failure.error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[cfg(feature = "server")]
    #[test]
    fn only_standard_error_is_invalid_client() {
        assert!(names_invalid_client(
            br#"{"error": "invalid_client", "x": 1}"#
        ));
        for other in [
            r#"{"error": "invalid_scope"}"#,
            r#"{"error": {"message": "invalid_client"}}"#,
            r#"{"message": "invalid_client"}"#,
            "invalid_client",
            "",
        ] {
            assert!(!names_invalid_client(other.as_bytes()), "{other}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn failing_store_delays_no_call() {
        let data = crate::model::InstallationData::new("id".into(), "s".into(), "", 1.into());
        let installation = Installation::new(data, crate::store::Endpoints::new("", ""));
        let failure = async { Err::<(), _>(Error::storage("no store", "it restarts")) };
        assert_eq!(answer(&installation, failure).await, None);
        let began = tokio::time::Instant::now();
        let hanging = std::future::pending::<Result<()>>();
        assert_eq!(answer(&installation, hanging).await, None);
        assert_eq!(began.elapsed(), STORE_TIMEOUT);
        assert_eq!(answer(&installation, async { Ok(1) }).await, Some(1));
    }

    proptest! {
        #[test]
        fn scopes_are_a_set(names in prop::collection::vec("[a-d]{1,2}", 0..6), turn in 0usize..6) {
            let scopes = |names: &[String]| -> Scopes {
                names.iter().map(|name| Scope::from(name.as_str())).collect()
            };
            let mut others = names.clone();
            others.extend(names.first().cloned());
            let turn = turn.min(others.len());
            others.rotate_left(turn);
            prop_assert_eq!(scopes(&names), scopes(&others));
            let distinct: std::collections::BTreeSet<_> = names.iter().map(String::as_str).collect();
            let written = scopes(&names);
            let read: std::collections::BTreeSet<_> = written.0.split_whitespace().collect();
            prop_assert_eq!(read, distinct);
        }
    }
}
