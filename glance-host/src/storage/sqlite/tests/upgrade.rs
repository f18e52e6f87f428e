//! A database of an older host is upgraded without loss.

use std::fs;
use std::path::{Path, PathBuf};

use glance_sdk::model::{Event, OauthId};
use rusqlite::types::Value;

use super::*;
use crate::model::{Content, Identity, InstallationQuery, NewRoom, Place, Sender};
use crate::storage::{AdminTokenStore, GroupStore, RoomStore, TimelineStore, TokenStore};

const BUILDS: &str = "11111111-2222-4333-8444-555555555555";
const ON_CALL: &str = "66666666-7777-4888-8999-aaaaaaaaaaaa";

/// The tables that a later host fills in by itself.
const NEW_TABLES: [&str; 8] = [
    "webhook_event",
    "webhook_call",
    "handoff",
    "glance_value",
    "glance_value_size",
    "event_log",
    "timeline_size",
    "extension_size",
];

fn old_database(folder: &Path) -> PathBuf {
    let path = folder.join("host.sqlite");
    let old = Connection::open(&path).unwrap();
    old.pragma_update(None, "journal_mode", "WAL").unwrap();
    old.execute_batch(include_str!("version-11.sql")).unwrap();
    path
}

fn strings(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<rusqlite::Result<_>>().unwrap()
}

fn tables(connection: &Connection) -> Vec<String> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    strings(connection, sql)
}

/// Each table with its columns and its rows.
type Rows = Vec<(String, String, Vec<String>)>;

fn rows_of(connection: &Connection, table: &str, columns: &str) -> Vec<String> {
    let sql = format!("SELECT {columns} FROM {table}");
    let mut statement = connection.prepare(&sql).unwrap();
    let count = statement.column_count();
    let rows = statement.query_map([], |row| {
        let values = (0..count).map(|column| row.get::<_, Value>(column));
        Ok(format!(
            "{:?}",
            values.collect::<rusqlite::Result<Vec<_>>>()?
        ))
    });
    let mut rows: Vec<_> = rows.unwrap().collect::<rusqlite::Result<_>>().unwrap();
    rows.sort_unstable();
    rows
}

fn rows(path: &Path) -> Rows {
    let connection = Connection::open(path).unwrap();
    let all = tables(&connection).into_iter().map(|table| {
        let columns = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns = strings(&connection, &columns).join(", ");
        let rows = rows_of(&connection, &table, &columns);
        (table, columns, rows)
    });
    all.collect()
}

#[tokio::test]
async fn old_database_keeps_every_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = old_database(folder.path());
    let old = rows(&path);
    assert!(old.iter().all(|(_, _, rows)| !rows.is_empty()), "{old:?}");
    drop(SqliteState::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    for (table, columns, rows) in &old {
        assert_eq!(&rows_of(&connection, table, columns), rows, "{table}");
    }
    let mut expected: Vec<&str> = old.iter().map(|(table, ..)| table.as_str()).collect();
    expected.extend(NEW_TABLES);
    expected.sort_unstable();
    assert_eq!(tables(&connection), expected);
    let bytes = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    for (size, parts) in [
        (
            "SELECT sum(bytes) FROM timeline_size",
            "SELECT sum(octet_length(content) + 300) FROM timeline",
        ),
        (
            "SELECT sum(bytes) FROM extension_size",
            "SELECT (SELECT sum(octet_length(glance) + 300) FROM runtime_glance)
                  + (SELECT sum(octet_length(action) + 300) FROM runtime_action)
                  + (SELECT ifnull(sum(octet_length(webhook) + 300), 0) FROM webhook
                     WHERE room_id IS NOT NULL)",
        ),
    ] {
        assert_eq!(bytes(size), bytes(parts));
    }
    drop(connection);

    let upgraded = fs::read(&path).unwrap();
    drop(SqliteState::open(&path).unwrap());
    assert!(
        fs::read(&path).unwrap() == upgraded,
        "the second opening wrote"
    );
}

