//! Tests that paths of an add-on become absolute URLs wherever the add-on sends them.

use std::sync::Arc;

use glance_host::Host;
use glance_host::testing::TestViewer;
use glance_host::viewer::{LineState, ShownStatus, Sidebar};
use glance_sdk::axum::Router;
use glance_sdk::client::{Client, Installations, Pusher, To};
use glance_sdk::model::notification::{Activity, Attribute, AttributeValue, Thumbnail};
use glance_sdk::model::webhook::RoomMessage;
use glance_sdk::model::{
    Card, CardStyle, Event, Glance, Icon, Notification, Scope, UiUpdate, Webhook,
};
use glance_sdk::prelude::*;
use glance_sdk::serve::HttpServer;
use glance_sdk::store::MemoryStore;
use glance_sdk::{BaseUrl, ErrorKind};
use serde_json::Value;
use tokio::net::TcpListener;

const SVG: &str = "<svg xmlns='http://www.w3.org/2000/svg'/>";

#[glance(key = "builds", name = "Builds", icon = "/i.svg")]
async fn builds() -> GlanceData {
    data("queried")
}

fn data(label: &str) -> GlanceData {
    GlanceData::new(label!("{label}")).icon(Icon::new("/i.svg"))
}

fn card() -> Notification {
    let mut card = Card::new(CardStyle::Application, "build-7", "Build 7");
    card.url = Some("/builds/7".to_owned());
    card.icon = Some("/i.svg".into());
    card.thumbnail = Some(Thumbnail::new("/i.svg"));
    let mut activity = Activity::html("Build 7 failed");
    activity.icon = Some(Icon::new("/i.svg").into());
    card.activity = Some(activity);
    let mut value = AttributeValue::from("7");
    value.url = Some("/builds/7".to_owned());
    value.icon = Some("https://cdn.example.com/i.svg".into());
    card.attributes = Some(vec![Attribute::new("Build", value)]);
    Notification::text("Build 7 failed").card(card)
}

#[webhook(event = RoomMessage)]
async fn said(_request: WebhookRequest<RoomMessage>) -> Notification {
    card()
}

async fn hook_address(base_url: BaseUrl) -> String {
    base_url.join("/hooks")
}

fn add_on() -> AddOn {
    AddOn::new("com.example.builds", "Builds")
        .glance::<builds>()
        .runtime_glance::<runtime>()
        .webhook::<said>()
        .route("/address", get(hook_address))
        .asset("/i.svg", "image/svg+xml", SVG)
}

#[glance(key = "runtime", name = "Runtime", icon = "/i.svg")]
async fn runtime() -> GlanceData {
    data("runtime")
}

/// Returns whether the status of the glance with this label is the add-on's own image.
async fn shows_image(host: &Host, viewer: &mut TestViewer, key: &str, label: &str) -> bool {
    let sidebar: Sidebar = viewer.label(key, label).await;
    let LineState::Ready {
        status: Some(ShownStatus::Icon(icon)),
        ..
    } = &sidebar.line(key).unwrap().state
    else {
        panic!("{sidebar:?}")
    };
    let url = format!("{}{}", host.base_url(), icon.url);
    let image = glance_host::testing::http_client()
        .get(url)
        .send()
        .await
        .unwrap();
    image.text().await.unwrap() == SVG
}

