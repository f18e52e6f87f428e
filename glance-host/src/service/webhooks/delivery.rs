//! One event's way to one webhook: the call, its retries, and the answer's way into the room.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use glance_sdk::json;
use glance_sdk::model::{Event, OauthId, WebhookPayload};
use reqwest::StatusCode;
use serde_json::{Map, Value};

use super::room_event::Told;
use crate::content::notification;
use crate::model::clock::Clock;
use crate::model::{Content, Delivery, Entry, Installed, Outcome, RegisteredWebhook};
use crate::net::outbound::{Answer, NoAnswer};
use crate::service::rooms;
use crate::service::shared::Shared;

/// How long an add-on may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);

/// More than any notification has.
const MAX_ANSWER_BYTES: usize = 256 * 1024;

/// How long is waited before each further attempt, unless the add-on asks for more.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(4),
];

/// The longest pause that an add-on can ask for. Its other events wait meanwhile.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10);

/// An event that waited longer is no longer told: its answer would come too late for the room.
const MAX_AGE: Duration = Duration::from_secs(5 * 60);

/// The longest answer in plain text that is taken for a courtesy, in bytes.
const LONGEST_WORD: usize = 200;

/// How much of an answer is kept, in characters.
const KEPT_OF_ANSWER: usize = 2000;

/// A call that waits.
pub(super) struct Job {
    told: Arc<Told>,
    installed: Arc<Installed>,
    registered: RegisteredWebhook,
    at: SystemTime,
    /// By [`Clock::elapsed`].
    since: Duration,
}

impl Job {
    pub(super) fn new(
        clock: &Clock,
        told: Arc<Told>,
        installed: Arc<Installed>,
        registered: RegisteredWebhook,
    ) -> Self {
        Self {
            told,
            installed,
            registered,
            at: clock.system_time(),
            since: clock.elapsed(),
        }
    }

    /// Its pattern, and the text in which that must find something.
    pub(super) fn searched(&self) -> Option<(&str, &str)> {
        let pattern = self.registered.webhook.pattern.as_deref()?;
        Some((pattern, self.told.text.as_deref()?))
    }

    fn oauth_id(&self) -> &OauthId {
        &self.installed.oauth_id
    }

    pub(super) fn skipped(&self, why: String) -> Delivery {
        self.delivery(0, Duration::ZERO, Outcome::Skipped(why))
    }

    fn delivery(&self, attempts: u32, took: Duration, outcome: Outcome) -> Delivery {
        Delivery {
            webhook_id: self.registered.id,
            oauth_id: self.oauth_id().clone(),
            room_id: self.told.room.id,
            event: self.told.event.clone(),
            url: self.registered.webhook.url.clone(),
            body: self.body(),
            at: self.at,
            attempts,
            took,
            outcome,
        }
    }

    fn body(&self) -> Value {
        let (told, id) = (&self.told, self.registered.id);
        let item = told.item.clone();
        let payload = WebhookPayload::new(told.event.clone(), id, self.oauth_id().clone(), item);
        serde_json::to_value(payload).unwrap_or_default()
    }

