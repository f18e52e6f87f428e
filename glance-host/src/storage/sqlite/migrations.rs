//! Migrates databases of older hosts.

use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, Result};

use super::extensions::webhooks;
use super::people;
use super::schema::SCHEMA;

/// The migrations after the first schema, oldest first. A database stores how many of them it has, so a released one
/// never changes, and new ones go to the end.
const STEPS: &[&str] = &[
    "
    ALTER TABLE room ADD COLUMN topic TEXT NOT NULL DEFAULT '';
    ALTER TABLE room ADD COLUMN is_archived INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE room ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
    -- Nobody knows when it was: it was here by now.
    UPDATE room SET created = unixepoch();
    ALTER TABLE user ADD COLUMN email TEXT;
    CREATE TABLE room_member (
        room_id INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
        user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        PRIMARY KEY (room_id, user_id)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- A global action has room_id 0, as a global glance has.
    CREATE TABLE runtime_action (
        oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
        room_id INTEGER NOT NULL,
        key TEXT NOT NULL,
        action TEXT NOT NULL,
        PRIMARY KEY (oauth_id, key, room_id)
    ) STRICT;
",
    "
    -- Rooms that were deleted.
    CREATE TABLE spent_room (id INTEGER PRIMARY KEY) STRICT;
",
    "
    -- The sender is no reference: what was written stays when its add-on goes.
    CREATE TABLE private_message (
        nth INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        at INTEGER NOT NULL,
        sender TEXT NOT NULL,
        sender_name TEXT NOT NULL,
        text TEXT NOT NULL,
        format TEXT NOT NULL,
        notify INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX private_message_by_user ON private_message (user_id, nth);
",
    "
    ALTER TABLE user ADD COLUMN is_removed INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE identity (
        provider TEXT NOT NULL,
        subject TEXT NOT NULL,
        user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        PRIMARY KEY (provider, subject)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE session (
        digest BLOB PRIMARY KEY,
        user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        began_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX session_by_end ON session (expires_at);
    CREATE INDEX session_by_user ON session (user_id);
    CREATE INDEX room_member_by_user ON room_member (user_id);
    CREATE TABLE signing_key (id INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
",
    "
    -- Lower-case; of nobody whom a host wrote that did not know of it, until it is filled in.
    ALTER TABLE user ADD COLUMN mention TEXT;
    CREATE INDEX user_by_mention ON user (mention);
    CREATE INDEX user_by_email ON user (email COLLATE NOCASE);
",
    "
    CREATE INDEX timeline_by_time ON timeline (at);
    CREATE INDEX private_message_by_time ON private_message (at);
",
    "
    ALTER TABLE private_message ADD COLUMN is_read INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX private_message_unread ON private_message (user_id) WHERE NOT is_read;
",
    "
    -- Installations that were removed and whose add-ons have not been told yet.
    CREATE TABLE leaving_installation (
        oauth_id TEXT PRIMARY KEY,
        oauth_secret TEXT NOT NULL,
        callback_url TEXT NOT NULL,
        since INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    -- The account of those who look at rooms on other sites. Hosts found it by its name until now, so
    -- a person of that name may have been taken for it: only a row without a trace of a person becomes
    -- the account. No person has an empty name, so none can take this one.
    ALTER TABLE user ADD COLUMN is_technical INTEGER NOT NULL DEFAULT 0;
    UPDATE user SET name = '', mention = '', is_technical = 1
    WHERE name = 'Guest of another site'
        AND is_guest AND NOT is_admin AND NOT is_removed AND email IS NULL
        AND id NOT IN (SELECT user_id FROM identity)
        AND id NOT IN (SELECT user_id FROM session)
        AND id NOT IN (SELECT user_id FROM room_member)
        AND id NOT IN (SELECT user_id FROM private_message)
        AND id NOT IN (SELECT owner FROM room)
        AND NOT EXISTS (
            SELECT 1 FROM timeline WHERE kind = 'message' AND sender = CAST(user.id AS TEXT));
",
    "
    -- Of an installation that an older host began nobody knows when that was.
    ALTER TABLE installation ADD COLUMN installed_at INTEGER;
    -- Tokens of scripts. AUTOINCREMENT: the id of a token never comes to mean another.
    CREATE TABLE admin_token (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        digest BLOB NOT NULL,
        created_by INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
        created_at INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        last_used_at INTEGER,
        revoked_at INTEGER
    ) STRICT;
",
    "
    -- Webhook calls that are still to be made. The calls of an event share its payload, which goes with the last of
    -- them. AUTOINCREMENT: the number of calls that are over never comes to mean others.
    CREATE TABLE webhook_event (id INTEGER PRIMARY KEY, payload TEXT NOT NULL) STRICT;
    CREATE TABLE webhook_call (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        event_id INTEGER NOT NULL REFERENCES webhook_event (id),
        oauth_id TEXT NOT NULL,
        -- Null if the calls are made although their installation is gone; they have its secret then.
        installation TEXT REFERENCES installation (oauth_id) ON DELETE CASCADE,
        last_secret TEXT,
        bytes INTEGER NOT NULL,
        position INTEGER NOT NULL DEFAULT 0,
        is_sending INTEGER NOT NULL DEFAULT 0,
        calls TEXT NOT NULL
    ) STRICT;
    CREATE INDEX webhook_call_by_add_on ON webhook_call (oauth_id, id);
    CREATE INDEX webhook_call_by_installation ON webhook_call (installation);
    CREATE INDEX webhook_call_by_event ON webhook_call (event_id);
    CREATE TRIGGER webhook_event_is_over AFTER DELETE ON webhook_call
    WHEN NOT EXISTS (SELECT 1 FROM webhook_call WHERE event_id = OLD.event_id)
    BEGIN
        DELETE FROM webhook_event WHERE id = OLD.event_id;
    END;
",
    "
    -- Visits of browsers to pages of add-ons. One that completes an installation goes with it.
    CREATE TABLE handoff (
        name TEXT PRIMARY KEY,
        installation TEXT UNIQUE REFERENCES installation (oauth_id) ON DELETE CASCADE,
        add_on_name TEXT NOT NULL,
        page TEXT NOT NULL,
        data_name TEXT NOT NULL UNIQUE,
        data TEXT NOT NULL,
        is_data_taken INTEGER NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX installation_unfinished ON installation (installed_at) WHERE accepted = 0;
",
    "
    -- The number of events of a room, and of all rooms: they order the data of glances.
    ALTER TABLE room ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE team ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
    -- The newest data of each glance. Without a room it is for all rooms, without a person for everyone.
    CREATE TABLE glance_value (
        id INTEGER PRIMARY KEY,
        oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
        key TEXT NOT NULL,
        room_id INTEGER REFERENCES room (id) ON DELETE CASCADE,
        user_id INTEGER REFERENCES user (id) ON DELETE CASCADE,
        group_version INTEGER NOT NULL,
        room_version INTEGER NOT NULL,
        is_answer INTEGER NOT NULL,
        look TEXT NOT NULL,
        metadata TEXT,
        received_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        bytes INTEGER NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX glance_value_by_key
        ON glance_value (oauth_id, key, ifnull(room_id, 0), ifnull(user_id, 0));
    CREATE INDEX glance_value_by_place ON glance_value (room_id, user_id);
    CREATE INDEX glance_value_by_user ON glance_value (user_id) WHERE user_id IS NOT NULL;
    -- The size of the data of each installation.
    CREATE TABLE glance_value_size (
        oauth_id TEXT PRIMARY KEY REFERENCES installation (oauth_id) ON DELETE CASCADE,
        bytes INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER glance_value_inserted AFTER INSERT ON glance_value BEGIN
        INSERT INTO glance_value_size (oauth_id, bytes) VALUES (NEW.oauth_id, NEW.bytes)
        ON CONFLICT (oauth_id) DO UPDATE SET bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER glance_value_updated AFTER UPDATE OF bytes ON glance_value
    WHEN NEW.bytes <> OLD.bytes BEGIN
        UPDATE glance_value_size SET bytes = bytes + NEW.bytes - OLD.bytes
        WHERE oauth_id = NEW.oauth_id;
    END;
    CREATE TRIGGER glance_value_deleted AFTER DELETE ON glance_value BEGIN
        UPDATE glance_value_size SET bytes = bytes - OLD.bytes WHERE oauth_id = OLD.oauth_id;
    END;
",
    "
    -- Random: sequences are comparable only if they are of one epoch.
    ALTER TABLE team ADD COLUMN epoch TEXT NOT NULL DEFAULT '';
    UPDATE team SET epoch = lower(hex(randomblob(8)));
",
    "
    -- The events of the last minutes: of a room, or of all rooms without one. A posted entry is in timeline, the data of
    -- a push in glance_value.
    CREATE TABLE event_log (
        id INTEGER PRIMARY KEY,
        room_id INTEGER REFERENCES room (id) ON DELETE CASCADE,
        group_version INTEGER NOT NULL,
        room_version INTEGER NOT NULL,
        at INTEGER NOT NULL,
        entry_id TEXT,
        event TEXT
    ) STRICT;
    CREATE INDEX event_log_by_version ON event_log (room_id, room_version, group_version);
",
    "
    -- The size of the entries of each room: each with 300 bytes for its other columns and indexes.
    CREATE TABLE timeline_size (
        room_id INTEGER PRIMARY KEY REFERENCES room (id) ON DELETE CASCADE,
        bytes INTEGER NOT NULL
    ) STRICT;
    INSERT INTO timeline_size (room_id, bytes)
        SELECT room_id, sum(octet_length(content) + 300) FROM timeline GROUP BY room_id;
    CREATE TRIGGER timeline_size_inserted AFTER INSERT ON timeline BEGIN
        INSERT INTO timeline_size (room_id, bytes) VALUES (NEW.room_id, octet_length(NEW.content) + 300)
        ON CONFLICT (room_id) DO UPDATE SET bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER timeline_size_deleted AFTER DELETE ON timeline BEGIN
        UPDATE timeline_size SET bytes = bytes - (octet_length(OLD.content) + 300) WHERE room_id = OLD.room_id;
    END;
    -- The size of what each installation created at run time, counted in the same way.
    CREATE TABLE extension_size (
        oauth_id TEXT PRIMARY KEY REFERENCES installation (oauth_id) ON DELETE CASCADE,
        bytes INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO extension_size (oauth_id, bytes)
        SELECT oauth_id, sum(bytes + 300) FROM (
            SELECT oauth_id, octet_length(glance) AS bytes FROM runtime_glance
            UNION ALL SELECT oauth_id, octet_length(action) FROM runtime_action
            UNION ALL SELECT oauth_id, octet_length(webhook) FROM webhook WHERE room_id IS NOT NULL
        ) GROUP BY oauth_id;
    CREATE TRIGGER runtime_glance_size_inserted AFTER INSERT ON runtime_glance BEGIN
        INSERT INTO extension_size (oauth_id, bytes) VALUES (NEW.oauth_id, octet_length(NEW.glance) + 300)
        ON CONFLICT (oauth_id) DO UPDATE SET bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER runtime_glance_size_updated AFTER UPDATE OF glance ON runtime_glance BEGIN
        UPDATE extension_size SET bytes = bytes + octet_length(NEW.glance) - octet_length(OLD.glance)
        WHERE oauth_id = NEW.oauth_id;
    END;
    CREATE TRIGGER runtime_glance_size_deleted AFTER DELETE ON runtime_glance BEGIN
        UPDATE extension_size SET bytes = bytes - (octet_length(OLD.glance) + 300) WHERE oauth_id = OLD.oauth_id;
    END;
    CREATE TRIGGER runtime_action_size_inserted AFTER INSERT ON runtime_action BEGIN
        INSERT INTO extension_size (oauth_id, bytes) VALUES (NEW.oauth_id, octet_length(NEW.action) + 300)
        ON CONFLICT (oauth_id) DO UPDATE SET bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER runtime_action_size_updated AFTER UPDATE OF action ON runtime_action BEGIN
        UPDATE extension_size SET bytes = bytes + octet_length(NEW.action) - octet_length(OLD.action)
        WHERE oauth_id = NEW.oauth_id;
    END;
    CREATE TRIGGER runtime_action_size_deleted AFTER DELETE ON runtime_action BEGIN
        UPDATE extension_size SET bytes = bytes - (octet_length(OLD.action) + 300) WHERE oauth_id = OLD.oauth_id;
    END;
    CREATE TRIGGER webhook_size_inserted AFTER INSERT ON webhook WHEN NEW.room_id IS NOT NULL BEGIN
        INSERT INTO extension_size (oauth_id, bytes) VALUES (NEW.oauth_id, octet_length(NEW.webhook) + 300)
        ON CONFLICT (oauth_id) DO UPDATE SET bytes = bytes + excluded.bytes;
    END;
    CREATE TRIGGER webhook_size_updated AFTER UPDATE OF webhook ON webhook WHEN NEW.room_id IS NOT NULL BEGIN
        UPDATE extension_size SET bytes = bytes + octet_length(NEW.webhook) - octet_length(OLD.webhook)
        WHERE oauth_id = NEW.oauth_id;
    END;
    CREATE TRIGGER webhook_size_deleted AFTER DELETE ON webhook WHEN OLD.room_id IS NOT NULL BEGIN
        UPDATE extension_size SET bytes = bytes - (octet_length(OLD.webhook) + 300) WHERE oauth_id = OLD.oauth_id;
    END;
",
];

/// The number of migrations that this host knows.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// Returns the number of migrations that a database has.
pub(super) fn version(connection: &Connection) -> Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Creates the tables, or migrates the database of an older host. This is one transaction: if a step fails, the
/// database stays as it was.
pub(super) fn run(connection: &mut Connection) -> Result<()> {
    run_steps(connection, STEPS)
}

fn run_steps(connection: &mut Connection, steps: &[&str]) -> Result<()> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    webhooks::create_table(&transaction)?;
    let applied = version(&transaction)? as usize;
    for step in steps.iter().skip(applied) {
        transaction.execute_batch(step)?;
    }
    people::fill_in_mentions(&transaction)?;
    if applied < steps.len() {
        transaction.pragma_update(None, "user_version", steps.len() as u32)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::super::schema::SCHEMA;
    use super::super::*;
    use super::{STEPS, VERSION, run_steps, version};
    use crate::model::InstallationQuery;
    use crate::storage::{InstallationStore, PeopleStore, RoomStore};

    #[tokio::test]
    async fn first_schema_is_migrated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(SCHEMA).unwrap();
        old.execute_batch(
            "INSERT INTO user (name) VALUES ('Ann Lee');
             INSERT INTO room (name, owner) VALUES ('ops', 1);
             INSERT INTO installation VALUES ('id', 'secret', 1, 'a', 'https://a.example/', '{}', 1);",
        )
        .unwrap();
        drop(old);
        for _ in 0..2 {
            let state = SqliteState::open(&path).unwrap();
            let room = state.room(1.into()).await.unwrap().unwrap();
            assert_eq!((room.name.as_str(), room.topic.as_str()), ("ops", ""));
            assert!(!room.is_archived && room.created > 1_700_000_000);
            let user = state.user(1.into()).await.unwrap().unwrap();
            let mentioned = state.users_mentioned(&["ANNLEE".to_owned()]).await;
            assert_eq!(mentioned.unwrap(), std::slice::from_ref(&user));
            assert_eq!((user.mention_name().as_str(), user.email), ("AnnLee", None));
            let all = InstallationQuery::default();
            let listed = state.list_installations(&all, None, 9);
            let listed = listed.await.unwrap();
            assert_eq!(listed[0].installed.room_id, Some(room.id));
            assert!(listed[0].is_accepted && listed[0].installed_at.is_none());
            state.add_member(room.id, user.id).await.unwrap();
            assert_eq!(state.members(room.id).await.unwrap().len(), 1);
        }
    }

    #[test]
    fn failing_step_undoes_the_steps_before() {
        let mut connection = Connection::open_in_memory().unwrap();
        SqliteState::prepare(&mut connection).unwrap();
        let mut steps = STEPS.to_vec();
        steps.push("CREATE TABLE new (id); UPDATE team SET name = 'New'");
        steps.push("no SQL");
        run_steps(&mut connection, &steps).unwrap_err();
        let sql = "SELECT count(*) FROM sqlite_schema, team
                   WHERE sqlite_schema.name = 'new' OR team.name = 'New'";
        let found: u32 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!((found, version(&connection).unwrap()), (0, VERSION));
    }

    /// Creates a database of the last host version that found the embed guest by its name, and runs `sql` on it.
    fn with_guest(sql: &str) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.sqlite");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(SCHEMA).unwrap();
        let known = STEPS
            .iter()
            .take_while(|step| !step.contains("is_technical"));
        let mut count = 0;
        for step in known {
            old.execute_batch(step).unwrap();
            count += 1;
        }
        old.pragma_update(None, "user_version", count).unwrap();
        old.execute_batch(
            "INSERT INTO user (name) VALUES ('Ann');
             INSERT INTO room (name, owner) VALUES ('ops', 1);
             INSERT INTO user (name, is_guest) VALUES ('Guest of another site', 1);",
        )
        .unwrap();
        old.execute_batch(sql).unwrap();
        (folder, path)
    }

    #[tokio::test]
    async fn migration_makes_embed_guest_technical() {
        let (_folder, path) = with_guest("");
        for _ in 0..2 {
            let state = SqliteState::open(&path).unwrap();
            let guest = state.embed_guest().await.unwrap();
            assert_eq!(guest.id.get(), 2, "add-ons know it by this id");
            assert_eq!(
                (guest.name.as_str(), guest.is_guest),
                ("Guest of another site", true)
            );
            assert_eq!(state.users().await.unwrap().len(), 1);
            assert_eq!(state.find_user(&guest.name).await.unwrap(), None);
        }
    }

    #[tokio::test]
    async fn migration_keeps_person_named_like_embed_guest() {
        for trace in [
            "UPDATE user SET is_guest = 0 WHERE id = 2",
            "UPDATE user SET is_admin = 1 WHERE id = 2",
            "UPDATE user SET email = 'g@example.com' WHERE id = 2",
            "INSERT INTO identity VALUES ('proxy', 'g', 2)",
            "INSERT INTO session VALUES (x'00', 2, 0, 0)",
            "INSERT INTO room_member VALUES (1, 2)",
            "UPDATE room SET owner = 2",
            "INSERT INTO timeline (id, room_id, at, kind, sender, sender_name, content)
             VALUES ('a', 1, 0, 'message', '2', 'Guest of another site', '{}')",
        ] {
            let (_folder, path) = with_guest(trace);
            let state = SqliteState::open(&path).unwrap();
            let person = state
                .find_user("Guest of another site")
                .await
                .unwrap()
                .unwrap();
            assert_eq!(person.id.get(), 2, "{trace}");
            assert!(!person.is_technical, "{trace}");
            let guest = state.embed_guest().await.unwrap();
            assert_eq!(guest.id.get(), 3, "{trace}");
            assert_eq!(guest.name, person.name);
            assert_eq!(state.users().await.unwrap().len(), 2, "{trace}");
        }
    }
}
