//! Tests the notifications about resolved incidents.

use std::slice::from_ref;

use glance_sdk::model::notification::AttributeStyle;
use glance_sdk::model::{Color, Scope};

use crate::setting::{Setting, firing, resolved};

#[tokio::test]
async fn end_of_incident_is_announced_once_and_attached() {
    let scopes = [
        Scope::SendNotification,
        Scope::ViewRoom,
        Scope::ViewMessages,
    ];
    let mut setting = Setting::with_scopes(scopes).await;
    let down = firing("Down", "critical", 0);
    let slow = firing("Slow", "warning", 0);
    setting.deliver(&[down.clone(), slow.clone()]).await;
    setting.room.notification("Critical: Down").await;
    setting.room.says("member", "I look at it").await;
    let begin = setting.id_of("Critical: Down").await;
    setting.restart().await;
    // The add-on learns the host's id of the first notification after sending it.
    setting.known_as(&begin).await;

    let over = [resolved(&down, 10), resolved(&slow, 10)];
    setting.deliver(&over).await;
    let told = setting.room.notification("Resolved").await;
    assert_eq!(told.message, "Resolved: Down is &lt;b&gt;wrong&lt;/b&gt;");
    assert_eq!(told.attach_to.as_deref(), Some(&*begin));
    assert_eq!((told.color, told.notify), (Some(Color::Green), None));
    let card = told.card.unwrap();
    let status = &card.attributes.as_ref().unwrap()[1].value;
    assert_eq!(status.style, Some(AttributeStyle::LozengeSuccess));

    // Repeated, late, and after another restart.
    setting.deliver(&over).await;
    setting.restart().await;
    setting.deliver(&over).await;
    setting.deliver(from_ref(&down)).await;
    setting.deliver(&over).await;
    // Notices are sent in order, so with this one all others were sent.
    setting.deliver(&[firing("Last", "critical", 20)]).await;
    setting.room.notification("Critical: Last").await;
    assert_eq!(setting.room.notifications().await.len(), 3);
}

#[tokio::test]
async fn end_is_not_attached_without_history() {
    let setting = Setting::new().await;
    let down = firing("Down", "critical", 0);
    setting.deliver(from_ref(&down)).await;
    setting.deliver(&[resolved(&down, 10)]).await;
    let told = setting.room.notification("Resolved: Down").await;
    assert_eq!(told.attach_to, None);
    assert_eq!(setting.room.notifications().await.len(), 2);
}
