//! The body of a webhook from anywhere: what is read and written is read again.

#![no_main]

use glance_sdk::model::webhook::{WebhookItem, WebhookPayload};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|text: &[u8]| {
    let Ok(document) = serde_json::from_slice::<Value>(text) else {
        return;
    };
    let Ok(payload) = serde_json::from_value::<WebhookPayload>(document) else {
        return;
    };
    let written = serde_json::to_value(&payload).unwrap();
    let again: WebhookPayload = serde_json::from_value(written).unwrap();
    assert_eq!(again, payload);
    let typed: WebhookPayload<WebhookItem> = payload.typed();
    let written = serde_json::to_value(&typed).unwrap();
    let again: WebhookPayload = serde_json::from_value(written).unwrap();
    assert_eq!(again.typed(), typed);
});
