//! The choices of rooms.

use example_database::Database;
use glance_sdk::Result;
use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::repositories;

/// The default number of days after which a pull request is stale.
pub(crate) const DEFAULT_STALE_DAYS: u32 = 7;

/// The settings of a room.
pub(crate) struct Settings {
    pub(crate) repositories: Vec<Chosen>,
    pub(crate) stale_days: u32,
    /// The number of open pull requests that people removed from the room's list.
    pub(crate) removed: u32,
}

/// A repository that a room has chosen. Times are in seconds since 1970.
pub(crate) struct Chosen {
    pub(crate) full_name: String,
    pub(crate) is_archived: bool,
    pub(crate) is_deleted: bool,
    pub(crate) delivered_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub(crate) struct Rooms(pub(crate) Database);

impl Rooms {
    pub(crate) async fn settings(&self, oauth_id: &OauthId, room: RoomId) -> Result<Settings> {
        let place = (oauth_id.to_string(), room.to_string());
        let query = move |transaction: &Transaction<'_>| {
            let place = [&place.0, &place.1];
            let stale_days = transaction
                .prepare_cached("SELECT stale_days FROM room WHERE oauth_id = ?1 AND room_id = ?2")?
                .query_row(place, |row| row.get(0))
                .optional()?;
            let repositories = transaction
                .prepare_cached(
                    "SELECT full_name, is_archived, deleted_at IS NOT NULL, delivered_at
                     FROM choice JOIN repository ON repository.id = choice.repository
                     WHERE oauth_id = ?1 AND room_id = ?2 ORDER BY full_name",
                )?
                .query_map(place, |row| {
                    Ok(Chosen {
                        full_name: row.get(0)?,
                        is_archived: row.get(1)?,
                        is_deleted: row.get(2)?,
                        delivered_at: row.get(3)?,
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            let removed = transaction
                .prepare_cached(
                    "SELECT count(*) FROM removed
                     JOIN pull USING (repository, number) JOIN choice USING (repository, oauth_id, room_id)
                     WHERE oauth_id = ?1 AND room_id = ?2 AND is_open",
                )?
                .query_row(place, |row| row.get(0))?;
            Ok(Settings {
                repositories,
                stale_days: stale_days.unwrap_or(DEFAULT_STALE_DAYS),
                removed,
            })
        };
        self.0.read(query).await
    }

    /// Stores a room's repositories, by their names `owner/name`.
    pub(crate) async fn configure(
        &self,
        oauth_id: &OauthId,
        room: RoomId,
        repositories: Vec<String>,
        stale_days: u32,
    ) -> Result<()> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        let configure = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "INSERT INTO room (oauth_id, room_id, stale_days) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET stale_days = ?3",
                params![oauth_id, room, stale_days],
            )?;
            let ids = repositories
                .iter()
                .map(|name| repositories::get_or_create(transaction, name))
                .collect::<rusqlite::Result<Vec<_>>>()?;
            transaction.execute(
                "DELETE FROM choice WHERE oauth_id = ?1 AND room_id = ?2",
                [&oauth_id, &room],
            )?;
            for id in ids {
                transaction.execute(
                    "INSERT OR IGNORE INTO choice (repository, oauth_id, room_id) VALUES (?1, ?2, ?3)",
                    params![id, oauth_id, room],
                )?;
            }
            repositories::forget_unused(transaction)
        };
        self.0.write(configure).await
    }

    /// Removes a pull request from a room's list until GitHub reports a newer change. Other rooms
    /// keep it.
    pub(crate) async fn remove(
        &self,
        oauth_id: &OauthId,
        room: RoomId,
        repository: i64,
        number: u32,
    ) -> Result<()> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        let remove = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "INSERT OR REPLACE INTO removed (repository, number, oauth_id, room_id, updated_at)
                 SELECT repository, number, oauth_id, room_id, updated_at
                 FROM choice JOIN pull USING (repository)
                 WHERE repository = ?1 AND number = ?2 AND oauth_id = ?3 AND room_id = ?4",
                params![repository, number, oauth_id, room],
            )
        };
        self.0.write(remove).await.map(drop)
    }

    /// Restores the pull requests that were removed from a room's list.
    pub(crate) async fn restore(&self, oauth_id: &OauthId, room: RoomId) -> Result<()> {
        let place = [oauth_id.to_string(), room.to_string()];
        let restore = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "DELETE FROM removed WHERE oauth_id = ?1 AND room_id = ?2",
                place,
            )
        };
        self.0.write(restore).await.map(drop)
    }

    /// Removes the rooms of an uninstalled add-on.
    pub(crate) async fn forget(&self, oauth_id: &OauthId) -> Result<()> {
        let oauth_id = oauth_id.to_string();
        let forget = move |transaction: &Transaction<'_>| {
            transaction.execute("DELETE FROM room WHERE oauth_id = ?1", [oauth_id])?;
            repositories::forget_unused(transaction)
        };
        self.0.write(forget).await
    }
}
