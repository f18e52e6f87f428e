//! People and their identities in SQLite.

use async_trait::async_trait;
use glance_sdk::model::UserId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteState;
use super::rows::{execute, id, json, number, offset};
use crate::model::{EMBED_GUEST, Identity, User, mention_name};
use crate::storage::{Effects, PeopleStore, PersonChange, Result, SignInEffects, SignedIn};

/// The columns that [`user`] reads.
pub(super) const USER: &str =
    "SELECT id, name, is_admin, is_guest, timezone, email, is_removed, is_technical FROM user";

#[async_trait]
impl PeopleStore for SqliteState {
    async fn embed_guest(&self) -> Result<User> {
        self.write(embed_guest).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.read(|connection| find(connection, id))
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.scan(|connection| all(connection, false)).await
    }

    async fn removed_users(&self) -> Result<Vec<User>> {
        self.scan(|connection| all(connection, true)).await
    }

    async fn list_users(&self, guests: bool, skip: u64, at_most: u32) -> Result<Vec<User>> {
        self.scan(move |connection| list(connection, guests, skip, at_most))
            .await
    }

    async fn users_by_id(&self, ids: &[UserId]) -> Result<Vec<User>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = json(&ids)?;
        self.read(|connection| by_ids(connection, &ids))
    }

    async fn users_mentioned(&self, names: &[String]) -> Result<Vec<User>> {
        let names: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        let names = json(&names)?;
        self.read(|connection| mentioned(connection, &names))
    }

    async fn users_to_mention(&self, starts: &str, at_most: u32) -> Result<Vec<User>> {
        let starts = starts.to_lowercase();
        self.read_up_to(at_most, move |connection| {
            to_mention(connection, &starts, at_most)
        })
        .await
    }

    async fn find_user_by_email(&self, email: &str) -> Result<Option<User>> {
        self.read(|connection| by_email(connection, email))
    }

    async fn first_admin(&self) -> Result<Option<User>> {
        self.read(first_admin)
    }

    async fn find_user(&self, name: &str) -> Result<Option<User>> {
        self.read(|connection| find_by_name(connection, name))
    }

    async fn get_or_create_user(&self, name: &str) -> Result<User> {
        let name = name.to_owned();
        self.write(move |connection| get_or_create(connection, &name))
            .await
    }

    async fn update_user(&self, user: &User) -> Result<()> {
        let user = user.clone();
        self.write(move |connection| update(connection, &user))
            .await
    }

    async fn set_timezone(&self, user: UserId, timezone: &str) -> Result<()> {
        let timezone = timezone.to_owned();
        self.write(move |connection| set_timezone(connection, user, &timezone))
            .await
    }

    async fn change_person(
        &self,
        before: &User,
        after: &User,
        effects: Effects,
    ) -> Result<PersonChange> {
        let (before, after) = (before.clone(), after.clone());
        self.write_with(effects, move |connection| {
            let change = change(connection, &before, &after)?;
            Ok((change, change == PersonChange::Done))
        })
        .await
    }

    async fn remove_person(&self, id: UserId, effects: Effects) -> Result<PersonChange> {
        self.write_with(effects, move |connection| {
            let change = remove(connection, id)?;
            Ok((change, change == PersonChange::Done))
        })
        .await
    }

    async fn sign_in(&self, identity: &Identity, effects: SignInEffects) -> Result<SignedIn> {
        let identity = identity.clone();
        self.write_then(move |connection| {
            let signed_in = sign_in(connection, &identity)?;
            let effects = effects(&signed_in);
            Ok((signed_in, effects))
        })
        .await
    }
}

fn all(connection: &Connection, removed: bool) -> rusqlite::Result<Vec<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE is_removed = ?1 AND NOT is_technical ORDER BY id"
        ))?
        .query_map([removed], user)?
        .collect()
}

fn list(
    connection: &Connection,
    guests: bool,
    skip: u64,
    at_most: u32,
) -> rusqlite::Result<Vec<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE NOT is_removed AND NOT is_technical AND (?1 OR NOT is_guest)
             ORDER BY id LIMIT ?2 OFFSET ?3"
        ))?
        .query_map(params![guests, at_most, offset(skip)], user)?
        .collect()
}

/// Returns the people with these ids, a JSON list.
fn by_ids(connection: &Connection, ids: &str) -> rusqlite::Result<Vec<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id"
        ))?
        .query_map([ids], user)?
        .collect()
}

