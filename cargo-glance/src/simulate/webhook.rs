//! Calls a webhook.

use std::path::PathBuf;
use std::time::Duration;

use glance_host::calls::{Exchange as Recorded, Purpose};
use glance_host::webhooks::RoomEvent;
use glance_sdk::egress::reqwest::Method;
use glance_sdk::egress::reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use glance_sdk::model::{Authentication, Event};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::Common;
use super::caller::{Caller, Own};
use super::exchange::{Exchange, Outcome};
use crate::error::CommandError;
use crate::fetch;

/// The timeout of the host's call to a webhook.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Call the add-on's webhook for an event.
///
/// A temporary host causes the event: a message, a person who enters or leaves, a new topic. For
/// other events, and with --store, --body names a file with the payload of the host.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo glance simulate webhook http://127.0.0.1:8080/ room_message --message '/standup list'
  cargo glance simulate webhook http://127.0.0.1:8080/ room_enter --body enter.json --store standup.sqlite")]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) common: Common,
    /// The event, such as room_message.
    event: String,
    /// The text of the message, or the new topic.
    #[arg(long, value_name = "TEXT", default_value = "Hello")]
    message: String,
    /// The file with the payload.
    #[arg(long, value_name = "FILE")]
    body: Option<PathBuf>,
}

/// Reads the payload, if a file is given.
pub(super) fn read(arguments: &Arguments) -> Result<Option<Value>, CommandError> {
    let Some(file) = &arguments.body else {
        return match &arguments.common.store {
            None => Ok(None),
            Some(_) => Err(CommandError::new(
                "no-body",
                "with --store the payload is not known",
                "give a file with --body; the documentation of the event has an example",
            )),
        };
    };
    let help = "use a file with the JSON that a host posts";
    let wrong = |cause: String| {
        CommandError::new(
            "no-file",
            format!("cannot read {}: {cause}", file.display()),
            help,
        )
    };
    let bytes = std::fs::read(file).map_err(|cause| wrong(cause.to_string()))?;
    let body = glance_sdk::json::from_slice(&bytes).map_err(|cause| wrong(cause.to_string()))?;
    Ok(Some(body))
}

pub(super) async fn run(
    caller: &Caller,
    arguments: &Arguments,
    body: Option<Value>,
) -> Result<Outcome, CommandError> {
    let event: Event = serde_json::from_value(arguments.event.clone().into()).map_err(|_| {
        let what = format!("{:?} is not an event", arguments.event);
        CommandError::new(
            "no-event",
            what,
            "use one such as room_message or room_enter",
        )
    })?;
    let webhooks = caller.descriptor.capabilities.webhooks();
    let listening: Vec<_> = webhooks
        .iter()
        .filter(|webhook| webhook.event == event)
        .collect();
    if listening.is_empty() {
        let events: Vec<_> = webhooks
            .iter()
            .map(|webhook| webhook.event.as_str())
            .collect();
        return Err(CommandError::new(
            "no-webhook",
            format!(
                "no webhook of the descriptor listens for {}",
                arguments.event
            ),
            format!("it listens for these: {}", events.join(", ")),
        ));
    }
    match (body, caller.own_host()) {
        (None, Some(own)) => cause_event(caller, own, arguments).await,
        (body, _) => {
            let mut body = body.unwrap_or_default();
            body["oauth_client_id"] = json!(caller.oauth_id);
            let mut outcome = Outcome {
                exchanges: Vec::new(),
                verdicts: Vec::new(),
                secrets: Vec::new(),
            };
            for webhook in listening {
                let token = caller.sign()?;
                let is_signed = *webhook.authentication() == Authentication::Jwt;
                let url = match is_signed {
                    true => caller.signed_url(&webhook.url, &token)?,
                    false => fetch::parse(&webhook.url)?,
                };
                let mut request = caller
                    .client
                    .request(Method::POST, url)
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.to_string());
                if is_signed {
                    request = request.header(AUTHORIZATION, format!("JWT {token}"));
                }
                let request = request.build();
                let request =
                    request.map_err(|cause| fetch::no_client(cause.without_url().to_string()))?;
                let exchange = Exchange::send(&caller.client, request).await?;
                outcome.verdicts.push(verdict(exchange.status().as_u16()));
                outcome.exchanges.push(exchange);
                outcome.secrets.extend(caller.secrets(&token));
            }
            Ok(outcome)
        }
    }
}

/// Causes the event on a temporary host.
async fn cause_event(
    caller: &Caller,
    own: &Own,
    arguments: &Arguments,
) -> Result<Outcome, CommandError> {
    let mut calls = own.log.follow();
    let failed = |what: String| CommandError::new("no-host", what, "start the command again");
    let by = own.host.state().get_or_create_user("Simulated").await;
    let by = by.map_err(|error| failed(format!("{error:#}")))?;
    let room_event = match arguments.event.as_str() {
        "room_message" => {
            let said = own.host.say(&own.room, &by, &arguments.message).await;
            said.map_err(|error| failed(format!("{error:#}")))?;
            None
        }
        "room_topic_change" => Some(RoomEvent::TopicChanged {
            topic: arguments.message.clone(),
            by,
        }),
        "room_enter" => Some(RoomEvent::Entered(by)),
        "room_exit" => Some(RoomEvent::Left(by)),
        "room_created" => Some(RoomEvent::Created(by)),
        "room_archived" => Some(RoomEvent::Archived(by)),
        "room_unarchived" => Some(RoomEvent::Unarchived(by)),
        "room_deleted" => Some(RoomEvent::Deleted(by)),
        other => {
            return Err(CommandError::new(
                "no-body",
                format!("a temporary host cannot cause {other}"),
                "give a file with the payload with --body",
            ));
        }
    };
    if let Some(room_event) = room_event {
        own.host.emit(&own.room, room_event).await;
    }
    let is_it = |call: &Recorded| {
        call.purpose == Purpose::Webhook && call.body["event"] == *arguments.event
    };
    let waiting = async {
        loop {
            let call = calls.next().await;
            if is_it(&call) {
                return call;
            }
        }
    };
    let Ok(call) = timeout(TIMEOUT, waiting).await else {
        return Err(CommandError::new(
            "not-called",
            format!(
                "the host did not call the webhook for {:?}",
                arguments.message
            ),
            "compare the webhook's pattern with --message",
        ));
    };
    let status = call.status.unwrap_or_default();
    Ok(Outcome {
        exchanges: vec![Exchange::recorded(&call)],
        verdicts: vec![verdict(status)],
        secrets: caller.secrets(""),
    })
}

fn verdict(status: u16) -> (bool, String) {
    match status {
        0 => (false, "The add-on did not respond.".to_owned()),
        200..300 => (true, "The add-on accepted the call.".to_owned()),
        other => (false, format!("The add-on refused the call with {other}.")),
    }
}
