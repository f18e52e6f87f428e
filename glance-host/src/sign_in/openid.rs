//! People whom a provider of OpenID Connect signs in: the authorization code flow with PKCE.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::BoxFuture;
use glance_sdk::model::Secret;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthorizationCode, ClaimsVerificationError, Client, ClientId, ClientSecret,
    CsrfToken, DiscoveryError, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IdTokenClaims, IdTokenFields, IssuerUrl, Nonce,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError,
    StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
};
use reqwest::{RequestBuilder, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Admins;
use crate::outgoing;
use crate::shared::Shared;
use crate::state::Identity;

/// How long the provider may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// More than any of its documents has.
const MAX_BYTES: usize = 1024 * 1024;

/// How long is waited before the provider is asked again at the start.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// How long a person may take at the provider, in seconds.
pub(crate) const PATIENCE: i64 = 10 * 60;

/// The longest name taken from a provider, in characters.
const MAX_NAME: usize = 50;

/// A provider of OpenID Connect, and this host's client there. Its redirect address is the host's
/// public URL with `/sign-in/callback` behind it.
///
/// ```
/// use glance_host::sign_in::{Admins, OpenId};
///
/// let provider = OpenId::new("https://accounts.example.com", "glance", "client secret".into())
///     .allowed_domains(["example.com"])
///     .admins(Admins::Group("chat-admins".to_owned()));
/// ```
#[derive(Debug, Clone)]
pub struct OpenId {
    issuer: String,
    client_id: String,
    client_secret: Secret,
    scopes: Vec<String>,
    groups_claim: String,
    admins: Option<Admins>,
    domains: Vec<String>,
}

impl OpenId {
    /// The provider with this issuer, by HTTPS or on this machine.
    pub fn new(
        issuer: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: Secret,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            client_secret,
            scopes: vec!["email".to_owned(), "profile".to_owned()],
            groups_claim: "groups".to_owned(),
            admins: None,
            domains: Vec::new(),
        }
    }

    /// What is asked for beside `openid`; `email` and `profile` where nothing is said.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// The claim with the groups a person is in; `groups` where nothing is said.
    #[must_use]
    pub fn groups_claim(mut self, claim: impl Into<String>) -> Self {
        self.groups_claim = claim.into();
        self
    }

    /// Who is an admin. Without this the first who comes is, and makes others.
    #[must_use]
    pub fn admins(mut self, admins: Admins) -> Self {
        self.admins = Some(admins);
        self
    }

    /// Lets only those in who have an address, verified by the provider, of one of these domains.
    #[must_use]
    pub fn allowed_domains(mut self, domains: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.domains = domains.into_iter().map(Into::into).collect();
        self
    }
}

/// Whatever else a provider says of a person.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

type PersonClaims = IdTokenClaims<OtherClaims, CoreGenderClaim>;

type ProviderClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<
        IdTokenFields<
            OtherClaims,
            EmptyExtraTokenFields,
            CoreGenderClaim,
            CoreJweContentEncryptionAlgorithm,
            CoreJwsSigningAlgorithm,
        >,
        CoreTokenType,
    >,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A sign-in under way. It is kept in a signed cookie: only the browser that began it ends it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Flow {
    state: String,
    nonce: String,
    verifier: String,
    /// The page to come back to.
    pub(crate) to: String,
    /// In seconds since 1970.
    until: i64,
}

impl Flow {
    /// As it stands in a cookie.
    pub(crate) fn written(&self) -> String {
        // Strings and a number are always JSON.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn read(written: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(written).ok()?).ok()
    }

    /// Whether this is what the provider gave back, in time.
    pub(crate) fn is_of(&self, state: &str, now: i64) -> bool {
        let (own, given) = (self.state.as_bytes(), state.as_bytes());
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(own, given).is_ok();
        same && now < self.until
    }
}

/// A provider that was found, with its keys.
#[derive(Debug)]
pub(crate) struct Provider {
    settings: OpenId,
    issuer: IssuerUrl,
    /// Follows no redirects: what it is told is for the provider only.
    http: reqwest::Client,
    metadata: RwLock<CoreProviderMetadata>,
}

