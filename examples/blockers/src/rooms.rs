//! What rooms have chosen, and what their hosts show of it.

use example_database::Database;
use glance_sdk::Result;
use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{OptionalExtension, Row, Transaction};

/// A room of an installation.
pub(crate) type Place = (OauthId, RoomId);

/// What a room wants, and whether its host is known to have just that: a call may have failed, or
/// the add-on may have ended before it knew the answer.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) project: Option<String>,
    pub(crate) is_settled: bool,
}

impl Room {
    /// Whether the room has the glance of its blockers.
    pub(crate) fn is_shown(&self) -> bool {
        self.project.is_some() && self.is_settled
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Rooms(pub(crate) Database);

impl Rooms {
    pub(crate) async fn get(&self, oauth_id: &OauthId, room: RoomId) -> Result<Room> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        let query = move |transaction: &Transaction<'_>| {
            let room = transaction
                .prepare_cached(
                    "SELECT project, is_settled FROM room WHERE oauth_id = ?1 AND room_id = ?2",
                )?
                .query_row([oauth_id, room], |row| {
                    Ok(Room {
                        project: row.get(0)?,
                        is_settled: row.get(1)?,
                    })
                })
                .optional()?;
            Ok(room.unwrap_or(Room {
                project: None,
                is_settled: true,
            }))
        };
        self.0.read(query).await
    }

    /// What the room wants from now on. Only another project needs nothing of the host.
    pub(crate) async fn choose(
        &self,
        oauth_id: &OauthId,
        room: RoomId,
        project: Option<String>,
    ) -> Result<()> {
        self.write(
            "INSERT INTO room (oauth_id, room_id, project, is_settled)
             VALUES (?1, ?2, ?3, ?3 IS NULL)
             ON CONFLICT DO UPDATE SET project = ?3,
                 is_settled = is_settled AND (project IS NULL) = (?3 IS NULL)",
            (oauth_id.to_string(), room.to_string(), project),
        )
        .await
    }

    /// The host has the glance now, or has it no longer, unless the room wants otherwise meanwhile.
    pub(crate) async fn settled(
        &self,
        oauth_id: &OauthId,
        room: RoomId,
        has_glance: bool,
    ) -> Result<()> {
        self.write(
            "UPDATE room SET is_settled = 1
             WHERE oauth_id = ?1 AND room_id = ?2 AND (project IS NOT NULL) = ?3",
            (oauth_id.to_string(), room.to_string(), has_glance),
        )
        .await
    }

    /// After the add-on moved: the glances that the host has lead to where it was.
    pub(crate) async fn moved(&self, oauth_id: &OauthId) -> Result<()> {
        self.write(
            "UPDATE room SET is_settled = 0 WHERE oauth_id = ?1 AND project IS NOT NULL",
            [oauth_id.to_string()],
        )
        .await
    }

    /// Forgets the rooms of an installation that is gone.
    pub(crate) async fn forget(&self, oauth_id: &OauthId) -> Result<()> {
        let oauth_id = [oauth_id.to_string()];
        self.write("DELETE FROM room WHERE oauth_id = ?1", oauth_id)
            .await
    }

    /// The rooms that show this project's blockers.
    pub(crate) async fn showing(&self, project: &str) -> Result<Vec<Place>> {
        let project = project.to_owned();
        self.list(
            "SELECT oauth_id, room_id FROM room WHERE project = ?1 AND is_settled",
            [project],
        )
        .await
    }

    /// The rooms whose host has to be told something.
    pub(crate) async fn unsettled(&self) -> Result<Vec<Place>> {
        self.list(
            "SELECT oauth_id, room_id FROM room WHERE NOT is_settled",
            [],
        )
        .await
    }

    async fn write(
        &self,
        statement: &'static str,
        params: impl rusqlite::Params + Send + 'static,
    ) -> Result<()> {
        let write =
            move |transaction: &Transaction<'_>| transaction.execute(statement, params).map(drop);
        self.0.write(write).await
    }

    async fn list(
        &self,
        query: &'static str,
        params: impl rusqlite::Params + Send + 'static,
    ) -> Result<Vec<Place>> {
        let place = |row: &Row<'_>| {
            let oauth_id = OauthId::from(row.get::<_, String>(0)?);
            let room = RoomId::from(row.get::<_, i64>(1)?.unsigned_abs());
            Ok((oauth_id, room))
        };
        let list = move |transaction: &Transaction<'_>| {
            let mut query = transaction.prepare_cached(query)?;
            query.query_map(params, place)?.collect()
        };
        self.0.read(list).await
    }
}
