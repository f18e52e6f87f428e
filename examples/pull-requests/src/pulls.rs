//! The stored pull requests.

use example_database::Database;
use glance_sdk::Result;
use glance_sdk::model::{OauthId, RoomId};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::Place;
use crate::repositories::{self, Repository};

/// The time after which GitHub does not repeat deliveries, so closed pull requests can be removed.
const FORGOTTEN_AFTER: i64 = 30 * 24 * 60 * 60;

/// The content of a webhook delivery.
#[derive(Debug, PartialEq)]
pub(crate) struct Delivery {
    /// The repository of the delivery, in its current state.
    pub(crate) repository: Option<Repository>,
    pub(crate) news: News,
}

/// The change that a delivery reports.
#[derive(Debug, PartialEq)]
pub(crate) enum News {
    PullRequest(PullRequest),
    RepositoryDeleted,
    /// A new repository may use the id of a deleted one.
    RepositoryCreated,
    OwnerRenamed {
        from: String,
        to: String,
    },
    /// No change except the current state of the repository.
    Other,
}

/// A pull request in a delivery. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PullRequest {
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) is_open: bool,
    pub(crate) is_draft: bool,
    pub(crate) opened_at: i64,
    pub(crate) updated_at: i64,
    /// The action, for example `closed`.
    pub(crate) action: String,
}

impl PullRequest {
    /// Returns the state after this delivery, or `None` if the stored state is newer.
    ///
    /// Deliveries may arrive out of order, and GitHub's times are whole seconds. Among deliveries
    /// of the same second, closed pull requests stay closed, and only the action that changes a
    /// property changes it.
    fn after(mut self, known: Option<&Known>) -> Option<Self> {
        match known {
            Some(known) if known.updated_at > self.updated_at => None,
            Some(known) if known.updated_at == self.updated_at => {
                self.is_open &= known.is_open;
                if !matches!(
                    self.action.as_str(),
                    "opened" | "reopened" | "converted_to_draft" | "ready_for_review"
                ) {
                    self.is_draft = known.is_draft;
                }
                if self.action != "edited" {
                    self.title.clone_from(&known.title);
                }
                Some(self)
            }
            _ => Some(self),
        }
    }

    /// Returns whether the pull request counts as a draft, if it is open.
    fn counts_as(&self) -> Option<bool> {
        self.is_open.then_some(self.is_draft)
    }
}

struct Known {
    title: String,
    is_open: bool,
    is_draft: bool,
    updated_at: i64,
}

/// An open pull request for display.
pub(crate) struct OpenPull {
    /// The repository's id in this database.
    pub(crate) repository: i64,
    pub(crate) full_name: String,
    pub(crate) number: u32,
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) is_draft: bool,
    /// Seconds since 1970.
    pub(crate) opened_at: i64,
}

/// Pull requests and repositories.
#[derive(Debug, Clone)]
pub(crate) struct Pulls(pub(crate) Database);

impl Pulls {
    /// Stores the new information of a delivery at `now`, in seconds since 1970. Returns the rooms
    /// whose count may have changed.
    pub(crate) async fn record(&self, delivery: Delivery, now: i64) -> Result<Vec<Place>> {
        let record = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "INSERT INTO source (id, delivered_at) VALUES (0, ?1)
                 ON CONFLICT DO UPDATE SET delivered_at = ?1",
                [now],
            )?;
            record(transaction, delivery, now)
        };
        self.0.write(record).await
    }

    /// Returns the time of the last delivery of any kind, in seconds since 1970.
    pub(crate) async fn delivered_at(&self) -> Result<Option<i64>> {
        self.0
            .read(|transaction| {
                transaction
                    .query_row("SELECT delivered_at FROM source", [], |row| row.get(0))
                    .optional()
            })
            .await
    }

    /// Returns the open pull requests of a room's repositories, the oldest first, except those of
    /// archived and deleted repositories, which cannot be reviewed.
    pub(crate) async fn open_in(&self, oauth_id: &OauthId, room: RoomId) -> Result<Vec<OpenPull>> {
        let (oauth_id, room) = (oauth_id.to_string(), room.to_string());
        let pull = |row: &Row<'_>| {
            Ok(OpenPull {
                repository: row.get(0)?,
                full_name: row.get(1)?,
                number: row.get(2)?,
                title: row.get(3)?,
                url: row.get(4)?,
                is_draft: row.get(5)?,
                opened_at: row.get(6)?,
            })
        };
        self.0
            .read(move |transaction| {
                transaction
                    .prepare_cached(
                        "SELECT r.id, full_name, number, title, url, is_draft, opened_at
                         FROM choice JOIN repository r ON r.id = choice.repository
                         JOIN pull ON pull.repository = r.id
                         WHERE choice.oauth_id = ?1 AND choice.room_id = ?2
                             AND is_open AND NOT is_archived AND deleted_at IS NULL
                             AND NOT EXISTS (
                                 SELECT 1 FROM removed
                                 WHERE removed.repository = r.id AND removed.number = pull.number
                                     AND removed.oauth_id = ?1 AND removed.room_id = ?2
                             )
                         ORDER BY opened_at, r.id, number",
                    )?
                    .query_map([oauth_id, room], pull)?
                    .collect()
            })
            .await
    }
}