/// Returns the people with these mention names, a JSON list in lower case.
fn mentioned(connection: &Connection, names: &str) -> rusqlite::Result<Vec<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE mention IN (SELECT value FROM json_each(?1)) AND NOT is_removed
             AND NOT is_technical ORDER BY id"
        ))?
        .query_map([names], user)?
        .collect()
}

fn to_mention(connection: &Connection, starts: &str, at_most: u32) -> rusqlite::Result<Vec<User>> {
    // SQLite compares the bytes, and the last character is that of the longest bytes.
    connection
        .prepare_cached(&format!(
            "{USER} WHERE mention >= ?1 AND mention < ?1 || char(1114111) AND NOT is_removed
             AND NOT is_technical AND NOT is_guest ORDER BY mention, id LIMIT ?2"
        ))?
        .query_map(params![starts, at_most], user)?
        .collect()
}

fn by_email(connection: &Connection, email: &str) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE email = ?1 COLLATE NOCASE AND NOT is_removed ORDER BY id LIMIT 1"
        ))?
        .query_row([email], user)
        .optional()
}

fn first_admin(connection: &Connection) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE is_admin AND NOT is_removed ORDER BY id LIMIT 1"
        ))?
        .query_row([], user)
        .optional()
}

/// Returns the stored mention name, in lower case because SQLite ignores the case of ASCII letters only.
fn mention(name: &str) -> String {
    mention_name(name).to_lowercase()
}

/// Adds the mention names that an older host did not store.
pub(super) fn fill_in_mentions(connection: &Connection) -> rusqlite::Result<()> {
    let without: Vec<(i64, String)> = connection
        .prepare("SELECT id, name FROM user WHERE mention IS NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, name) in without {
        connection
            .prepare_cached("UPDATE user SET mention = ?2 WHERE id = ?1")?
            .execute(params![id, mention(&name)])?;
    }
    Ok(())
}

/// Finds or creates the account for people who look at rooms on other sites. Its stored name is empty, which no
/// person's is.
fn embed_guest(connection: &Connection) -> rusqlite::Result<User> {
    execute(
        connection,
        "INSERT INTO user (name, mention, is_guest, is_technical) SELECT '', '', 1, 1
         WHERE NOT EXISTS (SELECT 1 FROM user WHERE is_technical)",
        [],
    )?;
    let guest = connection
        .prepare_cached(&format!("{USER} WHERE is_technical"))?
        .query_row([], user)?;
    Ok(guest)
}

fn find(connection: &Connection, id: UserId) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(&format!("{USER} WHERE id = ?1"))?
        .query_row([number(id.get())], user)
        .optional()
}

fn find_by_name(connection: &Connection, name: &str) -> rusqlite::Result<Option<User>> {
    connection
        .prepare_cached(&format!("{USER} WHERE name = ?1 AND NOT is_technical"))?
        .query_row([name], user)
        .optional()
}

/// Finds or creates the user with this name.
fn get_or_create(connection: &Connection, name: &str) -> rusqlite::Result<User> {
    execute(
        connection,
        "INSERT OR IGNORE INTO user (name, mention) VALUES (?1, ?2)",
        [name, &mention(name)],
    )?;
    connection
        .prepare_cached(&format!("{USER} WHERE name = ?1 AND NOT is_technical"))?
        .query_row([name], user)
}

fn update(connection: &Connection, user: &User) -> rusqlite::Result<()> {
    execute(
        connection,
        "UPDATE user SET name = ?2, is_admin = ?3, is_guest = ?4, timezone = ?5,
                 email = ?6, is_removed = ?7, mention = ?8
             WHERE id = ?1 AND NOT is_technical",
        params![
            number(user.id.get()),
            user.name,
            user.is_admin,
            user.is_guest,
            user.timezone,
            user.email,
            user.is_removed,
            mention(&user.name)
        ],
    )
    .map(drop)
}

fn change(connection: &Connection, before: &User, after: &User) -> rusqlite::Result<PersonChange> {
    let Some(now) = find(connection, before.id)?.filter(|now| !now.is_technical) else {
        return Ok(PersonChange::Gone);
    };
    if now != *before {
        return Ok(PersonChange::Stale);
    }
    store(connection, &now, after)
}