impl Provider {
    /// Asks the provider for its addresses and keys, again and again for some seconds.
    pub(crate) async fn discover(settings: &OpenId) -> Result<Self, String> {
        let issuer = &settings.issuer;
        let cannot = |why: &str| format!("people cannot sign in with {issuer}: {why}");
        let parsed = Url::parse(issuer).map_err(|_| cannot("it is no address"))?;
        let is_here = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if parsed.scheme() != "https" && !is_here {
            return Err(cannot("its address must begin with https://"));
        }
        let http = reqwest::Client::builder()
            .user_agent(concat!("glance-host/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|cause| cannot(&format!("the HTTP client cannot be made: {cause}")))?;
        let issuer = IssuerUrl::new(issuer.clone()).map_err(|_| cannot("it is no address"))?;
        let mut pauses = PAUSES.iter();
        let metadata = loop {
            let (why, may_pass) = match fetch_metadata(&http, &issuer).await {
                Ok(metadata) => break metadata,
                Err(failed) => failed,
            };
            let Some(pause) = pauses.next().filter(|_| may_pass) else {
                return Err(cannot(&why));
            };
            tracing::warn!("{}; asking again", cannot(&why));
            tokio::time::sleep(*pause).await;
        };
        Ok(Self {
            settings: settings.clone(),
            issuer,
            http,
            metadata: RwLock::new(metadata),
        })
    }

    /// What people know it by.
    pub(crate) fn name(&self) -> &str {
        self.issuer.url().host_str().unwrap_or_default()
    }

    pub(crate) fn has_rule(&self) -> bool {
        self.settings.admins.is_some()
    }

    fn client(&self, shared: &Shared) -> Result<ProviderClient, String> {
        let metadata = self.metadata.read().unwrap_or_else(PoisonError::into_inner);
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = ClientSecret::new(self.settings.client_secret.expose().to_owned());
        let back = RedirectUrl::new(format!("{}/sign-in/callback", shared.base_url))
            .map_err(|cause| cause.to_string())?;
        let client = Client::from_provider_metadata(metadata.clone(), id, Some(secret));
        Ok(client.set_redirect_uri(back))
    }

    /// The address at the provider, and what must be known of it when the person comes back.
    pub(crate) fn begin(&self, shared: &Shared, to: &str) -> Result<(Url, Flow), String> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client(shared)?;
        let mut request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        for scope in &self.settings.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        let flow = Flow {
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            to: to.to_owned(),
            until: shared.clock.now().saturating_add(PATIENCE),
        };
        Ok((url, flow))
    }

    /// Who came back with this code, or in one sentence why nobody is let in.
    pub(crate) async fn finish(
        &self,
        shared: &Shared,
        flow: Flow,
        code: String,
    ) -> Result<Identity, String> {
        let claims = self.claims(shared, flow, code).await.map_err(|cause| {
            tracing::warn!("a sign-in with {} failed: {cause}", *self.issuer);
            let name = self.name();
            format!("{name} did not confirm who you are; the host's log says why.")
        })?;
        self.identity(&claims)
    }

    fn claims<'a>(
        &'a self,
        shared: &'a Shared,
        flow: Flow,
        code: String,
    ) -> BoxFuture<'a, Result<PersonClaims, String>> {
        Box::pin(async move {
            let client = self.client(shared)?;
            let http = fetching(&self.http);
            let answer = client
                .exchange_code(AuthorizationCode::new(code))
                .map_err(|cause| cause.to_string())?
                .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier))
                .request_async(&http)
                .await
                .map_err(|cause| in_full(&cause))?;
            let token = answer.id_token().ok_or("it gave no ID token")?;
            let nonce = Nonce::new(flow.nonce);
            let verified = |client: &ProviderClient| {
                let verifier = client.id_token_verifier();
                let verifier = verifier.set_allowed_algs(self.algorithms());
                token.claims(&verifier, &nonce).cloned()
            };
            let mut claims = verified(&client);
            // Providers change their keys from time to time.
            if let Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) = claims
            {
                let found = fetch_metadata(&self.http, &self.issuer).await;
                let found = found.map_err(|(why, _)| why)?;
                *self
                    .metadata
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = found;
                claims = verified(&self.client(shared)?);
            }
            claims.map_err(|cause| in_full(&cause))
        })
    }

    /// The provider's ways to sign that need its own key: not those with the client's secret, and
    /// not none.
    fn algorithms(&self) -> Vec<CoreJwsSigningAlgorithm> {
        let metadata = self.metadata.read().unwrap_or_else(PoisonError::into_inner);
        let known = metadata.id_token_signing_alg_values_supported().iter();
        known
            .filter(|algorithm| {
                !matches!(
                    algorithm,
                    CoreJwsSigningAlgorithm::None
                        | CoreJwsSigningAlgorithm::HmacSha256
                        | CoreJwsSigningAlgorithm::HmacSha384
                        | CoreJwsSigningAlgorithm::HmacSha512
                )
            })
            .cloned()
            .collect()
    }

    fn identity(&self, claims: &PersonClaims) -> Result<Identity, String> {
        let settings = &self.settings;
        // Whoever says what their address is may say any.
        let email = claims
            .email()
            .filter(|_| claims.email_verified() == Some(true))
            .map(|email| email.to_string());
        if !settings.domains.is_empty() {
            let domain = email.as_deref().and_then(|email| email.rsplit_once('@'));
            let is_allowed = domain.is_some_and(|(_, domain)| {
                let mut allowed = settings.domains.iter();
                allowed.any(|allowed| allowed.eq_ignore_ascii_case(domain))
            });
            if !is_allowed {
                return Err(format!(
                    "Only people with a verified address of {} may sign in here.",
                    settings.domains.join(" or ")
                ));
            }
        }
        let OtherClaims(others) = claims.additional_claims();
        let groups: Vec<String> = match others.get(&settings.groups_claim) {
            Some(Value::Array(groups)) => {
                let groups = groups.iter().filter_map(Value::as_str);
                groups.map(str::to_owned).collect()
            }
            Some(Value::String(group)) => vec![group.clone()],
            _ => Vec::new(),
        };
        let names = [
            claims
                .name()
                .and_then(|name| name.get(None))
                .map(|name| name.as_str()),
            claims.preferred_username().map(|name| name.as_str()),
            email.as_deref(),
            Some(claims.subject().as_str()),
        ];
        let is_said = |name: &&&str| !name.trim().is_empty();
        let name = names.iter().flatten().find(is_said);
        let words: Vec<_> = name
            .copied()
            .unwrap_or_default()
            .split_whitespace()
            .collect();
        let name = words.join(" ").chars().take(MAX_NAME).collect();
        let admins = settings.admins.as_ref();
        Ok(Identity {
            provider: Some(self.issuer.to_string()),
            subject: claims.subject().to_string(),
            name,
            is_admin: admins.map(|admins| admins.include(email.as_deref(), &groups)),
            email,
        })
    }
}

