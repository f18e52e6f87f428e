//! What a host knows of rooms and people, and the pages of its lists.

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
            /// The number that names it.
            pub id: $id,
            /// What people read.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub name: Option<String>,
            /// Where the REST API has it.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub links: Option<$links>,
            $(
                $(#[$member_meta])*
                #[serde(skip_serializing_if = "Option::is_none")]
                pub $member: Option<$kind>,
            )*
            /// Members this version does not know.
            #[serde(flatten)]
            pub extra: Extra,
        }

        impl $name {
            /// One of which only the id is known.
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
    /// What a host knows of a room.
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
        /// What it is about.
        topic: String,
        /// Who may enter.
        privacy: Privacy,
        /// Whether it is archived.
        is_archived: bool,
        /// Whether guests may enter.
        is_guest_accessible: bool,
        /// The page at which guests enter.
        guest_access_url: String,
        /// Who owns it.
        owner: User,
        /// Who is in it now.
        participants: Vec<User>,
        /// When it was created, for example `2014-06-25T02:28:04+00:00`.
        created: String,
        /// When something was last written.
        last_active: String,
        /// Its address for XMPP.
        xmpp_jid: String,
        /// Changes with the room.
        version: String,
    }

    /// What a host knows of a person.
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
        /// What people write behind an `@`.
        mention_name: String,
        /// Their address.
        email: String,
        /// What they do.
        title: String,
        /// Their time zone, an IANA name.
        timezone: String,
        /// Whether they administer the group.
        is_group_admin: bool,
        /// Whether they are a guest.
        is_guest: bool,
        /// Whether they are deleted.
        is_deleted: bool,
        /// Whether they are there.
        presence: Presence,
        /// Their picture.
        photo_url: String,
        /// When they joined, for example `2014-06-25T02:28:04+00:00`.
        created: String,
        /// When they were last there.
        last_active: String,
        /// Their address for XMPP.
        xmpp_jid: String,
        /// Changes with the person.
        version: String,
    }
}

/// Whether a person is there.
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
    /// Whether they are online.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_online: Option<bool>,
    /// How they want to be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show: Option<Show>,
    /// What they say of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// For how many seconds they have done nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<u64>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

open_enum! {
    /// How a person wants to be seen.
    pub enum Show {
        /// Ready to chat.
        Chat = "chat",
        /// Away.
        Away = "away",
        /// Away for longer.
        ExtendedAway = "xa",
        /// Not to be disturbed.
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
    /// How many entries there are before these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_index: Option<u64>,
    /// How many entries a page has at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<u64>,
    /// Where the other pages are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub links: Option<PageLinks>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

impl<T> Page<T> {
    /// A page that is the whole list.
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

/// Where the pages of a list are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PageLinks {
    /// This page (`self` on the wire).
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub self_url: Option<String>,
    /// The page before; the first has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
    /// The page after; the last has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Members this version does not know.
    #[serde(flatten)]
    pub extra: Extra,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn rooms_people_and_pages_survive_a_round_trip() {
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
    fn what_a_host_leaves_empty_is_absent() {
        let room = json!({"id": 42, "guest_access_url": null, "owner": null});
        let read: RoomDetails = serde_json::from_value(room).unwrap();
        assert_eq!(read, RoomDetails::new(42.into()));
        assert!(serde_json::from_value::<UserDetails>(Value::Null).is_err());
    }
}
