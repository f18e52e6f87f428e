//! The notices to rooms: one for each new critical alert, and one when it is resolved.
//!
//! A notice is stored in the same transaction as its cause, so it is created exactly once even if a
//! message is repeated. It is sent afterwards, at most once: a host may have accepted a
//! notification although the call failed.

use std::collections::BTreeMap;

use glance_sdk::Result;
use glance_sdk::model::Notification;
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Transaction, params};

use super::{Alert, Alerts, Place, alert, card, firing_in, place};
use crate::Severity;

/// The limit on follow-ups of one message in a room; one more notice covers all others.
const MAX_FOLLOW_UPS: usize = 5;

/// In seconds. A process that takes longer to send a notice has ended.
const MAX_SENDING: i64 = 60;

/// A notification to send.
#[derive(Debug)]
pub(crate) struct Notice {
    pub(crate) id: i64,
    pub(crate) notification: Notification,
    /// Whether it follows up another notice. The host's id of that notice is in
    /// `notification.attach_to`, if it is known.
    pub(crate) is_answer: bool,
}

/// The outcome of sending a notice.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The host accepted it, under this id if known.
    Sent(Option<String>),
    /// The host refused it, or may have accepted it.
    Failed,
    /// It was not sent.
    Postponed,
}

/// An alert that ended, with the notice that announced it to the room.
pub(super) struct Over {
    place: Place,
    notice: i64,
    alert: Alert,
}

impl Alerts {
    /// Returns the rooms with notices to send.
    pub(crate) async fn places_to_tell(&self) -> Result<Vec<Place>> {
        self.database
            .read(|transaction| {
                transaction
                    .prepare_cached(
                        "SELECT DISTINCT oauth_id, room_id FROM notice WHERE state = 'due'",
                    )?
                    .query_map([], place)?
                    .collect()
            })
            .await
    }

    /// Takes a room's next notice for sending. Returns `None` while another task or process sends
    /// one there, which then continues with the next one. `now` is in seconds since 1970.
    pub(crate) async fn next_notice(&self, place: &Place, now: i64) -> Result<Option<Notice>> {
        let place = place.clone();
        self.database
            .write(move |transaction| next(transaction, &place, now))
            .await
    }

    /// Stores the outcome of a notice.
    pub(crate) async fn finish_notice(&self, id: i64, outcome: Outcome, now: i64) -> Result<()> {
        let (state, message_id) = match outcome {
            Outcome::Sent(message_id) => ("sent", message_id),
            Outcome::Failed => ("failed", None),
            Outcome::Postponed => ("due", None),
        };
        self.database
            .write(move |transaction| {
                transaction.execute(
                    "UPDATE notice SET state = ?2, message_id = ?3, changed_at = ?4 WHERE id = ?1",
                    params![id, state, message_id, now],
                )
            })
            .await
            .map(drop)
    }
}

/// Marks the alert as over in the rooms that know of it. Returns the announcements to make.
pub(super) fn over(
    transaction: &Transaction<'_>,
    fingerprint: &str,
    ended_at: i64,
) -> rusqlite::Result<Vec<Over>> {
    let alert = || {
        transaction
            .prepare_cached(
                "SELECT fingerprint, name, severity, summary, description, url, started_at
                 FROM alert WHERE fingerprint = ?1 AND NOT is_firing",
            )?
            .query_row([fingerprint], alert)
            .optional()
    };
    if alert()?.is_none() {
        return Ok(Vec::new());
    }
    let announced = transaction
        .prepare_cached(
            "UPDATE told SET is_over = 1
             WHERE fingerprint = ?1 AND NOT is_over AND notice IS NOT NULL AND started_at <= ?2
                 AND EXISTS (
                     SELECT 1 FROM label JOIN watched USING (name, value)
                     WHERE label.fingerprint = told.fingerprint
                         AND watched.oauth_id = told.oauth_id AND watched.room_id = told.room_id
                 )
             RETURNING oauth_id, room_id, notice",
        )?
        .query_map(params![fingerprint, ended_at], |row| {
            Ok((place(row)?, row.get(2)?))
        })?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut over = Vec::new();
    for (place, notice) in announced {
        if let Some(alert) = alert()? {
            over.push(Over {
                place,
                notice,
                alert,
            });
        }
    }
    Ok(over)
}

