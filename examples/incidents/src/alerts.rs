//! The stored alerts, the labels that rooms watch, and the notices to rooms.

mod card;
mod notices;
mod schema;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::Path;

use example_database::Database;
use glance_sdk::Result;
use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::Severity;

pub(crate) use notices::{Notice, Outcome};

/// The time in seconds after which a silent alert is removed, which is also Alertmanager's own.
/// Firing alerts are repeated sooner; the end of an alert may not be reported, for example because
/// of a silence.
const FORGOTTEN_AFTER: i64 = 5 * 24 * 60 * 60;

/// A room of an installation.
pub(crate) type Place = (OauthId, RoomId);

/// A firing alert. Its fingerprint identifies it; it may fire several times.
#[derive(Debug)]
pub(crate) struct Alert {
    pub(crate) fingerprint: String,
    pub(crate) name: String,
    pub(crate) severity: Severity,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) url: Option<String>,
    /// Milliseconds since 1970; `None` if a message contains no start, never in the database.
    pub(crate) started_at: Option<i64>,
}

/// The name and the value of a label.
pub(crate) type Label = (String, String);

/// The state of an alert in a message.
#[derive(Debug)]
pub(crate) enum News {
    Firing {
        alert: Alert,
        labels: Vec<Label>,
    },
    /// The time in milliseconds since 1970.
    Resolved {
        fingerprint: String,
        ended_at: i64,
    },
}

/// The database.
#[derive(Debug, Clone)]
pub(crate) struct Alerts {
    database: Database,
}

impl Alerts {
    pub(crate) fn open(file: &Path) -> Result<Self, String> {
        let database = Database::open(file, schema::STEPS)?;
        Ok(Self { database })
    }

    /// Stores the newer states, and the notices that they cause. Returns the rooms that watch one
    /// of the alerts. `now` is in seconds since 1970.
    pub(crate) async fn record(&self, news: Vec<News>, now: i64) -> Result<HashSet<Place>> {
        self.database
            .write(move |transaction| {
                transaction.execute(
                    "INSERT INTO source (id, delivered_at) VALUES (0, ?1)
                     ON CONFLICT DO UPDATE SET delivered_at = ?1",
                    [now],
                )?;
                let mut places = HashSet::new();
                let mut over = Vec::new();
                for news in news {
                    let fingerprint = match news {
                        News::Firing { alert, labels } => {
                            fires(transaction, &alert, &labels, now)?;
                            alert.fingerprint
                        }
                        News::Resolved {
                            fingerprint,
                            ended_at,
                        } => {
                            resolves(transaction, &fingerprint, ended_at, now)?;
                            over.extend(notices::over(transaction, &fingerprint, ended_at)?);
                            fingerprint
                        }
                    };
                    places.extend(watching(transaction, &fingerprint)?);
                }
                notices::follow_up(transaction, over, now)?;
                for place in &places {
                    notices::announce(transaction, place, now)?;
                }
                forget_old(transaction, now)?;
                Ok(places)
            })
            .await
    }

    /// Returns the time of Alertmanager's last message, in seconds since 1970.
    pub(crate) async fn delivered_at(&self) -> Result<Option<i64>> {
        self.database
            .read(|transaction| {
                transaction
                    .query_row("SELECT delivered_at FROM source", [], |row| row.get(0))
                    .optional()
            })
            .await
    }

    /// Returns the firing alerts that a room watches, the most severe first, and among these the
    /// newest.
    pub(crate) async fn firing_in(&self, place: &Place) -> Result<Vec<Alert>> {
        let place = place.clone();
        self.database
            .read(move |transaction| firing_in(transaction, &place))
            .await
    }

    /// Returns the labels that a room watches.
    pub(crate) async fn watched(&self, (oauth_id, room): &Place) -> Result<Vec<Label>> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        self.database
            .read(move |transaction| {
                transaction
                    .prepare_cached(
                        "SELECT name, value FROM watched WHERE oauth_id = ?1 AND room_id = ?2",
                    )?
                    .query_map([oauth_id, room], |row| Ok((row.get(0)?, row.get(1)?)))?
                    .collect()
            })
            .await
    }

    /// Makes a room watch the alerts with one of these labels.
    pub(crate) async fn watch(&self, place: &Place, labels: Vec<Label>) -> Result<()> {
        let place = place.clone();
        self.database
            .write(move |transaction| {
                let (oauth_id, room) = (place.0.to_string(), place.1.to_string());
                transaction.execute(
                    "DELETE FROM watched WHERE oauth_id = ?1 AND room_id = ?2",
                    [&oauth_id, &room],
                )?;
                for (name, value) in labels {
                    transaction.execute(
                        "INSERT OR IGNORE INTO watched (oauth_id, room_id, name, value)
                         VALUES (?1, ?2, ?3, ?4)",
                        params![oauth_id, room, name, value],
                    )?;
                }
                // The person who chooses the labels sees the alerts that fire already.
                notices::unannounced(transaction, &place)?;
                Ok(())
            })
            .await
    }

    /// Removes the rooms of an uninstalled add-on.
    pub(crate) async fn forget(&self, oauth_id: &OauthId) -> Result<()> {
        let oauth_id = oauth_id.to_string();
        self.database
            .write(move |transaction| {
                for table in ["watched", "told", "notice"] {
                    let delete = format!("DELETE FROM {table} WHERE oauth_id = ?1");
                    transaction.execute(&delete, [&oauth_id])?;
                }
                Ok(())
            })
            .await
    }
}

