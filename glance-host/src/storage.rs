//! What a host remembers: its group, rooms, users and their sessions, installations, runtime glances,
//! webhooks, tokens, and what was written into rooms.

mod error;
mod sqlite;

use std::fmt;
use std::sync::Arc;

use glance_sdk::model::{
    Action, Descriptor, Event, Glance, OauthId, RoomId, Secret, UserId, Webhook,
};

use crate::model::{
    AdminToken, Entry, Group, Identity, InstallationQuery, Installed, Leaving, ListedInstallation,
    NewAdminToken, NewRoom, Place, PrivateMessage, RegisteredWebhook, Restriction, Room,
    RuntimeAction, RuntimeGlance, Session, Side, StoredToken, User,
};

/// The attribute that an `impl` of [`State`] needs.
pub use async_trait::async_trait;

pub use error::StorageError;
pub(crate) use sqlite::file as database;
pub use sqlite::{OpenError, SqliteState};

type Result<T> = std::result::Result<T, StorageError>;

/// The writes since the state was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Writes {
    /// How many there were, whether they succeeded or failed for lack of a working disk.
    pub count: u64,
    /// Whether the latest of them failed.
    pub has_failed: bool,
}

/// Keeps what a host remembers. What it acknowledged is there after a crash.
#[async_trait]
pub trait State: fmt::Debug + Send + Sync + 'static {
    /// Returns how many writes there were, and the outcome of the latest.
    fn writes(&self) -> Writes;

    /// Writes something that changes nothing, to find out whether writes succeed.
    async fn probe_write(&self) -> Result<()>;

    /// The group.
    async fn group(&self) -> Result<Group>;

    /// Gives the group this name.
    async fn name_group(&self, name: &str) -> Result<()>;

    /// All rooms, by id.
    async fn rooms(&self) -> Result<Vec<Room>>;
    /// Lists rooms by id, without the first `skip`: the archived ones, or the others.
    async fn list_rooms(&self, archived: bool, skip: u64, at_most: u32) -> Result<Vec<Room>>;
    /// The rooms that a person may enter, by id, without archived ones.
    async fn rooms_open_to(&self, user: &User, at_most: u32) -> Result<Vec<Room>>;
    /// The room with the least id.
    async fn first_room(&self) -> Result<Option<Room>>;
    /// The room with this id.
    async fn room(&self, id: RoomId) -> Result<Option<Room>>;
    /// The room with this name.
    async fn find_room(&self, name: &str) -> Result<Option<Room>>;
    /// Finds or creates the room with this name. `owner` owns a new room.
    async fn get_or_create_room(&self, name: &str, owner: UserId) -> Result<Room>;
    /// Makes a room; `None` where there is one with its name.
    async fn create_room(&self, new: &NewRoom) -> Result<Option<Room>>;
    /// Changes a room; false where there is none with its id, or another one with its name.
    async fn update_room(&self, room: &Room) -> Result<bool>;
    /// Forgets a room with all that is in it, and gives the installations that were, which
    /// [leave](Self::leave) at `now`: `None` where there is no such room. Its id never comes to mean
    /// another.
    async fn remove_room(&self, id: RoomId, now: i64) -> Result<Option<Vec<Installed>>>;
    /// Who was let into a room, by id.
    async fn members(&self, room: RoomId) -> Result<Vec<User>>;
    /// The rooms a person was let into, by id.
    async fn memberships(&self, user: UserId) -> Result<Vec<RoomId>>;
    /// Lets a person into a room.
    async fn add_member(&self, room: RoomId, user: UserId) -> Result<()>;
    /// Takes a person out of a room; says whether they were let in.
    async fn remove_member(&self, room: RoomId, user: UserId) -> Result<bool>;

    /// The account under which people look at rooms on other sites who have no name here, made at the
    /// first call. [`user`](Self::user) and [`users_with`](Self::users_with) find it by its id; nothing
    /// else finds or changes it.
    async fn embed_guest(&self) -> Result<User>;
    /// The user with this id, removed or not.
    async fn user(&self, id: UserId) -> Result<Option<User>>;
    /// All users but those who were removed, by id.
    async fn users(&self) -> Result<Vec<User>>;
    /// The users who were removed, by id.
    async fn removed_users(&self) -> Result<Vec<User>>;
    /// Lists users by id, without removed ones and without the first `skip`: the guests, or the others.
    async fn list_users(&self, guests: bool, skip: u64, at_most: u32) -> Result<Vec<User>>;
    /// The users with these ids, removed or not, by id.
    async fn users_with(&self, ids: &[UserId]) -> Result<Vec<User>>;
    /// The users whose mention name is one of these, whatever their case, but those who were removed,
    /// by id.
    async fn users_mentioned(&self, names: &[String]) -> Result<Vec<User>>;
    /// The user with this address, whatever the case of its ASCII letters, unless they were removed.
    async fn user_at(&self, email: &str) -> Result<Option<User>>;
    /// The admin with the least id who was not removed.
    async fn first_admin(&self) -> Result<Option<User>>;
    /// The user with this name.
    async fn find_user(&self, name: &str) -> Result<Option<User>>;
    /// Finds or creates the user with this name.
    async fn get_or_create_user(&self, name: &str) -> Result<User>;
    /// Changes a user.
    async fn update_user(&self, user: &User) -> Result<()>;
    /// Changes a user's time zone, and nothing else that may have changed meanwhile.
    async fn set_timezone(&self, user: UserId, timezone: &str) -> Result<()>;
    /// Finds or creates the user for this identity. Returns the stored user and the user as described
    /// by the identity; the latter is not saved.
    async fn upsert_identity(&self, identity: &Identity) -> Result<(User, User)>;

    /// A key of this host's own, 32 bytes, made at the first call: it signs cookies.
    async fn signing_key(&self) -> Result<Vec<u8>>;
    /// Keeps a session, and forgets those that expired before `now`.
    async fn put_session(&self, session: &Session, now: i64) -> Result<()>;
    /// Lets a session hold until then, where it has not ended meanwhile.
    async fn prolong_session(&self, digest: &[u8], expires_at: i64) -> Result<()>;
    /// The session with this digest.
    async fn session(&self, digest: &[u8]) -> Result<Option<Session>>;
    /// Forgets a session; says whether there was one.
    async fn remove_session(&self, digest: &[u8]) -> Result<bool>;
    /// Forgets all sessions of a person.
    async fn remove_sessions(&self, user: UserId) -> Result<()>;

    /// Keeps an installation whose add-on has not answered yet, and the webhooks it declares: it
    /// has tokens already, and [leaves](Self::leave) at the next start. False where the add-on would show twice,
    /// beside one that it accepted or has yet to. `now` is in seconds since 1970.
    async fn begin_installation(&self, installed: &Installed, now: i64) -> Result<bool>;
    /// Marks an installation as accepted by its add-on.
    async fn finish_installation(&self, id: &OauthId) -> Result<()>;
    /// Replaces the descriptor of an installation, and the webhooks it declares.
    async fn replace_descriptor(&self, id: &OauthId, url: &str, new: &Descriptor) -> Result<()>;
    /// Gives an installation another secret.
    async fn replace_secret(&self, id: &OauthId, secret: &Secret) -> Result<()>;
    /// Removes an installation, its glances, webhooks and tokens, and stores in the same transaction
    /// that its add-on has to be told, if it has a `callbackUrl`. Returns the installation; `None`
    /// where there is none. `now` is in seconds since 1970.
    async fn leave(&self, id: &OauthId, now: i64) -> Result<Option<Installed>>;
    /// The installations whose add-ons have to be told, by id, after this id; at most so many.
    async fn leaving(&self, after: Option<&OauthId>, at_most: u32) -> Result<Vec<Leaving>>;
    /// Whether the add-on of a removed installation has yet to be told.
    async fn is_leaving(&self, id: &OauthId) -> Result<bool>;
    /// Forgets an installation whose add-on was told, or never will be; says whether there was one.
    async fn forget_leaving(&self, id: &OauthId) -> Result<bool>;
    /// The secret of an installation, accepted or not. It costs the same whether there is one or not.
    async fn secret(&self, id: &OauthId) -> Result<Option<Secret>>;
    /// Forgets an installation of which its add-on knows nothing, with its glances, webhooks and
    /// tokens; says whether there was one. What an add-on knows of [leaves](Self::leave).
    async fn remove_installation(&self, id: &OauthId) -> Result<bool>;
    /// The installation with this id, accepted or not.
    async fn installation(&self, id: &OauthId) -> Result<Option<Installed>>;
    /// Where the accepted installations of the add-on with this key are that show in this room, or in
    /// any: all rooms first, then by room.
    async fn installed_in(&self, key: &str, room: Option<RoomId>) -> Result<Vec<Place>>;
    /// Lists installations, accepted or not, by id, after this id; at most so many.
    async fn list_installations(
        &self,
        query: &InstallationQuery,
        after: Option<&OauthId>,
        at_most: u32,
    ) -> Result<Vec<ListedInstallation>>;
    /// How many accepted installations there are.
    async fn count_installations(&self) -> Result<u64>;
    /// The accepted installations that show in this room, by the key of the add-on.
    async fn installations_in(&self, room: RoomId) -> Result<Vec<Installed>>;
    /// The accepted installations for all rooms, by the key of the add-on.
    async fn global_installations(&self) -> Result<Vec<Installed>>;

    /// Creates a runtime glance, or replaces the one with its key in this place.
    async fn put_glance(
        &self,
        glance: &RuntimeGlance,
    ) -> Result<std::result::Result<(), Restriction>>;
    /// The runtime glance with this key in this place.
    async fn glance(&self, id: &OauthId, place: Place, key: &str) -> Result<Option<Glance>>;
    /// Removes a runtime glance; says whether there was one.
    async fn remove_glance(&self, id: &OauthId, place: Place, key: &str) -> Result<bool>;
    /// The runtime glances of an installation, of this room and global ones.
    async fn glances_in(&self, id: &OauthId, room: RoomId) -> Result<Vec<RuntimeGlance>>;
    /// Whether the installation has a runtime glance with this key anywhere.
    async fn has_glance(&self, id: &OauthId, key: &str) -> Result<bool>;

    /// Registers a webhook in a room, or replaces the one with its key there; gives its number.
    async fn put_webhook(
        &self,
        id: &OauthId,
        room: RoomId,
        webhook: &Webhook,
    ) -> Result<std::result::Result<u64, Restriction>>;
    /// Removes a webhook that was registered in a room; says whether there was one.
    async fn remove_webhook(&self, id: &OauthId, number: u64) -> Result<bool>;
    /// The webhooks of an installation that listen in this room, by number.
    async fn webhooks_of(&self, id: &OauthId, room: RoomId) -> Result<Vec<RegisteredWebhook>>;
    /// The webhooks of accepted installations that listen for this event in this room, by number.
    async fn webhooks_on(
        &self,
        event: &Event,
        room: RoomId,
    ) -> Result<Vec<(Arc<Installed>, RegisteredWebhook)>>;
    /// Creates a runtime action, or replaces the one with its key in this place; false where there
    /// are as many as may be.
    async fn put_action(&self, action: &RuntimeAction) -> Result<bool>;
    /// The runtime action with this key in this place.
    async fn action(&self, id: &OauthId, place: Place, key: &str) -> Result<Option<Action>>;
    /// The runtime actions of an installation, of this room before global ones.
    async fn actions_in(&self, id: &OauthId, room: RoomId) -> Result<Vec<RuntimeAction>>;
    /// Removes a runtime action; says whether there was one.
    async fn remove_action(&self, id: &OauthId, place: Place, key: &str) -> Result<bool>;

    /// Keeps what was written into a room; false, and nothing is done, where an entry has this id.
    async fn write(&self, entry: &Entry) -> Result<bool>;
    /// The newest of what was written into a room, at most so much of it, oldest first.
    async fn timeline(&self, room: RoomId, at_most: u32) -> Result<Vec<Entry>>;
    /// What was written into a room, newest first, after the newest `skip` of it.
    async fn history(&self, room: RoomId, skip: u32, at_most: u32) -> Result<Vec<Entry>>;
    /// What was written into a room next to the entry with this id, the nearest first; nothing where
    /// the room has no such entry.
    async fn history_beside(
        &self,
        room: RoomId,
        id: &str,
        side: Side,
        at_most: u32,
    ) -> Result<Vec<Entry>>;
    /// The entry with this id, where it was written into this room.
    async fn entry(&self, room: RoomId, id: &str) -> Result<Option<Entry>>;

    /// Keeps what was written to one person, and of all that was the newest
    /// [`MAX_PRIVATE_MESSAGES`](crate::model::MAX_PRIVATE_MESSAGES).
    async fn write_privately(&self, message: &PrivateMessage) -> Result<()>;
    /// The newest of what was written to this person, at most so much of it, oldest first.
    async fn private_messages(&self, to: UserId, at_most: u32) -> Result<Vec<PrivateMessage>>;
    /// How many messages this person has not read.
    async fn count_unread(&self, to: UserId) -> Result<u64>;
    /// Marks the message with this id as read, and what was written to this person before it.
    async fn mark_read(&self, to: UserId, id: &str) -> Result<()>;
    /// Forgets all that was written to this person.
    async fn remove_private_messages(&self, to: UserId) -> Result<()>;

    /// Forgets what was written into rooms and to people before this time, in microseconds since 1970:
    /// the oldest, at most so many of each kind. Says how many it forgot.
    async fn forget_messages(&self, before: i64, at_most: u32) -> Result<u64>;

    /// Keeps a token, and forgets those that expired before `now`.
    async fn put_token(&self, token: &StoredToken, now: i64) -> Result<()>;
    /// The token with this digest.
    async fn token(&self, digest: &[u8]) -> Result<Option<StoredToken>>;
    /// Forgets a token; says whether there was one.
    async fn remove_token(&self, digest: &[u8]) -> Result<bool>;
    /// Forgets all tokens of an installation.
    async fn remove_tokens(&self, id: &OauthId) -> Result<()>;

    /// Stores a token for scripts, and of those that ended keeps the newest [`MAX_ADMIN_TOKENS`](crate::model::MAX_ADMIN_TOKENS);
    /// `None` where as many hold at `now`, in seconds since 1970.
    async fn create_admin_token(&self, new: &NewAdminToken, now: i64)
    -> Result<Option<AdminToken>>;
    /// The token for scripts with this id, whether it holds or not.
    async fn admin_token(&self, id: u64) -> Result<Option<AdminToken>>;
    /// All tokens for scripts, the newest first.
    async fn admin_tokens(&self) -> Result<Vec<AdminToken>>;
    /// Stores when a token for scripts was used last, in seconds since 1970.
    async fn touch_admin_token(&self, id: u64, now: i64) -> Result<()>;
    /// Revokes a token for scripts; says whether there was one that nobody had revoked.
    async fn revoke_admin_token(&self, id: u64, now: i64) -> Result<bool>;
}
