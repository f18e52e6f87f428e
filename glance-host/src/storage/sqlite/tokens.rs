//! Access tokens in SQLite, by their digests.

use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::OauthId;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteState;
use super::parsed::ParsedInstallations;
use super::rooms::room_at;
use super::rows::execute;
use crate::model::{StoredToken, TokenOwner};
use crate::storage::{Result, TokenStore};

/// The largest number of valid tokens of an installation. Old clients request a token before each call and forget it.
const MAX_TOKENS: u32 = 1000;

#[async_trait]
impl TokenStore for SqliteState {
    async fn put_token(&self, token: &StoredToken, now: i64) -> Result<()> {
        let token = token.clone();
        self.write(move |connection| put(connection, &token, now))
            .await
    }

    async fn token(&self, digest: &[u8]) -> Result<Option<StoredToken>> {
        self.read(|connection| find(connection, digest))
    }

    async fn token_owner(&self, digest: &[u8]) -> Result<Option<Arc<TokenOwner>>> {
        let found = self.0.readers.run_cached(|connection, cached| {
            cached.get(connection, digest, || {
                let found = find_owner(connection, &self.0.parsed, digest)?;
                Ok(found.map(Arc::new))
            })
        });
        self.0.observe(found)
    }

    async fn remove_token(&self, digest: &[u8]) -> Result<bool> {
        let digest = digest.to_owned();
        self.write(move |connection| remove(connection, &digest))
            .await
    }

    async fn remove_tokens(&self, id: &OauthId) -> Result<()> {
        let id = id.clone();
        self.write(move |connection| remove_all(connection, &id))
            .await
    }
}

fn put(connection: &Connection, token: &StoredToken, now: i64) -> rusqlite::Result<()> {
    execute(connection, "DELETE FROM token WHERE expires_at < ?1", [now])?;
    execute(
        connection,
        "INSERT INTO token (digest, oauth_id, scope, expires_at) VALUES (?1, ?2, ?3, ?4)",
        params![
            token.digest,
            token.oauth_id.as_str(),
            token.scope,
            token.expires_at
        ],
    )?;
    execute(
        connection,
        "DELETE FROM token WHERE oauth_id = ?1 AND digest NOT IN
         (SELECT digest FROM token WHERE oauth_id = ?1
          ORDER BY expires_at DESC, rowid DESC LIMIT ?2)",
        params![token.oauth_id.as_str(), MAX_TOKENS],
    )?;
    Ok(())
}

fn find(connection: &Connection, digest: &[u8]) -> rusqlite::Result<Option<StoredToken>> {
    connection
        .prepare_cached("SELECT oauth_id, scope, expires_at FROM token WHERE digest = ?1")?
        .query_row([digest], |row| {
            Ok(StoredToken {
                digest: digest.to_owned(),
                oauth_id: row.get::<_, String>(0)?.into(),
                scope: row.get(1)?,
                expires_at: row.get(2)?,
            })
        })
        .optional()
}

/// Finds a token with its installation and room.
fn find_owner(
    connection: &Connection,
    parsed: &ParsedInstallations,
    digest: &[u8],
) -> rusqlite::Result<Option<TokenOwner>> {
    connection
        .prepare_cached(
            "SELECT oauth_id, oauth_secret, room_id, descriptor_url, descriptor, scope, expires_at,
                    room.id, name, is_public, owner, topic, is_archived, created
             FROM token JOIN installation USING (oauth_id)
             LEFT JOIN room ON room.id = installation.room_id WHERE digest = ?1",
        )?
        .query_row([digest], |row| {
            let installed = parsed.read(row)?;
            let token = StoredToken {
                digest: digest.to_owned(),
                oauth_id: installed.oauth_id.clone(),
                scope: row.get(5)?,
                expires_at: row.get(6)?,
            };
            let room = match row.get_ref(7)? {
                ValueRef::Null => None,
                _ => Some(room_at(row, 7)?),
            };
            Ok(TokenOwner {
                token,
                installed,
                room,
            })
        })
        .optional()
}

fn remove(connection: &Connection, digest: &[u8]) -> rusqlite::Result<bool> {
    execute(connection, "DELETE FROM token WHERE digest = ?1", [digest]).map(|removed| removed > 0)
}

fn remove_all(connection: &Connection, of: &OauthId) -> rusqlite::Result<()> {
    execute(
        connection,
        "DELETE FROM token WHERE oauth_id = ?1",
        [of.as_str()],
    )
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Installed;
    use crate::storage::{InstallationStore, SqliteState};
    use glance_sdk::model::Descriptor;

    #[tokio::test]
    async fn tokens_per_installation_are_limited() {
        let state = SqliteState::in_memory().unwrap();
        for (id, key) in [("one", "a"), ("two", "b")] {
            let installed = Installed {
                oauth_id: id.into(),
                oauth_secret: "secret".into(),
                room_id: None,
                descriptor_url: "https://a.example/".into(),
                descriptor: Descriptor::new(key, "A", "https://a.example/"),
            };
            state.begin_installation(&installed, 0).await.unwrap();
        }
        let put = async |id: &str, n: u32| {
            let token = StoredToken {
                digest: format!("{id} {n}").into_bytes(),
                oauth_id: id.into(),
                scope: String::new(),
                expires_at: 100,
            };
            state.put_token(&token, 0).await.unwrap();
        };
        put("two", 0).await;
        for n in 0..MAX_TOKENS + 2 {
            put("one", n).await;
        }
        let holds = async |token: String| state.token(token.as_bytes()).await.unwrap().is_some();
        assert!(!holds("one 0".to_owned()).await && !holds("one 1".to_owned()).await);
        assert!(holds("one 2".to_owned()).await && holds(format!("one {}", MAX_TOKENS + 1)).await);
        assert!(holds("two 0".to_owned()).await, "another's stay");
    }
}
