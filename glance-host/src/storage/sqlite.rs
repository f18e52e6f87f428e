//! The host's memory in one SQLite database: a file, or RAM for tests.

mod actions;
mod admin_tokens;
mod error;
pub(crate) mod file;
mod glances;
mod group;
mod installations;
mod messages;
mod migrations;
mod private;
mod rooms;
mod rows;
mod schema;
mod sessions;
mod tokens;
mod users;
mod webhooks;
mod writes;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use glance_sdk::model::{
    Action, Descriptor, Event, Glance, OauthId, RoomId, Secret, UserId, Webhook,
};
use rusqlite::Connection;
use tokio::sync::Mutex;

use self::error::storage_error;
pub use self::file::OpenError;
use self::rows::json;
use self::writes::WriteLog;
use super::{Result, State, StorageError, Writes};
use crate::model::{
    AdminToken, Entry, Group, Identity, InstallationQuery, Installed, Leaving, ListedInstallation,
    NewAdminToken, NewRoom, Place, PrivateMessage, RegisteredWebhook, Restriction, Room,
    RuntimeAction, RuntimeGlance, Session, Side, StoredToken, User,
};

/// The host's memory in one SQLite database.
#[derive(Debug, Clone)]
pub struct SqliteState {
    connection: Arc<Mutex<Connection>>,
    writes: Arc<WriteLog>,
}

impl SqliteState {
    /// Opens the file, or creates it, readable by its owner only. A new database gets its name once it is
    /// complete.
    ///
    /// # Errors
    ///
    /// Where the file cannot be opened or written, is empty, or is not a host's database.
    pub fn open(path: &Path) -> std::result::Result<Self, OpenError> {
        file::open(path, Self::prepare)
            .map(Self::new)
            .map_err(|cause| OpenError::new(path, cause))
    }

    /// A database in RAM, gone when it is dropped.
    ///
    /// # Errors
    ///
    /// Where SQLite cannot get the memory.
    pub fn in_memory() -> Result<Self> {
        Connection::open_in_memory()
            .and_then(|mut connection| Self::prepare(&mut connection).map(|()| connection))
            .map(Self::new)
            .map_err(storage_error)
    }

    fn new(connection: Connection) -> Self {
        Self {
            connection: Arc::new(Mutex::new(connection)),
            writes: Arc::default(),
        }
    }

    fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute_batch(schema::SCHEMA)?;
        migrations::run(connection)?;
        users::prepare(connection)?;
        webhooks::prepare(connection)?;
        installations::let_unfinished_go(connection)
    }

    async fn call<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (connection, writes) = (Arc::clone(&self.connection), Arc::clone(&self.writes));
        // Who waits for the connection waits in a task: on a thread each would keep one, and a caller
        // that is not polled for a while would hold up all others once its turn has come.
        let called = tokio::spawn(async move {
            let mut connection = connection.lock_owned().await;
            tokio::task::spawn_blocking(move || writes.observe(&mut connection, query)).await
        });
        called
            .await
            .flatten()
            .map_err(StorageError::other)?
            .map_err(storage_error)
    }
}

#[async_trait]
impl State for SqliteState {
    fn writes(&self) -> Writes {
        self.writes.read()
    }

    async fn probe_write(&self) -> Result<()> {
        self.call(|connection| group::rewrite(connection)).await
    }

    async fn group(&self) -> Result<Group> {
        self.call(|connection| group::get(connection)).await
    }

    async fn name_group(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.call(move |connection| group::name(connection, &name))
            .await
    }

    async fn first_room(&self) -> Result<Option<Room>> {
        self.call(|connection| rooms::first(connection)).await
    }

    async fn rooms(&self) -> Result<Vec<Room>> {
        self.call(|connection| rooms::all(connection)).await
    }

    async fn list_rooms(&self, archived: bool, skip: u64, at_most: u32) -> Result<Vec<Room>> {
        self.call(move |connection| rooms::some(connection, archived, skip, at_most))
            .await
    }

