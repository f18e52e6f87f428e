//! What handlers of an add-on take as arguments.

mod webhook;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::auth::{Rejection, Token, now};
use crate::client::{Client, Installations, Pusher};
use crate::model::{Claims, OauthId, RoomId, UserId};
use crate::{Error, Result};

pub use webhook::WebhookRequest;

/// What handlers reach beside their own state; cloning is cheap.
#[derive(Debug, Clone)]
pub(crate) struct Services {
    pub(crate) installations: Installations,
    pub(crate) pusher: Pusher,
}

impl Services {
    #[allow(clippy::result_large_err)]
    fn of(parts: &Parts) -> Result<&Self, Response> {
        parts.extensions.get().ok_or_else(|| {
            tracing::error!("an extractor of glance-sdk is used outside an AddOn's router");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        })
    }
}

/// A request that a host signed: who asks, and from where.
///
/// The token comes as query parameter `signed_request` or as header `Authorization: JWT ...`.
/// A request without one, or with one that does not hold, is answered 401; the log says why.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SignedRequest {
    /// What the token says.
    pub claims: Arc<Claims>,
    installations: Installations,
}

impl SignedRequest {
    /// The installation that signed it.
    pub fn oauth_id(&self) -> &OauthId {
        &self.claims.iss
    }

    /// The room the person is in; `None` on a page of the whole group.
    pub fn room_id(&self) -> Option<RoomId> {
        self.claims.room_id()
    }

    /// The person.
    pub fn user_id(&self) -> Option<UserId> {
        self.claims.user_id()
    }

    /// A client that speaks for the installation.
    ///
    /// # Errors
    ///
    /// Those of [`Installations::client`].
    pub async fn client(&self) -> Result<Client> {
        self.installations.client(self.oauth_id()).await
    }
}

impl<S: Send + Sync> FromRequestParts<S> for SignedRequest {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        if let Some(verified) = parts.extensions.get::<Self>() {
            return Ok(verified.clone());
        }
        let installations = &Services::of(parts)?.installations;
        match verify(parts, installations).await {
            Ok(claims) => Ok(Self {
                claims: Arc::new(claims),
                installations: installations.clone(),
            }),
            Err(Refusal::Token(rejection)) => {
                tracing::warn!(path = parts.uri.path(), "refused a request: {rejection}");
                let challenge = [(header::WWW_AUTHENTICATE, "JWT")];
                Err((StatusCode::UNAUTHORIZED, challenge, "not a signed request").into_response())
            }
            Err(Refusal::Failed(error)) => Err(error.into_response()),
        }
    }
}

/// Why a request was not let through.
enum Refusal {
    Token(Rejection),
    Failed(Error),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Token(rejection)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

async fn verify(parts: &Parts, installations: &Installations) -> Result<Claims, Refusal> {
    let token = Token::parse(token(parts).ok_or(Rejection::Missing)?)?;
    let key = installations
        .signing_key(token.issuer())
        .await?
        .ok_or_else(|| Rejection::UnknownIssuer(token.issuer().clone()))?;
    Ok(token.verify(&key, now())?)
}

/// The token as it came. Base64url and dots need no percent-decoding.
fn token(parts: &Parts) -> Option<&str> {
    let in_query = || {
        parts
            .uri
            .query()?
            .split('&')
            .find_map(|pair| pair.strip_prefix("signed_request="))
    };
    let in_header = || {
        let (scheme, token) = parts
            .headers
            .get(header::AUTHORIZATION)?
            .to_str()
            .ok()?
            .split_once(' ')?;
        let token = token.trim();
        scheme
            .eq_ignore_ascii_case("JWT")
            .then(|| token.strip_prefix("token=").unwrap_or(token))
    };
    in_query().or_else(in_header)
}

/// A glance's query: a signed request that comes from a room.
#[derive(Debug, Clone)]
pub struct GlanceQuery {
    signed: SignedRequest,
    room_id: RoomId,
}

impl GlanceQuery {
    /// The room the glance is shown in.
    pub fn room_id(&self) -> RoomId {
        self.room_id
    }

    /// The person it is shown to.
    pub fn user_id(&self) -> Option<UserId> {
        self.signed.user_id()
    }

    /// The installation that asks.
    pub fn oauth_id(&self) -> &OauthId {
        self.signed.oauth_id()
    }

    /// All that the token says.
    pub fn signed_request(&self) -> &SignedRequest {
        &self.signed
    }
}

impl<S: Send + Sync> FromRequestParts<S> for GlanceQuery {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let signed =
            <SignedRequest as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        match signed.room_id() {
            Some(room_id) => Ok(Self { signed, room_id }),
            None => {
                Err((StatusCode::BAD_REQUEST, "the signed request names no room").into_response())
            }
        }
    }
}

/// All installations of the add-on, in any of its handlers.
impl<S: Send + Sync> FromRequestParts<S> for Installations {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Ok(Services::of(parts)?.installations.clone())
    }
}

/// The add-on's pusher, in any of its handlers.
impl<S: Send + Sync> FromRequestParts<S> for Pusher {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Ok(Services::of(parts)?.pusher.clone())
    }
}
