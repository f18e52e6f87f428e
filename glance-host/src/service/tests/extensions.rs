//! Webhooks that an add-on creates at run time.

use glance_sdk::model::{Event, Webhooks};

use super::*;
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
