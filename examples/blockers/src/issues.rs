//! The stored issues, their sprints and their projects.

use std::collections::HashSet;

use example_database::Database;
use glance_sdk::Result;
use rusqlite::{OptionalExtension, Transaction, params};

/// An issue as of its newest delivery.
#[derive(Debug, PartialEq)]
pub(crate) struct Issue {
    /// The id, which stays when the issue moves to another project; the key does not.
    pub(crate) id: String,
    pub(crate) key: String,
    /// The project's key.
    pub(crate) project: String,
    pub(crate) project_id: Option<String>,
    pub(crate) summary: String,
    pub(crate) url: String,
    /// Whether the issue is an unresolved bug of the highest priority.
    pub(crate) is_blocker: bool,
    pub(crate) sprints: Vec<Sprint>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sprint {
    pub(crate) id: i64,
    pub(crate) is_active: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Project {
    /// The id, which stays when the project gets another key.
    pub(crate) id: String,
    /// The key, which deliveries about the end of a project may omit.
    pub(crate) key: Option<String>,
    pub(crate) state: ProjectState,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ProjectState {
    Present,
    /// The project was deleted, moved to the trash, or archived: nobody works on its issues.
    Gone,
}

/// A blocker for display.
pub(crate) struct Blocker {
    pub(crate) key: String,
    pub(crate) summary: String,
    pub(crate) url: String,
}

/// The keys of projects.
pub(crate) type Projects = HashSet<String>;

/// The issues. Each method that changes data returns the projects whose blockers may have changed.
#[derive(Debug, Clone)]
pub(crate) struct Issues(pub(crate) Database);

impl Issues {
    /// Stores an issue as of this time, unless a newer state is stored. The row of a deleted issue
    /// remains, so that late deliveries do not bring it back.
    pub(crate) async fn record(&self, new: Issue, at: i64) -> Result<Projects> {
        self.0
            .write(move |transaction| {
                let known = transaction
                    .query_row(
                        "SELECT project, at, is_deleted FROM issue WHERE id = ?1",
                        [&new.id],
                        |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?)),
                    )
                    .optional()?;
                let mut projects = Projects::from([new.project.clone()]);
                if let Some((project, known_at, is_deleted)) = known {
                    if is_deleted || known_at > at {
                        return Ok(Projects::new());
                    }
                    projects.insert(project);
                }
                if let Some(id) = &new.project_id {
                    note_project(transaction, id, &new.project, at)?;
                }
                insert(transaction, &new, at)?;
                for sprint in new.sprints {
                    transaction.execute(
                        "INSERT OR IGNORE INTO planned (issue, sprint) VALUES (?1, ?2)",
                        params![new.id, sprint.id],
                    )?;
                    projects.extend(keep_sprint(transaction, sprint, at)?);
                }
                Ok(projects)
            })
            .await
    }

    /// Deletes the issue with this id, even if it is not stored yet.
    pub(crate) async fn delete(&self, id: String, at: i64) -> Result<Projects> {
        self.0
            .write(move |transaction| {
                transaction.execute("DELETE FROM planned WHERE issue = ?1", [&id])?;
                transaction
                    .prepare(
                        "INSERT INTO issue
                         (id, key, project, summary, url, is_blocker, is_deleted, at)
                         VALUES (?1, '', '', '', '', 0, 1, ?2)
                         ON CONFLICT DO UPDATE SET is_blocker = 0, is_deleted = 1
                         RETURNING project",
                    )?
                    .query_map(params![id, at], |row| row.get(0))?
                    .collect()
            })
            .await
    }

    /// Stores whether a sprint is active.
    pub(crate) async fn record_sprint(&self, sprint: Sprint, at: i64) -> Result<Projects> {
        self.0
            .write(move |transaction| keep_sprint(transaction, sprint, at))
            .await
    }

    /// Deletes a sprint. Its row remains too.
    pub(crate) async fn delete_sprint(&self, id: i64, at: i64) -> Result<Projects> {
        self.0
            .write(move |transaction| {
                let projects = planned_in(transaction, id)?;
                transaction.execute("DELETE FROM planned WHERE sprint = ?1", [id])?;
                transaction.execute(
                    "INSERT INTO sprint (id, is_active, at, is_deleted) VALUES (?1, 0, ?2, 1)
                     ON CONFLICT DO UPDATE SET is_active = 0, is_deleted = 1",
                    params![id, at],
                )?;
                Ok(projects)
            })
            .await
    }

    /// Stores the state of a project.
    pub(crate) async fn record_project(&self, project: Project, at: i64) -> Result<Projects> {
        self.0
            .write(move |transaction| keep_project(transaction, &project, at))
            .await
    }

    /// Stores `now`, in seconds since 1970, as the time of the last delivery.
    pub(crate) async fn delivered(&self, now: i64) -> Result<()> {
        let store = move |transaction: &Transaction<'_>| {
            transaction.execute(
                "INSERT INTO source (id, delivered_at) VALUES (0, ?1)
                 ON CONFLICT DO UPDATE SET delivered_at = ?1",
                [now],
            )
        };
        self.0.write(store).await.map(drop)
    }

