//! What the add-on remembers: alerts, what rooms watch, and of what they were told.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::Path;

use example_database::Database;
use glance_sdk::Result;
use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::Severity;

/// What makes each version of the schema from the one before.
const SCHEMA: &[&str] = &[
    "
    CREATE TABLE IF NOT EXISTS alert (
        fingerprint TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        severity TEXT NOT NULL,
        summary TEXT NOT NULL,
        description TEXT NOT NULL,
        url TEXT,
        started_at INTEGER NOT NULL,
        is_firing INTEGER NOT NULL,
        heard_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS label (
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        fingerprint TEXT NOT NULL REFERENCES alert ON DELETE CASCADE,
        PRIMARY KEY (name, value, fingerprint)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS watched (
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (oauth_id, room_id, name, value)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS told (
        fingerprint TEXT NOT NULL REFERENCES alert ON DELETE CASCADE,
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        started_at INTEGER NOT NULL,
        PRIMARY KEY (fingerprint, oauth_id, room_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS label_of_alert ON label (fingerprint);
    CREATE INDEX IF NOT EXISTS room_watching ON watched (name, value);
",
    "
    CREATE TABLE source (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        delivered_at INTEGER NOT NULL
    ) STRICT;
",
];

/// As long as Alertmanager itself remembers. What fires it repeats sooner; that something ended it
/// does not always say, as a silence may keep it from that.
const FORGOTTEN_AFTER: i64 = 5 * 24 * 60 * 60;

/// A room of an installation.
pub(crate) type Place = (OauthId, RoomId);

/// An alert that fires. Its fingerprint names it; it may fire again and again.
#[derive(Debug)]
pub(crate) struct Alert {
    pub(crate) fingerprint: String,
    pub(crate) name: String,
    pub(crate) severity: Severity,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) url: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) started_at: i64,
}

/// A label's name and value.
pub(crate) type Label = (String, String);

/// What a message says of an alert.
pub(crate) enum News {
    Firing { alert: Alert, labels: Vec<Label> },
    Resolved { fingerprint: String, ended_at: i64 },
}

/// The database.
#[derive(Debug, Clone)]
pub(crate) struct Alerts {
    database: Database,
}

impl Alerts {
    pub(crate) fn open(file: &Path) -> Result<Self, String> {
        let database = Database::open(file, SCHEMA)?;
        Ok(Self { database })
    }

    /// Keeps what is not older than what is known; says which rooms watch one of the alerts.
    /// `now` is in seconds since 1970.
    pub(crate) async fn record(&self, news: Vec<News>, now: i64) -> Result<HashSet<Place>> {
        self.database
            .write(move |transaction| {
                transaction.execute(
                    "INSERT INTO source (id, delivered_at) VALUES (0, ?1)
                     ON CONFLICT DO UPDATE SET delivered_at = ?1",
                    [now],
                )?;
                let mut places = HashSet::new();
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
                            // Unless it fires anew since.
                            transaction.execute(
                                "UPDATE alert SET is_firing = 0, heard_at = ?3
                             WHERE fingerprint = ?1 AND started_at <= ?2",
                                params![fingerprint, ended_at, now],
                            )?;
                            fingerprint
                        }
                    };
                    places.extend(watching(transaction, &fingerprint)?);
                }
                transaction.execute(
                    "DELETE FROM alert WHERE heard_at < ?1",
                    [now - FORGOTTEN_AFTER],
                )?;
                Ok(places)
            })
            .await
    }

    /// When Alertmanager sent something last, in seconds since 1970.
    pub(crate) async fn delivered_at(&self) -> Result<Option<i64>> {
        self.database
            .read(|transaction| {
                transaction
                    .query_row("SELECT delivered_at FROM source", [], |row| row.get(0))
                    .optional()
            })
            .await
    }

    /// The firing alerts that a room watches, the worst first, and of these the newest.
    pub(crate) async fn firing_in(&self, place: &Place) -> Result<Vec<Alert>> {
        let place = place.clone();
        self.database
            .read(move |transaction| firing_in(transaction, &place))
            .await
    }

    /// The critical ones among them of which the room has not been told, and now is.
    pub(crate) async fn tell(&self, place: &Place) -> Result<Vec<Alert>> {
        let place = place.clone();
        self.database
            .write(move |transaction| tell(transaction, &place))
            .await
    }

    /// What a room watches.
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

    /// Lets a room watch the alerts that carry one of these labels.
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
                // Who chooses sees what fires already.
                tell(transaction, &place)?;
                Ok(())
            })
            .await
    }

    /// Forgets the rooms of an installation that is gone.
    pub(crate) async fn forget(&self, oauth_id: &OauthId) -> Result<()> {
        let oauth_id = oauth_id.to_string();
        self.database
            .write(move |transaction| {
                transaction.execute("DELETE FROM watched WHERE oauth_id = ?1", [&oauth_id])?;
                transaction.execute("DELETE FROM told WHERE oauth_id = ?1", [&oauth_id])
            })
            .await
            .map(drop)
    }
}

