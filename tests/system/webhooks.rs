//! Tests the webhooks of an add-on: their declarations, and which calls it accepts.

use glance_host::Host;
use glance_host::testing::TestAddOn;
use glance_sdk::auth::{SigningKey, now};
use glance_sdk::model::webhook::{RoomEnter, RoomMessage};
use glance_sdk::model::{Authentication, Claims, Color, Context, Event, Notification, UserId};
use glance_sdk::prelude::*;
use reqwest::StatusCode;
use serde_json::{Value, json};

/// Replies with the requested build.
#[webhook(event = RoomMessage, pattern = "^/build")]
async fn build(
    said: WebhookRequest<RoomMessage>,
    State(farm): State<&'static str>,
) -> Result<Option<Notification>, StatusCode> {
    match said.item().message.message.strip_prefix("/build ") {
        Some("") => Err(StatusCode::UNPROCESSABLE_ENTITY),
        Some(what) => {
            let text = format!("{farm} builds {what} for {}.", said.room_id());
            Ok(Some(Notification::text(text).color(Color::Green)))
        }
        None => Ok(None),
    }
}

#[webhook(event = RoomEnter, key = "somebody-entered", name = "Greets")]
async fn entered(_entered: WebhookRequest<RoomEnter>) {}

fn add_on() -> AddOn<&'static str> {
    AddOn::new("com.example.builds", "Builds")
        .state("The farm")
        .webhook::<build>()
        .webhook::<entered>()
}

/// A person of the room, with the host's description of them.
struct Caller<'a> {
    installed: &'a TestAddOn,
    key: SigningKey,
    user: UserId,
    room: RoomId,
}

impl Caller<'_> {
    fn token(&self) -> String {
        let mut claims = Claims::new(self.installed.oauth_id().clone(), now(), now() + 60);
        claims.sub = Some(self.user.to_string());
        let mut context = Context::default();
        context.room_id = Some(self.room);
        claims.context = Some(context);
        self.key.sign(&claims)
    }

    fn body(&self, event: &str, item: Value) -> Value {
        let mut item = item;
        item["room"] = json!({ "id": self.room, "name": "ops" });
        json!({
            "event": event,
            "webhook_id": 7,
            "oauth_client_id": self.installed.oauth_id(),
            "item": item,
        })
    }

    fn said(&self, text: &str) -> Value {
        let message = json!({ "message": text, "from": { "id": self.user }, "mentions": [] });
        self.body("room_message", json!({ "message": message }))
    }

    async fn call(&self, key: &str, body: String) -> reqwest::Response {
        glance_host::testing::http_client()
            .post(format!("{}/webhook/{key}", self.installed.base_url()))
            .header("Authorization", format!("JWT {}", self.token()))
            .body(body)
            .send()
            .await
            .unwrap()
    }
}

macro_rules! caller {
    ($caller:ident) => {
        let host = Host::start().await;
        let room = host.room("ops").await;
        let installed = room.install(add_on()).await;
        let $caller = Caller {
            installed: &installed,
            key: SigningKey::new(&installed.installed().oauth_secret),
            user: 5.into(),
            room: room.room.id,
        };
    };
}

#[tokio::test]
async fn descriptor_declares_signed_webhooks() {
    let built = add_on().build("https://builds.example.com").unwrap();
    let webhooks = built.descriptor().capabilities.webhook.as_ref().unwrap();
    let [build, entered] = webhooks.as_slice() else {
        panic!("two webhooks are declared");
    };
    assert_eq!(build.url, "https://builds.example.com/webhook/build");
    assert_eq!(build.event, Event::RoomMessage);
    assert_eq!(build.pattern.as_deref(), Some("^/build"));
    assert_eq!(build.authentication(), &Authentication::Jwt);
    assert_eq!(entered.key.as_deref(), Some("somebody-entered"));
    assert_eq!(entered.name.as_deref(), Some("Greets"));
    assert_eq!(entered.authentication(), &Authentication::Jwt);

    let twice = add_on()
        .webhook::<build>()
        .build("https://builds.example.com");
    let problem = twice.unwrap_err().to_string();
    assert!(
        problem.contains("two webhooks have the key `build`"),
        "{problem}"
    );
}

#[tokio::test]
async fn returned_notification_is_response() {
    caller!(caller);
    let answer = caller
        .call("build", caller.said("/build all").to_string())
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.json::<Value>().await.unwrap(),
        json!({
            "message": format!("The farm builds all for {}.", caller.room),
            "message_format": "text",
            "color": "green",
        })
    );

    let nothing = caller
        .call("build", caller.said("/builds").to_string())
        .await;
    assert_eq!(nothing.status(), StatusCode::NO_CONTENT);
    let failed = caller
        .call("build", caller.said("/build ").to_string())
        .await;
    assert_eq!(failed.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let entered = caller.body("room_enter", json!({ "sender": { "id": caller.user } }));
    let entered = caller.call("somebody-entered", entered.to_string()).await;
    assert_eq!(entered.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn call_must_be_signed() {
    caller!(caller);
    let address = format!("{}/webhook/build", caller.installed.base_url());
    let body = caller.said("/build all").to_string();
    let in_query = format!("{address}?signed_request={}", caller.token());
    let post = |url| {
        glance_host::testing::http_client()
            .post(url)
            .body(body.clone())
    };
    for (url, expected) in [(&address, 401), (&in_query, 200)] {
        let answer = post(url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), expected);
    }
}

/// The signature does not cover the body: the owner of a token could write any body.
#[tokio::test]
async fn body_must_match_token() {
    caller!(caller);
    let good = caller.said("/build all");
    for (what, place, wrong) in [
        ("sender", "/item/message/from/id", json!(6)),
        ("room", "/item/room/id", json!(4711)),
        ("installation", "/oauth_client_id", json!("another")),
        ("event", "/event", json!("room_enter")),
    ] {
        let mut body = good.clone();
        *body.pointer_mut(place).unwrap() = wrong;
        let answer = caller.call("build", body.to_string()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{what}");
        let said = answer.text().await.unwrap();
        assert!(said.contains(what), "{what}: {said}");
    }
}

#[tokio::test]
async fn invalid_payload_is_refused() {
    caller!(caller);
    let entered = caller
        .body("room_enter", json!({ "sender": { "id": 5 } }))
        .to_string();
    for body in ["", "null", "{}", "[]", "\u{0}", r#"{"item":{}}"#, &entered] {
        let answer = caller.call("build", body.to_owned()).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{body:?}");
    }
    let huge = caller.said(&"x".repeat(3_000_000)).to_string();
    let answer = caller.call("build", huge).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let unknown = caller.call("nothing", caller.said("x").to_string()).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn payload_is_parsed_like_in_browsers() {
    caller!(caller);
    let body = caller.said("/build half").to_string();
    let body = body.replace("/build half", "/build half \\ud83d");
    let body = body.replacen('{', "\u{feff}{\"event\": \"room_enter\", ", 1);
    let answer = caller.call("build", body).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let answer = answer.json::<Value>().await.unwrap();
    let message = answer["message"].as_str().unwrap();
    assert!(
        message.starts_with("The farm builds half \u{fffd} for "),
        "{message}"
    );
}
