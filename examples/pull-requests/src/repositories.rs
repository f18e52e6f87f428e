//! Stores repositories, which keep their id when they are renamed or transferred.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::Place;

/// A repository in a delivery.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Repository {
    /// The id, which stays when the repository is renamed or transferred. Sources that imitate
    /// GitHub may omit it.
    pub(crate) github_id: Option<i64>,
    /// `owner/name`.
    pub(crate) full_name: String,
    /// The name before this delivery.
    pub(crate) former_name: Option<String>,
    /// Seconds since 1970.
    pub(crate) updated_at: Option<i64>,
    pub(crate) is_archived: Option<bool>,
}

/// A stored repository after a delivery.
pub(crate) struct Stored {
    pub(crate) id: i64,
    /// Whether the count of the rooms that chose it may have changed.
    pub(crate) is_changed: bool,
}

struct Known {
    id: i64,
    updated_at: i64,
    is_archived: bool,
}

/// Stores the repository of a delivery, unless the stored state is newer. Assigns the choices that
/// rooms made by name to the repository with this name.
pub(crate) fn adopt(
    transaction: &Transaction<'_>,
    new: &Repository,
    now: i64,
) -> rusqlite::Result<Stored> {
    let Some(known) = find(transaction, new)? else {
        transaction.execute(
            "INSERT INTO repository (github_id, full_name, updated_at, is_archived, delivered_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                new.github_id,
                new.full_name,
                new.updated_at.unwrap_or_default(),
                new.is_archived.unwrap_or_default(),
                now
            ],
        )?;
        let id = transaction.last_insert_rowid();
        let is_changed = absorb(transaction, id, new)?;
        return Ok(Stored { id, is_changed });
    };
    transaction.execute(
        "UPDATE repository SET github_id = coalesce(github_id, ?2), delivered_at = ?3 WHERE id = ?1",
        params![known.id, new.github_id, now],
    )?;
    let updated_at = new.updated_at.unwrap_or(known.updated_at);
    let mut is_changed = false;
    // A rename need not change `updated_at`.
    if updated_at >= known.updated_at {
        let is_archived = new.is_archived.unwrap_or(known.is_archived);
        transaction.execute(
            "UPDATE repository SET full_name = ?2, updated_at = ?3, is_archived = ?4 WHERE id = ?1",
            params![known.id, new.full_name, updated_at, is_archived],
        )?;
        is_changed = absorb(transaction, known.id, new)? || is_archived != known.is_archived;
    }
    Ok(Stored {
        id: known.id,
        is_changed,
    })
}

/// Finds a repository by its id, or by its name or former name if the stored one has no id yet.
fn find(transaction: &Transaction<'_>, new: &Repository) -> rusqlite::Result<Option<Known>> {
    let known = |row: &Row<'_>| {
        Ok(Known {
            id: row.get(0)?,
            updated_at: row.get(1)?,
            is_archived: row.get(2)?,
        })
    };
    transaction
        .prepare_cached(
            "SELECT id, updated_at, is_archived FROM repository
             WHERE github_id = ?1
                 OR full_name IN (?2, ?3) AND (github_id IS NULL OR ?1 IS NULL)
             ORDER BY github_id IS NULL, full_name <> ?2, updated_at DESC LIMIT 1",
        )?
        .query_row(
            params![new.github_id, new.full_name, new.former_name],
            known,
        )
        .optional()
}

