//! A discovered provider: its endpoints, its keys, and the requests to it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use glance_sdk::egress::{EgressPolicy, Proxies};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
    CoreProviderMetadata, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AuthorizationCode, ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenFields, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, SignatureVerificationError,
    StandardErrorResponse, StandardTokenResponse, TokenResponse as _,
};
use parking_lot::RwLock;
use reqwest::Url;

use super::fetch::{fetch_metadata, fetching, in_full};
use super::person::{OtherClaims, PersonClaims};
use super::{FLOW_SECONDS, Flow, OpenId};
use crate::model::Identity;
use crate::model::clock::Clock;
use crate::net::outbound::{HttpTransport, Outbound};
use crate::service::sign_in::IdentityError;
use crate::service::sign_in::error::{DiscoveryError, DiscoveryProblem};

/// The pause before discovery is retried at the start.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

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

/// A discovered provider with its keys.
#[derive(Debug)]
pub(crate) struct Provider {
    settings: OpenId,
    issuer: IssuerUrl,
    /// The page of the host to which the provider sends people back.
    callback: RedirectUrl,
    clock: Clock,
    http: Outbound,
    metadata: RwLock<CoreProviderMetadata>,
}

impl Provider {
    /// Discovers the provider's endpoints and keys, with retries for some seconds.
    #[expect(
        clippy::disallowed_methods,
        reason = "providers recover in real time, also in a test whose clock stands still"
    )]
    pub(crate) async fn discover(
        settings: &OpenId,
        proxies: &Proxies,
        base_url: &str,
        clock: Clock,
    ) -> Result<Self, DiscoveryError> {
        let issuer = &settings.issuer;
        let cannot = |problem| DiscoveryError {
            issuer: issuer.clone(),
            problem,
        };
        let parsed = Url::parse(issuer).map_err(|_| cannot(DiscoveryProblem::NoUrl))?;
        let is_here = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if parsed.scheme() != "https" && !is_here {
            return Err(cannot(DiscoveryProblem::NoHttps));
        }
        // The operator named the provider, so it may be in any network.
        let transport = HttpTransport::new(&EgressPolicy::any_network(), proxies)
            .map_err(|cause| cannot(DiscoveryProblem::Client(cause.into())))?;
        let http = Outbound::new(Arc::new(transport));
        let url = IssuerUrl::new(issuer.clone()).map_err(|_| cannot(DiscoveryProblem::NoUrl))?;
        let callback = RedirectUrl::new(format!("{base_url}/sign-in/callback"))
            .map_err(|cause| cannot(DiscoveryProblem::Client(cause.into())))?;
        let mut pauses = PAUSES.iter();
        let metadata = loop {
            let (why, may_pass) = match fetch_metadata(&http, &url).await {
                Ok(metadata) => break metadata,
                Err(failed) => failed,
            };
            let Some(pause) = pauses.next().filter(|_| may_pass) else {
                return Err(cannot(DiscoveryProblem::NoMetadata(why)));
            };
            tracing::warn!(
                issuer,
                error = why,
                "reading the provider's metadata failed; retrying"
            );
            tokio::time::sleep(*pause).await;
        };
        Ok(Self {
            settings: settings.clone(),
            issuer: url,
            callback,
            clock,
            http,
            metadata: RwLock::new(metadata),
        })
    }

    /// Returns the name of the provider for people.
    pub(crate) fn name(&self) -> &str {
        self.issuer.url().host_str().unwrap_or_default()
    }

    pub(crate) fn has_rule(&self) -> bool {
        self.settings.admins.is_some()
    }

    fn client(&self) -> ProviderClient {
        let metadata = self.metadata.read();
        let id = ClientId::new(self.settings.client_id.clone());
        let secret = ClientSecret::new(self.settings.client_secret.expose().to_owned());
        let client = Client::from_provider_metadata(metadata.clone(), id, Some(secret));
        client.set_redirect_uri(self.callback.clone())
    }

    /// Returns the URL at the provider, and the state to check when the person returns.
    pub(crate) fn begin(&self, to: &str) -> (Url, Flow) {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client();
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
            expires_at: self.clock.now().saturating_add(FLOW_SECONDS),
        };
        (url, flow)
    }

    /// Exchanges the code for the person's identity.
    pub(crate) async fn finish(&self, flow: Flow, code: String) -> Result<Identity, IdentityError> {
        let claims = self.claims(flow, code).await.map_err(|cause| {
            tracing::warn!(issuer = *self.issuer, error = cause, "sign-in failed");
            IdentityError::NotConfirmed(self.name().to_owned())
        })?;
        self.settings.identity(&self.issuer, &claims)
    }

    fn claims(&self, flow: Flow, code: String) -> BoxFuture<'_, Result<PersonClaims, String>> {
        Box::pin(async move {
            let client = self.client();
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
            // Providers rotate their keys.
            if let Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) = claims
            {
                let found = fetch_metadata(&self.http, &self.issuer).await;
                let found = found.map_err(|(why, _)| why)?;
                *self.metadata.write() = found;
                claims = verified(&self.client());
            }
            claims.map_err(|cause| in_full(&cause))
        })
    }

    /// Returns the provider's signature algorithms that use its own key: no shared-secret algorithms, and not `none`.
    fn algorithms(&self) -> Vec<CoreJwsSigningAlgorithm> {
        let metadata = self.metadata.read();
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
}
