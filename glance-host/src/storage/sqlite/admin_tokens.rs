//! Tokens for scripts in SQLite, by their digests.

use async_trait::async_trait;
use rusqlite::TransactionBehavior::Immediate;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteState;
use super::rows::{id, number};
use crate::model::{AdminToken, MAX_ADMIN_TOKENS, NewAdminToken};
use crate::storage::{AdminTokenStore, Result};

const TOKEN: &str =
    "SELECT id, name, digest, created_by, created_at, expires_at, last_used_at, revoked_at
     FROM admin_token";

#[async_trait]
impl AdminTokenStore for SqliteState {
    async fn create_admin_token(
        &self,
        new: &NewAdminToken,
        now: i64,
    ) -> Result<Option<AdminToken>> {
        let new = new.clone();
        self.call(move |connection| create(connection, &new, now))
            .await
    }

    async fn admin_token(&self, id: u64) -> Result<Option<AdminToken>> {
        self.call(move |connection| find(connection, id)).await
    }

    async fn admin_tokens(&self) -> Result<Vec<AdminToken>> {
        self.call(|connection| all(connection)).await
    }

    async fn touch_admin_token(&self, id: u64, now: i64) -> Result<()> {
        self.call(move |connection| touch(connection, id, now))
            .await
    }

    async fn revoke_admin_token(&self, id: u64, now: i64) -> Result<bool> {
        self.call(move |connection| revoke(connection, id, now))
            .await
    }
}

/// `None` where as many hold as may.
fn create(
    connection: &mut Connection,
    new: &NewAdminToken,
    now: i64,
) -> rusqlite::Result<Option<AdminToken>> {
    let transaction = connection.transaction_with_behavior(Immediate)?;
    let holding: u32 = transaction.query_row(
        "SELECT count(*) FROM admin_token WHERE revoked_at IS NULL AND expires_at > ?1",
        [now],
        |row| row.get(0),
    )?;
    if holding >= MAX_ADMIN_TOKENS {
        return Ok(None);
    }
    transaction.execute(
        "DELETE FROM admin_token WHERE (revoked_at IS NOT NULL OR expires_at <= ?1) AND id NOT IN
         (SELECT id FROM admin_token WHERE revoked_at IS NOT NULL OR expires_at <= ?1
          ORDER BY ifnull(revoked_at, expires_at) DESC, id DESC LIMIT ?2)",
        params![now, MAX_ADMIN_TOKENS],
    )?;
    transaction.execute(
        "INSERT INTO admin_token (name, digest, created_by, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            new.name,
            new.digest,
            number(new.created_by.get()),
            now,
            new.expires_at
        ],
    )?;
    let created = transaction.query_row(
        &format!("{TOKEN} WHERE id = ?1"),
        [transaction.last_insert_rowid()],
        token,
    )?;
    transaction.commit()?;
    Ok(Some(created))
}

fn find(connection: &Connection, id: u64) -> rusqlite::Result<Option<AdminToken>> {
    connection
        .prepare_cached(&format!("{TOKEN} WHERE id = ?1"))?
        .query_row([number(id)], token)
        .optional()
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<AdminToken>> {
    connection
        .prepare_cached(&format!("{TOKEN} ORDER BY id DESC"))?
        .query_map([], token)?
        .collect()
}

fn touch(connection: &Connection, id: u64, now: i64) -> rusqlite::Result<()> {
    connection
        .execute(
            "UPDATE admin_token SET last_used_at = ?2 WHERE id = ?1",
            params![number(id), now],
        )
        .map(drop)
}

fn revoke(connection: &Connection, id: u64, now: i64) -> rusqlite::Result<bool> {
    connection
        .execute(
            "UPDATE admin_token SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
            params![number(id), now],
        )
        .map(|revoked| revoked > 0)
}

/// Its columns are those of [`TOKEN`].
fn token(row: &Row<'_>) -> rusqlite::Result<AdminToken> {
    Ok(AdminToken {
        id: id(row, 0)?,
        name: row.get(1)?,
        digest: row.get(2)?,
        created_by: id(row, 3)?.into(),
        created_at: row.get(4)?,
        expires_at: row.get(5)?,
        last_used_at: row.get(6)?,
        revoked_at: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::User;
    use crate::storage::{PeopleStore, SqliteState};

    async fn state() -> (SqliteState, User) {
        let state = SqliteState::in_memory().unwrap();
        let user = state.get_or_create_user("Ann").await.unwrap();
        (state, user)
    }

    fn new(by: &User, name: &str, expires_at: i64) -> NewAdminToken {
        NewAdminToken {
            name: name.to_owned(),
            digest: name.as_bytes().to_vec(),
            created_by: by.id,
            expires_at,
        }
    }

    #[tokio::test]
    async fn as_many_tokens_hold_as_may_and_revoking_one_makes_room() {
        let (state, ann) = state().await;
        for n in 0..MAX_ADMIN_TOKENS {
            let token = new(&ann, &n.to_string(), 100);
            assert!(
                state
                    .create_admin_token(&token, 10)
                    .await
                    .unwrap()
                    .is_some()
            );
        }
        let one_more = new(&ann, "more", 200);
        assert_eq!(state.create_admin_token(&one_more, 99).await.unwrap(), None);
        assert!(state.revoke_admin_token(1, 50).await.unwrap());
        assert!(!state.revoke_admin_token(1, 60).await.unwrap());
        let revoked = state.admin_token(1).await.unwrap().unwrap();
        assert_eq!(revoked.revoked_at, Some(50), "the first time counts");
        assert!(
            state
                .create_admin_token(&one_more, 99)
                .await
                .unwrap()
                .is_some()
        );
        // At their end they are many who ended: the newest stay, and so do ids.
        for n in 0..3 {
            let later = new(&ann, &format!("later {n}"), 300);
            assert!(
                state
                    .create_admin_token(&later, 250)
                    .await
                    .unwrap()
                    .is_some()
            );
        }
        let all = state.admin_tokens().await.unwrap();
        assert_eq!(all.len() as u32, MAX_ADMIN_TOKENS + 3);
        assert!(all.is_sorted_by(|newer, older| newer.id > older.id));
        assert_eq!(state.admin_token(1).await.unwrap(), None);
        assert_eq!(all[0].id, u64::from(MAX_ADMIN_TOKENS) + 4);
    }

    #[tokio::test]
    async fn tokens_show_when_they_were_used_and_no_digest() {
        let (state, ann) = state().await;
        let made = new(&ann, "deploy", 100);
        let token = state.create_admin_token(&made, 10).await.unwrap().unwrap();
        assert_eq!((token.created_at, token.last_used_at), (10, None));
        state.touch_admin_token(token.id, 20).await.unwrap();
        let token = state.admin_token(token.id).await.unwrap().unwrap();
        assert_eq!(token.last_used_at, Some(20));
        assert!(token.holds(99) && !token.holds(100));
        assert_eq!(state.admin_token(u64::MAX).await.unwrap(), None);
        let shown = format!("{made:?} {token:?}");
        assert!(
            shown.contains("deploy") && !shown.contains("digest"),
            "{shown}"
        );
    }
}