    /// Calls until there is an answer to keep, and writes it into the room.
    #[expect(
        clippy::disallowed_methods,
        reason = "add-ons recover in real time, also in a test whose clock stands still"
    )]
    pub(super) async fn deliver(self, shared: &Arc<Shared>) -> Delivery {
        let began = shared.clock.elapsed();
        let took = || shared.clock.elapsed().saturating_sub(began);
        if began.saturating_sub(self.since) > MAX_AGE {
            return self.skipped("it waited for more than 5 minutes".to_owned());
        }
        let body = self.body().to_string();
        let mut pauses = PAUSES.iter();
        let mut attempts = 0;
        loop {
            if !self.is_installed(shared).await {
                return self.delivery(attempts, took(), removed());
            }
            attempts += 1;
            let call = self.call(shared, &body).await;
            let pause = pauses
                .next()
                .filter(|_| may_pass(&call) && !shared.shutdown.has_begun())
                .map(|pause| (*pause).max(asked_pause(&call)));
            let Some(pause) = pause else {
                let outcome = match call {
                    Ok(answer) => self.take(shared, answer).await,
                    Err(Unsent::NoAnswer(cause)) => Outcome::Failed(cause.to_string()),
                    Err(Unsent::Impossible(why)) => Outcome::Skipped(why),
                };
                return self.delivery(attempts, took(), outcome);
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = shared.shutdown.begun() => {
                    let failed = Outcome::Failed("was down when the host ended".to_owned());
                    return self.delivery(attempts, took(), failed);
                }
            }
        }
    }

    /// Each attempt is signed anew: an add-on may refuse a token it has seen.
    async fn call(&self, shared: &Shared, body: &str) -> Result<Answer, Unsent> {
        let request = shared.addon_calls.webhook(
            &self.installed,
            &self.registered.webhook,
            self.told.room.id,
            self.told.sender.as_ref(),
        );
        let request = request.map_err(Unsent::Impossible)?.body(body.to_owned());
        let answer = request.send(TIMEOUT, MAX_ANSWER_BYTES).await;
        answer.map_err(Unsent::NoAnswer)
    }

    /// Whether the add-on is still there. Of the end of a room its own add-ons are told too, and
    /// they are gone by then.
    async fn is_installed(&self, shared: &Shared) -> bool {
        if self.told.event == Event::RoomDeleted {
            return true;
        }
        let found = shared.state.installation(self.oauth_id()).await;
        !matches!(found, Ok(None))
    }

    async fn take(&self, shared: &Arc<Shared>, answer: Answer) -> Outcome {
        let status = answer.status.as_u16();
        let said = String::from_utf8_lossy(&answer.body);
        let taken = match answer.status.is_success() {
            true => self.write(shared, &answer.body).await,
            false => Err(format!("a webhook answered {}", answer.status)),
        };
        let (entry, problem) = match taken {
            Ok(entry) => (entry, None),
            Err(problem) => (None, Some(problem)),
        };
        Outcome::Answered {
            status,
            said: said.chars().take(KEPT_OF_ANSWER).collect(),
            entry,
            problem,
        }
    }

    /// Writes an answer into the room, as if the add-on had posted it there.
    async fn write(&self, shared: &Arc<Shared>, body: &[u8]) -> Result<Option<String>, String> {
        if says_nothing(body) || self.told.event == Event::RoomDeleted {
            return Ok(None);
        }
        let members: Map<String, Value> = json::from_slice(body)
            .map_err(|cause| format!("a webhook's answer is no JSON object: {cause}"))?;
        let notification = notification::read(members)
            .map_err(|problem| format!("a webhook's answer is no notification: {problem}"))?;
        if !self.is_installed(shared).await {
            return Err("the add-on of a webhook was removed before it answered".to_owned());
        }
        let room = shared.state.room(self.told.room.id).await;
        let Some(room) = room.map_err(|cause| cause.to_string())? else {
            return Err("the room of a webhook was deleted before it was answered".to_owned());
        };
        rooms::writable(&room).map_err(|why| why.to_string())?;
        let room = room.id;
        if shared.limits.message(self.oauth_id(), room).is_err() {
            return Err("the add-on of a webhook has written too much into the room".to_owned());
        }
        let content = Content::Notification(Box::new(notification));
        let entry = Entry::new(room, &self.installed, content);
        // Two add-ons that answer each other's notifications would never end.
        let posted = match self.told.event {
            Event::RoomNotification => shared.timeline.append(&entry, || {}).await,
            _ => super::post(shared, &entry).await,
        };
        posted
            .map(|_| Some(entry.id))
            .map_err(|cause| cause.to_string())
    }
}

enum Unsent {
    NoAnswer(NoAnswer),
    Impossible(String),
}

/// Whether another attempt is asked for, or does nothing twice: after a time-out, a 500 or a connection
/// that broke off it is not known what the add-on did already.
fn may_pass(call: &Result<Answer, Unsent>) -> bool {
    match call {
        Ok(answer) => matches!(
            answer.status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        ),
        Err(Unsent::NoAnswer(NoAnswer::Unreachable(_))) => true,
        Err(_) => false,
    }
}

/// How long the add-on asks the host to wait (`Retry-After`).
fn asked_pause(call: &Result<Answer, Unsent>) -> Duration {
    let asked = call.as_ref().ok().and_then(|answer| answer.retry_after);
    asked.unwrap_or_default().min(MAX_RETRY_AFTER)
}

/// Whether an answer is meant for no room: frameworks answer nothing, or a word such as `OK`.
fn says_nothing(answer: &[u8]) -> bool {
    // JSON may begin with a byte order mark, as everywhere.
    let answer = answer.strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer);
    let answer = answer.trim_ascii();
    let is_markup = answer.first().is_some_and(|first| b"{[<".contains(first));
    answer.is_empty()
        || (answer.len() <= LONGEST_WORD && !is_markup && str::from_utf8(answer).is_ok())
}

fn removed() -> Outcome {
    Outcome::Skipped("its add-on was removed".to_owned())
}
