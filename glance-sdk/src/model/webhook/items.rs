//! The items of webhook payloads, with one type per event.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Event, File, Message, NotificationMessage, Room, User, WebhookPayload};
use crate::model::Extra;

/// The item of a payload, which describes one event.
///
/// ```
/// use glance_sdk::model::webhook::RoomEvent;
///
/// fn describe(event: &impl RoomEvent) -> String {
///     let name = event.sender().and_then(|sender| sender.name.as_deref());
///     format!("{} in room {}", name.unwrap_or("Somebody"), event.room().id)
/// }
/// # use glance_sdk::model::webhook::{Room, RoomEnter, User};
/// # let mut ann = User::new(5.into());
/// # ann.name = Some("Ann".to_owned());
/// # assert_eq!(describe(&RoomEnter::new(ann, Room::new(42.into()))), "Ann in room 42");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event of a room",
    label = "an event is one of the ten types of `glance_sdk::model::webhook`, such as `RoomMessage`"
)]
pub trait RoomEvent: Serialize + DeserializeOwned {
    /// The event.
    const EVENT: Event;

    /// Returns the room of the event.
    fn room(&self) -> &Room;

    /// Returns the person who caused the event, if the host names one.
    fn sender(&self) -> Option<&User>;
}

macro_rules! items {
    ($(
        $(#[$meta:meta])*
        $name:ident |$this:ident| $sender:expr; { $( $(#[$member_meta:meta])* $member:ident: $kind:ty, )* }
    )*) => {
        $(
            $(#[$meta])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[non_exhaustive]
            pub struct $name {
                $( $(#[$member_meta])* pub $member: $kind, )*
                /// The room of the event.
                pub room: Room,
                /// Members that this version does not know.
                #[serde(flatten)]
                pub extra: Extra,
            }

            impl $name {
                /// Creates the item.
                pub fn new($( $member: $kind, )* room: Room) -> Self {
                    Self { $( $member, )* room, extra: Extra::new() }
                }
            }

            impl RoomEvent for $name {
                const EVENT: Event = Event::$name;

                fn room(&self) -> &Room {
                    &self.room
                }

                fn sender(&self) -> Option<&User> {
                    let $this = self;
                    $sender
                }
            }
        )*

        /// The item of any event.
        ///
        /// ```
        /// use glance_sdk::model::webhook::{WebhookItem, WebhookPayload};
        ///
        /// # let body = r#"{
        /// #     "event": "room_topic_change",
        /// #     "item": { "topic": "Release day", "sender": { "id": 5 }, "room": { "id": 42 } }
        /// # }"#;
        /// let payload: WebhookPayload = serde_json::from_str(body)?;
        /// match payload.typed().item {
        ///     WebhookItem::RoomTopicChange(change) => assert_eq!(change.topic, "Release day"),
        ///     other => println!("nothing to do for {other:?}"),
        /// }
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        #[non_exhaustive]
        pub enum WebhookItem {
            $( #[doc = concat!("See [`", stringify!($name), "`].")] $name(Box<$name>), )*
            /// An event or a shape that this version does not know.
            Other(Value),
        }

        impl WebhookItem {
            fn read(event: Option<&Event>, item: Value) -> Self {
                let known = match event {
                    $( Some(Event::$name) => $name::deserialize(&item).map(|item| Self::$name(Box::new(item))).ok(), )*
                    Some(Event::Unknown(_)) | None => None,
                };
                known.unwrap_or(Self::Other(item))
            }
        }
    };
}

items! {
    /// The room was archived.
    RoomArchived |this| this.sender.as_ref(); {
        /// The person who archived the room, if the host names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<User>,
    }
    /// The room was created.
    RoomCreated |this| this.sender.as_ref(); {
        /// The person who created the room, if the host names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<User>,
    }
    /// The room was deleted.
    RoomDeleted |this| this.sender.as_ref(); {
        /// The person who deleted the room, if the host names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<User>,
    }
    /// A person entered.
    ///
    /// ```
    /// use glance_sdk::model::webhook::RoomEnter;
    ///
    /// let entered: RoomEnter =
    ///     serde_json::from_str(r#"{ "sender": { "id": 5, "name": "Ann" }, "room": { "id": 42 } }"#)?;
    /// assert_eq!(entered.sender.name.as_deref(), Some("Ann"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    RoomEnter |this| Some(&this.sender); {
        /// The person.
        sender: User,
    }
    /// A person left.
    RoomExit |this| Some(&this.sender); {
        /// The person.
        sender: User,
    }
    /// A person uploaded a file.
    RoomFileUpload |this| this.sender.as_ref(); {
        /// The file. No real payload of this event is known, so every member may be missing.
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<File>,
        /// The person who uploaded it.
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<User>,
        /// The message of the upload.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<Message>,
    }
    /// A person wrote a message.
    ///
    /// ```
    /// use glance_sdk::model::webhook::{Message, Room, RoomEvent, RoomMessage, User};
    ///
    /// let mut message = Message::new("/build main");
    /// message.from = Some(User::new(5.into()));
    /// let said = RoomMessage::new(message, Room::new(42.into()));
    /// assert_eq!(said.sender().unwrap().id, 5.into());
    /// ```
    RoomMessage |this| this.message.from.as_ref(); {
        /// The message, with its author.
        message: Message,
    }
    /// An add-on posted a notification.
    ///
    /// ```
    /// use glance_sdk::model::Color;
    /// use glance_sdk::model::webhook::RoomNotification;
    ///
    /// let written: RoomNotification = serde_json::from_str(
    ///     r#"{ "message": { "message": "Green.", "from": "CI", "color": "green" }, "room": { "id": 42 } }"#,
    /// )?;
    /// assert_eq!(written.message.color, Some(Color::Green));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    RoomNotification |_this| None; {
        /// The notification, with the add-on's name.
        message: NotificationMessage,
    }
    /// The topic changed.
    ///
    /// ```
    /// use glance_sdk::model::webhook::{Room, RoomEvent, RoomTopicChange, User};
    ///
    /// let change = RoomTopicChange::new("Release day".to_owned(), User::new(5.into()), Room::new(42.into()));
    /// assert_eq!(change.room().id, 42.into());
    /// ```
    RoomTopicChange |this| Some(&this.sender); {
        /// The new topic.
        topic: String,
        /// The person who changed it.
        sender: User,
    }
    /// The room is no longer archived.
    RoomUnarchived |this| this.sender.as_ref(); {
        /// The person who restored the room, if the host names one.
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<User>,
    }
}

impl WebhookPayload<Value> {
    /// Parses the item according to the event. An item without an event, or with an unexpected
    /// shape, becomes [`WebhookItem::Other`].
    ///
    /// ```
    /// use glance_sdk::model::webhook::{WebhookItem, WebhookPayload};
    ///
    /// let payload: WebhookPayload = serde_json::from_str(
    ///     r#"{ "event": "room_enter", "item": { "sender": { "id": 5 }, "room": { "id": 42 } } }"#,
    /// )?;
    /// assert!(matches!(payload.typed().item, WebhookItem::RoomEnter(_)));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn typed(self) -> WebhookPayload<WebhookItem> {
        WebhookPayload {
            item: WebhookItem::read(self.event.as_ref(), self.item),
            event: self.event,
            webhook_id: self.webhook_id,
            oauth_client_id: self.oauth_client_id,
            extra: self.extra,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_event_survives_round_trip() {
        let room = json!({"id": 42, "name": "ops", "privacy": "private", "links": {"self": "s"}});
        let sender = json!({"id": 5, "mention_name": "ann", "new": true});
        for (event, item) in [
            ("room_archived", json!({"room": room, "sender": sender})),
            ("room_created", json!({"room": room})),
            ("room_deleted", json!({"room": room})),
            ("room_enter", json!({"room": room, "sender": sender})),
            ("room_exit", json!({"room": room, "sender": sender})),
            (
                "room_file_upload",
                json!({"room": room, "sender": sender, "file": {"name": "a", "size": 3}}),
            ),
            (
                "room_message",
                json!({"room": room, "message": {"message": "hi", "from": sender, "mentions": []}}),
            ),
            (
                "room_notification",
                json!({"room": room, "message": {"message": "hi", "from": "CI", "color": "teal", "type": "notification"}}),
            ),
            (
                "room_topic_change",
                json!({"room": room, "sender": sender, "topic": ""}),
            ),
            ("room_unarchived", json!({"room": room})),
        ] {
            let sent = json!({"event": event, "webhook_id": 7, "oauth_client_id": "o", "item": item, "new": 1});
            let payload: WebhookPayload = serde_json::from_value(sent.clone()).unwrap();
            assert_eq!(payload.event.as_ref().map(Event::as_str), Some(event));
            let typed = payload.typed();
            assert!(!matches!(typed.item, WebhookItem::Other(_)), "{event}");
            assert_eq!(serde_json::to_value(&typed).unwrap(), sent);
        }
    }

    #[test]
    fn unknown_events_and_shapes_are_preserved() {
        for sent in [
            json!({"event": "room_party", "item": {"cake": 1}}),
            json!({"event": "room_enter", "item": {"room": "ops"}}),
            json!({"item": null}),
        ] {
            let payload: WebhookPayload = serde_json::from_value(sent.clone()).unwrap();
            let typed = payload.typed();
            assert!(matches!(typed.item, WebhookItem::Other(_)));
            assert_eq!(serde_json::to_value(&typed).unwrap(), sent);
        }
    }
}
