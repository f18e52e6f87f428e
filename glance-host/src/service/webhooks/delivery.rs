//! The delivery of one event to one webhook: the call, its retries, and the entry for the answer.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use glance_sdk::json;
use glance_sdk::model::{Event, OauthId, Secret, WebhookPayload};
use reqwest::StatusCode;
use serde_json::{Map, Value};

use super::Webhooks;
use crate::content::notification::{self, NotificationError};
use crate::model::{Content, Delivery, Entry, NewCalls, Outcome, WebhookCall, WebhookEvent};
use crate::net::outbound::{Answer, NoAnswer};
use crate::service::addon_calls::{RequestError, Signer};
use crate::service::post_check::{PostRefused, check_post};
use crate::service::timeline::AppendError;
use crate::storage::Effects;

/// The timeout of one attempt.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest answer, in bytes.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// The pauses before retries, unless the add-on asks for a longer one.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(4),
];

/// The longest pause that an add-on can request. Its other events wait during the pause.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10);

/// The age at which the calls of an event are dropped, because its answer would be too late for the room.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// The longest plain text, in bytes, that counts as an acknowledgement such as `OK`.
const MAX_ACKNOWLEDGEMENT: usize = 200;

/// The number of characters of an answer that its record contains.
const MAX_RECORDED_ANSWER: usize = 2000;

/// A stored call.
pub(super) struct Job {
    /// The number of the calls that it is one of.
    number: u64,
    /// Its index among them.
    pub(super) position: u32,
    event: Arc<WebhookEvent>,
    oauth_id: OauthId,
    last_secret: Option<Secret>,
    call: WebhookCall,
}

impl Job {
    /// Returns the call at this position.
    pub(super) fn new(number: u64, position: u32, calls: &NewCalls) -> Option<Self> {
        Some(Self {
            number,
            position,
            event: Arc::clone(&calls.event),
            oauth_id: calls.oauth_id.clone(),
            last_secret: calls.last_secret.clone(),
            call: calls.calls.get(usize::try_from(position).ok()?)?.clone(),
        })
    }

    /// Returns the pattern and the text that it must match.
    pub(super) fn pattern_and_text(&self) -> Option<(&str, &str)> {
        let pattern = self.call.webhook.pattern.as_deref()?;
        Some((pattern, self.event.text.as_deref()?))
    }

    pub(super) fn skipped(&self, why: String) -> Delivery {
        self.delivery(0, Duration::ZERO, Outcome::Skipped(why))
    }

    /// Returns the record of a call that an earlier run of the host was sending when it ended.
    pub(super) fn interrupted(&self) -> Delivery {
        let why = "the host ended during the call, which may have arrived".to_owned();
        self.delivery(1, Duration::ZERO, Outcome::Failed(why))
    }

    fn delivery(&self, attempts: u32, took: Duration, outcome: Outcome) -> Delivery {
        let since_epoch = u64::try_from(self.event.at).unwrap_or_default();
        Delivery {
            webhook_id: self.call.id,
            oauth_id: self.oauth_id.clone(),
            room_id: self.event.room_id,
            event: self.event.event.clone(),
            url: self.call.webhook.url.clone(),
            body: self.body(),
            at: UNIX_EPOCH + Duration::from_micros(since_epoch),
            attempts,
            took,
            outcome,
        }
    }

    fn body(&self) -> Value {
        let (event, item) = (self.event.event.clone(), self.event.item.clone());
        let payload = WebhookPayload::new(event, self.call.id, self.oauth_id.clone(), item);
        serde_json::to_value(payload).unwrap_or_default()
    }