/// An alert fires, unless it ended and this is about an earlier time.
fn fires(
    transaction: &Transaction<'_>,
    alert: &Alert,
    labels: &[Label],
    now: i64,
) -> rusqlite::Result<()> {
    let changed = transaction.execute(
        "INSERT INTO alert
         (fingerprint, name, severity, summary, description, url, started_at, is_firing, heard_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8)
         ON CONFLICT DO UPDATE SET name = ?2, severity = ?3, summary = ?4, description = ?5,
             url = ?6, started_at = max(started_at, ?7), is_firing = 1, heard_at = ?8
         WHERE is_firing OR started_at <= ?7",
        params![
            alert.fingerprint,
            alert.name,
            alert.severity.as_str(),
            alert.summary,
            alert.description,
            alert.url,
            alert.started_at,
            now
        ],
    )?;
    if changed > 0 {
        for (name, value) in labels {
            transaction.execute(
                "INSERT OR IGNORE INTO label (name, value, fingerprint) VALUES (?1, ?2, ?3)",
                params![name, value, alert.fingerprint],
            )?;
        }
    }
    Ok(())
}

fn watching(connection: &Connection, fingerprint: &str) -> rusqlite::Result<Vec<Place>> {
    connection
        .prepare_cached(
            "SELECT oauth_id, room_id FROM label JOIN watched USING (name, value)
             WHERE fingerprint = ?1",
        )?
        .query_map([fingerprint], |row| {
            let oauth_id = OauthId::from(row.get::<_, String>(0)?);
            let room = RoomId::from(row.get::<_, i64>(1)?.unsigned_abs());
            Ok((oauth_id, room))
        })?
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
        .query_map([oauth_id.to_string(), room.to_string()], |row| {
            Ok(Alert {
                fingerprint: row.get(0)?,
                name: row.get(1)?,
                severity: row.get_ref(2)?.as_str()?.into(),
                summary: row.get(3)?,
                description: row.get(4)?,
                url: row.get(5)?,
                started_at: row.get(6)?,
            })
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    firing.sort_by_key(|alert| Reverse((alert.severity, alert.started_at)));
    Ok(firing)
}

fn tell(transaction: &Transaction<'_>, place: &Place) -> rusqlite::Result<Vec<Alert>> {
    let mut new = Vec::new();
    for alert in firing_in(transaction, place)? {
        if alert.severity < Severity::Critical {
            break;
        }
        let changed = transaction.execute(
            "INSERT INTO told (fingerprint, oauth_id, room_id, started_at)
             VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET started_at = ?4 WHERE started_at < ?4",
            params![
                alert.fingerprint,
                place.0.to_string(),
                place.1.to_string(),
                alert.started_at
            ],
        )?;
        if changed > 0 {
            new.push(alert);
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests;
