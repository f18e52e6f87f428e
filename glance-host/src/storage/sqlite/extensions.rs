//! Runtime glances, actions and webhooks in SQLite.

mod actions;
mod glances;
pub(super) mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use glance_sdk::model::{Action, Event, Glance, OauthId, RoomId, Webhook};
use rusqlite::{Connection, OptionalExtension};

use super::SqliteState;
use super::rows::{self, json};
use crate::model::{
    Installed, MAX_EXTENSION_BYTES, Place, RegisteredWebhook, Restriction, RuntimeAction,
    RuntimeGlance,
};
use crate::storage::{Effects, ExtensionStore, Result};

/// The size of a row without its body, as triggers count it.
const ROW_BYTES: u64 = 300;

/// Returns whether an installation may store a body: a new one, or instead of one of `old` bytes.
fn fits(
    connection: &Connection,
    id: &OauthId,
    old: Option<u64>,
    new: &str,
) -> rusqlite::Result<bool> {
    let new = match old {
        Some(_) => new.len() as u64,
        None => new.len() as u64 + ROW_BYTES,
    };
    let more = new.saturating_sub(old.unwrap_or_default());
    let bytes = connection
        .prepare_cached("SELECT bytes FROM extension_size WHERE oauth_id = ?1")?
        .query_row([id.as_str()], |row| rows::id(row, 0))
        .optional()?;
    Ok(more == 0 || bytes.unwrap_or_default() + more <= MAX_EXTENSION_BYTES)
}

#[async_trait]
impl ExtensionStore for SqliteState {
    async fn put_glance(
        &self,
        glance: &RuntimeGlance,
        effects: Effects,
    ) -> Result<std::result::Result<(), Restriction>> {
        let body = json(&glance.glance)?;
        let glance = glance.clone();
        self.write_with(effects, move |connection| {
            let put = glances::put(connection, &glance, &body)?;
            Ok((put, put.is_ok()))
        })
        .await
    }

    async fn glance(&self, id: &OauthId, place: Place, key: &str) -> Result<Option<Glance>> {
        self.read(|connection| glances::find(connection, id, place, key))
    }

    async fn remove_glance(
        &self,
        id: &OauthId,
        place: Place,
        key: &str,
        effects: Effects,
    ) -> Result<bool> {
        let (id, key) = (id.clone(), key.to_owned());
        self.write_with(effects, move |connection| {
            let is_removed = glances::remove(connection, &id, place, &key)?;
            Ok((is_removed, is_removed))
        })
        .await
    }

    async fn glances_in(&self, id: &OauthId, room: RoomId) -> Result<Vec<RuntimeGlance>> {
        self.read(|connection| glances::of(connection, id, room))
    }

    async fn has_glance(&self, id: &OauthId, key: &str) -> Result<bool> {
        self.read(|connection| glances::has(connection, id, key))
    }

    async fn has_glance_shared_by_room(&self, id: &OauthId, key: &str) -> Result<bool> {
        self.read(|connection| glances::has_shared_by_room(connection, id, key))
    }

    async fn put_webhook(
        &self,
        id: &OauthId,
        room: RoomId,
        webhook: &Webhook,
    ) -> Result<std::result::Result<u64, Restriction>> {
        let (id, stored) = (id.clone(), webhooks::StoredWebhook::new(webhook)?);
        self.write(move |connection| webhooks::put(connection, &id, room, &stored))
            .await
    }

    async fn remove_webhook(&self, id: &OauthId, number: u64) -> Result<bool> {
        let id = id.clone();
        self.write(move |connection| webhooks::remove(connection, &id, number))
            .await
    }

    async fn webhooks_of(&self, id: &OauthId, room: RoomId) -> Result<Vec<RegisteredWebhook>> {
        self.read(|connection| webhooks::of(connection, id, room))
    }

    async fn webhooks_on(
        &self,
        event: &Event,
        room: RoomId,
    ) -> Result<Vec<(Arc<Installed>, RegisteredWebhook)>> {
        let event = event.to_string();
        self.read(|connection| webhooks::on(connection, &self.0.parsed, &event, room))
    }

    async fn put_action(
        &self,
        action: &RuntimeAction,
        effects: Effects,
    ) -> Result<std::result::Result<(), Restriction>> {
        let body = json(&action.action)?;
        let action = action.clone();
        self.write_with(effects, move |connection| {
            let put = actions::put(connection, &action, &body)?;
            Ok((put, put.is_ok()))
        })
        .await
    }

    async fn action(&self, id: &OauthId, place: Place, key: &str) -> Result<Option<Action>> {
        self.read(|connection| actions::find(connection, id, place, key))
    }

    async fn actions_in(&self, id: &OauthId, room: RoomId) -> Result<Vec<RuntimeAction>> {
        self.read(|connection| actions::of(connection, id, room))
    }

    async fn remove_action(
        &self,
        id: &OauthId,
        place: Place,
        key: &str,
        effects: Effects,
    ) -> Result<bool> {
        let (id, key) = (id.clone(), key.to_owned());
        self.write_with(effects, move |connection| {
            let is_removed = actions::remove(connection, &id, place, &key)?;
            Ok((is_removed, is_removed))
        })
        .await
    }
}
