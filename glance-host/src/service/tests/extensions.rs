//! Webhooks that an add-on creates at run time, and pushes.

use glance_sdk::model::{Audience, Event, Glance, Icon, Webhooks};
use serde_json::json;

use super::*;
use crate::model::Data;
use crate::model::Place;
use crate::service::extensions::{ExtensionError, Kind, WebhookName};

fn webhook(key: &str) -> Webhook {
    let mut webhook = Webhook::new(Event::RoomMessage, "https://a.example/hook");
    webhook.key = Some(key.to_owned());
    webhook
}

/// Installs an add-on whose descriptor declares the webhook `declared`.
async fn install_with_webhook(services: &Services, room: RoomId) -> Installed {
    let mut installed = services.install("a", room, &[]).await;
    installed.descriptor.capabilities.webhook = Some(Webhooks::Many(vec![webhook("declared")]));
    let replaced = services.storage.replace_descriptor(
        &installed.oauth_id,
        "https://a.example/",
        &installed.descriptor,
        Effects::none(),
    );
    replaced.await.unwrap();
    installed
}

#[tokio::test]
async fn created_webhook_is_found_by_key_and_id_until_it_is_removed() {
    let services = Services::new();
    let room = services.room("ops").await.id;
    let installed = install_with_webhook(&services, room).await;
    let extensions = &services.extensions;
    let id = extensions
        .put_webhook(&installed, room, &webhook("own"))
        .await
        .unwrap();
    let number = id.to_string();
    for name in [WebhookName::Key("own"), WebhookName::Id(&number)] {
        let found = extensions.webhook(&installed, room, name).await.unwrap();
        assert_eq!(found.id, id);
    }
    assert_eq!(
        extensions.webhooks(&installed, room).await.unwrap().len(),
        2
    );
    let name = WebhookName::Id(&number);
    extensions
        .remove_webhook(&installed, room, name)
        .await
        .unwrap();
    for name in [name, WebhookName::Key("own"), WebhookName::Id("no number")] {
        let refused = extensions.remove_webhook(&installed, room, name).await;
        assert!(matches!(
            refused,
            Err(ExtensionError::NotFound(Kind::Webhook, _))
        ));
    }
}

#[tokio::test]
async fn declared_webhook_is_neither_replaced_nor_removed() {
    let services = Services::new();
    let room = services.room("ops").await.id;
    let installed = install_with_webhook(&services, room).await;
    let extensions = &services.extensions;
    let same_key = webhook("declared");
    let put = extensions.put_webhook(&installed, room, &same_key);
    let name = WebhookName::Key("declared");
    let removed = extensions.remove_webhook(&installed, room, name);
    for (refused, change) in [
        (put.await.map(|_| ()), "replaced"),
        (removed.await, "removed"),
    ] {
        let expected =
            format!("The webhook declared is declared in the descriptor and cannot be {change}");
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn glance_shared_by_room_is_not_pushed_to_one_person() {
    let glance = |key: &str| Glance::new(key, "Glance", Icon::new("https://a.example/i.svg"));
    let shared = |key: &str| glance(key).audience(Audience::Room);
    let services = Services::new();
    let (ops, other) = (services.room("ops").await.id, services.room("b").await.id);
    let mut everywhere = services.install("a", ops, &[]).await;
    everywhere.room_id = None;
    let declared = vec![shared("shared"), glance("personal")];
    everywhere.descriptor.capabilities.glance = Some(declared);
    let extensions = &services.extensions;
    for (place, glance) in [
        (Place::Room(ops), shared("in-room")),
        (Place::Room(other), glance("in-room")),
        (Place::Global, shared("global")),
        (Place::Global, glance("unknown").audience("team".into())),
    ] {
        let put = extensions.put_glance(&everywhere, place, glance);
        put.await.unwrap();
    }
    let in_room = Installed {
        room_id: Some(ops),
        ..everywhere.clone()
    };

    let user = services.user("Ann").await.id;
    for (installed, room, key, is_refused) in [
        (&everywhere, None, "shared", true),
        (&everywhere, Some(ops), "shared", true),
        (&everywhere, None, "personal", false),
        (&everywhere, None, "in-room", true),
        (&everywhere, Some(ops), "in-room", true),
        (&everywhere, Some(other), "in-room", false),
        (&everywhere, None, "global", true),
        (&everywhere, Some(other), "global", true),
        (&everywhere, None, "unknown", false),
        (&in_room, None, "in-room", true),
    ] {
        let push = async |user| {
            // One refused glance refuses them all.
            let data = || Data::new(json!({"label": {"type": "html", "value": "x"}})).unwrap();
            let glances = vec![("personal".to_owned(), data()), (key.to_owned(), data())];
            extensions.push(installed, room, user, glances).await
        };
        let mut events = services.bus.subscribe(room.unwrap_or(ops));
        match push(Some(user)).await {
            Err(ExtensionError::SharedByRoom(of)) if is_refused => assert_eq!(of, key),
            pushed => assert!(!is_refused && pushed.is_ok(), "{key} {pushed:?}"),
        }
        assert_eq!(events.try_recv().is_err(), is_refused, "{key}");
        push(None).await.unwrap();
        assert!(events.try_recv().is_ok(), "{key}");
    }
}