/// Creates the notices about resolved alerts: one for all alerts of the same announcement.
pub(super) fn follow_up(
    transaction: &Transaction<'_>,
    over: Vec<Over>,
    now: i64,
) -> rusqlite::Result<()> {
    let mut places = BTreeMap::<_, BTreeMap<i64, Vec<Alert>>>::new();
    for Over {
        place: (oauth_id, room),
        notice,
        alert,
    } in over
    {
        let place = (oauth_id.to_string(), room.get());
        let notices = places.entry(place).or_default();
        notices.entry(notice).or_default().push(alert);
    }
    for ((oauth_id, room), notices) in places {
        let place = (oauth_id.into(), room.into());
        let mut others = Vec::new();
        for (count, (notice, alerts)) in notices.into_iter().enumerate() {
            match count < MAX_FOLLOW_UPS {
                true => {
                    write(
                        transaction,
                        &place,
                        Some(notice),
                        card::resolved(&alerts),
                        now,
                    )?;
                }
                false => others.extend(alerts),
            }
        }
        write(transaction, &place, None, card::resolved(&others), now)?;
    }
    Ok(())
}

/// Creates the notice about the critical alerts that the room does not know, if there are any.
pub(super) fn announce(
    transaction: &Transaction<'_>,
    place: &Place,
    now: i64,
) -> rusqlite::Result<()> {
    let new = unannounced(transaction, place)?;
    let Some(notice) = write(transaction, place, None, card::firing(&new), now)? else {
        return Ok(());
    };
    for alert in new {
        transaction
            .prepare_cached(
                "UPDATE told SET notice = ?4
                 WHERE fingerprint = ?1 AND oauth_id = ?2 AND room_id = ?3",
            )?
            .execute(params![
                alert.fingerprint,
                place.0.to_string(),
                place.1.to_string(),
                notice
            ])?;
    }
    Ok(())
}

/// Returns the critical alerts that the room does not know, and marks them as known.
pub(super) fn unannounced(
    transaction: &Transaction<'_>,
    place: &Place,
) -> rusqlite::Result<Vec<Alert>> {
    let mut new = Vec::new();
    for alert in firing_in(transaction, place)? {
        if alert.severity < Severity::Critical {
            break;
        }
        let changed = transaction
            .prepare_cached(
                "INSERT INTO told (fingerprint, oauth_id, room_id, started_at)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET started_at = ?4, notice = NULL, is_over = 0
                 WHERE started_at < ?4",
            )?
            .execute(params![
                alert.fingerprint,
                place.0.to_string(),
                place.1.to_string(),
                alert.started_at
            ])?;
        if changed > 0 {
            new.push(alert);
        }
    }
    Ok(new)
}

fn write(
    transaction: &Transaction<'_>,
    (oauth_id, room): &Place,
    answers: Option<i64>,
    notification: Option<Notification>,
    now: i64,
) -> rusqlite::Result<Option<i64>> {
    let Some(notification) = notification else {
        return Ok(None);
    };
    let json = serde_json::to_string(&notification)
        .map_err(|cause| rusqlite::Error::ToSqlConversionFailure(Box::new(cause)))?;
    transaction.execute(
        "INSERT INTO notice (oauth_id, room_id, answers, notification, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![oauth_id.to_string(), room.to_string(), answers, json, now],
    )?;
    Ok(Some(transaction.last_insert_rowid()))
}

fn next(
    transaction: &Transaction<'_>,
    (oauth_id, room): &Place,
    now: i64,
) -> rusqlite::Result<Option<Notice>> {
    let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
    // A follow-up to a notice that the room did not receive is pointless.
    transaction.execute(
        "UPDATE notice SET state = 'failed', changed_at = ?3
         WHERE state = 'due' AND oauth_id = ?1 AND room_id = ?2
             AND answers IN (SELECT id FROM notice WHERE state = 'failed')",
        params![oauth_id, room, now],
    )?;
    let found = transaction
        .prepare_cached(
            "SELECT id, notification, answers IS NOT NULL,
                 (SELECT message_id FROM notice AS first WHERE first.id = notice.answers)
             FROM notice WHERE state = 'due' AND oauth_id = ?1 AND room_id = ?2
                 AND NOT EXISTS (
                     SELECT 1 FROM notice AS other WHERE other.state = 'sending'
                         AND other.oauth_id = ?1 AND other.room_id = ?2 AND other.changed_at > ?3
                 )
             ORDER BY id LIMIT 1",
        )?
        .query_row(params![oauth_id, room, now - MAX_SENDING], |row| {
            let json: String = row.get(1)?;
            let mut notification: Notification = serde_json::from_str(&json).map_err(|cause| {
                rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(cause))
            })?;
            notification.attach_to = row.get(3)?;
            Ok(Notice {
                id: row.get(0)?,
                notification,
                is_answer: row.get(2)?,
            })
        })
        .optional()?;
    if let Some(notice) = &found {
        transaction.execute(
            "UPDATE notice SET state = 'sending', changed_at = ?2 WHERE id = ?1",
            params![notice.id, now],
        )?;
    }
    Ok(found)
}
