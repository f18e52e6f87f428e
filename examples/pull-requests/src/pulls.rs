//! What the add-on remembers: pull requests, and which repositories a room has chosen.

use std::path::Path;

use example_database::Database;
use glance_sdk::Result;
use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{OptionalExtension, params};
use time::OffsetDateTime;

/// What makes each version of the schema from the one before.
const SCHEMA: &[&str] = &["
    CREATE TABLE IF NOT EXISTS pull_request (
        repository TEXT NOT NULL COLLATE NOCASE,
        number INTEGER NOT NULL,
        title TEXT NOT NULL,
        url TEXT NOT NULL,
        is_open INTEGER NOT NULL,
        is_draft INTEGER NOT NULL,
        opened_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (repository, number)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS room (
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        stale_days INTEGER NOT NULL,
        PRIMARY KEY (oauth_id, room_id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS chosen (
        repository TEXT NOT NULL COLLATE NOCASE,
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        PRIMARY KEY (repository, oauth_id, room_id),
        FOREIGN KEY (oauth_id, room_id) REFERENCES room ON DELETE CASCADE
    ) STRICT;
"];

/// After how many days a pull request is stale where the room has not said.
pub(crate) const DEFAULT_STALE_DAYS: u32 = 7;

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// A pull request as its newest delivery says.
pub(crate) struct PullRequest {
    pub(crate) repository: String,
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) is_open: bool,
    pub(crate) is_draft: bool,
    pub(crate) opened_at: i64,
    pub(crate) updated_at: i64,
}

/// What a room's glance says.
pub(crate) struct Summary {
    pub(crate) is_configured: bool,
    pub(crate) count: u32,
    pub(crate) drafts: u32,
    pub(crate) oldest_days: Option<u32>,
    pub(crate) stale_days: u32,
}

/// What a room has chosen.
pub(crate) struct Settings {
    pub(crate) repositories: Vec<String>,
    pub(crate) stale_days: u32,
}

/// The database.
#[derive(Debug, Clone)]
pub(crate) struct Pulls {
    database: Database,
}

impl Pulls {
    pub(crate) fn open(file: &Path) -> Result<Self, String> {
        let database = Database::open(file, SCHEMA)?;
        Ok(Self { database })
    }

    /// Keeps a pull request unless something newer is known of it; says whether a count changed.
    pub(crate) async fn record(&self, new: PullRequest) -> Result<bool> {
        self.database
            .write(move |transaction| {
                let known = transaction
                    .query_row(
                        "SELECT is_open, is_draft, updated_at FROM pull_request
                     WHERE repository = ?1 AND number = ?2",
                        params![new.repository, new.number],
                        |row| {
                            Ok((
                                row.get::<_, bool>(0)?,
                                row.get::<_, bool>(1)?,
                                row.get::<_, i64>(2)?,
                            ))
                        },
                    )
                    .optional()?;
                if known.is_some_and(|(_, _, updated_at)| updated_at > new.updated_at) {
                    return Ok(false);
                }
                transaction.execute(
                    "INSERT OR REPLACE INTO pull_request
                 (repository, number, title, url, is_open, is_draft, opened_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        new.repository,
                        new.number,
                        new.title,
                        new.url,
                        new.is_open,
                        new.is_draft,
                        new.opened_at,
                        new.updated_at
                    ],
                )?;
                // Drafts count apart, so being one matters only while it is open.
                let counted = |is_open: bool, is_draft: bool| is_open.then_some(is_draft);
                let before = known.and_then(|(is_open, is_draft, _)| counted(is_open, is_draft));
                Ok(before != counted(new.is_open, new.is_draft))
            })
            .await
    }

    /// The rooms that have chosen a repository.
    pub(crate) async fn rooms_of(&self, repository: &str) -> Result<Vec<(OauthId, RoomId)>> {
        let repository = repository.to_owned();
        self.database
            .read(move |transaction| {
                transaction
                    .prepare_cached("SELECT oauth_id, room_id FROM chosen WHERE repository = ?1")?
                    .query_map([repository], |row| {
                        Ok((
                            row.get::<_, String>(0)?.into(),
                            row.get::<_, i64>(1)?.unsigned_abs().into(),
                        ))
                    })?
                    .collect()
            })
            .await
    }

    pub(crate) async fn summary(&self, oauth_id: &OauthId, room: RoomId) -> Result<Summary> {
        let settings = self.settings(oauth_id, room).await?;
        let pulls = self.open_in(oauth_id, room).await?;
        let ready = || pulls.iter().filter(|pull| !pull.is_draft);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let oldest = ready().map(|pull| pull.opened_at).min();
        let count = |pulls: usize| u32::try_from(pulls).unwrap_or(u32::MAX);
        Ok(Summary {
            is_configured: !settings.repositories.is_empty(),
            count: count(ready().count()),
            drafts: count(pulls.len() - ready().count()),
            oldest_days: oldest.map(|opened_at| {
                u32::try_from((now - opened_at).max(0) / SECONDS_A_DAY).unwrap_or(u32::MAX)
            }),
            stale_days: settings.stale_days,
        })
    }

    /// The open pull requests of a room's repositories, the oldest first.
    pub(crate) async fn open_in(
        &self,
        oauth_id: &OauthId,
        room: RoomId,
    ) -> Result<Vec<PullRequest>> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        self.database.read(move |transaction| {
            transaction
                .prepare_cached(
                    "SELECT p.repository, number, title, url, is_open, is_draft, opened_at, updated_at
                     FROM chosen JOIN pull_request p ON p.repository = chosen.repository
                     WHERE oauth_id = ?1 AND room_id = ?2 AND is_open
                     ORDER BY opened_at",
                )?
                .query_map([oauth_id, room], |row| {
                    Ok(PullRequest {
                        repository: row.get(0)?,
                        number: row.get(1)?,
                        title: row.get(2)?,
                        url: row.get(3)?,
                        is_open: row.get(4)?,
                        is_draft: row.get(5)?,
                        opened_at: row.get(6)?,
                        updated_at: row.get(7)?,
                    })
                })?
                .collect()
        })
        .await
    }

    pub(crate) async fn settings(&self, oauth_id: &OauthId, room: RoomId) -> Result<Settings> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        self.database
            .read(move |transaction| {
                let stale_days = transaction
                    .prepare_cached(
                        "SELECT stale_days FROM room WHERE oauth_id = ?1 AND room_id = ?2",
                    )?
                    .query_row([&oauth_id, &room], |row| row.get(0))
                    .optional()?;
                let repositories = transaction
                    .prepare_cached(
                        "SELECT repository FROM chosen WHERE oauth_id = ?1 AND room_id = ?2
                     ORDER BY repository",
                    )?
                    .query_map([&oauth_id, &room], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                Ok(Settings {
                    repositories,
                    stale_days: stale_days.unwrap_or(DEFAULT_STALE_DAYS),
                })
            })
            .await
    }

    pub(crate) async fn configure(
        &self,
        oauth_id: &OauthId,
        room: RoomId,
        settings: Settings,
    ) -> Result<()> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        self.database.write(move |transaction| {
            // Replacing the room takes its old choice along.
            transaction.execute(
                "INSERT OR REPLACE INTO room (oauth_id, room_id, stale_days) VALUES (?1, ?2, ?3)",
                params![oauth_id, room, settings.stale_days],
            )?;
            for repository in settings.repositories {
                transaction.execute(
                    "INSERT OR IGNORE INTO chosen (repository, oauth_id, room_id) VALUES (?1, ?2, ?3)",
                    params![repository, oauth_id, room],
                )?;
            }
            Ok(())
        })
        .await
    }

    /// Forgets the rooms of an installation that is gone.
    pub(crate) async fn forget(&self, oauth_id: &OauthId) -> Result<()> {
        let oauth_id = oauth_id.to_string();
        self.database
            .write(move |transaction| {
                transaction.execute("DELETE FROM room WHERE oauth_id = ?1", [oauth_id])
            })
            .await
            .map(drop)
    }
}