/// The provider's own description; or why there is none, and whether that may pass.
fn fetch_metadata<'a>(
    http: &'a reqwest::Client,
    issuer: &'a IssuerUrl,
) -> BoxFuture<'a, Result<CoreProviderMetadata, (String, bool)>> {
    Box::pin(async move {
        let http = fetching(http);
        let found = CoreProviderMetadata::discover_async(issuer.clone(), &http).await;
        found.map_err(|cause| match &cause {
            DiscoveryError::Request(why) => (why.to_string(), true),
            DiscoveryError::Response(status, ..) => {
                let why = format!("its description could not be read, with status {status}");
                (why, status.is_server_error() || status.as_u16() == 429)
            }
            _ => (in_full(&cause), false),
        })
    })
}

type Fetched = BoxFuture<'static, Result<HttpResponse, std::io::Error>>;

/// The HTTP client, as the library takes one. Whoever runs the host named the provider, so it may be
/// anywhere.
fn fetching(http: &reqwest::Client) -> impl Fn(HttpRequest) -> Fetched + Send + Sync + 'static {
    let http = http.clone();
    move |request| Box::pin(send(http.clone(), request))
}

async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, std::io::Error> {
    let request = reqwest::Request::try_from(request).map_err(std::io::Error::other)?;
    let request = RequestBuilder::from_parts(http, request);
    let answer = outgoing::exchange(request, TIMEOUT, MAX_BYTES)
        .await
        .map_err(|cause| std::io::Error::other(format!("it {cause}")))?;
    let mut response = HttpResponse::new(answer.body);
    *response.status_mut() = answer.status;
    Ok(response)
}

/// An error with all its causes, in one line.
fn in_full(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        said = format!("{said}: {source}");
        cause = source.source();
    }
    said
}
