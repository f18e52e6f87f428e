//! Runtime actions in SQLite.

use glance_sdk::model::{Action, OauthId, RoomId};
use rusqlite::{Connection, OptionalExtension, Result, params};

use super::super::rows::{self, column, execute, number, parsed, place};
use super::fits;
use crate::model::{MAX_RUNTIME_ACTIONS, Place, Restriction, RuntimeAction};

pub(super) fn put(
    connection: &Connection,
    new: &RuntimeAction,
    body: &str,
) -> Result<std::result::Result<(), Restriction>> {
    let (id, key, place) = (new.oauth_id.as_str(), &new.action.key, column(new.place));
    let others: u32 = connection.prepare_cached("SELECT count(*) FROM runtime_action WHERE oauth_id = ?1 AND key <> ?2 AND room_id = ?3")?.query_row(
        params![id, key, place],
        |row| row.get(0),
    )?;
    if others >= MAX_RUNTIME_ACTIONS {
        return Ok(Err(Restriction::TooMany));
    }
    let old = connection
        .prepare_cached(
            "SELECT octet_length(action) FROM runtime_action
             WHERE oauth_id = ?1 AND key = ?2 AND room_id = ?3",
        )?
        .query_row(params![id, key, place], |row| rows::id(row, 0))
        .optional()?;
    if !fits(connection, &new.oauth_id, old, body)? {
        return Ok(Err(Restriction::TooLarge));
    }
    // `OR REPLACE` would run no trigger for the row that it deletes.
    execute(
        connection,
        "INSERT INTO runtime_action (oauth_id, key, room_id, action) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (oauth_id, key, room_id) DO UPDATE SET action = excluded.action",
        params![id, key, place, body],
    )?;
    Ok(Ok(()))
}

pub(super) fn find(
    connection: &Connection,
    id: &OauthId,
    place: Place,
    key: &str,
) -> Result<Option<Action>> {
    connection
        .prepare_cached(
            "SELECT action FROM runtime_action
             WHERE oauth_id = ?1 AND key = ?2 AND room_id = ?3",
        )?
        .query_row(params![id.as_str(), key, column(place)], |row| {
            parsed(row, 0)
        })
        .optional()
}

pub(super) fn of(
    connection: &Connection,
    id: &OauthId,
    room: RoomId,
) -> Result<Vec<RuntimeAction>> {
    connection
        .prepare_cached(
            "SELECT room_id, action FROM runtime_action
             WHERE oauth_id = ?1 AND room_id IN (0, ?2) ORDER BY room_id DESC, key",
        )?
        .query_map(params![id.as_str(), number(room.get())], |row| {
            Ok(RuntimeAction {
                oauth_id: id.clone(),
                place: place(row, 0)?,
                action: parsed(row, 1)?,
            })
        })?
        .collect()
}

pub(super) fn remove(
    connection: &Connection,
    id: &OauthId,
    place: Place,
    key: &str,
) -> Result<bool> {
    execute(
        connection,
        "DELETE FROM runtime_action WHERE oauth_id = ?1 AND key = ?2 AND room_id = ?3",
        params![id.as_str(), key, column(place)],
    )
    .map(|removed| removed > 0)
}
