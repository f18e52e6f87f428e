//! Reading JSON as a browser does, beside `serde_json` alone: an ordinary webhook and a large descriptor,
//! and the same with a duplicate key, which takes the second way through the text.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark that cannot be set up says so and ends"
)]

use divan::Bencher;
use divan::counter::BytesCount;
use glance_sdk::json;
use serde_json::Value;

const TEXTS: [&str; 2] = ["webhook", "descriptor"];

fn main() {
    divan::main();
}

fn text(name: &str) -> String {
    match name {
        "webhook" => serde_json::json!({
            "event": "room_message", "oauth_client_id": "0f1e2d3c", "webhook_id": 12,
            "item": {
                "room": { "id": 7, "name": "ops", "links": { "self": "https://chat.example/v2/room/7" } },
                "message": {
                    "id": "c3e2", "type": "message", "date": "2018-03-01T12:00:00.000000+00:00",
                    "message": "/build main \u{2014} please", "mentions": [],
                    "from": { "id": 3, "mention_name": "ann", "name": "Ann", "links": { "self": "u" } }
                }
            }
        })
        .to_string(),
        _ => {
            let glance = serde_json::json!({
                "key": "g", "name": { "value": "Glance" }, "queryUrl": "https://a.example/query",
                "icon": { "url": "https://a.example/i.png", "url@2x": "https://a.example/i2.png" },
                "conditions": [{ "condition": "glance_matches", "params": { "metadata": [
                    { "attr": "isConfigured", "eq": true }, { "attr": "open", "gt": 0 }
                ] } }]
            });
            serde_json::json!({ "key": "k", "capabilities": { "glance": vec![glance; 200] } }).to_string()
        }
    }
}

fn read(bencher: Bencher, text: &str, read: fn(&[u8]) -> Value) {
    let text = text.as_bytes();
    bencher
        .counter(BytesCount::of_slice(text))
        .bench(|| read(divan::black_box(text)));
}

#[divan::bench(args = TEXTS)]
fn serde_json_alone(bencher: Bencher, name: &str) {
    read(bencher, &text(name), |text| {
        serde_json::from_slice(text).unwrap()
    });
}

#[divan::bench(args = TEXTS)]
fn as_a_browser(bencher: Bencher, name: &str) {
    read(bencher, &text(name), |text| json::from_slice(text).unwrap());
}

#[divan::bench(args = TEXTS)]
fn as_a_browser_repaired(bencher: Bencher, name: &str) {
    let text = text(name).replacen('{', r#"{"more": "\ud83d", "#, 1);
    read(bencher, &text, |text| json::from_slice(text).unwrap());
}
