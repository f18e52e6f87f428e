//! The host's memory in one SQLite database: a file, or RAM for tests.

mod actions;
mod messages;
mod migrations;
mod private;
mod rooms;
mod sessions;
mod tokens;
mod users;
mod webhooks;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use glance_sdk::model::{
    Action, Descriptor, Event, Glance, OauthId, RoomId, Secret, UserId, Webhook,
};
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

use super::{
    Entry, Group, Identity, Installed, MAX_RUNTIME_GLANCES, NewRoom, Place, PrivateMessage,
    RegisteredWebhook, Restriction, Result, Room, RuntimeAction, RuntimeGlance, Session, Side,
    State, StateError, StoredToken, User,
};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS team (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS user (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        is_admin INTEGER NOT NULL DEFAULT 0,
        is_guest INTEGER NOT NULL DEFAULT 0,
        timezone TEXT NOT NULL DEFAULT 'UTC'
    ) STRICT;
    CREATE TABLE IF NOT EXISTS room (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        is_public INTEGER NOT NULL DEFAULT 1,
        owner INTEGER NOT NULL REFERENCES user (id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS installation (
        oauth_id TEXT PRIMARY KEY,
        oauth_secret TEXT NOT NULL,
        room_id INTEGER REFERENCES room (id),
        add_on_key TEXT NOT NULL,
        descriptor_url TEXT NOT NULL,
        descriptor TEXT NOT NULL,
        accepted INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    -- An add-on is installed once in a place; in all rooms is a place of its own.
    CREATE UNIQUE INDEX IF NOT EXISTS installation_by_place
        ON installation (ifnull(room_id, 0), add_on_key);
    CREATE INDEX IF NOT EXISTS installation_by_room ON installation (room_id, add_on_key);
    CREATE INDEX IF NOT EXISTS installation_by_add_on ON installation (add_on_key, room_id);
    -- A global glance has room_id 0: SQLite takes two NULLs for different keys.
    CREATE TABLE IF NOT EXISTS runtime_glance (
        oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
        room_id INTEGER NOT NULL,
        key TEXT NOT NULL,
        glance TEXT NOT NULL,
        PRIMARY KEY (oauth_id, key, room_id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS token (
        digest BLOB PRIMARY KEY,
        oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
        scope TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS token_by_end ON token (expires_at);
    CREATE INDEX IF NOT EXISTS token_by_installation ON token (oauth_id);
    -- The sender is no reference: what was written stays when its add-on goes.
    CREATE TABLE IF NOT EXISTS timeline (
        nth INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        room_id INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        sender TEXT NOT NULL,
        sender_name TEXT NOT NULL,
        content TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS timeline_by_room ON timeline (room_id, nth);
    INSERT OR IGNORE INTO team (id, name) VALUES (1, 'Team');
    -- Installations that were under way when the host stopped.
    DELETE FROM installation WHERE accepted = 0;
";

/// The host's memory in one SQLite database.
#[derive(Debug, Clone)]
pub struct SqliteState {
    connection: Arc<Mutex<Connection>>,
}

impl SqliteState {
    /// Opens the file, or creates it, readable by its owner only.
    ///
    /// # Errors
    ///
    /// Where the file cannot be opened or written, or is no SQLite database.
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |cause: &dyn std::fmt::Display| {
            StateError(format!(
                "the host's database {} cannot be used: {cause}",
                path.display()
            ))
        };
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|cause| failed(&cause))?;
        let connection = Connection::open(path).map_err(|cause| failed(&cause))?;
        Self::prepare(connection).map_err(|cause| failed(&cause))
    }

    /// A database in RAM, gone when it is dropped.
    ///
    /// # Errors
    ///
    /// Where SQLite cannot get the memory.
    pub fn in_memory() -> Result<Self> {
        Connection::open_in_memory()
            .and_then(Self::prepare)
            .map_err(|cause| StateError(format!("the host's database cannot be made: {cause}")))
    }

    fn prepare(mut connection: Connection) -> rusqlite::Result<Self> {
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.execute_batch(SCHEMA)?;
        migrations::run(&mut connection)?;
        users::prepare(&mut connection)?;
        webhooks::prepare(&mut connection)?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    async fn call<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let failed = |cause: &dyn std::fmt::Display| {
            StateError(format!("the host's database failed: {cause}"))
        };
        // Who waits for the connection waits here: there each would keep a thread.
        let mut connection = Arc::clone(&self.connection).lock_owned().await;
        tokio::task::spawn_blocking(move || query(&mut connection))
            .await
            .map_err(|cause| failed(&cause))?
            .map_err(|cause| failed(&cause))
    }
}

#[async_trait]
impl State for SqliteState {
    async fn group(&self) -> Result<Group> {
        self.call(|connection| {
            connection.query_row("SELECT id, name FROM team", [], |row| {
                Ok(Group {
                    id: id(row, 0)?.into(),
                    name: row.get(1)?,
                })
            })
        })
        .await
    }

    async fn name_group(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.call(move |connection| connection.execute("UPDATE team SET name = ?1", [name]))
            .await
            .map(drop)
    }

    async fn first_room(&self) -> Result<Option<Room>> {
        self.call(|connection| rooms::first(connection)).await
    }

    async fn rooms(&self) -> Result<Vec<Room>> {
        self.call(|connection| rooms::all(connection)).await
    }

    async fn some_rooms(&self, archived: bool, skip: u64, at_most: u32) -> Result<Vec<Room>> {
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
        self.call(move |connection| rooms::called(connection, &name))
            .await
    }

    async fn room_named(&self, name: &str, owner: UserId) -> Result<Room> {
        let name = name.to_owned();
        self.call(move |connection| rooms::named(connection, &name, owner))
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

    async fn remove_room(&self, id: RoomId) -> Result<Option<Vec<Installed>>> {
        self.call(move |connection| rooms::remove(connection, id))
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

    async fn some_users(&self, guests: bool, skip: u64, at_most: u32) -> Result<Vec<User>> {
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
        self.call(move |connection| users::called(connection, &name))
            .await
    }

    async fn user_named(&self, name: &str) -> Result<User> {
        let name = name.to_owned();
        self.call(move |connection| users::named(connection, &name))
            .await
    }

    async fn update_user(&self, user: &User) -> Result<()> {
        let user = user.clone();
        self.call(move |connection| users::update(connection, &user))
            .await
    }

    async fn user_of(&self, identity: &Identity) -> Result<User> {
        let identity = identity.clone();
        self.call(move |connection| users::of(connection, &identity))
            .await
    }

    async fn signing_key(&self) -> Result<Vec<u8>> {
        let mut new = [0; 32];
        aws_lc_rs::rand::fill(&mut new)
            .map_err(|_| StateError("the system gives no random numbers".to_owned()))?;
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

    async fn begin_installation(&self, installed: &Installed) -> Result<bool> {
        let descriptor = json(&installed.descriptor)?;
        let declared = webhooks::Kept::declared(&installed.descriptor)?;
        let installed = installed.clone();
        self.call(move |connection| {
            let transaction = connection.transaction_with_behavior(Immediate)?;
            let kept = transaction.execute(
                "INSERT OR IGNORE INTO installation
                 (oauth_id, oauth_secret, room_id, add_on_key, descriptor_url, descriptor)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    installed.oauth_id.as_str(),
                    installed.oauth_secret.expose(),
                    installed.room_id.map(|room| number(room.get())),
                    installed.descriptor.key,
                    installed.descriptor_url,
                    descriptor
                ],
            )?;
            if kept > 0 {
                webhooks::declare(&transaction, &installed.oauth_id, &declared)?;
            }
            transaction.commit()?;
            Ok(kept > 0)
        })
        .await
    }

    async fn finish_installation(&self, id: &OauthId) -> Result<()> {
        let id = id.clone();
        self.call(move |connection| {
            connection.execute(
                "UPDATE installation SET accepted = 1 WHERE oauth_id = ?1",
                [id.as_str()],
            )
        })
        .await
        .map(drop)
    }

    async fn replace_descriptor(&self, id: &OauthId, url: &str, new: &Descriptor) -> Result<()> {
        let (id, url, descriptor) = (id.clone(), url.to_owned(), json(new)?);
        let declared = webhooks::Kept::declared(new)?;
        self.call(move |connection| {
            let transaction = connection.transaction_with_behavior(Immediate)?;
            let updated = transaction.execute(
                "UPDATE installation SET descriptor_url = ?2, descriptor = ?3 WHERE oauth_id = ?1",
                params![id.as_str(), url, descriptor],
            )?;
            if updated > 0 {
                webhooks::declare(&transaction, &id, &declared)?;
            }
            transaction.commit()
        })
        .await
    }

    async fn replace_secret(&self, id: &OauthId, secret: &Secret) -> Result<()> {
        let (id, secret) = (id.clone(), secret.clone());
        self.call(move |connection| {
            connection.execute(
                "UPDATE installation SET oauth_secret = ?2 WHERE oauth_id = ?1",
                [id.as_str(), secret.expose()],
            )
        })
        .await
        .map(drop)
    }

    async fn remove_installation(&self, id: &OauthId) -> Result<bool> {
        let id = id.clone();
        self.call(move |connection| {
            connection.execute(
                "DELETE FROM installation WHERE oauth_id = ?1",
                [id.as_str()],
            )
        })
        .await
        .map(|removed| removed > 0)
    }

    async fn installation(&self, id: &OauthId) -> Result<Option<Installed>> {
        let id = id.clone();
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "SELECT oauth_id, oauth_secret, room_id, descriptor_url, descriptor
                     FROM installation WHERE oauth_id = ?1",
                )?
                .query_row([id.as_str()], installed)
                .optional()
        })
        .await
    }

    async fn is_installed(&self, key: &str, room: Option<RoomId>) -> Result<bool> {
        let key = key.to_owned();
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM installation
                     WHERE accepted = 1 AND add_on_key = ?1
                       AND (?2 IS NULL OR room_id = ?2 OR room_id IS NULL)",
                )?
                .exists(params![key, room.map(|room| number(room.get()))])
        })
        .await
    }

    async fn count_installations(&self) -> Result<u64> {
        self.call(|connection| {
            connection
                .prepare_cached("SELECT count(*) FROM installation WHERE accepted = 1")?
                .query_row([], |row| id(row, 0))
        })
        .await
    }

    async fn installations_in(&self, room: RoomId) -> Result<Vec<Installed>> {
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "SELECT oauth_id, oauth_secret, room_id, descriptor_url, descriptor
                     FROM installation
                     WHERE accepted = 1 AND (room_id = ?1 OR room_id IS NULL)
                     ORDER BY add_on_key, oauth_id",
                )?
                .query_map([number(room.get())], installed)?
                .collect()
        })
        .await
    }

    async fn global_installations(&self) -> Result<Vec<Installed>> {
        self.call(|connection| {
            connection
                .prepare_cached(
                    "SELECT oauth_id, oauth_secret, room_id, descriptor_url, descriptor
                     FROM installation
                     WHERE accepted = 1 AND room_id IS NULL
                     ORDER BY add_on_key, oauth_id",
                )?
                .query_map([], installed)?
                .collect()
        })
        .await
    }

    async fn put_glance(
        &self,
        glance: &RuntimeGlance,
    ) -> Result<std::result::Result<(), Restriction>> {
        let body = json(&glance.glance)?;
        let RuntimeGlance {
            oauth_id,
            place,
            glance,
        } = glance.clone();
        self.call(move |connection| {
            let transaction = connection.transaction_with_behavior(Immediate)?;
            let count = |condition: &str| {
                transaction.query_row(
                    &format!(
                        "SELECT count(*) FROM runtime_glance
                         WHERE oauth_id = ?1 AND {condition}"
                    ),
                    params![oauth_id.as_str(), glance.key, column(place)],
                    |row| row.get::<_, u32>(0),
                )
            };
            let elsewhere = match place {
                Place::Global => "key = ?2 AND room_id <> ?3",
                Place::Room(_) => "key = ?2 AND room_id = 0 AND ?3 <> 0",
            };
            if count(elsewhere)? > 0 {
                return Ok(Err(Restriction::KeyElsewhere));
            }
            if count("key <> ?2 AND room_id = ?3")? >= MAX_RUNTIME_GLANCES {
                return Ok(Err(Restriction::TooMany));
            }
            transaction.execute(
                "INSERT OR REPLACE INTO runtime_glance (oauth_id, key, room_id, glance)
                 VALUES (?1, ?2, ?3, ?4)",
                params![oauth_id.as_str(), glance.key, column(place), body],
            )?;
            transaction.commit()?;
            Ok(Ok(()))
        })
        .await
    }

    async fn glance(&self, id: &OauthId, place: Place, key: &str) -> Result<Option<Glance>> {
        let (id, key) = (id.clone(), key.to_owned());
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "SELECT glance FROM runtime_glance
                     WHERE oauth_id = ?1 AND key = ?2 AND room_id = ?3",
                )?
                .query_row(params![id.as_str(), key, column(place)], |row| {
                    parsed(row, 0)
                })
                .optional()
        })
        .await
    }

    async fn remove_glance(&self, id: &OauthId, place: Place, key: &str) -> Result<bool> {
        let (id, key) = (id.clone(), key.to_owned());
        self.call(move |connection| {
            connection.execute(
                "DELETE FROM runtime_glance WHERE oauth_id = ?1 AND key = ?2 AND room_id = ?3",
                params![id.as_str(), key, column(place)],
            )
        })
        .await
        .map(|removed| removed > 0)
    }

    async fn glances_in(&self, id: &OauthId, room: RoomId) -> Result<Vec<RuntimeGlance>> {
        let id = id.clone();
        self.call(move |connection| {
            connection
                .prepare_cached(
                    "SELECT room_id, glance FROM runtime_glance
                     WHERE oauth_id = ?1 AND room_id IN (0, ?2) ORDER BY key",
                )?
                .query_map(params![id.as_str(), number(room.get())], |row| {
                    let place = match self::id(row, 0)? {
                        0 => Place::Global,
                        room => Place::Room(room.into()),
                    };
                    Ok(RuntimeGlance {
                        oauth_id: id.clone(),
                        place,
                        glance: parsed(row, 1)?,
                    })
                })?
                .collect()
        })
        .await
    }

    async fn has_glance(&self, id: &OauthId, key: &str) -> Result<bool> {
        let (id, key) = (id.clone(), key.to_owned());
        self.call(move |connection| {
            connection
                .prepare_cached("SELECT 1 FROM runtime_glance WHERE oauth_id = ?1 AND key = ?2")?
                .exists(params![id.as_str(), key])
        })
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

    async fn write(&self, entry: &Entry) -> Result<()> {
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

    async fn private_messages(&self, to: UserId) -> Result<Vec<PrivateMessage>> {
        self.call(move |connection| private::to(connection, to))
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
}

/// SQLite counts in i64: an id from a request that does not fit is the id of nothing.
fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(-1)
}

/// So many are skipped; more than SQLite counts are all there are.
fn offset(skip: u64) -> i64 {
    i64::try_from(skip).unwrap_or(i64::MAX)
}

fn id(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let id: i64 = row.get(column)?;
    u64::try_from(id).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, id))
}

fn column(place: Place) -> i64 {
    match place {
        Place::Global => 0,
        Place::Room(room) => number(room.get()),
    }
}

fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|cause| StateError(format!("JSON cannot be written: {cause}")))
}

fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|cause| {
        rusqlite::Error::FromSqlConversionFailure(
            column,
            rusqlite::types::Type::Text,
            Box::new(cause),
        )
    })
}

fn installed(row: &Row<'_>) -> rusqlite::Result<Installed> {
    Ok(Installed {
        oauth_id: row.get::<_, String>(0)?.into(),
        oauth_secret: row.get::<_, String>(1)?.into(),
        room_id: row
            .get::<_, Option<i64>>(2)?
            .and_then(|id| u64::try_from(id).ok())
            .map(RoomId::new),
        descriptor_url: row.get(3)?,
        descriptor: parsed(row, 4)?,
    })
}

#[cfg(test)]
mod tests;
