//! The choices of rooms, and whether their hosts show them.

use example_database::Database;
use glance_sdk::Result;
use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{OptionalExtension, Row, Transaction};

/// A room of an installation.
pub(crate) type Place = (OauthId, RoomId);

/// The choice of a room, and whether its host is known to show it: a call may have failed, or the
/// add-on may have ended before it received the response.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) project: Option<String>,
    pub(crate) is_settled: bool,
    /// Incremented with each change of the choice.
    pub(crate) generation: i64,
}

impl Room {
    /// Returns whether the room shows the glance of its blockers.
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
                    "SELECT project, is_settled, generation FROM room
                     WHERE oauth_id = ?1 AND room_id = ?2",
                )?
                .query_row([oauth_id, room], |row| {
                    Ok(Room {
                        project: row.get(0)?,
                        is_settled: row.get(1)?,
                        generation: row.get(2)?,
                    })
                })
                .optional()?;
            Ok(room.unwrap_or(Room {
                project: None,
                is_settled: true,
                generation: 0,
            }))
        };
        self.0.read(query).await
    }

    /// Stores the room's choice. A change of the project needs no calls to the host; showing or
    /// hiding the glance does.
    pub(crate) async fn choose(
        &self,
        oauth_id: &OauthId,
        room: RoomId,
        project: Option<String>,
    ) -> Result<()> {
        self.write(
            "INSERT INTO room (oauth_id, room_id, project, is_settled, generation)
             VALUES (?1, ?2, ?3, ?3 IS NULL, 1)
             ON CONFLICT DO UPDATE SET project = ?3, generation = generation + 1,
                 is_settled = is_settled AND (project IS NULL) = (?3 IS NULL)",
            (oauth_id.to_string(), room.to_string(), project),
        )
        .await
    }

    /// Records that the host shows the choice of this generation. Returns false if the room, or
    /// another process that called the host, changed meanwhile: then the host must be called again.
    pub(crate) async fn settled(
        &self,
        oauth_id: &OauthId,
        room: RoomId,
        generation: i64,
    ) -> Result<bool> {
        let place = (oauth_id.to_string(), room.to_string());
        self.0
            .write(move |transaction| {
                let settled = transaction.execute(
                    "UPDATE room SET is_settled = 1
                     WHERE oauth_id = ?1 AND room_id = ?2 AND generation = ?3",
                    (&place.0, &place.1, generation),
                )?;
                let changed = match settled {
                    0 => transaction.execute(
                        "UPDATE room SET is_settled = 0, generation = generation + 1
                         WHERE oauth_id = ?1 AND room_id = ?2",
                        (&place.0, &place.1),
                    )?,
                    _ => 0,
                };
                Ok(changed == 0)
            })
            .await
    }

    /// Marks all rooms as unsettled after the add-on's URL changed: their glances on the host
    /// contain the old URL.
    pub(crate) async fn moved(&self, oauth_id: &OauthId) -> Result<()> {
        self.write(
            "UPDATE room SET is_settled = 0, generation = generation + 1
             WHERE oauth_id = ?1 AND project IS NOT NULL",
            [oauth_id.to_string()],
        )
        .await
    }

    /// Removes the rooms of an uninstalled add-on.
    pub(crate) async fn forget(&self, oauth_id: &OauthId) -> Result<()> {
        let oauth_id = [oauth_id.to_string()];
        self.write("DELETE FROM room WHERE oauth_id = ?1", oauth_id)
            .await
    }

    /// Returns the rooms that show this project's blockers.
    pub(crate) async fn showing(&self, project: &str) -> Result<Vec<Place>> {
        let project = project.to_owned();
        self.list(
            "SELECT oauth_id, room_id FROM room WHERE project = ?1 AND is_settled",
            [project],
        )
        .await
    }

    /// Returns the rooms whose host must be called.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;

    /// Two processes call the host with different choices at the same time, and the calls arrive in
    /// another order than their responses: the process that learns of the change must call the host
    /// again.
    #[tokio::test]
    async fn room_that_changed_meanwhile_is_not_settled() {
        let data = tempfile::tempdir().unwrap();
        let open = || {
            let file = data.path().join("a.sqlite");
            Rooms(Database::open(&file, schema::STEPS).unwrap())
        };
        let (one, other) = (open(), open());
        let (oauth_id, room) = (OauthId::from("one"), RoomId::from(1));
        for is_first_done_first in [true, false] {
            let project = Some("WID".to_owned());
            one.choose(&oauth_id, room, project).await.unwrap();
            let first = one.get(&oauth_id, room).await.unwrap().generation;
            other.choose(&oauth_id, room, None).await.unwrap();
            let second = other.get(&oauth_id, room).await.unwrap().generation;
            let order = match is_first_done_first {
                true => [first, second],
                false => [second, first],
            };
            for generation in order {
                one.settled(&oauth_id, room, generation).await.unwrap();
            }
            let unsettled = other.get(&oauth_id, room).await.unwrap();
            assert!(!unsettled.is_settled);
            assert!(
                one.settled(&oauth_id, room, unsettled.generation)
                    .await
                    .unwrap()
            );
            assert!(other.unsettled().await.unwrap().is_empty());
        }
        // If the room is gone, no call is necessary.
        one.forget(&oauth_id).await.unwrap();
        assert!(one.settled(&oauth_id, room, 7).await.unwrap());
    }
}
