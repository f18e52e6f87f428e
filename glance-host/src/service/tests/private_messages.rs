//! Private messages of add-ons.

use glance_sdk::model::{MessageFormat, Notification};

use super::*;
use crate::service::private_messages::PrivateMessageError;

#[tokio::test]
async fn message_is_stored_as_text_and_marked_as_read_once_listed() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let installed = services.install("a", room.id, &[]).await;
    let messages = &services.private_messages;
    let mut message = Notification::html("hello");
    message.message_format = None;
    let allowance = messages.send(&installed, &ann, message).await.unwrap();
    assert_eq!(allowance.remaining, MESSAGE_LIMIT - 1);
    for is_read in [false, true] {
        let listed = messages.read(ann.id, 10).await.unwrap();
        let [message] = &listed[..] else {
            panic!("{listed:?}");
        };
        assert_eq!((message.text.as_str(), message.is_read), ("hello", is_read));
        assert_eq!(message.format, MessageFormat::Text);
    }
}

#[tokio::test]
async fn limit_is_per_installation_and_person() {
    let services = Services::new();
    let (room, ann) = (services.room("ops").await, services.user("Ann").await);
    let bo = services.user("Bo").await;
    let installed = services.install("a", room.id, &[]).await;
    let messages = &services.private_messages;
    let send = |to| messages.send(&installed, to, Notification::text("hello"));
    for _ in 0..MESSAGE_LIMIT {
        send(&ann).await.unwrap();
    }
    let refused = send(&ann).await;
    assert!(matches!(refused, Err(PrivateMessageError::TooMany(_))));
    send(&bo).await.unwrap();
}

#[tokio::test]
async fn removed_person_receives_no_message() {
    let services = Services::new();
    let (room, mut ann) = (services.room("ops").await, services.user("Ann").await);
    let installed = services.install("a", room.id, &[]).await;
    ann.is_removed = true;
    let sent = services
        .private_messages
        .send(&installed, &ann, Notification::text("hello"));
    assert!(matches!(sent.await, Err(PrivateMessageError::Removed)));
    let stored = services.storage.private_messages(ann.id, 10).await.unwrap();
    assert_eq!(stored, []);
}
