//! The tables of the add-on's data.

/// The SQL that creates each version of the tables from the previous one.
pub(crate) const STEPS: &[&str] = &[FIRST, LAST_DELIVERY, PROJECTS];

const FIRST: &str = "
    CREATE TABLE IF NOT EXISTS issue (
        id TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        project TEXT NOT NULL,
        summary TEXT NOT NULL,
        url TEXT NOT NULL,
        is_blocker INTEGER NOT NULL,
        is_deleted INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS planned (
        issue TEXT NOT NULL REFERENCES issue ON DELETE CASCADE,
        sprint INTEGER NOT NULL,
        PRIMARY KEY (issue, sprint)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS sprint (
        id INTEGER PRIMARY KEY,
        is_active INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS room (
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        project TEXT,
        is_settled INTEGER NOT NULL,
        PRIMARY KEY (oauth_id, room_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS issue_of_project ON issue (project) WHERE is_blocker;
    CREATE INDEX IF NOT EXISTS planned_in_sprint ON planned (sprint);
";

const LAST_DELIVERY: &str = "
    CREATE TABLE source (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        delivered_at INTEGER NOT NULL
    ) STRICT;
";

/// Projects have an id, which stays when they get another key. Issues that were stored earlier have
/// no project id until their next event. A room's `generation` is incremented with each change of
/// its choice.
const PROJECTS: &str = "
    CREATE TABLE project (
        id TEXT PRIMARY KEY,
        key TEXT NOT NULL,
        is_gone INTEGER NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    ALTER TABLE issue ADD COLUMN project_id TEXT;
    ALTER TABLE sprint ADD COLUMN is_deleted INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE room ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX issue_of_project_id ON issue (project_id);
";