    /// Calls the webhook, with retries, and posts the answer. Returns `None` if the host shuts down; the call stays in
    /// storage then.
    #[expect(
        clippy::disallowed_methods,
        reason = "add-ons recover in real time, also in a test whose clock stands still"
    )]
    pub(super) async fn deliver(self, webhooks: &Webhooks) -> Option<Delivery> {
        let age = webhooks.now().saturating_sub(self.event.at);
        if u128::try_from(age).is_ok_and(|age| age > MAX_AGE.as_micros()) {
            let why = "it waited for more than 5 minutes".to_owned();
            return Some(self.skipped(why));
        }
        let began = webhooks.clock.elapsed();
        let took = || webhooks.clock.elapsed().saturating_sub(began);
        let body = self.body().to_string();
        let mut pauses = PAUSES.iter();
        let mut attempts = 0;
        loop {
            let Some(secret) = self.secret(webhooks).await? else {
                return Some(self.delivery(attempts, took(), removed()));
            };
            // Stored before the request is sent: after a crash nobody knows whether it arrived.
            let mark = || webhooks.storage.mark_sending(self.number, self.position);
            if !webhooks.until_stored(mark).await? {
                return Some(self.delivery(attempts, took(), removed()));
            }
            attempts += 1;
            let call = self.call(webhooks, &secret, &body).await;
            let pause = pauses
                .next()
                .filter(|_| may_retry(&call))
                .map(|pause| (*pause).max(requested_pause(&call)));
            let Some(pause) = pause else {
                let outcome = match call {
                    Ok(answer) => self.outcome(webhooks, answer).await,
                    Err(CallFailure::NoAnswer(cause)) => Outcome::Failed(cause.to_string()),
                    Err(CallFailure::Invalid(error)) => Outcome::Skipped(error.to_string()),
                };
                return Some(self.delivery(attempts, took(), outcome));
            };
            let mark = || webhooks.storage.mark_waiting(self.number, self.position);
            webhooks.until_stored(mark).await?;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = webhooks.shutdown.begun() => return None,
            }
        }
    }

    /// Sends one attempt. Each attempt has a new token, because an add-on may refuse one that it has seen.
    async fn call(
        &self,
        webhooks: &Webhooks,
        secret: &Secret,
        body: &str,
    ) -> Result<Answer, CallFailure> {
        let signer = Signer {
            oauth_id: &self.oauth_id,
            secret,
        };
        let request = webhooks.addon_calls.webhook(
            signer,
            &self.call.webhook,
            self.event.room_id,
            self.event.sender.as_ref(),
        );
        let request = request.map_err(CallFailure::Invalid)?.body(body.to_owned());
        let answer = request.send(TIMEOUT, MAX_ANSWER_BYTES).await;
        answer.map_err(CallFailure::NoAnswer)
    }

    /// Returns the secret that signs the call, `Some(None)` if the installation was removed, and `None` if the host
    /// shuts down.
    async fn secret(&self, webhooks: &Webhooks) -> Option<Option<Secret>> {
        let read = || webhooks.storage.installation(&self.oauth_id);
        let installed = webhooks.until_stored(read).await?;
        let secret = installed.map(|installed| installed.oauth_secret.clone());
        Some(secret.or_else(|| self.last_secret.clone()))
    }

    /// Posts the answer if it is a success.
    async fn outcome(&self, webhooks: &Webhooks, answer: Answer) -> Outcome {
        let status = answer.status.as_u16();
        let text = String::from_utf8_lossy(&answer.body);
        let posted = match answer.status.is_success() {
            true => self.post_answer(webhooks, &answer.body).await,
            false => Err(AnswerError::Status(answer.status)),
        };
        let (entry, problem) = match posted {
            Ok(entry) => (entry, None),
            Err(error) => (None, Some(error.to_string())),
        };
        Outcome::Answered {
            status,
            text: text.chars().take(MAX_RECORDED_ANSWER).collect(),
            entry,
            problem,
        }
    }

    /// Posts an answer to the room, as if the add-on had sent it by the REST API. Returns the entry's id.
    async fn post_answer(
        &self,
        webhooks: &Webhooks,
        body: &[u8],
    ) -> Result<Option<String>, AnswerError> {
        if is_acknowledgement(body) || self.event.event == Event::RoomDeleted {
            return Ok(None);
        }
        let members: Map<String, Value> = json::from_slice(body).map_err(AnswerError::Json)?;
        let notification = notification::read(members).map_err(AnswerError::Notification)?;
        let installed = webhooks.storage.installation(&self.oauth_id).await;
        let installed = installed.map_err(AppendError::Storage)?;
        let installed = installed.ok_or(AnswerError::AddOnRemoved)?;
        let room = webhooks.storage.room(self.event.room_id).await;
        let room = room.map_err(AppendError::Storage)?;
        let room = room.ok_or(AnswerError::RoomDeleted)?;
        check_post(&webhooks.limits, &room, &self.oauth_id).map_err(AnswerError::Refused)?;
        let content = Content::Notification(Box::new(notification));
        let entry = Entry::new(room.id, &installed, content);
        // Two add-ons that answer each other's notifications would never end.
        match self.event.event {
            Event::RoomNotification => {
                webhooks
                    .timeline
                    .append(&entry, Some(&installed), Effects::none())
                    .await?
            }
            _ => webhooks.post(&entry, Some(&installed)).await?,
        };
        Ok(Some(entry.id))
    }
}

