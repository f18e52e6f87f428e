//! Calls to add-ons: signed, and limited in time and size.

mod error;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use glance_sdk::auth::{SigningKey, random_alphanumeric, uninstall_claims};
use glance_sdk::egress::Redirects;
use glance_sdk::model::{
    Authentication, Claims, Context, Extra, Glance, OauthId, RoomId, Secret, UserId, Webhook,
};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use reqwest::{Method, Url};

use crate::content::query_answer;
use crate::model::clock::Clock;
use crate::model::host_info::HostInfo;
use crate::model::{Data, EventSender, Installed, Leaving, Room, User};
use crate::net::outbound::call_limiter::CallLimiter;
use crate::net::outbound::{Answer, Call, NoAnswer, Outbound};
use crate::service::metrics::{Metrics, QueryOutcome};

pub(crate) use error::{QueryError, RequestError, SendError};

/// The lifetime of a signed request in seconds. Each request gets its own token.
const SIGNED_FOR: i64 = 3600;

/// The timeout of a glance's query.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// The query parameter with the token.
const SIGNED_REQUEST: &str = "signed_request";

/// The user id in a token if an add-on caused the call. No user has this id; some frameworks fail without one.
const NOBODY: &str = "0";

/// The largest answer to a query, in bytes.
const MAX_DATA_BYTES: usize = 256 * 1024;

/// A query and its result. The URL contains the token: remove it before showing the URL.
#[derive(Debug)]
pub(crate) struct Queried {
    pub(crate) at: SystemTime,
    pub(crate) took: Duration,
    pub(crate) url: Option<Url>,
    pub(crate) answer: Option<Answer>,
    pub(crate) data: Result<Data, QueryError>,
}

/// The installation that signs a request, and its secret.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    pub(crate) oauth_id: &'a OauthId,
    pub(crate) secret: &'a Secret,
}

impl<'a> From<&'a Installed> for Signer<'a> {
    fn from(installed: &'a Installed) -> Self {
        Self {
            oauth_id: &installed.oauth_id,
            secret: &installed.oauth_secret,
        }
    }
}

/// Returns a person as the subject of a token: id and time zone.
fn subject(user: &User) -> (UserId, &str) {
    (user.id, &user.timezone)
}

/// Signs requests to add-ons and sends them.
#[derive(Debug, Clone)]
pub(crate) struct AddOnCalls {
    info: Arc<HostInfo>,
    outbound: Outbound,
    limiter: Arc<CallLimiter>,
    metrics: Arc<Metrics>,
    clock: Clock,
}

impl AddOnCalls {
    pub(crate) fn new(
        info: Arc<HostInfo>,
        outbound: Outbound,
        metrics: Arc<Metrics>,
        clock: Clock,
    ) -> Self {
        Self {
            info,
            outbound,
            limiter: Arc::default(),
            metrics,
            clock,
        }
    }

    /// Queries the data of a glance like the browser of a chat client: with a simple request that has an
    /// `Origin`. The answer must allow that origin (CORS).
    pub(crate) async fn query(
        &self,
        installed: &Installed,
        glance: &Glance,
        room: &Room,
        user: &User,
    ) -> Queried {
        let (at, began) = (self.clock.system_time(), self.clock.elapsed());
        let url = glance.query_url.as_deref().unwrap_or_default();
        let url = self.signed_url(installed, url, Some(room.id), user);
        let (url, sent) = match url {
            Ok(url) => {
                let sent = self.send_query(installed, url.clone()).await;
                (Some(url), sent.map_err(QueryError::Send))
            }
            Err(error) => (None, Err(QueryError::Request(error))),
        };
        let took = self.clock.elapsed().saturating_sub(began);
        let (answer, data) = match sent {
            Ok(answer) => {
                let data = self.data(&answer);
                (Some(answer), data)
            }
            Err(error) => (None, Err(error)),
        };
        let outcome = match (&answer, &data) {
            (_, Ok(_)) => QueryOutcome::Ok,
            (Some(_), Err(_)) => QueryOutcome::BadAnswer,
            (None, Err(_)) => QueryOutcome::NoAnswer,
        };
        self.metrics.queried(outcome, took);
        Queried {
            at,
            took,
            url,
            answer,
            data,
        }
    }

    async fn send_query(&self, installed: &Installed, url: Url) -> Result<Answer, SendError> {
        let request = self
            .outbound
            .request(Method::GET, url, Redirects::Checked)
            .header(ORIGIN, &self.info.base_url);
        self.send(
            &installed.oauth_id,
            request.send(QUERY_TIMEOUT, MAX_DATA_BYTES),
        )
        .await
    }

    /// Runs a call as soon as the limiter has a slot for it.
    async fn send(
        &self,
        oauth_id: &OauthId,
        call: impl Future<Output = Result<Answer, NoAnswer>>,
    ) -> Result<Answer, SendError> {
        let answer = self.limiter.run(oauth_id, call).await;
        answer
            .map_err(SendError::Busy)?
            .map_err(SendError::NoAnswer)
    }

    /// Reads the data in an answer to a query.
    fn data(&self, answer: &Answer) -> Result<Data, QueryError> {
        let allowed = answer.allowed_origin.as_deref();
        let data = query_answer::check_query_answer(
            &self.info.base_url,
            answer.status,
            allowed,
            &answer.body,
        );
        Data::new(data.map_err(QueryError::Answer)?).map_err(QueryError::Data)
    }