fn record(
    transaction: &Transaction<'_>,
    delivery: Delivery,
    now: i64,
) -> rusqlite::Result<Vec<Place>> {
    let stored = match &delivery.repository {
        Some(repository) => Some(repositories::adopt(transaction, repository, now)?),
        None => None,
    };
    let id = stored.as_ref().map(|stored| stored.id);
    let mut is_changed = stored.is_some_and(|stored| stored.is_changed);
    match (delivery.news, id) {
        (News::PullRequest(pull), Some(id)) => {
            is_changed |= repositories::restore(transaction, id, pull.updated_at)?;
            is_changed |= record_pull(transaction, id, pull, now)?;
        }
        (News::RepositoryDeleted, Some(id)) => {
            is_changed |= repositories::delete(transaction, id, now)?;
        }
        (News::RepositoryCreated, Some(id)) => {
            is_changed |= repositories::restore(transaction, id, now)?;
        }
        (News::OwnerRenamed { from, to }, _) => {
            repositories::rename_owner(transaction, &from, &to)?;
        }
        _ => {}
    }
    match id {
        Some(id) if is_changed => repositories::rooms_of(transaction, id),
        _ => Ok(Vec::new()),
    }
}

/// Stores a pull request unless the stored state is newer. Returns whether a count changed.
fn record_pull(
    transaction: &Transaction<'_>,
    repository: i64,
    new: PullRequest,
    now: i64,
) -> rusqlite::Result<bool> {
    let known = transaction
        .prepare_cached(
            "SELECT title, is_open, is_draft, updated_at FROM pull
             WHERE repository = ?1 AND number = ?2",
        )?
        .query_row(params![repository, new.number], |row| {
            Ok(Known {
                title: row.get(0)?,
                is_open: row.get(1)?,
                is_draft: row.get(2)?,
                updated_at: row.get(3)?,
            })
        })
        .optional()?;
    let Some(new) = new.after(known.as_ref()) else {
        return Ok(false);
    };
    transaction.execute(
        "INSERT INTO pull
         (repository, number, title, url, is_open, is_draft, opened_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET title = ?3, url = ?4, is_open = ?5, is_draft = ?6,
             opened_at = ?7, updated_at = ?8",
        params![
            repository,
            new.number,
            new.title,
            new.url,
            new.is_open,
            new.is_draft,
            new.opened_at,
            new.updated_at
        ],
    )?;
    // GitHub has reported a change since the pull request was removed from a room.
    let returned = transaction.execute(
        "DELETE FROM removed WHERE repository = ?1 AND number = ?2 AND updated_at < ?3",
        params![repository, new.number, new.updated_at],
    )?;
    transaction.execute(
        "DELETE FROM pull WHERE NOT is_open AND updated_at < ?1",
        [now - FORGOTTEN_AFTER],
    )?;
    let counted = known.and_then(|known| known.is_open.then_some(known.is_draft));
    Ok(counted != new.counts_as() || returned > 0)
}

#[cfg(test)]
mod tests;
