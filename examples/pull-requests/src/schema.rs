//! The tables of the add-on's data.

/// The SQL that creates each version of the tables from the previous one.
pub(crate) const STEPS: &[&str] = &[BY_NAME, BY_ID];

/// The version that identified repositories by name only.
const BY_NAME: &str = "
    CREATE TABLE IF NOT EXISTS pull_request (
        repository TEXT NOT NULL COLLATE NOCASE,
        number INTEGER NOT NULL,
        title TEXT NOT NULL,
        url TEXT NOT NULL,
        is_open INTEGER NOT NULL,
        is_draft INTEGER NOT NULL,
        opened_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (repository, number)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS room (
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        stale_days INTEGER NOT NULL,
        PRIMARY KEY (oauth_id, room_id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS chosen (
        repository TEXT NOT NULL COLLATE NOCASE,
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        PRIMARY KEY (repository, oauth_id, room_id),
        FOREIGN KEY (oauth_id, room_id) REFERENCES room ON DELETE CASCADE
    ) STRICT;
";

/// A repository without a `github_id` was named by a room, or delivered by a source without ids;
/// the first delivery with both its name and an id sets the id.
const BY_ID: &str = "
    CREATE TABLE repository (
        id INTEGER PRIMARY KEY,
        github_id INTEGER UNIQUE,
        full_name TEXT NOT NULL COLLATE NOCASE,
        updated_at INTEGER NOT NULL,
        is_archived INTEGER NOT NULL,
        deleted_at INTEGER,
        delivered_at INTEGER
    ) STRICT;
    CREATE INDEX repository_by_name ON repository (full_name);
    CREATE TABLE pull (
        repository INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
        number INTEGER NOT NULL,
        title TEXT NOT NULL,
        url TEXT NOT NULL,
        is_open INTEGER NOT NULL,
        is_draft INTEGER NOT NULL,
        opened_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (repository, number)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX closed_pull ON pull (updated_at) WHERE NOT is_open;
    CREATE TABLE choice (
        repository INTEGER NOT NULL REFERENCES repository ON DELETE CASCADE,
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        PRIMARY KEY (repository, oauth_id, room_id),
        FOREIGN KEY (oauth_id, room_id) REFERENCES room ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX choice_of_room ON choice (oauth_id, room_id);
    CREATE TABLE removed (
        repository INTEGER NOT NULL,
        number INTEGER NOT NULL,
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (repository, number, oauth_id, room_id),
        FOREIGN KEY (repository, number) REFERENCES pull ON DELETE CASCADE ON UPDATE CASCADE,
        FOREIGN KEY (oauth_id, room_id) REFERENCES room ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE source (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        delivered_at INTEGER NOT NULL
    ) STRICT;
    INSERT INTO repository (full_name, updated_at, is_archived)
    SELECT name, 0, 0 FROM (
        SELECT repository AS name FROM pull_request UNION ALL SELECT repository FROM chosen
    ) GROUP BY name COLLATE NOCASE;
    INSERT INTO pull
    SELECT r.id, number, title, url, is_open, is_draft, opened_at, p.updated_at
    FROM pull_request p JOIN repository r ON r.full_name = p.repository;
    INSERT INTO choice
    SELECT r.id, oauth_id, room_id FROM chosen JOIN repository r ON r.full_name = chosen.repository;
    DROP TABLE pull_request;
    DROP TABLE chosen;
";
