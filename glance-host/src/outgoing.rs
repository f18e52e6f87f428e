//! Calls to add-ons: signed, limited in time and size, their failures in words for people.

use std::time::{Duration, Instant};

use glance_sdk::auth::{SigningKey, now, random_alphanumeric};
use glance_sdk::model::{
    Authentication, Claims, Context, Extra, Glance, RoomId, WebPanel, Webhook,
};
use glance_sdk::validate;
use reqwest::header::{ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde_json::Value;

use crate::shared::Shared;
use crate::state::{Installed, Room, User};

/// How long a signed request holds, in seconds. One is made for each request.
const SIGNED_FOR: i64 = 3600;

/// How long an add-on may take to answer a glance's query.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// The query parameter of a token.
const SIGNED_REQUEST: &str = "signed_request";

/// Who did what an add-on did: no user has this id. Without a user's id some frameworks fail.
const NOBODY: &str = "0";

/// More than any glance's data has.
const MAX_DATA_BYTES: usize = 256 * 1024;

/// An answer of an add-on, read whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) allowed_origin: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What became of a query.
#[derive(Debug, Clone, Copy)]
pub(crate) enum QueryOutcome {
    /// It brought data.
    Ok,
    /// It was not answered, or not in time.
    NoAnswer,
    /// Its answer is not what a glance shows.
    BadAnswer,
}

impl QueryOutcome {
    pub(crate) const ALL: [Self; 3] = [Self::Ok, Self::NoAnswer, Self::BadAnswer];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoAnswer => "no_answer",
            Self::BadAnswer => "bad_answer",
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    Unreachable(String),
    TimedOut(Duration),
    TooLarge(usize),
}

impl std::fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "cannot be reached ({why})"),
            Self::TimedOut(limit) => write!(f, "gave no answer within {} seconds", limit.as_secs()),
            Self::TooLarge(limit) => write!(f, "answered more than {limit} bytes"),
        }
    }
}

