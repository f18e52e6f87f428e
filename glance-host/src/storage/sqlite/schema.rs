//! The tables of the first host version; the migrations add later ones.

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS team (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS user (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        is_admin INTEGER NOT NULL DEFAULT 0,
        is_guest INTEGER NOT NULL DEFAULT 0,
        timezone TEXT NOT NULL DEFAULT 'UTC'
    ) STRICT;
    CREATE TABLE IF NOT EXISTS room (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        is_public INTEGER NOT NULL DEFAULT 1,
        owner INTEGER NOT NULL REFERENCES user (id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS installation (
        oauth_id TEXT PRIMARY KEY,
        oauth_secret TEXT NOT NULL,
        room_id INTEGER REFERENCES room (id),
        add_on_key TEXT NOT NULL,
        descriptor_url TEXT NOT NULL,
        descriptor TEXT NOT NULL,
        accepted INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    -- An add-on is installed once in a place; in all rooms is a place of its own.
    CREATE UNIQUE INDEX IF NOT EXISTS installation_by_place
        ON installation (ifnull(room_id, 0), add_on_key);
    CREATE INDEX IF NOT EXISTS installation_by_room ON installation (room_id, add_on_key);
    CREATE INDEX IF NOT EXISTS installation_by_add_on ON installation (add_on_key, room_id);
    -- A global glance has room_id 0: SQLite takes two NULLs for different keys.
    CREATE TABLE IF NOT EXISTS runtime_glance (
        oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
        room_id INTEGER NOT NULL,
        key TEXT NOT NULL,
        glance TEXT NOT NULL,
        PRIMARY KEY (oauth_id, key, room_id)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS token (
        digest BLOB PRIMARY KEY,
        oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
        scope TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS token_by_end ON token (expires_at);
    CREATE INDEX IF NOT EXISTS token_by_installation ON token (oauth_id);
    -- The sender is no reference: what was written stays when its add-on goes.
    CREATE TABLE IF NOT EXISTS timeline (
        nth INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        room_id INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        sender TEXT NOT NULL,
        sender_name TEXT NOT NULL,
        content TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS timeline_by_room ON timeline (room_id, nth);
    INSERT OR IGNORE INTO team (id, name) VALUES (1, 'Team');
";