#[tokio::test]
async fn icons_in_glance_data_show_on_every_path() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let mut viewer = room.viewer("member").await;
    assert!(shows_image(&host, &mut viewer, "builds", "queried").await);

    let client = add_on.client().await;
    let id = room.room.id;
    client
        .room(id)
        .push::<builds>(data("pushed"))
        .await
        .unwrap();
    assert!(shows_image(&host, &mut viewer, "builds", "pushed").await);
    let update: UiUpdate = serde_json::from_value(serde_json::json!({ "glance": [{
        "key": "builds",
        "content": {
            "label": { "type": "html", "value": "odd" },
            "status": { "type": "icon", "value": { "url": "/i.svg", "url@2x": "/i.svg" }, "more": 1 },
        },
    }] }))
    .unwrap();
    let completed: Value = serde_json::to_value(&update).unwrap();
    assert_eq!(
        completed["glance"][0]["content"]["status"]["value"]["url"],
        "/i.svg"
    );
    client
        .group()
        .update(&UiUpdate::one("builds", data("everywhere")))
        .await
        .unwrap();
    assert!(shows_image(&host, &mut viewer, "builds", "everywhere").await);

    let pusher: &Pusher = add_on.pusher();
    pusher
        .push::<builds>(add_on.oauth_id(), To::Room(id), data("coalesced"))
        .unwrap();
    assert!(shows_image(&host, &mut viewer, "builds", "coalesced").await);

    client
        .room(id)
        .glances()
        .create_registered::<runtime>()
        .await
        .unwrap();
    assert!(shows_image(&host, &mut viewer, "runtime", "runtime").await);
}

/// Returns every URL of a card on the host.
fn addresses(notification: &Notification) -> Vec<String> {
    let card = notification.card.as_ref().unwrap();
    let value = &card.attributes.as_ref().unwrap()[0].value;
    let pictures = [
        &card.icon,
        &card.activity.as_ref().unwrap().icon,
        &value.icon,
    ];
    let pictures = pictures.map(|icon| icon.as_ref().unwrap().url().unwrap().to_owned());
    let others = [
        card.url.clone().unwrap(),
        card.thumbnail.as_ref().unwrap().url.clone(),
        value.url.clone().unwrap(),
    ];
    pictures.into_iter().chain(others).collect()
}

#[tokio::test]
async fn urls_in_notifications_are_absolute() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room.install(add_on()).await;
    let base = add_on.base_url().to_owned();
    let own = |path: &str| format!("{base}{path}");
    let expected = [
        own("/i.svg"),
        own("/i.svg"),
        "https://cdn.example.com/i.svg".to_owned(),
        own("/builds/7"),
        own("/i.svg"),
        own("/builds/7"),
    ];
    add_on
        .client()
        .await
        .room(room.room.id)
        .notify(&card())
        .await
        .unwrap();
    assert_eq!(addresses(&room.notification("Build 7").await), expected);

    let other = host.room("other").await;
    let elsewhere = other.install(self::add_on()).await;
    other.says("ann", "hello").await;
    let answer = addresses(&other.notification("Build 7").await);
    assert_eq!(answer[3], format!("{}/builds/7", elsewhere.base_url()));
}

#[tokio::test]
async fn runtime_extensions_have_absolute_urls() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let add_on = room
        .install(add_on().scopes([Scope::AdminRoom, Scope::ViewRoom]))
        .await;
    let client: Client = add_on.client().await;
    let base = client.base_url().unwrap().as_str().to_owned();
    assert_eq!(base, add_on.base_url());
    let id = room.room.id;

    let mut glance = Glance::new("own", "Own", Icon::new("/i.svg"));
    glance.query_url = Some("/glance/builds".to_owned());
    client.room(id).glances().create(&glance).await.unwrap();
    let created = client.room(id).glances().get("own").await.unwrap();
    assert_eq!(created.icon.url, format!("{base}/i.svg"));
    assert_eq!(created.query_url, Some(format!("{base}/glance/builds")));

    let mut webhook = Webhook::new(Event::RoomMessage, "/webhook/said");
    webhook.key = Some("more".to_owned());
    client.room(id).webhooks().create(&webhook).await.unwrap();
    let created = client.room(id).webhooks().get("more").await.unwrap();
    assert_eq!(created.url, format!("{base}/webhook/said"));

    let url = format!("{base}/address");
    let address = glance_host::testing::http_client()
        .get(url)
        .send()
        .await
        .unwrap();
    assert_eq!(address.text().await.unwrap(), format!("{base}/hooks"));
}