    async fn rooms_open_to(&self, user: &User, at_most: u32) -> Result<Vec<Room>> {
        let user = user.clone();
        self.call(move |connection| rooms::open_to(connection, &user, at_most))
            .await
    }

    async fn room(&self, id: RoomId) -> Result<Option<Room>> {
        self.call(move |connection| rooms::find(connection, id))
            .await
    }

    async fn find_room(&self, name: &str) -> Result<Option<Room>> {
        let name = name.to_owned();
        self.call(move |connection| rooms::find_by_name(connection, &name))
            .await
    }

    async fn get_or_create_room(&self, name: &str, owner: UserId) -> Result<Room> {
        let name = name.to_owned();
        self.call(move |connection| rooms::get_or_create(connection, &name, owner))
            .await
    }

    async fn create_room(&self, new: &NewRoom) -> Result<Option<Room>> {
        let new = new.clone();
        self.call(move |connection| rooms::create(connection, &new))
            .await
    }

    async fn update_room(&self, room: &Room) -> Result<bool> {
        let room = room.clone();
        self.call(move |connection| rooms::update(connection, &room))
            .await
    }

    async fn remove_room(&self, id: RoomId, now: i64) -> Result<Option<Vec<Installed>>> {
        self.call(move |connection| rooms::remove(connection, id, now))
            .await
    }

    async fn members(&self, room: RoomId) -> Result<Vec<User>> {
        self.call(move |connection| users::members(connection, room))
            .await
    }

    async fn memberships(&self, user: UserId) -> Result<Vec<RoomId>> {
        self.call(move |connection| users::memberships(connection, user))
            .await
    }

    async fn add_member(&self, room: RoomId, user: UserId) -> Result<()> {
        self.call(move |connection| users::add_member(connection, room, user))
            .await
    }

    async fn remove_member(&self, room: RoomId, user: UserId) -> Result<bool> {
        self.call(move |connection| users::remove_member(connection, room, user))
            .await
    }

    async fn embed_guest(&self) -> Result<User> {
        self.call(users::embed_guest).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.call(move |connection| users::find(connection, id))
            .await
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.call(|connection| users::all(connection, false)).await
    }

    async fn removed_users(&self) -> Result<Vec<User>> {
        self.call(|connection| users::all(connection, true)).await
    }

    async fn list_users(&self, guests: bool, skip: u64, at_most: u32) -> Result<Vec<User>> {
        self.call(move |connection| users::some(connection, guests, skip, at_most))
            .await
    }