fn remove(connection: &Connection, id: UserId) -> rusqlite::Result<PersonChange> {
    let Some(now) = find(connection, id)?.filter(|now| !now.is_technical) else {
        return Ok(PersonChange::Gone);
    };
    let after = User {
        is_removed: true,
        is_admin: false,
        ..now.clone()
    };
    store(connection, &now, &after)
}

/// Stores a changed person within a transaction, if an admin remains.
fn store(transaction: &Connection, now: &User, after: &User) -> rusqlite::Result<PersonChange> {
    let leads = |user: &User| user.is_admin && !user.is_removed;
    if leads(now) && !leads(after) {
        let is_last = !transaction
            .prepare_cached("SELECT 1 FROM user WHERE is_admin AND NOT is_removed AND id <> ?1")?
            .exists([number(now.id.get())])?;
        if is_last {
            return Ok(PersonChange::LastAdmin);
        }
    }
    let after = User {
        id: now.id,
        ..after.clone()
    };
    let is_taken = transaction
        .prepare_cached("SELECT 1 FROM user WHERE name = ?1 AND id <> ?2")?
        .exists(params![after.name, number(now.id.get())])?;
    if is_taken {
        return Ok(PersonChange::NameTaken);
    }
    update(transaction, &after)?;
    if after.is_removed {
        for statement in [
            "DELETE FROM session WHERE user_id = ?1",
            "DELETE FROM private_message WHERE user_id = ?1",
            "DELETE FROM glance_value WHERE user_id = ?1",
        ] {
            transaction.execute(statement, [number(now.id.get())])?;
        }
    }
    Ok(PersonChange::Done)
}

fn set_timezone(connection: &Connection, user: UserId, timezone: &str) -> rusqlite::Result<()> {
    execute(
        connection,
        "UPDATE user SET timezone = ?2 WHERE id = ?1 AND NOT is_technical",
        params![number(user.get()), timezone],
    )
    .map(drop)
}

fn sign_in(connection: &Connection, identity: &Identity) -> rusqlite::Result<SignedIn> {
    let known = match &identity.provider {
        None => find_by_name(connection, &identity.name)?,
        Some(provider) => connection
            .prepare_cached(&format!(
                "{USER} WHERE id IN
                 (SELECT user_id FROM identity WHERE provider = ?1 AND subject = ?2)"
            ))?
            .query_row([provider, &identity.subject], user)
            .optional()?,
    };
    let before = match known {
        Some(known) => known,
        None => {
            let name = free_name(connection, &identity.name)?;
            let created = get_or_create(connection, &name)?;
            if let Some(provider) = &identity.provider {
                execute(
                    connection,
                    "INSERT INTO identity (provider, subject, user_id) VALUES (?1, ?2, ?3)",
                    params![provider, identity.subject, number(created.id.get())],
                )?;
            }
            created
        }
    };
    let mut after = before.clone();
    // A removed person is not an admin.
    if !before.is_removed {
        after.is_admin = match identity.is_admin {
            Some(is_admin) => is_admin,
            None => before.is_admin || !has_admin(connection, identity.provider.as_deref())?,
        };
        after.is_guest = before.is_guest && !after.is_admin;
        if identity.email.is_some() {
            after.email.clone_from(&identity.email);
        }
        if let Some(timezone) = &identity.timezone {
            after.timezone.clone_from(timezone);
        }
    }
    if after != before {
        update(connection, &after)?;
    }
    Ok(SignedIn { before, after })
}

/// Returns whether an admin exists who can sign in.
fn has_admin(connection: &Connection, provider: Option<&str>) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM user WHERE is_admin AND NOT is_removed AND (?1 IS NULL
             OR id IN (SELECT user_id FROM identity WHERE provider = ?1))",
        )?
        .exists([provider])
}

/// Returns this name, or with a number appended if another person has it.
fn free_name(connection: &Connection, name: &str) -> rusqlite::Result<String> {
    let mut free = name.to_owned();
    let mut number = 1;
    while find_by_name(connection, &free)?.is_some() {
        number += 1;
        free = format!("{name} {number}");
    }
    Ok(free)
}

pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let is_technical = row.get(7)?;
    Ok(User {
        id: id(row, 0)?.into(),
        name: match is_technical {
            true => EMBED_GUEST.to_owned(),
            false => row.get(1)?,
        },
        is_admin: row.get(2)?,
        is_guest: row.get(3)?,
        timezone: row.get(4)?,
        email: row.get(5)?,
        is_removed: row.get(6)?,
        is_technical,
    })
}