pub(crate) fn client(redirects: Policy) -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .user_agent(concat!("glance-host/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(5))
        .redirect(redirects)
        .referer(false)
        .build()
        .map_err(|cause| format!("the HTTP client cannot be made: {cause}"))
}

/// One request, its answer read up to `max_bytes` within `limit`.
pub(crate) async fn send(
    shared: &Shared,
    request: RequestBuilder,
    limit: Duration,
    max_bytes: usize,
) -> Result<Answer, NoAnswer> {
    match &shared.stage {
        Some(stage) => stage.send(request, limit, max_bytes).await,
        None => exchange(request, limit, max_bytes).await,
    }
}

pub(crate) async fn exchange(
    request: RequestBuilder,
    limit: Duration,
    max_bytes: usize,
) -> Result<Answer, NoAnswer> {
    let failed = |cause: reqwest::Error| {
        if cause.is_timeout() {
            NoAnswer::TimedOut(limit)
        } else {
            NoAnswer::Unreachable(innermost(&cause.without_url()))
        }
    };
    let mut response = request.timeout(limit).send().await.map_err(failed)?;
    let allowed_origin = response
        .headers()
        .get(ACCESS_CONTROL_ALLOW_ORIGIN)
        .and_then(|value| value.to_str().ok())
        .map(ToOwned::to_owned);
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > max_bytes {
            return Err(NoAnswer::TooLarge(max_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer {
        status: response.status(),
        allowed_origin,
        body,
    })
}

/// The last cause says most: "Connection refused", not "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// Asks a glance's `queryUrl` for its data, as the browser of a chat client does: a simple request
/// with an `Origin`, its answer held to the CORS rules.
pub(crate) async fn query(
    shared: &Shared,
    installed: &Installed,
    glance: &Glance,
    room: &Room,
    user: &User,
) -> Result<Value, String> {
    let began = Instant::now();
    let answer = ask(shared, installed, glance, room, user).await;
    let is_answered = answer.is_ok();
    let data = answer.and_then(|answer| data(shared, &answer));
    let outcome = match (is_answered, &data) {
        (_, Ok(_)) => QueryOutcome::Ok,
        (true, Err(_)) => QueryOutcome::BadAnswer,
        (false, Err(_)) => QueryOutcome::NoAnswer,
    };
    shared.metrics.queried(outcome, began.elapsed());
    data
}

async fn ask(
    shared: &Shared,
    installed: &Installed,
    glance: &Glance,
    room: &Room,
    user: &User,
) -> Result<Answer, String> {
    let url = glance.query_url.as_deref().unwrap_or_default();
    let url = signed_url(shared, installed, url, room, user)?;
    let request = shared
        .http
        .request(Method::GET, url)
        .header(ORIGIN, &shared.base_url);
    send(shared, request, QUERY_TIMEOUT, MAX_DATA_BYTES)
        .await
        .map_err(|cause| format!("It {cause}."))
}

/// The data in an answer to a query.
fn data(shared: &Shared, answer: &Answer) -> Result<Value, String> {
    if answer.status.as_u16() >= 400 {
        return Err(format!("It answered {}.", answer.status));
    }
    match answer.allowed_origin.as_deref() {
        Some("*") => {}
        Some(origin) if origin == shared.base_url => {}
        Some(other) => {
            return Err(format!(
                "Its answer is for {other} only: Access-Control-Allow-Origin must be * or {}.",
                shared.base_url
            ));
        }
        None => return Err("Its answer has no Access-Control-Allow-Origin.".to_owned()),
    }
    let data: Value = serde_json::from_slice(&answer.body)
        .map_err(|cause| format!("Its answer is no JSON: {cause}."))?;
    if data.get("error").is_some() {
        return Err("Its answer is an error.".to_owned());
    }
    match validate::glance_data(&data).first() {
        None => Ok(data),
        Some(problem) => Err(format!("Its answer is no glance data: {problem}.")),
    }
}

/// The address of a query or page, with the token that says who asks and from where.
fn signed_url(
    shared: &Shared,
    installed: &Installed,
    url: &str,
    room: &Room,
    user: &User,
) -> Result<Url, String> {
    let mut url = web_url(url)?;
    let token =
        sign(shared, installed, room.id, Some(user)).map_err(|cause| format!("{cause}."))?;
    url.query_pairs_mut().append_pair(SIGNED_REQUEST, &token);
    Ok(url)
}

fn sign(
    shared: &Shared,
    installed: &Installed,
    room: RoomId,
    user: Option<&User>,
) -> glance_sdk::Result<String> {
    let issued_at = now();
    let mut claims = Claims::new(
        installed.oauth_id.clone(),
        issued_at,
        issued_at + SIGNED_FOR,
    );
    claims.sub = Some(user.map_or(NOBODY.to_owned(), |user| user.id.to_string()));
    claims.prn = claims.sub.clone();
    claims.jti = Some(random_alphanumeric(20)?);
    let mut context = Context::default();
    context.room_id = Some(room);
    context.user_tz = Some(user.map_or("UTC".to_owned(), |user| user.timezone.clone()));
    context.extra = Extra::from_iter([("group_id".to_owned(), shared.group.id.get().into())]);
    claims.context = Some(context);
    Ok(SigningKey::new(&installed.oauth_secret).sign(&claims))
}

/// The call of a webhook, without its body. A token stands in both places where add-ons look.
pub(crate) fn webhook(
    shared: &Shared,
    installed: &Installed,
    webhook: &Webhook,
    room: RoomId,
    sender: Option<&User>,
) -> Result<RequestBuilder, String> {
    let mut url = web_url(&webhook.url)?;
    let mut token = None;
    if webhook.authentication() == &Authentication::Jwt {
        let signed = sign(shared, installed, room, sender).map_err(|cause| format!("{cause}."))?;
        url.query_pairs_mut().append_pair(SIGNED_REQUEST, &signed);
        token = Some(signed);
    }
    let request = shared
        .posting
        .request(Method::POST, url)
        .header(CONTENT_TYPE, "application/json");
    Ok(match token {
        Some(token) => request.header(AUTHORIZATION, format!("JWT {token}")),
        None => request,
    })
}

/// The address of a panel, signed unless it asks not to be.
pub(crate) fn panel_url(
    shared: &Shared,
    installed: &Installed,
    panel: &WebPanel,
    room: &Room,
    user: &User,
) -> Result<Url, String> {
    if panel
        .extra
        .get("authentication")
        .is_some_and(|value| value == "none")
    {
        return web_url(&panel.url);
    }
    signed_url(shared, installed, &panel.url, room, user)
}

fn web_url(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|cause| format!("{url:?} is no address: {cause}."))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        _ => Err(format!("{url} is not http or https.")),
    }
}
