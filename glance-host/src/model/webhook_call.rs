//! Calls of webhooks, which wait in storage until they are made.

use std::sync::Arc;

use glance_sdk::model::{Event, OauthId, RoomId, Secret, UserId, Webhook};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The number of events that wait for the calls of one installation.
pub const MAX_QUEUED_EVENTS: u32 = 100;

/// The size in bytes of the events that wait for the calls of one installation, and of its webhooks for them.
pub const MAX_QUEUED_BYTES: u64 = 4 * 1024 * 1024;

/// An event in a room: the part of a payload that is the same for all its webhooks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// The event.
    pub event: Event,
    /// The room.
    pub room_id: RoomId,
    /// The time, in microseconds since 1970.
    pub at: i64,
    /// The text for patterns, if the event is an entry.
    pub text: Option<String>,
    /// The person who caused the event, if it was one.
    pub sender: Option<EventSender>,
    /// The item of the payload.
    pub item: Value,
}

/// The person who caused an event, as tokens describe people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSender {
    /// The person's id.
    pub id: UserId,
    /// The person's time zone at that time.
    pub timezone: String,
}

/// The call of a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookCall {
    /// The webhook's number.
    pub id: u64,
    /// The webhook at the time of the event.
    pub webhook: Webhook,
}

/// The calls that one installation gets for one event.
#[derive(Debug, Clone, PartialEq)]
pub struct NewCalls {
    /// The event. Calls of several installations may share it.
    pub event: Arc<WebhookEvent>,
    /// The installation.
    pub oauth_id: OauthId,
    /// Its secret, if the calls are made although it is removed: those of a deleted room. Other calls go with their
    /// installation.
    pub last_secret: Option<Secret>,
    /// The calls, in their order.
    pub calls: Vec<WebhookCall>,
}

/// Stored calls of one installation for one event.
#[derive(Debug, Clone, PartialEq)]
pub struct QueuedCalls {
    /// The number of these calls. Later calls have larger numbers.
    pub number: u64,
    /// The calls.
    pub calls: NewCalls,
    /// The index of the current call. The calls before it are over.
    pub position: u32,
    /// Whether the current call may have reached the add-on.
    pub is_sending: bool,
}

/// Calls that were not stored.
#[derive(Debug, Clone, PartialEq)]
pub struct DroppedCalls {
    /// The calls.
    pub calls: NewCalls,
    /// The reason.
    pub reason: DropReason,
}

/// The reason why calls were not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropReason {
    /// [`MAX_QUEUED_EVENTS`] or [`MAX_QUEUED_BYTES`] wait already.
    Full,
    /// The installation was removed.
    Removed,
}