#[tokio::test]
async fn old_database_is_read_through_storage() {
    let folder = tempfile::tempdir().unwrap();
    let state = SqliteState::open(&old_database(folder.path())).unwrap();
    let builds = OauthId::from(BUILDS);

    assert_eq!(state.group().await.unwrap().name, "Ops Team");
    assert_eq!(
        state.signing_key().await.unwrap(),
        (0..32).collect::<Vec<u8>>()
    );
    let names: Vec<_> = state.users().await.unwrap();
    let names: Vec<_> = names.iter().map(|user| user.name.as_str()).collect();
    assert_eq!(names, ["Ann Lee", "Bo"]);
    assert_eq!(state.removed_users().await.unwrap()[0].name, "Cy");
    assert_eq!(state.embed_guest().await.unwrap().id.get(), 4);
    let ann = state.user(1.into()).await.unwrap().unwrap();
    assert!(ann.is_admin && !ann.is_guest);
    assert_eq!(ann.timezone, "Europe/Berlin");
    assert_eq!(
        state.find_user_by_email("ANN@example.com").await.unwrap(),
        Some(ann.clone())
    );
    let identity = Identity {
        provider: Some("proxy".to_owned()),
        subject: "ann".to_owned(),
        name: "Ann Lee".to_owned(),
        email: None,
        timezone: None,
        is_admin: None,
    };
    assert_eq!(
        state
            .sign_in(&identity, Box::new(|_| Effects::none()))
            .await
            .unwrap()
            .before
            .id,
        ann.id
    );
    let session = state.session(&[0x0a, 0x0b]).await.unwrap().unwrap();
    assert_eq!((session.user, session.expires_at), (ann.id, 1_900_000_000));

    let releases = state.room(2.into()).await.unwrap().unwrap();
    assert_eq!(releases.topic, "What ships next");
    assert!(!releases.is_public && releases.created == 1_700_000_100);
    assert!(state.room(4.into()).await.unwrap().unwrap().is_archived);
    assert_eq!(state.members(releases.id).await.unwrap().len(), 2);
    let new = NewRoom {
        name: "New".to_owned(),
        is_public: true,
        owner: ann.id,
        topic: String::new(),
    };
    let new = state.create_room(&new, Box::new(|_| Effects::none())).await;
    assert_eq!(new.unwrap().unwrap().id.get(), 10, "9 was spent");

    let all = InstallationQuery::default();
    let listed = state.list_installations(&all, None, 9).await.unwrap();
    assert!(listed.iter().all(|one| one.is_accepted));
    assert_eq!(
        listed[0].installed.oauth_secret.expose(),
        "secret of builds"
    );
    assert_eq!(listed[0].installed.sender_name(), "Builder");
    assert_eq!(listed[0].installed.room_id, Some(releases.id));
    assert_eq!(listed[0].installed_at, Some(1_700_000_400));
    assert_eq!(listed[1].installed.oauth_id.as_str(), ON_CALL);
    assert_eq!((listed[1].installed_at, listed.len()), (None, 2));
    let leaving = state.leaving(None, 9).await.unwrap();
    assert_eq!(leaving[0].oauth_secret.expose(), "secret of polls");
    assert_eq!(leaving[0].since, 1_700_000_500);
    let digest = [0xc0, 0xff, 0xee];
    let owner = state.token_owner(&digest).await.unwrap().unwrap();
    assert_eq!(owner.token.scope, "send_notification view_room");
    assert_eq!(owner.installed.oauth_id, builds);
    assert_eq!(owner.room.as_ref(), Some(&releases));
    let tokens = state.admin_tokens().await.unwrap();
    let of = |id| tokens.iter().find(|token| token.id == id).unwrap();
    assert_eq!(of(1).revoked_at, Some(1_700_000_600));
    assert_eq!(
        (of(2).last_used_at, of(2).revoked_at),
        (Some(1_700_000_700), None)
    );

    let place = Place::Room(releases.id);
    let webhooks = state.webhooks_of(&builds, releases.id).await.unwrap();
    let ids: Vec<_> = webhooks.iter().map(|webhook| webhook.id).collect();
    assert_eq!(ids, [3, 7]);
    let declared = state.webhooks_on(&Event::RoomMessage, releases.id).await;
    assert_eq!(declared.unwrap()[0].1.id, 3);
    let glance = state.glance(&builds, place, "release").await.unwrap();
    assert_eq!(glance.unwrap().name.value, "Release 7");
    let glance = state.glance(&ON_CALL.into(), Place::Global, "week").await;
    assert!(glance.unwrap().is_some());
    let action = state.action(&builds, place, "rerun").await.unwrap();
    assert_eq!(action.unwrap().name.value, "Run again");

    let entries = state.timeline(releases.id, 9).await.unwrap();
    let of = |index: usize| match &entries[index].content {
        Content::Message(message) => (message.text.as_str(), message.mentions.as_slice()),
        Content::Notification(notification) => (notification.message.as_str(), &[][..]),
    };
    assert_eq!(of(0), ("@Bo: ready?", &[2.into()][..]));
    assert_eq!(of(1).0, "yes");
    assert_eq!(of(2).0, "<b>7</b> builds");
    assert_eq!((of(3).0, entries.len()), ("done", 4));
    assert_eq!(entries[3].sender, Sender::AddOn(builds));
    let messages = state.private_messages(ann.id, 9).await.unwrap();
    assert_eq!(messages[0].text, "your build failed");
    assert!(!messages[0].is_read && messages[1].is_read);
    assert_eq!(state.count_unread(ann.id).await.unwrap(), 1);
}

#[test]
fn failed_upgrade_leaves_the_old_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = old_database(folder.path());
    let connection = Connection::open(&path).unwrap();
    // The last step declares the webhooks of all installations again and cannot read this descriptor.
    connection
        .execute_batch(
            "CREATE TABLE saved AS SELECT oauth_id, descriptor FROM installation;
             DROP TABLE webhook; UPDATE installation SET descriptor = 'unreadable'",
        )
        .unwrap();
    drop(connection);
    let before = rows(&path);
    SqliteState::open(&path).unwrap_err();
    assert_eq!(rows(&path), before);
    let connection = Connection::open(&path).unwrap();
    assert_eq!(migrations::version(&connection).unwrap(), 11);
    connection
        .execute_batch(
            "UPDATE installation SET descriptor = (SELECT descriptor FROM saved
                 WHERE saved.oauth_id = installation.oauth_id);
             DROP TABLE saved",
        )
        .unwrap();
    drop(connection);
    drop(SqliteState::open(&path).unwrap());
    let connection = Connection::open(&path).unwrap();
    let version = migrations::version(&connection).unwrap();
    assert_eq!(version, migrations::VERSION);
}
