//! Calls to add-ons: signed, limited in time and size, their failures in words for people.

use std::time::{Duration, SystemTime};

use glance_sdk::auth::{SigningKey, random_alphanumeric, uninstall_claims};
use glance_sdk::egress::Redirects;
use glance_sdk::model::{Authentication, Claims, Context, Extra, Glance, RoomId, Webhook};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, ORIGIN};
use reqwest::{Method, Url};

use crate::content::query_answer;
use crate::model::clock::Clock;
use crate::model::glance_data::Data;
use crate::model::{Group, Installed, Leaving, Room, User};
use crate::net::outbound::call_limiter::Busy;
use crate::net::outbound::{Answer, Call, Outbound};
use crate::service::shared::Shared;

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

/// A query and what came of it. Its address has the token in it, so whoever tells of it takes that
/// out.
pub(crate) struct Queried {
    pub(crate) at: SystemTime,
    pub(crate) took: Duration,
    pub(crate) url: Option<Url>,
    pub(crate) answer: Option<Answer>,
    pub(crate) data: Result<Data, String>,
}

/// Asks a glance's `queryUrl` for its data, as the browser of a chat client does: a simple request
/// with an `Origin`, its answer held to the CORS rules.
pub(crate) async fn query(
    shared: &Shared,
    installed: &Installed,
    glance: &Glance,
    room: &Room,
    user: &User,
) -> Queried {
    let (at, began) = (shared.clock.system_time(), shared.clock.elapsed());
    let url = glance.query_url.as_deref().unwrap_or_default();
    let url = signed_url(shared, installed, url, Some(room.id), user);
    let answer = match &url {
        Ok(url) => ask(shared, installed, url.clone()).await,
        Err(problem) => Err(problem.clone()),
    };
    let took = shared.clock.elapsed().saturating_sub(began);
    let data = match &answer {
        Ok(answer) => data(shared, answer),
        Err(problem) => Err(problem.clone()),
    };
    let outcome = match (&answer, &data) {
        (_, Ok(_)) => QueryOutcome::Ok,
        (Ok(_), Err(_)) => QueryOutcome::BadAnswer,
        (Err(_), Err(_)) => QueryOutcome::NoAnswer,
    };
    shared.metrics.queried(outcome, took);
    Queried {
        at,
        took,
        url: url.ok(),
        answer: answer.ok(),
        data,
    }
}

async fn ask(shared: &Shared, installed: &Installed, url: Url) -> Result<Answer, String> {
    let request = shared
        .outbound
        .request(Method::GET, url, Redirects::Checked)
        .header(ORIGIN, &shared.info.base_url);
    let sent = request.send(QUERY_TIMEOUT, MAX_DATA_BYTES);
    let limited = shared.call_limiter.run(&installed.oauth_id, sent).await;
    limited
        .map_err(|Busy(why)| format!("{why}."))?
        .map_err(|cause| format!("It {cause}."))
}

/// Whether a browser would let the host's page read this answer, in one sentence.
pub(crate) fn cors(base_url: &str, answer: &Answer) -> Result<String, String> {
    query_answer::cors(base_url, answer.allowed_origin.as_deref())
}

/// The data in an answer to a query.
fn data(shared: &Shared, answer: &Answer) -> Result<Data, String> {
    let allowed = answer.allowed_origin.as_deref();
    let data = query_answer::check_query_answer(
        &shared.info.base_url,
        answer.status,
        allowed,
        &answer.body,
    )?;
    Data::new(data).map_err(|cause| format!("Its answer is no glance data: {cause}."))
}

/// The address of a query or page, with the token that says who asks and from where.
fn signed_url(
    shared: &Shared,
    installed: &Installed,
    url: &str,
    room: Option<RoomId>,
    user: &User,
) -> Result<Url, String> {
    let mut url = web_url(url)?;
    let token = sign(&shared.info.group, installed, room, Some(user))
        .map_err(|cause| format!("{cause:#}."))?;
    append(&mut url, SIGNED_REQUEST, &token);
    Ok(url)
}

