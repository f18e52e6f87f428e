//! Runtime glances in SQLite.

use glance_sdk::model::{Audience, Glance, OauthId, RoomId};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::glance_values;
use super::super::rows::{column, execute, number, parsed, place};
use super::fits;
use crate::model::{MAX_RUNTIME_GLANCES, Place, Restriction, RuntimeGlance};

pub(super) fn put(
    connection: &Connection,
    new: &RuntimeGlance,
    body: &str,
) -> rusqlite::Result<Result<(), Restriction>> {
    let (id, key, place) = (new.oauth_id.as_str(), &new.glance.key, column(new.place));
    let elsewhere = match new.place {
        Place::Global => "room_id <> ?3",
        Place::Room(_) => "room_id = 0 AND ?3 <> 0",
    };
    let (is_elsewhere, old): (bool, Option<String>) = connection
        .prepare_cached(&format!(
            "SELECT EXISTS (SELECT 1 FROM runtime_glance
                            WHERE oauth_id = ?1 AND key = ?2 AND {elsewhere}),
                    (SELECT glance FROM runtime_glance
                     WHERE oauth_id = ?1 AND key = ?2 AND room_id = ?3)"
        ))?
        .query_row(params![id, key, place], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    if is_elsewhere {
        return Ok(Err(Restriction::KeyElsewhere));
    }
    if old.is_none() && count(connection, id, place)? >= MAX_RUNTIME_GLANCES {
        return Ok(Err(Restriction::TooMany));
    }
    let old_bytes = old.as_ref().map(|old| old.len() as u64);
    if !fits(connection, &new.oauth_id, old_bytes, body)? {
        return Ok(Err(Restriction::TooLarge));
    }
    // An older host may have written the same glance as another text.
    if old.is_some_and(|old| old != body && !is_same(&old, &new.glance)) {
        glance_values::forget(connection, &new.oauth_id, key, new.place.room(), false)?;
    }
    // `OR REPLACE` would run no trigger for the row that it deletes.
    execute(
        connection,
        "INSERT INTO runtime_glance (oauth_id, key, room_id, glance) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (oauth_id, key, room_id) DO UPDATE SET glance = excluded.glance",
        params![id, key, place, body],
    )?;
    Ok(Ok(()))
}

fn is_same(stored: &str, glance: &Glance) -> bool {
    serde_json::from_str::<Glance>(stored).is_ok_and(|stored| stored == *glance)
}

/// Counts the glances of an installation in one place.
fn count(connection: &Connection, id: &str, place: i64) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT count(*) FROM runtime_glance WHERE oauth_id = ?1 AND room_id = ?2")?
        .query_row(params![id, place], |row| row.get(0))
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