/// Takes over from other repositories with this name: the choices of rooms, and the pull requests
/// that were delivered before ids were known. Returns whether there were any.
///
/// The name of a choice may belong to another repository now: the earlier one was deleted, or
/// renamed without a delivery.
fn absorb(transaction: &Transaction<'_>, id: i64, new: &Repository) -> rusqlite::Result<bool> {
    let others = transaction
        .prepare_cached(
            "SELECT other.id, other.github_id IS NULL
             FROM repository other JOIN repository mine ON mine.id = ?1
             WHERE other.id <> ?1 AND (
                 other.github_id IS NULL AND other.full_name IN (?2, ?3)
                 OR other.full_name = ?2 AND other.updated_at <= mine.updated_at
             )",
        )?
        .query_map(params![id, new.full_name, new.former_name], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<Vec<(i64, bool)>, _>>()?;
    let mut is_changed = false;
    for (other, has_no_id) in others {
        is_changed |= transaction.execute(
            "UPDATE OR IGNORE choice SET repository = ?1 WHERE repository = ?2",
            [id, other],
        )? > 0;
        transaction.execute("DELETE FROM choice WHERE repository = ?1", [other])?;
        if has_no_id {
            is_changed |= transaction.execute(
                "UPDATE OR IGNORE pull SET repository = ?1 WHERE repository = ?2",
                [id, other],
            )? > 0;
            transaction.execute("DELETE FROM repository WHERE id = ?1", [other])?;
        }
    }
    Ok(is_changed)
}

/// Marks a repository as deleted, so that its pull requests no longer count. Returns whether it was
/// not marked before.
pub(crate) fn delete(transaction: &Transaction<'_>, id: i64, now: i64) -> rusqlite::Result<bool> {
    let changed = transaction.execute(
        "UPDATE repository SET deleted_at = ?2 WHERE id = ?1 AND deleted_at IS NULL",
        [id, now],
    )?;
    Ok(changed > 0)
}

/// Removes the deletion mark of a repository with an event at that time, because it must have been
/// restored. Returns whether it was marked.
pub(crate) fn restore(transaction: &Transaction<'_>, id: i64, at: i64) -> rusqlite::Result<bool> {
    let changed = transaction.execute(
        "UPDATE repository SET deleted_at = NULL WHERE id = ?1 AND deleted_at < ?2",
        [id, at],
    )?;
    Ok(changed > 0)
}

/// Renames the repositories of an owner. Names of repositories that were delivered under the new
/// name are newer.
pub(crate) fn rename_owner(
    transaction: &Transaction<'_>,
    from: &str,
    to: &str,
) -> rusqlite::Result<()> {
    let names = transaction
        .prepare_cached("SELECT id, full_name FROM repository")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(i64, String)>, _>>()?;
    for (id, full_name) in names {
        match full_name.split_once('/') {
            Some((owner, name)) if owner.eq_ignore_ascii_case(from) => {
                let renamed = format!("{to}/{name}");
                transaction.execute(
                    "UPDATE repository SET full_name = ?2 WHERE id = ?1",
                    params![id, renamed],
                )?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the repository with this name, and creates it if it does not exist.
pub(crate) fn get_or_create(
    transaction: &Transaction<'_>,
    full_name: &str,
) -> rusqlite::Result<i64> {
    let known = transaction
        .prepare_cached(
            "SELECT id FROM repository WHERE full_name = ?1
             ORDER BY github_id IS NULL, updated_at DESC LIMIT 1",
        )?
        .query_row([full_name], |row| row.get(0))
        .optional()?;
    if let Some(id) = known {
        return Ok(id);
    }
    transaction.execute(
        "INSERT INTO repository (full_name, updated_at, is_archived) VALUES (?1, 0, 0)",
        [full_name],
    )?;
    Ok(transaction.last_insert_rowid())
}

/// Removes names without choices and deliveries.
pub(crate) fn forget_unused(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .execute(
            "DELETE FROM repository WHERE delivered_at IS NULL
                 AND id NOT IN (SELECT repository FROM choice)
                 AND id NOT IN (SELECT repository FROM pull)",
            [],
        )
        .map(drop)
}

/// Returns the rooms that chose the repository.
pub(crate) fn rooms_of(connection: &Connection, id: i64) -> rusqlite::Result<Vec<Place>> {
    connection
        .prepare_cached("SELECT oauth_id, room_id FROM choice WHERE repository = ?1")?
        .query_map([id], |row| {
            let oauth_id = row.get::<_, String>(0)?.into();
            let room = row.get::<_, i64>(1)?.unsigned_abs().into();
            Ok((oauth_id, room))
        })?
        .collect()
}