/// The reason why an answer was not posted.
#[derive(Debug)]
enum AnswerError {
    Status(StatusCode),
    Json(json::Error),
    Notification(NotificationError),
    AddOnRemoved,
    RoomDeleted,
    Refused(PostRefused),
    Append(AppendError),
}

impl From<AppendError> for AnswerError {
    fn from(error: AppendError) -> Self {
        Self::Append(error)
    }
}

impl fmt::Display for AnswerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "a webhook answered {status}"),
            Self::Json(error) => write!(f, "a webhook's answer is no JSON object: {error}"),
            Self::Notification(error) => {
                write!(f, "a webhook's answer is no notification: {error}")
            }
            Self::AddOnRemoved => {
                f.write_str("the add-on of a webhook was removed before it answered")
            }
            Self::RoomDeleted => {
                f.write_str("the room of a webhook was deleted before it was answered")
            }
            Self::Refused(PostRefused::TooMany(_)) => {
                f.write_str("the add-on of a webhook has written too much into the room")
            }
            Self::Refused(refused) => refused.fmt(f),
            Self::Append(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AnswerError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Notification(error) => Some(error),
            Self::Append(error) => error.source(),
            _ => None,
        }
    }
}

/// Why an attempt got no answer.
enum CallFailure {
    NoAnswer(NoAnswer),
    /// The call cannot be made: for example, its URL is invalid.
    Invalid(RequestError),
}

/// Returns whether a retry is requested, or the add-on certainly did not act on the call. After a timeout, a 500 or a
/// broken connection the host does not know whether it did.
fn may_retry(call: &Result<Answer, CallFailure>) -> bool {
    match call {
        Ok(answer) => matches!(
            answer.status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
        Err(CallFailure::NoAnswer(NoAnswer::Unreachable(_))) => true,
        Err(_) => false,
    }
}

/// Returns the pause that the add-on requests (`Retry-After`).
fn requested_pause(call: &Result<Answer, CallFailure>) -> Duration {
    let requested = call.as_ref().ok().and_then(|answer| answer.retry_after);
    requested.unwrap_or_default().min(MAX_RETRY_AFTER)
}

/// Returns whether an answer is not for the room: frameworks send nothing, or a word such as `OK`.
fn is_acknowledgement(answer: &[u8]) -> bool {
    // JSON may begin with a byte order mark, see `glance_sdk::json`.
    let answer = answer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer);
    let answer = answer.trim_ascii();
    let is_markup = answer.first().is_some_and(|first| b"{[<".contains(first));
    answer.is_empty()
        || (answer.len() <= MAX_ACKNOWLEDGEMENT && !is_markup && str::from_utf8(answer).is_ok())
}

fn removed() -> Outcome {
    Outcome::Skipped("its add-on was removed".to_owned())
}