    /// Returns the time of the last delivery, in seconds since 1970.
    pub(crate) async fn delivered_at(&self) -> Result<Option<i64>> {
        let query = |transaction: &Transaction<'_>| {
            transaction
                .query_row("SELECT delivered_at FROM source", [], |row| row.get(0))
                .optional()
        };
        self.0.read(query).await
    }

    /// Returns the open blockers of a project's current sprints.
    pub(crate) async fn blockers_in(&self, project: &str) -> Result<Vec<Blocker>> {
        let project = project.to_owned();
        self.0
            .read(move |transaction| {
                let mut query = transaction.prepare_cached(
                    "SELECT key, summary, url FROM issue
                     WHERE project = ?1 AND is_blocker AND EXISTS (
                         SELECT 1 FROM planned JOIN sprint ON sprint.id = planned.sprint
                         WHERE planned.issue = issue.id AND sprint.is_active
                     ) AND NOT EXISTS (
                         SELECT 1 FROM project WHERE project.id = issue.project_id AND is_gone
                     )
                     ORDER BY length(key), key",
                )?;
                let blockers = query.query_map([project], |row| {
                    Ok(Blocker {
                        key: row.get(0)?,
                        summary: row.get(1)?,
                        url: row.get(2)?,
                    })
                })?;
                blockers.collect()
            })
            .await
    }
}

/// Replaces the issue, and removes its old sprints.
fn insert(transaction: &Transaction<'_>, issue: &Issue, at: i64) -> rusqlite::Result<()> {
    transaction
        .execute(
            "INSERT OR REPLACE INTO issue
             (id, key, project, project_id, summary, url, is_blocker, is_deleted, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8)",
            params![
                issue.id,
                issue.key,
                issue.project,
                issue.project_id,
                issue.summary,
                issue.url,
                issue.is_blocker,
                at
            ],
        )
        .map(drop)
}

fn keep_sprint(
    transaction: &Transaction<'_>,
    sprint: Sprint,
    at: i64,
) -> rusqlite::Result<Projects> {
    transaction.execute(
        "INSERT INTO sprint (id, is_active, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET is_active = ?2, at = ?3 WHERE at <= ?3 AND NOT is_deleted",
        params![sprint.id, sprint.is_active, at],
    )?;
    planned_in(transaction, sprint.id)
}

/// Returns the projects with blockers in a sprint.
fn planned_in(transaction: &Transaction<'_>, sprint: i64) -> rusqlite::Result<Projects> {
    transaction
        .prepare_cached(
            "SELECT DISTINCT project FROM planned JOIN issue ON issue.id = planned.issue
             WHERE sprint = ?1 AND is_blocker",
        )?
        .query_map([sprint], |row| row.get(0))?
        .collect()
}

/// Stores the project of an issue, which exists unless it was deleted afterwards.
fn note_project(
    transaction: &Transaction<'_>,
    id: &str,
    key: &str,
    at: i64,
) -> rusqlite::Result<()> {
    transaction
        .execute(
            "INSERT INTO project (id, key, is_gone, at) VALUES (?1, ?2, 0, 0)
             ON CONFLICT DO UPDATE SET is_gone = 0 WHERE at < ?3",
            params![id, key, at],
        )
        .map(drop)
}

/// Updates the key of a project's issues and rooms: Jira sends no event for each issue.
fn keep_project(
    transaction: &Transaction<'_>,
    project: &Project,
    at: i64,
) -> rusqlite::Result<Projects> {
    let known = transaction
        .query_row(
            "SELECT key, at FROM project WHERE id = ?1",
            [&project.id],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)),
        )
        .optional()?;
    let (known_key, known_at) = known.unwrap_or_default();
    if known_at > at {
        return Ok(Projects::new());
    }
    let key = project.key.clone().unwrap_or_else(|| known_key.clone());
    transaction.execute(
        "INSERT INTO project (id, key, is_gone, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET key = ?2, is_gone = ?3, at = ?4",
        params![project.id, key, project.state == ProjectState::Gone, at],
    )?;
    // Issues that were stored before their project's id.
    transaction.execute(
        "UPDATE issue SET project_id = ?1 WHERE project_id IS NULL AND project = ?2",
        [&project.id, &key],
    )?;
    let mut projects: Projects = transaction
        .prepare("SELECT DISTINCT project FROM issue WHERE project_id = ?1")?
        .query_map([&project.id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    projects.extend(
        [known_key, key.clone()]
            .into_iter()
            .filter(|key| !key.is_empty()),
    );
    if !key.is_empty() {
        for old in projects.iter().filter(|old| **old != key) {
            rename(transaction, &project.id, old, &key)?;
        }
    }
    Ok(projects)
}

fn rename(transaction: &Transaction<'_>, id: &str, old: &str, new: &str) -> rusqlite::Result<()> {
    // `WID-7` becomes `GAD-7`, in the key and at the end of the URL.
    transaction.execute(
        "UPDATE issue SET project = ?3,
             key = ?3 || substr(key, length(?2) + 1),
             url = substr(url, 1, length(url) - length(key)) || ?3 || substr(key, length(?2) + 1)
         WHERE project_id = ?1 AND project = ?2",
        [id, old, new],
    )?;
    // Unless another project uses the old key now.
    transaction
        .execute(
            "UPDATE room SET project = ?3 WHERE project = ?2 AND NOT EXISTS (
                 SELECT 1 FROM project WHERE key = ?2 AND id <> ?1 AND NOT is_gone
             )",
            [id, old, new],
        )
        .map(drop)
}

#[cfg(test)]
mod tests;
