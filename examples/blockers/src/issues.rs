//! What is known of Jira: issues and the sprints they are planned in.

use rusqlite::{OptionalExtension, Transaction, params};

use example_database::Database;
use glance_sdk::Result;

/// An issue as its newest delivery says.
#[derive(Debug, PartialEq)]
pub(crate) struct Issue {
    /// Stays when the issue moves to another project; the key does not.
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) project: String,
    pub(crate) summary: String,
    pub(crate) url: String,
    /// Whether it is a bug of the highest priority that is not done.
    pub(crate) is_blocker: bool,
    pub(crate) is_deleted: bool,
    pub(crate) sprints: Vec<Sprint>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sprint {
    pub(crate) id: i64,
    pub(crate) is_active: bool,
}

/// A blocker as it is shown.
pub(crate) struct Blocker {
    pub(crate) key: String,
    pub(crate) summary: String,
    pub(crate) url: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Issues(pub(crate) Database);

impl Issues {
    /// Keeps an issue as it was at that time, unless something newer is known of it; says which
    /// projects this is about. A deleted issue stays known, so that what comes late does not bring
    /// it back.
    pub(crate) async fn record(&self, new: Issue, at: i64) -> Result<Vec<String>> {
        let record = move |transaction: &Transaction<'_>| {
            let known = transaction
                .query_row(
                    "SELECT project, at, is_deleted FROM issue WHERE id = ?1",
                    [&new.id],
                    |row| Ok((row.get(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?)),
                )
                .optional()?;
            let mut projects = vec![new.project.clone()];
            if let Some((project, known_at, is_deleted)) = known {
                if is_deleted || known_at > at {
                    return Ok(Vec::new());
                }
                projects.push(project);
            }
            transaction.execute(
                "INSERT OR REPLACE INTO issue
                 (id, key, project, summary, url, is_blocker, is_deleted, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    new.id,
                    new.key,
                    new.project,
                    new.summary,
                    new.url,
                    new.is_blocker && !new.is_deleted,
                    new.is_deleted,
                    at
                ],
            )?;
            // Replacing the issue took its old sprints along.
            for sprint in new.sprints {
                transaction.execute(
                    "INSERT OR IGNORE INTO planned (issue, sprint) VALUES (?1, ?2)",
                    params![new.id, sprint.id],
                )?;
                projects.extend(keep_sprint(transaction, sprint, at)?);
            }
            projects.sort_unstable();
            projects.dedup();
            Ok(projects)
        };
        self.0.write(record).await
    }

    /// Keeps whether a sprint is active; says which projects this is about.
    pub(crate) async fn record_sprint(&self, sprint: Sprint, at: i64) -> Result<Vec<String>> {
        let record = move |transaction: &Transaction<'_>| keep_sprint(transaction, sprint, at);
        self.0.write(record).await
    }

    /// Remembers that Jira delivered something `now`, in seconds since 1970.
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

    /// When Jira delivered something last, in seconds since 1970.
    pub(crate) async fn delivered_at(&self) -> Result<Option<i64>> {
        let query = |transaction: &Transaction<'_>| {
            transaction
                .query_row("SELECT delivered_at FROM source", [], |row| row.get(0))
                .optional()
        };
        self.0.read(query).await
    }

    /// The open blockers of a project's current sprints.
    pub(crate) async fn blockers_in(&self, project: &str) -> Result<Vec<Blocker>> {
        let project = project.to_owned();
        let query = move |transaction: &Transaction<'_>| {
            let mut query = transaction.prepare_cached(
                "SELECT key, summary, url FROM issue
                 WHERE project = ?1 AND is_blocker AND EXISTS (
                     SELECT 1 FROM planned JOIN sprint ON sprint.id = planned.sprint
                     WHERE planned.issue = issue.id AND sprint.is_active
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
        };
        self.0.read(query).await
    }
}

fn keep_sprint(
    transaction: &Transaction<'_>,
    sprint: Sprint,
    at: i64,
) -> rusqlite::Result<Vec<String>> {
    transaction.execute(
        "INSERT INTO sprint (id, is_active, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET is_active = ?2, at = ?3 WHERE at <= ?3",
        params![sprint.id, sprint.is_active, at],
    )?;
    transaction
        .prepare_cached(
            "SELECT DISTINCT project FROM planned JOIN issue ON issue.id = planned.issue
             WHERE sprint = ?1 AND is_blocker",
        )?
        .query_map([sprint.id], |row| row.get(0))?
        .collect()
}
