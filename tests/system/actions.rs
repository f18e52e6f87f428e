//! Tests which actions are offered, and their targets.

use glance_host::Host;
use glance_host::testing::TestRoom;
use glance_sdk::model::{
    Action, ActionLocation, Card, CardStyle, Condition, Dialog, Extra, Notification, Target,
    TargetObject,
};
use reqwest::{StatusCode, Url};
use serde_json::{Value, json};

use crate::frames::{ask, change, full, line, query};
use crate::integrations::Browser;

pub(crate) fn action(key: &str, location: ActionLocation, target: impl Into<Target>) -> Action {
    Action::new(key, format!("Name of {key}"), location, target)
}

fn when(mut action: Action, condition: Value) -> Action {
    let condition: Condition = serde_json::from_value(condition).unwrap();
    action.conditions = Some(vec![condition]);
    action
}

/// Returns the keys of the actions on a message.
async fn offered(host: &Host, room: &TestRoom, message: &str) -> Vec<String> {
    let (status, answer) = ask(host, room, "actions", json!({ "message": message })).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let actions = answer.as_array().unwrap().iter();
    actions
        .map(|action| action["key"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn actions_follow_their_conditions() {
    use ActionLocation::{Input, Message};
    let host = Host::start().await;
    let room = host.room("ops").await;
    let matches = |params: Value| json!({ "condition": "message_matches", "params": params });
    let mut first = action("first", Message, "panel");
    first.weight = Some(1);
    let with_actions = full()
        .action(action("any", Message, "panel"))
        .action(first)
        .action(action("input", Input, "dialog"))
        .action(when(
            action("card", Message, "dialog"),
            json!({ "condition": "card_matches", "params": {
                "style": "application", "metadata": [{ "attr": "job.id", "gt": 3 }] } }),
        ))
        .action(when(
            action("pay", Message, "dialog"),
            matches(json!({ "type": "message", "regex": { "pattern": "pay-\\d+", "flags": "i" } })),
        ))
        .action(when(
            action("mine", Message, "dialog"),
            json!({ "condition": "message_sent_by_current_user" }),
        ))
        .action(when(
            action("private", Message, "dialog"),
            json!({ "condition": "room_is_public", "invert": true }),
        ))
        .action(when(
            action("link", Message, "dialog"),
            json!({ "condition": "message_contains_link" }),
        ));
    let installed = room.install(with_actions).await;
    // The SDK has no action that opens a glance; other clients create them.
    let glance = action("glance", Message, "line");
    change(&host, &installed, |capabilities| {
        capabilities.action.get_or_insert_default().push(glance);
    })
    .await;
    let client = installed.client().await;
    let here = || client.room(room.room.id);
    here()
        .actions()
        .create(&action("created", Message, "page"))
        .await
        .unwrap();

    let plain = room.says("Ann", "nothing special").await;
    let always = ["first", "any", "created", "glance"];
    assert_eq!(offered(&host, &room, &plain.id).await, always);
    let payment = room.says("You", "see PAY-12 at https://example.com").await;
    let with = |more: &[&'static str]| {
        let mut keys: Vec<_> = always.iter().chain(more).copied().collect();
        // All have the same weight except the first.
        keys[1..].sort_unstable();
        keys
    };
    assert_eq!(
        offered(&host, &room, &payment.id).await,
        with(&["link", "mine", "pay"])
    );

    let mut card = Card::new(CardStyle::Application, "1", "Job 4");
    card.metadata = Some(json!({ "job": { "id": 4, "name": "build & test" } }));
    let notification = Notification::text("Job 4").card(card);
    here().notify(&notification).await.unwrap();
    let posted = room.timeline().await.pop().unwrap();
    assert_eq!(offered(&host, &room, &posted.id).await, with(&["card"]));

    here().actions().remove("created").await.unwrap();
    assert!(
        !offered(&host, &room, &plain.id)
            .await
            .contains(&"created".to_owned())
    );
    let (status, _) = ask(&host, &room, "actions", json!({ "message": "gone" })).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    // An action that is not offered cannot be run.
    let take = async |action: &str, message: Option<&str>| {
        let body = json!({ "addOn": "com.example.full", "action": action, "message": message });
        ask(&host, &room, "open", body).await
    };
    assert_eq!(take("card", Some(&plain.id)).await.0, StatusCode::NOT_FOUND);
    assert_eq!(take("card", None).await.0, StatusCode::NOT_FOUND);
    let (_, opened) = take("card", Some(&posted.id)).await;
    assert_eq!(
        (&opened["kind"], &opened["key"]),
        (&json!("dialog"), &json!("dialog"))
    );
    assert_eq!(
        opened["message"],
        json!({
            "body": "Job 4",
            "sender": { "id": null, "name": "Pages", "mention": null },
            "mid": posted.id,
            "type": "notification",
            "metadata": { "job": { "id": 4, "name": "build & test" } },
            "card": { "title": "Job 4", "description": null, "url": null },
        })
    );
    let (_, opened) = take("mine", Some(&payment.id)).await;
    assert_eq!(
        opened["message"]["sender"],
        json!({ "id": 1, "name": "You", "mention": "You" })
    );
    let (_, opened) = take("input", None).await;
    assert_eq!(
        (&opened["key"], &opened["message"]),
        (&json!("dialog"), &Value::Null)
    );
}

#[tokio::test]
async fn patterns_per_add_on_are_limited() {
    use ActionLocation::Message;
    let host = Host::start().await;
    let room = host.room("ops").await;
    let looks = |key: &str, many: usize| {
        let pattern = json!({ "regex": { "pattern": "hello" } });
        let pattern = json!({ "condition": "message_matches", "params": pattern });
        let all = json!({ "type": "and", "conditions": vec![pattern; many] });
        when(action(key, Message, "panel"), all)
    };
    let with_actions = full()
        .action(looks("many", 21))
        .action(looks("some", 18))
        .action(looks("more", 3))
        .action(looks("last", 1));
    let installed = room.install(with_actions).await;
    let client = installed.client().await;
    let actions = async |key, many| {
        let here = client.room(room.room.id);
        here.actions().create(&looks(key, many)).await.unwrap();
    };
    actions("one", 1).await;
    actions("two", 2).await;
    let said = room.says("Ann", "hello").await;
    assert_eq!(
        offered(&host, &room, &said.id).await,
        ["last", "one", "some"]
    );
    let body = json!({ "addOn": "com.example.full", "action": "many", "message": said.id });
    let (status, _) = ask(&host, &room, "open", body).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let elsewhere = Browser::at(&host, Some(&host.room("other").await));
    let kept = host.state().installation(installed.oauth_id());
    let url = kept.await.unwrap().unwrap().descriptor_url.clone();
    let (_, page) = elsewhere.review(&url).await;
    let never = page.matches("never offered").count();
    assert_eq!(never, 2, "{page}");
}

#[tokio::test]
async fn target_options_and_url_variables_are_passed() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let installed = room.install(full()).await;
    let mut wide = Extra::new();
    wide.insert("size".to_owned(), json!("large"));
    let target = Target::Object(TargetObject::new("job", wide));
    let path = "{message.metadata.id}?by={message.sender.name}&x={x}";
    let mut dialog = Dialog::new("job", "Job", format!("{}/job/{path}", installed.base_url()));
    dialog.options =
        serde_json::from_value(json!({ "size": "small", "hint": { "value": "h" } })).unwrap();
    change(&host, &installed, |capabilities| {
        capabilities.dialog.get_or_insert_default().push(dialog);
        capabilities.glance.as_mut().unwrap()[0].target = Some(target.clone());
        capabilities.action = Some(vec![action("job", ActionLocation::Message, target)]);
    })
    .await;

    // The same from a glance, with its options and without variables.
    let body = json!({ "addOn": "com.example.full", "glance": "line" });
    let (_, opened) = ask(&host, &room, "open", body).await;
    assert_eq!(
        (&opened["key"], &opened["line"]),
        (&json!("job"), &json!("com.example.full:line"))
    );
    assert_eq!(opened["options"]["size"], "large");
    let mut viewer = room.viewer("member").await;
    assert_eq!(
        viewer.glance::<line>().await.target.clone().unwrap().key,
        "job"
    );

    let mut card = Card::new(CardStyle::Application, "1", "Job");
    card.metadata = Some(json!({ "id": "../a b" }));
    let client = installed.client().await;
    let here = || client.room(room.room.id);
    here()
        .notify(&Notification::text("Job").card(card))
        .await
        .unwrap();
    let posted = room.timeline().await.pop().unwrap();
    let body = json!({ "addOn": "com.example.full", "action": "job", "message": posted.id,
        "values": { "x": { "y": 1 }, "message": "not this" } });
    let (status, opened) = ask(&host, &room, "open", body).await;
    assert_eq!(status, StatusCode::OK, "{opened}");
    let url = Url::parse(opened["url"].as_str().unwrap()).unwrap();
    assert_eq!(url.path(), "/job/..%2Fa%20b");
    assert_eq!(query(&url, "by").as_deref(), Some("Pages"));
    assert_eq!(query(&url, "x").as_deref(), Some("{\"y\":1}"));
    assert_eq!(
        opened["options"],
        json!({ "size": "large", "hint": { "value": "h" } })
    );
}
