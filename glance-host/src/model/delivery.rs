//! The delivery of an event to a webhook.

use std::time::{Duration, SystemTime};

use glance_sdk::model::{Event, OauthId, RoomId};
use serde_json::Value;

/// The delivery of one event to one webhook.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Delivery {
    /// The webhook's number.
    pub webhook_id: u64,
    /// The installation that registered it.
    pub oauth_id: OauthId,
    /// The room of the event.
    pub room_id: RoomId,
    /// The event.
    pub event: Event,
    /// The URL of the webhook, without the token.
    pub url: String,
    /// The payload.
    pub body: Value,
    /// The time of the event.
    pub at: SystemTime,
    /// The number of attempts.
    pub attempts: u32,
    /// The duration of all attempts and the pauses between them.
    pub took: Duration,
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcome of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The add-on answered.
    Answered {
        /// The status.
        status: u16,
        /// The beginning of its answer.
        text: String,
        /// The id of the entry that the host posted for the answer.
        entry: Option<String>,
        /// The reason why the host posted none although the answer has a body.
        problem: Option<String>,
    },
    /// The add-on did not answer, for this reason.
    Failed(String),
    /// The host did not call the add-on, for this reason.
    Skipped(String),
}
