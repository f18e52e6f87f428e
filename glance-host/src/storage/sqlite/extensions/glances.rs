//! Runtime glances in SQLite.

use glance_sdk::model::{Audience, Glance, OauthId, RoomId};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::glance_values;
use super::super::rows::{column, execute, number, parsed, place};
use crate::model::{MAX_RUNTIME_GLANCES, Place, Restriction, RuntimeGlance};

pub(super) fn put(
    connection: &Connection,
    new: &RuntimeGlance,
    body: &str,
) -> rusqlite::Result<Result<(), Restriction>> {
    let (id, key, place) = (new.oauth_id.as_str(), &new.glance.key, column(new.place));
    let count = |condition: &str| {
        connection
            .prepare_cached(&format!(
                "SELECT count(*) FROM runtime_glance WHERE oauth_id = ?1 AND {condition}"
            ))?
            .query_row(params![id, key, place], |row| row.get::<_, u32>(0))
    };
    let elsewhere = match new.place {
        Place::Global => "key = ?2 AND room_id <> ?3",
        Place::Room(_) => "key = ?2 AND room_id = 0 AND ?3 <> 0",
    };
    if count(elsewhere)? > 0 {
        return Ok(Err(Restriction::KeyElsewhere));
    }
    if count("key <> ?2 AND room_id = ?3")? >= MAX_RUNTIME_GLANCES {
        return Ok(Err(Restriction::TooMany));
    }
    let old = find(connection, &new.oauth_id, new.place, key)?;
    if old.is_some_and(|old| old != new.glance) {
        glance_values::forget(connection, &new.oauth_id, key, new.place.room(), false)?;
    }
    execute(
        connection,
        "INSERT OR REPLACE INTO runtime_glance (oauth_id, key, room_id, glance)
         VALUES (?1, ?2, ?3, ?4)",
        params![id, key, place, body],
    )?;
    Ok(Ok(()))
}

pub(super) fn find(
    connection: &Connection,
    id: &OauthId,
    place: Place,
    key: &str,
) -> rusqlite::Result<Option<Glance>> {
    connection
        .prepare_cached(
            "SELECT glance FROM runtime_glance
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
) -> rusqlite::Result<Vec<RuntimeGlance>> {
    connection
        .prepare_cached(
            "SELECT room_id, glance FROM runtime_glance
             WHERE oauth_id = ?1 AND room_id IN (0, ?2) ORDER BY key",
        )?
        .query_map(params![id.as_str(), number(room.get())], |row| {
            Ok(RuntimeGlance {
                oauth_id: id.clone(),
                place: place(row, 0)?,
                glance: parsed(row, 1)?,
            })
        })?
        .collect()
}

pub(super) fn has(connection: &Connection, id: &OauthId, key: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM runtime_glance WHERE oauth_id = ?1 AND key = ?2")?
        .exists(params![id.as_str(), key])
}

pub(super) fn has_shared_by_room(
    connection: &Connection,
    id: &OauthId,
    key: &str,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM runtime_glance
             WHERE oauth_id = ?1 AND key = ?2 AND glance ->> '$.audience' = ?3",
        )?
        .exists(params![id.as_str(), key, Audience::Room.as_str()])
}

pub(super) fn remove(
    connection: &Connection,
    id: &OauthId,
    place: Place,
    key: &str,
) -> rusqlite::Result<bool> {
    glance_values::forget(connection, id, key, place.room(), false)?;
    execute(
        connection,
        "DELETE FROM runtime_glance WHERE oauth_id = ?1 AND key = ?2 AND room_id = ?3",
        params![id.as_str(), key, column(place)],
    )
    .map(|removed| removed > 0)
}
