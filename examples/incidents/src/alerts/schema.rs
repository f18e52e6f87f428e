//! The tables of the add-on's data.

/// The SQL that creates each version of the tables from the previous one.
pub(super) const STEPS: &[&str] = &[FIRST, LAST_DELIVERY, FOLLOW_UPS];

const FIRST: &str = "
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
";

const LAST_DELIVERY: &str = "
    CREATE TABLE source (
        id INTEGER PRIMARY KEY CHECK (id = 0),
        delivered_at INTEGER NOT NULL
    ) STRICT;
";

/// A `notice` is a notification to a room. `answers` is the notice that it is attached to,
/// `message_id` its id on the host. A row of `told` contains the notice that announced the alert,
/// if there was one, and whether its follow-up exists.
const FOLLOW_UPS: &str = "
    CREATE TABLE notice (
        id INTEGER PRIMARY KEY,
        oauth_id TEXT NOT NULL,
        room_id INTEGER NOT NULL,
        answers INTEGER REFERENCES notice ON DELETE SET NULL,
        notification TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'due',
        changed_at INTEGER NOT NULL,
        message_id TEXT
    ) STRICT;
    CREATE INDEX notice_by_state ON notice (state, oauth_id, room_id);
    CREATE INDEX notice_answering ON notice (answers);
    ALTER TABLE told ADD COLUMN notice INTEGER REFERENCES notice ON DELETE SET NULL;
    ALTER TABLE told ADD COLUMN is_over INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX told_by_notice ON told (notice);
";