/// Stores a firing alert, unless it ended and this message is about an earlier time.
fn fires(
    transaction: &Transaction<'_>,
    alert: &Alert,
    labels: &[Label],
    now: i64,
) -> rusqlite::Result<()> {
    let known = transaction
        .prepare_cached("SELECT is_firing, started_at FROM alert WHERE fingerprint = ?1")?
        .query_row([&alert.fingerprint], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let started_at = match (alert.started_at, known) {
        (Some(started_at), Some((false, known))) if started_at < known => return Ok(()),
        (Some(started_at), Some((true, known))) => started_at.max(known),
        (Some(started_at), _) => started_at,
        (None, Some((true, known))) => known,
        (None, _) => now * 1000,
    };
    transaction
        .prepare_cached(
            "INSERT INTO alert
             (fingerprint, name, severity, summary, description, url, started_at, is_firing, heard_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8)
             ON CONFLICT DO UPDATE SET name = ?2, severity = ?3, summary = ?4, description = ?5,
                 url = ?6, started_at = ?7, is_firing = 1, heard_at = ?8",
        )?
        .execute(params![
            alert.fingerprint,
            alert.name,
            alert.severity.as_str(),
            alert.summary,
            alert.description,
            alert.url,
            started_at,
            now
        ])?;
    for (name, value) in labels {
        transaction
            .prepare_cached(
                "INSERT OR IGNORE INTO label (name, value, fingerprint) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![name, value, alert.fingerprint])?;
    }
    Ok(())
}

/// Stores the end of an alert, unless it has fired again since.
fn resolves(
    transaction: &Transaction<'_>,
    fingerprint: &str,
    ended_at: i64,
    now: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE alert SET is_firing = 0, heard_at = ?3
             WHERE fingerprint = ?1 AND started_at <= ?2",
        )?
        .execute(params![fingerprint, ended_at, now])
        .map(drop)
}

/// Removes silent alerts, and old notices without further follow-ups.
fn forget_old(transaction: &Transaction<'_>, now: i64) -> rusqlite::Result<()> {
    let before = now - FORGOTTEN_AFTER;
    transaction.execute("DELETE FROM alert WHERE heard_at < ?1", [before])?;
    transaction
        .execute(
            "DELETE FROM notice WHERE changed_at < ?1 AND NOT EXISTS (
                 SELECT 1 FROM told WHERE told.notice = notice.id AND NOT is_over
             ) AND NOT EXISTS (
                 SELECT 1 FROM notice AS answer
                 WHERE answer.answers = notice.id AND answer.changed_at >= ?1
             )",
            [before],
        )
        .map(drop)
}

fn watching(connection: &Connection, fingerprint: &str) -> rusqlite::Result<Vec<Place>> {
    connection
        .prepare_cached(
            "SELECT oauth_id, room_id FROM label JOIN watched USING (name, value)
             WHERE fingerprint = ?1",
        )?
        .query_map([fingerprint], place)?
        .collect()
}

fn firing_in(connection: &Connection, (oauth_id, room): &Place) -> rusqlite::Result<Vec<Alert>> {
    let mut firing = connection
        .prepare_cached(
            "SELECT fingerprint, name, severity, summary, description, url, started_at
             FROM alert WHERE is_firing AND fingerprint IN (
                 SELECT fingerprint FROM watched JOIN label USING (name, value)
                 WHERE oauth_id = ?1 AND room_id = ?2
             )",
        )?
        .query_map([oauth_id.to_string(), room.to_string()], alert)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    firing.sort_by_key(|alert| Reverse((alert.severity, alert.started_at)));
    Ok(firing)
}

/// Returns the room of an installation from the first two columns.
fn place(row: &Row<'_>) -> rusqlite::Result<Place> {
    let oauth_id = OauthId::from(row.get::<_, String>(0)?);
    Ok((oauth_id, RoomId::from(row.get::<_, i64>(1)?.unsigned_abs())))
}

fn alert(row: &Row<'_>) -> rusqlite::Result<Alert> {
    Ok(Alert {
        fingerprint: row.get(0)?,
        name: row.get(1)?,
        severity: row.get_ref(2)?.as_str()?.into(),
        summary: row.get(3)?,
        description: row.get(4)?,
        url: row.get(5)?,
        started_at: Some(row.get(6)?),
    })
}

#[cfg(test)]
mod tests;
