//! Access tokens by client credentials: cached, renewed early, one request at a time.

use std::time::{Duration, Instant};

use reqwest::Url;
use tokio::sync::Mutex;

use super::http;
use crate::model::{Secret, TokenAnswer};
use crate::store::Installation;
use crate::{Error, ErrorKind, Result};

/// How long before its end a token is renewed, where it holds longer than twice this.
const EARLY: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(super) struct Cache {
    token: Mutex<Option<Token>>,
}

#[derive(Debug)]
pub(super) struct Token {
    secret: Secret,
    renew_at: Instant,
}

impl Cache {
    /// The token, asked for where there is none that still holds. The lock is kept meanwhile,
    /// so that many callers cause one request.
    pub(super) async fn get(
        &self,
        http: &reqwest::Client,
        installation: &Installation,
    ) -> Result<Secret> {
        let mut token = self.token.lock().await;
        if let Some(token) = token
            .as_ref()
            .filter(|token| Instant::now() < token.renew_at)
        {
            return Ok(token.secret.clone());
        }
        let new = Token::request(http, installation).await?;
        let secret = new.secret.clone();
        *token = Some(new);
        Ok(secret)
    }

    /// Drops this token, unless another took its place already.
    pub(super) async fn drop_if(&self, refused: &Secret) {
        let mut token = self.token.lock().await;
        if token
            .as_ref()
            .is_some_and(|token| token.secret.expose() == refused.expose())
        {
            *token = None;
        }
    }
}

impl From<Token> for Cache {
    fn from(token: Token) -> Self {
        Self {
            token: Mutex::new(Some(token)),
        }
    }
}

impl Token {
    /// Asks for a token with all scopes of the descriptor.
    pub(super) async fn request(
        http: &reqwest::Client,
        installation: &Installation,
    ) -> Result<Self> {
        let asked_at = Instant::now();
        let answer = request(http, installation).await?;
        // A host may promise more years than a clock can count, or nothing at all: then an hour
        // is the shortest life that was seen, and a 401 drops the token anyway.
        let seconds = answer.expires_in.unwrap_or(60 * 60);
        let holds = Duration::from_secs(seconds.min(365 * 24 * 60 * 60));
        Ok(Self {
            secret: answer.access_token,
            renew_at: asked_at + holds.saturating_sub(EARLY).max(holds / 2),
        })
    }
}

async fn request(http: &reqwest::Client, installation: &Installation) -> Result<TokenAnswer> {
    let token_url = &installation.endpoints.token_url;
    let url = Url::parse(token_url).map_err(|cause| {
        Error::new(
            ErrorKind::BadAnswer,
            format!("{token_url:?} is no address of a token endpoint"),
        )
        .because(cause)
    })?;
    let data = &installation.data;
    let request = http
        .post(url.clone())
        .basic_auth(data.oauth_id.as_str(), Some(data.oauth_secret.expose()))
        .form(&[("grant_type", "client_credentials")]);
    let answer = http::send(request, &url).await?;
    if answer.status.is_success() {
        answer.json()
    } else {
        Err(answer.refusal())
    }
}
