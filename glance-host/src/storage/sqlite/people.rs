//! People in SQLite, how they sign in, and which rooms they were let into.

use async_trait::async_trait;
use glance_sdk::model::UserId;
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteState;
use super::rows::{id, json, number, offset};
use crate::model::{EMBED_GUEST, Identity, User, mention_name};
use crate::storage::{PeopleStore, Result};

/// The columns that [`user`] reads.
pub(super) const USER: &str =
    "SELECT id, name, is_admin, is_guest, timezone, email, is_removed, is_technical FROM user";

#[async_trait]
impl PeopleStore for SqliteState {
    async fn embed_guest(&self) -> Result<User> {
        self.call(embed_guest).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.call(move |connection| find(connection, id)).await
    }

    async fn users(&self) -> Result<Vec<User>> {
        self.call(|connection| all(connection, false)).await
    }

    async fn removed_users(&self) -> Result<Vec<User>> {
        self.call(|connection| all(connection, true)).await
    }

    async fn list_users(&self, guests: bool, skip: u64, at_most: u32) -> Result<Vec<User>> {
        self.call(move |connection| some(connection, guests, skip, at_most))
            .await
    }

    async fn users_with(&self, ids: &[UserId]) -> Result<Vec<User>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids = json(&ids)?;
        self.call(move |connection| with(connection, &ids)).await
    }

    async fn users_mentioned(&self, names: &[String]) -> Result<Vec<User>> {
        let names: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        let names = json(&names)?;
        self.call(move |connection| mentioned(connection, &names))
            .await
    }

    async fn user_at(&self, email: &str) -> Result<Option<User>> {
        let email = email.to_owned();
        self.call(move |connection| at(connection, &email)).await
    }

    async fn first_admin(&self) -> Result<Option<User>> {
        self.call(|connection| first_admin(connection)).await
    }

    async fn find_user(&self, name: &str) -> Result<Option<User>> {
        let name = name.to_owned();
        self.call(move |connection| find_by_name(connection, &name))
            .await
    }

    async fn get_or_create_user(&self, name: &str) -> Result<User> {
        let name = name.to_owned();
        self.call(move |connection| get_or_create(connection, &name))
            .await
    }

    async fn update_user(&self, user: &User) -> Result<()> {
        let user = user.clone();
        self.call(move |connection| update(connection, &user)).await
    }

    async fn set_timezone(&self, user: UserId, timezone: &str) -> Result<()> {
        let timezone = timezone.to_owned();
        self.call(move |connection| set_timezone(connection, user, &timezone))
            .await
    }

    async fn upsert_identity(&self, identity: &Identity) -> Result<(User, User)> {
        let identity = identity.clone();
        self.call(move |connection| upsert_identity(connection, &identity))
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

fn some(
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

/// Those with these ids, a list in JSON.
fn with(connection: &Connection, ids: &str) -> rusqlite::Result<Vec<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id"
        ))?
        .query_map([ids], user)?
        .collect()
}

/// Those with these mention names, a list in JSON, in lower case.
fn mentioned(connection: &Connection, names: &str) -> rusqlite::Result<Vec<User>> {
    connection
        .prepare_cached(&format!(
            "{USER} WHERE mention IN (SELECT value FROM json_each(?1)) AND NOT is_removed
             AND NOT is_technical ORDER BY id"
        ))?
        .query_map([names], user)?
        .collect()
}

fn at(connection: &Connection, email: &str) -> rusqlite::Result<Option<User>> {
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

/// The mention name by which a user is found: SQLite knows the case of ASCII letters only.
fn mention(name: &str) -> String {
    mention_name(name).to_lowercase()
}

/// Gives those their mention names who have none: written by a host that did not know of them.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let without: Vec<(i64, String)> = transaction
        .prepare("SELECT id, name FROM user WHERE mention IS NULL")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (id, name) in without {
        transaction
            .prepare_cached("UPDATE user SET mention = ?2 WHERE id = ?1")?
            .execute(params![id, mention(&name)])?;
    }
    transaction.commit()
}

/// The account of those who look at rooms on other sites, made where there is none. No person has an
/// empty name, so none has this one's.
fn embed_guest(connection: &mut Connection) -> rusqlite::Result<User> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    transaction.execute(
        "INSERT INTO user (name, mention, is_guest, is_technical) SELECT '', '', 1, 1
         WHERE NOT EXISTS (SELECT 1 FROM user WHERE is_technical)",
        [],
    )?;
    let guest = transaction
        .prepare_cached(&format!("{USER} WHERE is_technical"))?
        .query_row([], user)?;
    transaction.commit()?;
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