/// A process that shares the store and serves nothing.
#[tokio::test]
async fn path_without_base_url_is_refused_before_sending() {
    let host = Host::start().await;
    let room = host.room("ops").await;
    let store = Arc::new(MemoryStore::default());
    let add_on = room.install(add_on().store(Arc::clone(&store))).await;
    let installations = |store: &Arc<MemoryStore>| {
        let policy = glance_sdk::egress::EgressPolicy::internet().allow_loopback();
        Installations::with_policy(Arc::clone(store) as _, policy).unwrap()
    };
    let worker = installations(&store);
    let client = worker.client(add_on.oauth_id()).await.unwrap();
    assert_eq!(client.base_url(), None);
    let refused = [
        client.room(room.room.id).push::<builds>(data("x")).await,
        client.room(room.room.id).notify(&card()).await,
        Pusher::new(worker).push::<builds>(add_on.oauth_id(), To::Group, data("x")),
    ];
    for refused in refused {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("with_base_url"), "{error}");
    }

    let worker = installations(&store).with_base_url(add_on.base_url().parse().unwrap());
    let client = worker.client(add_on.oauth_id()).await.unwrap();
    client
        .room(room.room.id)
        .push::<builds>(data("worker"))
        .await
        .unwrap();
    let mut viewer = room.viewer("member").await;
    client
        .room(room.room.id)
        .push::<builds>(data("worker"))
        .await
        .unwrap();
    assert!(shows_image(&host, &mut viewer, "builds", "worker").await);
}

#[tokio::test]
async fn all_urls_are_checked_at_build() {
    let refused = AddOn::new("com.example.odd", "Odd")
        .avatar("face.png")
        .glance::<spaced>()
        .build("https://a.example/x?y#z")
        .unwrap_err()
        .to_string();
    for part in [
        "has a query",
        "BASE_URL",
        "\"face.png\"",
        "contains a space",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let built = AddOn::new("com.example.odd", "Odd")
        .glance::<builds>()
        .build("https://a.example")
        .unwrap();
    assert_eq!(
        built.warnings(),
        [
            "the icon of the glance `builds` is \"/i.svg\", which no route of the add-on serves; add it with \
             AddOn::asset"
        ]
    );
    assert!(
        add_on()
            .build("https://a.example")
            .unwrap()
            .warnings()
            .is_empty()
    );

    let everywhere = AddOn::new("com.example.odd", "Odd");
    let error = everywhere.listen("0.0.0.0", 0, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("BASE_URL"), "{error}");
    let everywhere = AddOn::new("com.example.odd", "Odd");
    let server = everywhere
        .listen("0.0.0.0", 0, Some("https://a.example/"))
        .await
        .unwrap();
    assert_eq!(server.base_url(), "https://a.example");
}

#[glance(key = "spaced", name = "Spaced", icon = "/my icon.svg")]
async fn spaced() -> GlanceData {
    data("spaced")
}

/// Returns the descriptor's own URL, as a router serves it at this path.
async fn descriptor_at(base: &str, path: &str) -> Option<String> {
    let url = format!("{base}{path}");
    let answer = glance_host::testing::http_client()
        .get(url)
        .send()
        .await
        .unwrap();
    let document: Value = answer.error_for_status().ok()?.json().await.unwrap();
    Some(document["links"]["self"].as_str().unwrap().to_owned())
}

async fn serve(router: impl FnOnce(&str) -> Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = router(&base);
    tokio::spawn(HttpServer::new(listener).run(router, std::future::pending()));
    base
}

#[tokio::test]
async fn descriptor_is_served_at_its_own_url() {
    let router = |base: &str| {
        let built = add_on().build(&format!("{base}/builds")).unwrap();
        built.into_router()
    };
    let nested = serve(|base| Router::new().nest("/builds", router(base))).await;
    let service = serve(|base| Router::new().nest_service("/builds", router(base))).await;
    // The path behind a proxy that strips the prefix.
    let stripped = serve(router).await;
    for (base, path, own) in [
        (&nested, "/builds", "/builds"),
        (&service, "/builds", "/builds"),
        (&service, "/builds/", "/builds"),
        (&stripped, "/", "/builds/"),
        (&stripped, "", "/builds/"),
    ] {
        let found = descriptor_at(base, path).await;
        assert_eq!(found, Some(format!("{base}{own}")), "{path}");
    }
}