    /// Downloads an image of an add-on.
    pub(crate) async fn image(
        &self,
        oauth_id: &OauthId,
        url: Url,
        timeout: Duration,
        max_bytes: usize,
    ) -> Result<Answer, SendError> {
        let call = self
            .outbound
            .request(Method::GET, url, Redirects::Checked)
            .header(ACCEPT, "image/*");
        self.send(oauth_id, call.send(timeout, max_bytes)).await
    }

    /// Creates the call of a webhook, without its body. The token is in the URL and in `Authorization`, because
    /// frameworks read either.
    pub(crate) fn webhook(
        &self,
        signer: Signer<'_>,
        webhook: &Webhook,
        room: RoomId,
        sender: Option<&EventSender>,
    ) -> Result<Call, RequestError> {
        let mut url = web_url(&webhook.url)?;
        let mut token = None;
        if webhook.authentication() == &Authentication::Jwt {
            let subject = sender.map(|sender| (sender.id, &*sender.timezone));
            let signed = self.sign(signer, Some(room), subject)?;
            append(&mut url, SIGNED_REQUEST, &signed);
            // A request has one `Authorization` header: a name and password in the URL take precedence.
            token = (url.username().is_empty() && url.password().is_none()).then_some(signed);
        }
        let request = self
            .outbound
            .request(Method::POST, url, Redirects::None)
            .header(CONTENT_TYPE, "application/json");
        Ok(match token {
            Some(token) => request.header(AUTHORIZATION, format!("JWT {token}")),
            None => request,
        })
    }

    /// Creates the call that notifies an add-on of its removal. The secret of the removed installation signs it,
    /// because the id alone is no proof.
    pub(crate) fn removal(&self, leaving: &Leaving) -> Result<Call, RequestError> {
        let mut url = web_url(&leaving.callback_url)?;
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(leaving.oauth_id.as_str());
        }
        let claims = uninstall_claims(leaving.oauth_id.clone(), Clock::machine_time());
        let token = SigningKey::new(&leaving.oauth_secret).sign(&claims);
        let request = self.outbound.request(Method::DELETE, url, Redirects::None);
        Ok(request.header(AUTHORIZATION, format!("JWT {token}")))
    }

    /// Returns the URL of a panel, dialog or other page of an add-on, with a token unless its declaration turns
    /// authentication off. Without a room the page is for the whole group.
    pub(crate) fn page_url(
        &self,
        installed: &Installed,
        url: &str,
        authentication: &Authentication,
        room: Option<RoomId>,
        user: &User,
    ) -> Result<Url, RequestError> {
        let mut url = match authentication {
            Authentication::None => web_url(url)?,
            _ => self.signed_url(installed, url, room, user)?,
        };
        append(&mut url, "connect_client_api_version", "1");
        Ok(url)
    }

    /// Creates a token for an open page, like the one in its URL.
    pub(crate) fn page_token(
        &self,
        installed: &Installed,
        room: &Room,
        user: &User,
    ) -> Result<String, RequestError> {
        self.sign(installed.into(), Some(room.id), Some(subject(user)))
    }

    /// Adds a token that names the person and the room.
    fn signed_url(
        &self,
        installed: &Installed,
        url: &str,
        room: Option<RoomId>,
        user: &User,
    ) -> Result<Url, RequestError> {
        let mut url = web_url(url)?;
        let token = self.sign(installed.into(), room, Some(subject(user)))?;
        append(&mut url, SIGNED_REQUEST, &token);
        Ok(url)
    }

    fn sign(
        &self,
        signer: Signer<'_>,
        room: Option<RoomId>,
        subject: Option<(UserId, &str)>,
    ) -> Result<String, RequestError> {
        let issued_at = Clock::machine_time();
        let mut claims = Claims::new(signer.oauth_id.clone(), issued_at, issued_at + SIGNED_FOR);
        let token_id = random_alphanumeric(20).map_err(RequestError::Random)?;
        claims.jti = Some(token_id);
        claims.sub = Some(subject.map_or(NOBODY.to_owned(), |(id, _)| id.to_string()));
        claims.prn = claims.sub.clone();
        let mut context = Context::default();
        context.room_id = room;
        context.user_tz = Some(subject.map_or("UTC", |(_, timezone)| timezone).to_owned());
        let group_id = self.info.group.id.get();
        context.extra = Extra::from_iter([("group_id".to_owned(), group_id.into())]);
        claims.context = Some(context);
        Ok(SigningKey::new(signer.secret).sign(&claims))
    }
}

/// Says in one sentence whether a browser would let the host's page read this answer.
pub(crate) fn describe_cors(base_url: &str, answer: &Answer) -> String {
    query_answer::describe_cors(base_url, answer.allowed_origin.as_deref())
}

/// Adds a query parameter to a URL. Does not change the rest of the URL.
fn append(url: &mut Url, name: &str, value: &str) {
    url.query_pairs_mut().append_pair(name, value);
}

/// Parses a URL that an add-on declared, which must be http or https.
fn web_url(url: &str) -> Result<Url, RequestError> {
    let url = Url::parse(url).map_err(RequestError::Url)?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(RequestError::Scheme(scheme.to_owned())),
    }
}

#[cfg(test)]
mod tests;
