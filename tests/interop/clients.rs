//! Clients of others for the REST API.

use glance_host::Host;
use glance_host::model::{Content, Installed};
use glance_host::storage::Effects;
use glance_host::testing::TestRoom;
use glance_sdk::auth::now;
use glance_sdk::model::{Color, Descriptor, HipchatApiConsumer, Scope};
use reqwest::Client;
use serde_json::{Value, json};

use crate::program;
use crate::secure::Secure;

/// Each client works in this room.
const ROOM: &str = "ops";

/// An installation without an add-on, as a program has that only calls; answers with its token.
async fn token(host: &Host, client: &Client) -> String {
    let mut descriptor = Descriptor::new("client", "Client", "http://client.example/");
    let scopes = [
        Scope::SendNotification,
        Scope::SendMessage,
        Scope::ViewRoom,
        Scope::AdminRoom,
        Scope::ViewGroup,
        Scope::ManageRooms,
        Scope::ViewMessages,
    ];
    descriptor.capabilities.hipchat_api_consumer = Some(HipchatApiConsumer::new(scopes));
    let installed = Installed {
        oauth_id: "client".into(),
        oauth_secret: "secret".into(),
        room_id: None,
        descriptor_url: "http://client.example/".to_owned(),
        descriptor,
    };
    let state = host.state();
    assert!(state.begin_installation(&installed, now()).await.unwrap());
    state
        .finish_installation(&installed.oauth_id, Effects::none())
        .await
        .unwrap();

    let url = format!("{}/v2/oauth/token", host.base_url());
    let form = [("grant_type", "client_credentials")];
    let request = client.post(url).basic_auth("client", Some("secret"));
    let answer: Value = request
        .form(&form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn hipchatter() {
    let Some(mut command) = program::command("hipchatter") else {
        return;
    };
    command.env("ROOM", ROOM);
    let host = Host::start().await;
    let room = inhabited(&host).await;
    command.env("API", format!("{}/v2/", host.base_url()));
    command.env(
        "TOKEN",
        token(&host, &glance_host::testing::http_client()).await,
    );

    let heard = program::run(command).await;
    let expected = json!({
        "key": "glance-host",
        "rooms": ["ops"],
        "here": true,
        "elsewhere": false,
        "people": ["You", "Olive"],
        "person": "You",
        "topic": "Deploys",
        "history": ["It is <b>done</b>", "Is it?"],
        "webhook": "^/x",
        "webhooks": 1,
        "webhooks_left": 0,
        "made": ["ops", "made"],
        "changed": ["New", "private"],
        "deleted": true,
        "refused": "/message: `message` is empty; fill it in",
    });
    assert_eq!(heard, expected);
    assert_written(&host, &room).await;
}

#[tokio::test]
async fn hypchat() {
    let Some(mut command) = program::command("hypchat") else {
        return;
    };
    command.env("ROOM", ROOM);
    let secure = Secure::start().await;
    let host = &secure.host;
    let room = inhabited(host).await;
    let _present = room.viewer("Olive").await;
    command.env("API", host.base_url());
    command.env("TOKEN", token(host, &secure.client()).await);
    secure.introduce(&mut command);

    let heard = program::run(command).await;
    let expected = json!({
        "key": "glance-host",
        "kinds": ["RoomCollection", "Room", "User", "UserCollection"],
        "created": room.room.created,
        "person": "Olive",
        "rooms": ["ops", "made"],
        "changed": "New",
        "topic": "Deploys",
        "history": ["Is it?", "It is <b>done</b>"],
        "latest": ["Is it?"],
        "participants": ["Olive"],
        "webhook": ["Webhook", 1],
        "webhooks_left": 0,
        "emoticons": [],
        "missing": "Room made not found",
        "empty": "/message: `message` is empty; fill it in",
    });
    assert_eq!(heard, expected);
    assert_written(host, &room).await;
}

async fn inhabited(host: &Host) -> TestRoom {
    host.user("Olive", |_| {}).await;
    host.room(ROOM).await
}

/// What each client wrote into the room, and to a person.
async fn assert_written(host: &Host, room: &TestRoom) {
    let notified = room.notification("done").await;
    assert_eq!(
        (notified.color, notified.notify),
        (Some(Color::Green), Some(true))
    );
    let said = room.timeline().await.into_iter();
    let said = said.filter(|entry| matches!(entry.content, Content::Message(_)));
    assert_eq!(said.count(), 1);
    let private = host.private_messages("Olive").await;
    let private: Vec<_> = private.iter().map(|message| &*message.text).collect();
    assert_eq!(private, ["Is it?"]);
}
