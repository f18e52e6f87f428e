//! The details of rooms and people, and the pages of lists.

use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::webhook::{Privacy, RoomLinks, User, UserLinks};
use super::{Extra, RoomId, UserId};

macro_rules! details {
    ($(
        $(#[$meta:meta])*
        $name:ident: $id:ty, $links:ty { $( $(#[$member_meta:meta])* $member:ident: $kind:ty, )* }
    )*) => { $(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            /// The id.
            pub id: $id,
            /// The displayed name.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub name: Option<String>,
            /// The URLs in the REST API.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub links: Option<$links>,
            $(
                $(#[$member_meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $member: Option<$kind>,
            )*
            /// Members that this version does not know.
            #[serde(flatten)]
            pub extra: Extra,
        }

        impl $name {
            /// Creates details with only the id.
            pub fn new(id: $id) -> Self {
                Self {
                    id,
                    name: None,
                    links: None,
                    $( $member: None, )*
                    extra: Extra::new(),
                }
            }
        }
    )* };
}

details! {
    /// The details of a room.
    ///
    /// ```
    /// use glance_sdk::model::RoomDetails;
    /// use glance_sdk::model::webhook::Privacy;
    ///
    /// let details: RoomDetails = serde_json::from_str(
    ///     r#"{ "id": 42, "name": "ops", "topic": "Release day", "privacy": "public" }"#,
    /// )?;
    /// assert_eq!(details.topic.as_deref(), Some("Release day"));
    /// assert_eq!(details.privacy, Some(Privacy::Public));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    RoomDetails: RoomId, RoomLinks {
        /// The topic.
        topic: String,
        /// The people who may enter.
        privacy: Privacy,
        /// Whether it is archived.
        is_archived: bool,
        /// Whether guests may enter.
        is_guest_accessible: bool,
        /// The page on which guests enter.
        guest_access_url: String,
        /// The owner.
        owner: User,
        /// The people in the room.
        participants: Vec<User>,
        /// The time of creation, for example `2014-06-25T02:28:04+00:00`.
        created: String,
        /// The time of the last message.
        last_active: String,
        /// The XMPP address.
        xmpp_jid: String,
        /// A text that changes whenever the room changes.
        version: String,
    }

    /// The details of a person.
    ///
    /// ```
    /// use glance_sdk::model::UserDetails;
    ///
    /// let details: UserDetails = serde_json::from_str(
    ///     r#"{ "id": 5, "name": "Ann", "timezone": "Europe/Berlin", "presence": { "is_online": true } }"#,
    /// )?;
    /// assert_eq!(details.timezone.as_deref(), Some("Europe/Berlin"));
    /// assert_eq!(details.presence.unwrap().is_online, Some(true));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    UserDetails: UserId, UserLinks {
        /// The name after an `@`.
        mention_name: String,
        /// The email address.
        email: String,
        /// The job title.
        title: String,
        /// The time zone, an IANA name.
        timezone: String,
        /// Whether the person is an administrator of the group.
        is_group_admin: bool,
        /// Whether the person is a guest.
        is_guest: bool,
        /// Whether the person is deleted.
        is_deleted: bool,
        /// The presence.
        presence: Presence,
        /// The URL of the picture.
        photo_url: String,
        /// The time of joining, for example `2014-06-25T02:28:04+00:00`.
        created: String,
        /// The time of the last activity.
        last_active: String,
        /// The XMPP address.
        xmpp_jid: String,
        /// A text that changes whenever the person changes.
        version: String,
    }
}

/// The presence of a person.
///
/// ```
/// use glance_sdk::model::{Presence, Show};
///
/// let presence: Presence = serde_json::from_str(r#"{ "is_online": true, "show": "dnd" }"#)?;
/// assert_eq!(presence.show, Some(Show::DoNotDisturb));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Presence {
    /// Whether the person is online.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_online: Option<bool>,
    /// The availability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show: Option<Show>,
    /// The status message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The seconds since the last activity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<u64>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

open_enum! {
    /// The availability of a person.
    pub enum Show {
        /// Ready to chat.
        Chat = "chat",
        /// Away.
        Away = "away",
        /// Away for longer.
        ExtendedAway = "xa",
        /// Do not disturb.
        DoNotDisturb = "dnd",
    }
}

/// A page of a list.
///
/// ```
/// use glance_sdk::model::{Page, webhook::Room};
///
/// let page: Page<Room> = serde_json::from_str(
///     r#"{
///         "items": [{ "id": 42, "name": "ops" }],
///         "startIndex": 0,
///         "links": { "next": "https://chat.example.com/v2/room?start-index=1" }
///     }"#,
/// )?;
/// assert_eq!(page.items[0].name.as_deref(), Some("ops"));
/// assert!(page.links.unwrap().next.is_some());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "T: Deserialize<'de>"))]
#[non_exhaustive]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// The number of entries before this page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_index: Option<u64>,
    /// The maximum number of entries per page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<u64>,
    /// The URLs of the other pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<PageLinks>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<T> Page<T> {
    /// Creates a page that contains the whole list.
    ///
    /// ```
    /// use glance_sdk::model::Page;
    ///
    /// let page = Page::new(vec!["ops", "dev"]);
    /// assert_eq!(serde_json::to_value(&page)?["items"], serde_json::json!(["ops", "dev"]));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn new(items: Vec<T>) -> Self {
        Self {
            items,
            start_index: None,
            max_results: None,
            links: None,
            extra: Extra::new(),
        }
    }
}

/// The URLs of a list's pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PageLinks {
    /// This page (`self` in JSON).
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_url: Option<String>,
    /// The previous page, except for the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
    /// The next page, except for the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn rooms_people_and_pages_survive_round_trip() {
        let user = json!({
            "id": 5, "name": "Ann", "mention_name": "ann", "links": {"self": "s"},
            "email": "ann@example.com", "is_group_admin": true, "roles": ["owner"],
            "presence": {"is_online": true, "show": "nap", "client": {"type": "web"}}
        });
        let read: UserDetails = serde_json::from_value(user.clone()).unwrap();
        let show = read.presence.as_ref().unwrap().show.clone();
        assert_eq!(show, Some(Show::Unknown("nap".to_owned())));
        assert_eq!(serde_json::to_value(&read).unwrap(), user);

        let room = json!({
            "id": 42, "name": "ops", "topic": "", "privacy": "private", "is_archived": false,
            "links": {"self": "s", "members": "m"}, "owner": {"id": 5}, "participants": [{"id": 5}],
            "statistics": {"links": {"self": "s"}}, "delete_after": 7
        });
        let read: RoomDetails = serde_json::from_value(room.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), room);

        let page = json!({"items": [room], "startIndex": 0, "maxResults": 1, "links": {"self": "s", "next": "n"}, "new": 1});
        let read: Page<RoomDetails> = serde_json::from_value(page.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), page);
    }

    #[test]
    fn empty_members_are_absent() {
        let room = json!({"id": 42, "guest_access_url": null, "owner": null});
        let read: RoomDetails = serde_json::from_value(room).unwrap();
        assert_eq!(read, RoomDetails::new(42.into()));
        assert!(serde_json::from_value::<UserDetails>(Value::Null).is_err());
    }
}