/// The user with this name, made where there is none.
fn get_or_create(connection: &Connection, name: &str) -> rusqlite::Result<User> {
    connection.execute(
        "INSERT OR IGNORE INTO user (name, mention) VALUES (?1, ?2)",
        [name, &mention(name)],
    )?;
    connection
        .prepare_cached(&format!("{USER} WHERE name = ?1 AND NOT is_technical"))?
        .query_row([name], user)
}

fn update(connection: &Connection, user: &User) -> rusqlite::Result<()> {
    connection
        .execute(
            "UPDATE user SET name = ?2, is_admin = ?3, is_guest = ?4, timezone = ?5, email = ?6,
                 is_removed = ?7, mention = ?8
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

fn set_timezone(connection: &Connection, user: UserId, timezone: &str) -> rusqlite::Result<()> {
    connection
        .execute(
            "UPDATE user SET timezone = ?2 WHERE id = ?1 AND NOT is_technical",
            params![number(user.get()), timezone],
        )
        .map(drop)
}

/// The user who signs in like this, made where there is none, and who they are to be.
fn upsert_identity(
    connection: &mut Connection,
    identity: &Identity,
) -> rusqlite::Result<(User, User)> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let known = match &identity.provider {
        None => find_by_name(&transaction, &identity.name)?,
        Some(provider) => transaction
            .prepare_cached(&format!(
                "{USER} WHERE id IN
                 (SELECT user_id FROM identity WHERE provider = ?1 AND subject = ?2)"
            ))?
            .query_row([provider, &identity.subject], user)
            .optional()?,
    };
    let user = match known {
        Some(known) => known,
        None => {
            let name = free_name(&transaction, &identity.name)?;
            let made = get_or_create(&transaction, &name)?;
            if let Some(provider) = &identity.provider {
                transaction.execute(
                    "INSERT INTO identity (provider, subject, user_id) VALUES (?1, ?2, ?3)",
                    params![provider, identity.subject, number(made.id.get())],
                )?;
            }
            made
        }
    };
    let mut wanted = user.clone();
    // One who was removed is nobody's admin.
    if !user.is_removed {
        wanted.is_admin = match identity.is_admin {
            Some(is_admin) => is_admin,
            None => user.is_admin || !has_admin(&transaction, identity.provider.as_deref())?,
        };
        wanted.is_guest = user.is_guest && !wanted.is_admin;
        if identity.email.is_some() {
            wanted.email.clone_from(&identity.email);
        }
        if let Some(timezone) = &identity.timezone {
            wanted.timezone.clone_from(timezone);
        }
    }
    transaction.commit()?;
    Ok((user, wanted))
}

/// Whether there is an admin who can sign in like this.
fn has_admin(connection: &Connection, provider: Option<&str>) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM user WHERE is_admin AND NOT is_removed AND (?1 IS NULL
             OR id IN (SELECT user_id FROM identity WHERE provider = ?1))",
        )?
        .exists([provider])
}

/// This name, or with a number behind it where another has it.
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

#[cfg(test)]
mod tests {
    use crate::storage::{PeopleStore, SqliteState};

    #[tokio::test]
    async fn people_are_found_by_what_others_call_them() {
        let state = SqliteState::in_memory().unwrap();
        let mut ann = state.get_or_create_user("Ärzte Ann").await.unwrap();
        let bo = state.get_or_create_user("ärzte  ann").await.unwrap();
        let found = async |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            let found = state.users_mentioned(&names).await.unwrap();
            found.into_iter().map(|user| user.id).collect::<Vec<_>>()
        };
        assert_eq!(found(&["ÄRZTEann", "nobody"]).await, [ann.id, bo.id]);
        assert_eq!(found(&["Ärzte Ann", "ärzte", ""]).await, []);

        ann.name = "Ann".to_owned();
        ann.email = Some("Ann@Example.com".to_owned());
        state.update_user(&ann).await.unwrap();
        assert_eq!(found(&["ärzteann"]).await, [bo.id]);
        assert_eq!(found(&["ann"]).await, [ann.id]);
        let at = async || state.user_at("ann@example.COM").await.unwrap();
        assert_eq!(at().await, Some(ann.clone()));
        assert_eq!(state.user_at("ann@example").await.unwrap(), None);

        ann.is_removed = true;
        state.update_user(&ann).await.unwrap();
        assert_eq!(found(&["ann"]).await, []);
        assert_eq!(at().await, None);
        let both = [bo.id, 99.into(), ann.id];
        assert_eq!(state.users_with(&both).await.unwrap(), [ann, bo]);
        assert_eq!(state.users_with(&[]).await.unwrap(), []);
    }
}