/// Adds a parameter to an address, whose other members stay as they are written.
fn append(url: &mut Url, name: &str, value: &str) {
    url.query_pairs_mut().append_pair(name, value);
}

fn sign(
    group: &Group,
    installed: &Installed,
    room: Option<RoomId>,
    user: Option<&User>,
) -> glance_sdk::Result<String> {
    let issued_at = Clock::machine_time();
    let mut claims = Claims::new(
        installed.oauth_id.clone(),
        issued_at,
        issued_at + SIGNED_FOR,
    );
    claims.sub = Some(user.map_or(NOBODY.to_owned(), |user| user.id.to_string()));
    claims.prn = claims.sub.clone();
    claims.jti = Some(random_alphanumeric(20)?);
    let mut context = Context::default();
    context.room_id = room;
    context.user_tz = Some(user.map_or("UTC".to_owned(), |user| user.timezone.clone()));
    context.extra = Extra::from_iter([("group_id".to_owned(), group.id.get().into())]);
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
) -> Result<Call, String> {
    let (outbound, group) = (&shared.outbound, &shared.info.group);
    webhook_call(outbound, group, installed, webhook, room, sender)
}

fn webhook_call(
    outbound: &Outbound,
    group: &Group,
    installed: &Installed,
    webhook: &Webhook,
    room: RoomId,
    sender: Option<&User>,
) -> Result<Call, String> {
    let mut url = web_url(&webhook.url)?;
    let mut token = None;
    if webhook.authentication() == &Authentication::Jwt {
        let signed =
            sign(group, installed, Some(room), sender).map_err(|cause| format!("{cause:#}."))?;
        append(&mut url, SIGNED_REQUEST, &signed);
        // A name and password in the address become the one `Authorization` that a request may have.
        token = (url.username().is_empty() && url.password().is_none()).then_some(signed);
    }
    let request = outbound
        .request(Method::POST, url, Redirects::None)
        .header(CONTENT_TYPE, "application/json");
    Ok(match token {
        Some(token) => request.header(AUTHORIZATION, format!("JWT {token}")),
        None => request,
    })
}

/// The call that tells an add-on of a removal, which the secret of what was removed signs: by its id
/// alone anybody could ask for it.
pub(crate) fn removal(shared: &Shared, leaving: &Leaving) -> Result<Call, String> {
    let mut url = web_url(&leaving.callback_url)?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(leaving.oauth_id.as_str());
    }
    let claims = uninstall_claims(leaving.oauth_id.clone(), Clock::machine_time());
    let token = SigningKey::new(&leaving.oauth_secret).sign(&claims);
    let request = shared
        .outbound
        .request(Method::DELETE, url, Redirects::None);
    Ok(request.header(AUTHORIZATION, format!("JWT {token}")))
}

/// The address of a panel, dialog or other page of an add-on, signed unless it asks not to be. Without
/// a room it is for the whole group.
pub(crate) fn page_url(
    shared: &Shared,
    installed: &Installed,
    url: &str,
    authentication: &Authentication,
    room: Option<RoomId>,
    user: &User,
) -> Result<Url, String> {
    let mut url = match authentication {
        Authentication::None => web_url(url)?,
        _ => signed_url(shared, installed, url, room, user)?,
    };
    append(&mut url, "connect_client_api_version", "1");
    Ok(url)
}

/// A token for a page that is open, of the kind that its address was signed with.
pub(crate) fn page_token(
    shared: &Shared,
    installed: &Installed,
    room: &Room,
    user: &User,
) -> glance_sdk::Result<String> {
    sign(&shared.info.group, installed, Some(room.id), Some(user))
}

fn web_url(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|cause| format!("Its address is none: {cause}."))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(format!(
            "Its address is {scheme}, it must be http or https."
        )),
    }
}

#[cfg(test)]
mod tests;
