//! Tests webhooks with all kinds of responses, with the SDK renamed and no other names in scope.

#![no_implicit_prelude]

extern crate glance_sdk as renamed;
extern crate self as glance_sdk;

use ::renamed::axum::extract::State;
use ::renamed::axum::http::StatusCode;
use ::renamed::extract::WebhookRequest;
use ::renamed::client::Installations;
use ::renamed::model::Notification;
use ::renamed::model::webhook::{RoomEnter, RoomMessage, RoomNotification};
use ::renamed::webhook::Webhook;
use ::std::{assert, assert_eq};

struct String;
struct Option;
trait From {}

#[::renamed::webhook(crate = ::renamed, event = RoomEnter)]
async fn entered(_request: WebhookRequest<RoomEnter>) {}

/// Answers.
#[::renamed::webhook(crate = ::renamed, event = RoomMessage, pattern = "^/build", key = "build", name = "Build")]
async fn answer(
    said: WebhookRequest<RoomMessage>,
    State(prefix): State<&'static str>,
    _all: Installations,
) -> ::std::result::Result<::std::option::Option<Notification>, StatusCode> {
    let text = said.item().message.message.strip_prefix(prefix);
    ::std::result::Result::Ok(text.map(Notification::text))
}

#[::renamed::webhook(crate = ::renamed, event = RoomNotification, pattern = "x")]
pub(crate) async fn r#match(_request: WebhookRequest<RoomNotification>) -> Notification {
    Notification::text("seen")
}

fn main() {
    assert_eq!(entered::KEY, "entered");
    assert_eq!(r#match::KEY, "match");
    let build = answer::descriptor();
    assert_eq!(build.key.as_deref(), ::std::option::Option::Some("build"));
    assert_eq!(build.pattern.as_deref(), ::std::option::Option::Some("^/build"));
    assert_eq!(build.event.as_str(), "room_message");
    let add_on = ::renamed::AddOn::new("com.example.builds", "Builds")
        .state("/build ")
        .webhook::<entered>()
        .webhook::<answer>()
        .webhook::<r#match>()
        .build("https://add-on.example.com");
    assert!(add_on.is_ok());
    let _ = (String, Option);
}