    async fn users_with(&self, ids: &[UserId]) -> Result<Vec<User>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = json(&ids)?;
        self.call(move |connection| users::with(connection, &ids))
            .await
    }

    async fn users_mentioned(&self, names: &[String]) -> Result<Vec<User>> {
        let names: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        let names = json(&names)?;
        self.call(move |connection| users::mentioned(connection, &names))
            .await
    }

    async fn user_at(&self, email: &str) -> Result<Option<User>> {
        let email = email.to_owned();
        self.call(move |connection| users::at(connection, &email))
            .await
    }

    async fn first_admin(&self) -> Result<Option<User>> {
        self.call(|connection| users::first_admin(connection)).await
    }

    async fn find_user(&self, name: &str) -> Result<Option<User>> {
        let name = name.to_owned();
        self.call(move |connection| users::find_by_name(connection, &name))
            .await
    }

    async fn get_or_create_user(&self, name: &str) -> Result<User> {
        let name = name.to_owned();
        self.call(move |connection| users::get_or_create(connection, &name))
            .await
    }

    async fn update_user(&self, user: &User) -> Result<()> {
        let user = user.clone();
        self.call(move |connection| users::update(connection, &user))
            .await
    }

    async fn set_timezone(&self, user: UserId, timezone: &str) -> Result<()> {
        let timezone = timezone.to_owned();
        self.call(move |connection| users::set_timezone(connection, user, &timezone))
            .await
    }

    async fn upsert_identity(&self, identity: &Identity) -> Result<(User, User)> {
        let identity = identity.clone();
        self.call(move |connection| users::upsert_identity(connection, &identity))
            .await
    }

    async fn signing_key(&self) -> Result<Vec<u8>> {
        let mut new = [0; 32];
        aws_lc_rs::rand::fill(&mut new)
            .map_err(|_| StorageError::other("the system gives no random numbers"))?;
        self.call(move |connection| sessions::key(connection, &new))
            .await
    }

    async fn put_session(&self, session: &Session, now: i64) -> Result<()> {
        let session = session.clone();
        self.call(move |connection| sessions::put(connection, &session, now))
            .await
    }

    async fn prolong_session(&self, digest: &[u8], expires_at: i64) -> Result<()> {
        let digest = digest.to_owned();
        self.call(move |connection| sessions::prolong(connection, &digest, expires_at))
            .await
    }

    async fn session(&self, digest: &[u8]) -> Result<Option<Session>> {
        let digest = digest.to_owned();
        self.call(move |connection| sessions::find(connection, digest))
            .await
    }

    async fn remove_session(&self, digest: &[u8]) -> Result<bool> {
        let digest = digest.to_owned();
        self.call(move |connection| sessions::remove(connection, &digest))
            .await
    }

    async fn remove_sessions(&self, user: UserId) -> Result<()> {
        self.call(move |connection| sessions::remove_of(connection, user))
            .await
    }

    async fn begin_installation(&self, installed: &Installed, now: i64) -> Result<bool> {
        let kept = installations::Kept::new(&installed.descriptor)?;
        let installed = installed.clone();
        self.call(move |connection| installations::begin(connection, &installed, &kept, now))
            .await
    }

    async fn finish_installation(&self, id: &OauthId) -> Result<()> {
        let id = id.clone();
        self.call(move |connection| installations::finish(connection, &id))
            .await
    }

    async fn replace_descriptor(&self, id: &OauthId, url: &str, new: &Descriptor) -> Result<()> {
        let (id, url, kept) = (id.clone(), url.to_owned(), installations::Kept::new(new)?);
        self.call(move |connection| installations::replace_descriptor(connection, &id, &url, &kept))
            .await
    }

    async fn replace_secret(&self, id: &OauthId, secret: &Secret) -> Result<()> {
        let (id, secret) = (id.clone(), secret.clone());
        self.call(move |connection| installations::replace_secret(connection, &id, &secret))
            .await
    }

    async fn leave(&self, id: &OauthId, now: i64) -> Result<Option<Installed>> {
        let id = id.clone();
        self.call(move |connection| installations::leave(connection, &id, now))
            .await
    }

    async fn leaving(&self, after: Option<&OauthId>, at_most: u32) -> Result<Vec<Leaving>> {
        let after = after.cloned();
        self.call(move |connection| installations::leaving(connection, after.as_ref(), at_most))
            .await
    }

    async fn is_leaving(&self, id: &OauthId) -> Result<bool> {
        let id = id.clone();
        self.call(move |connection| installations::is_leaving(connection, &id))
            .await
    }

    async fn forget_leaving(&self, id: &OauthId) -> Result<bool> {
        let id = id.clone();
        self.call(move |connection| installations::forget_leaving(connection, &id))
            .await
    }

    async fn secret(&self, id: &OauthId) -> Result<Option<Secret>> {
        let id = id.clone();
        self.call(move |connection| installations::secret(connection, &id))
            .await
    }

    async fn remove_installation(&self, id: &OauthId) -> Result<bool> {
        let id = id.clone();
        self.call(move |connection| installations::remove(connection, &id))
            .await
    }

    async fn installation(&self, id: &OauthId) -> Result<Option<Installed>> {
        let id = id.clone();
        self.call(move |connection| installations::find(connection, &id))
            .await
    }

    async fn installed_in(&self, key: &str, room: Option<RoomId>) -> Result<Vec<Place>> {
        let key = key.to_owned();
        self.call(move |connection| installations::places(connection, &key, room))
            .await
    }

    async fn list_installations(
        &self,
        query: &InstallationQuery,
        after: Option<&OauthId>,
        at_most: u32,
    ) -> Result<Vec<ListedInstallation>> {
        let (query, after) = (query.clone(), after.cloned());
        self.call(move |connection| {
            installations::list(connection, &query, after.as_ref(), at_most)
        })
        .await
    }

    async fn count_installations(&self) -> Result<u64> {
        self.call(|connection| installations::count(connection))
            .await
    }

    async fn installations_in(&self, room: RoomId) -> Result<Vec<Installed>> {
        self.call(move |connection| installations::shown_in(connection, room))
            .await
    }

    async fn global_installations(&self) -> Result<Vec<Installed>> {
        self.call(|connection| installations::global(connection))
            .await
    }

    async fn put_glance(
        &self,
        glance: &RuntimeGlance,
    ) -> Result<std::result::Result<(), Restriction>> {
        let body = json(&glance.glance)?;
        let glance = glance.clone();
        self.call(move |connection| glances::put(connection, &glance, &body))
            .await
    }

    async fn glance(&self, id: &OauthId, place: Place, key: &str) -> Result<Option<Glance>> {
        let (id, key) = (id.clone(), key.to_owned());
        self.call(move |connection| glances::find(connection, &id, place, &key))
            .await
    }

    async fn remove_glance(&self, id: &OauthId, place: Place, key: &str) -> Result<bool> {
        let (id, key) = (id.clone(), key.to_owned());
        self.call(move |connection| glances::remove(connection, &id, place, &key))
            .await
    }

    async fn glances_in(&self, id: &OauthId, room: RoomId) -> Result<Vec<RuntimeGlance>> {
        let id = id.clone();
        self.call(move |connection| glances::of(connection, &id, room))
            .await
    }

    async fn has_glance(&self, id: &OauthId, key: &str) -> Result<bool> {
        let (id, key) = (id.clone(), key.to_owned());
        self.call(move |connection| glances::has(connection, &id, &key))
            .await
    }

    async fn put_webhook(
        &self,
        id: &OauthId,
        room: RoomId,
        webhook: &Webhook,
    ) -> Result<std::result::Result<u64, Restriction>> {
        let (id, kept) = (id.clone(), webhooks::Kept::new(webhook)?);
        self.call(move |connection| webhooks::put(connection, &id, room, &kept))
            .await
    }

    async fn remove_webhook(&self, id: &OauthId, number: u64) -> Result<bool> {
        let id = id.clone();
        self.call(move |connection| webhooks::remove(connection, &id, number))
            .await
    }

    async fn webhooks_of(&self, id: &OauthId, room: RoomId) -> Result<Vec<RegisteredWebhook>> {
        let id = id.clone();
        self.call(move |connection| webhooks::of(connection, &id, room))
            .await
    }

    async fn webhooks_on(
        &self,
        event: &Event,
        room: RoomId,
    ) -> Result<Vec<(Arc<Installed>, RegisteredWebhook)>> {
        let event = event.to_string();
        self.call(move |connection| webhooks::on(connection, &event, room))
            .await
    }

    async fn put_action(&self, action: &RuntimeAction) -> Result<bool> {
        let body = json(&action.action)?;
        let action = action.clone();
        self.call(move |connection| actions::put(connection, &action, &body))
            .await
    }

    async fn action(&self, id: &OauthId, place: Place, key: &str) -> Result<Option<Action>> {
        let (id, key) = (id.clone(), key.to_owned());
        self.call(move |connection| actions::find(connection, &id, place, &key))
            .await
    }

    async fn actions_in(&self, id: &OauthId, room: RoomId) -> Result<Vec<RuntimeAction>> {
        let id = id.clone();
        self.call(move |connection| actions::of(connection, &id, room))
            .await
    }

    async fn remove_action(&self, id: &OauthId, place: Place, key: &str) -> Result<bool> {
        let (id, key) = (id.clone(), key.to_owned());
        self.call(move |connection| actions::remove(connection, &id, place, &key))
            .await
    }

    async fn write(&self, entry: &Entry) -> Result<bool> {
        let kept = messages::Kept::new(entry)?;
        self.call(move |connection| kept.insert(connection)).await
    }

    async fn timeline(&self, room: RoomId, at_most: u32) -> Result<Vec<Entry>> {
        let mut newest = self.history(room, 0, at_most).await?;
        newest.reverse();
        Ok(newest)
    }

    async fn history(&self, room: RoomId, skip: u32, at_most: u32) -> Result<Vec<Entry>> {
        self.call(move |connection| messages::newest(connection, room, skip, at_most))
            .await
    }

    async fn history_beside(
        &self,
        room: RoomId,
        id: &str,
        side: Side,
        at_most: u32,
    ) -> Result<Vec<Entry>> {
        let id = id.to_owned();
        self.call(move |connection| messages::beside(connection, room, &id, side, at_most))
            .await
    }

    async fn entry(&self, room: RoomId, id: &str) -> Result<Option<Entry>> {
        let id = id.to_owned();
        self.call(move |connection| messages::find(connection, room, &id))
            .await
    }

    async fn write_privately(&self, message: &PrivateMessage) -> Result<()> {
        let message = message.clone();
        self.call(move |connection| private::insert(connection, &message))
            .await
    }

    async fn private_messages(&self, to: UserId, at_most: u32) -> Result<Vec<PrivateMessage>> {
        self.call(move |connection| private::to(connection, to, at_most))
            .await
    }

    async fn count_unread(&self, to: UserId) -> Result<u64> {
        self.call(move |connection| private::count_unread(connection, to))
            .await
    }

    async fn mark_read(&self, to: UserId, id: &str) -> Result<()> {
        let id = id.to_owned();
        self.call(move |connection| private::mark_read(connection, to, &id))
            .await
    }

    async fn remove_private_messages(&self, to: UserId) -> Result<()> {
        self.call(move |connection| private::remove(connection, to))
            .await
    }

    async fn forget_messages(&self, before: i64, at_most: u32) -> Result<u64> {
        self.call(move |connection| {
            let in_rooms = messages::forget(connection, before, at_most)?;
            Ok((in_rooms + private::forget(connection, before, at_most)?) as u64)
        })
        .await
    }

    async fn put_token(&self, token: &StoredToken, now: i64) -> Result<()> {
        let token = token.clone();
        self.call(move |connection| tokens::put(connection, &token, now))
            .await
    }

    async fn token(&self, digest: &[u8]) -> Result<Option<StoredToken>> {
        let digest = digest.to_owned();
        self.call(move |connection| tokens::find(connection, digest))
            .await
    }

    async fn remove_token(&self, digest: &[u8]) -> Result<bool> {
        let digest = digest.to_owned();
        self.call(move |connection| tokens::remove(connection, &digest))
            .await
    }

    async fn remove_tokens(&self, id: &OauthId) -> Result<()> {
        let id = id.clone();
        self.call(move |connection| tokens::remove_all(connection, &id))
            .await
    }

    async fn create_admin_token(
        &self,
        new: &NewAdminToken,
        now: i64,
    ) -> Result<Option<AdminToken>> {
        let new = new.clone();
        self.call(move |connection| admin_tokens::create(connection, &new, now))
            .await
    }

    async fn admin_token(&self, id: u64) -> Result<Option<AdminToken>> {
        self.call(move |connection| admin_tokens::find(connection, id))
            .await
    }

    async fn admin_tokens(&self) -> Result<Vec<AdminToken>> {
        self.call(|connection| admin_tokens::all(connection)).await
    }

    async fn touch_admin_token(&self, id: u64, now: i64) -> Result<()> {
        self.call(move |connection| admin_tokens::touch(connection, id, now))
            .await
    }

    async fn revoke_admin_token(&self, id: u64, now: i64) -> Result<bool> {
        self.call(move |connection| admin_tokens::revoke(connection, id, now))
            .await
    }
}

#[cfg(test)]
mod tests;
