-- A database with 11 migrations, as the last host before the outbox wrote it, with rows in every table.

CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT;
CREATE TABLE user (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    is_admin INTEGER NOT NULL DEFAULT 0,
    is_guest INTEGER NOT NULL DEFAULT 0,
    timezone TEXT NOT NULL DEFAULT 'UTC',
    email TEXT,
    is_removed INTEGER NOT NULL DEFAULT 0,
    mention TEXT,
    is_technical INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE room (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    is_public INTEGER NOT NULL DEFAULT 1,
    owner INTEGER NOT NULL REFERENCES user (id),
    topic TEXT NOT NULL DEFAULT '',
    is_archived INTEGER NOT NULL DEFAULT 0,
    created INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE installation (
    oauth_id TEXT PRIMARY KEY,
    oauth_secret TEXT NOT NULL,
    room_id INTEGER REFERENCES room (id),
    add_on_key TEXT NOT NULL,
    descriptor_url TEXT NOT NULL,
    descriptor TEXT NOT NULL,
    accepted INTEGER NOT NULL DEFAULT 0,
    installed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX installation_by_place ON installation (ifnull(room_id, 0), add_on_key);
CREATE INDEX installation_by_room ON installation (room_id, add_on_key);
CREATE INDEX installation_by_add_on ON installation (add_on_key, room_id);
CREATE TABLE runtime_glance (
    oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
    room_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    glance TEXT NOT NULL,
    PRIMARY KEY (oauth_id, key, room_id)
) STRICT;
CREATE TABLE token (
    digest BLOB PRIMARY KEY,
    oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
    scope TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX token_by_end ON token (expires_at);
CREATE INDEX token_by_installation ON token (oauth_id);
CREATE TABLE timeline (
    nth INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    room_id INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE INDEX timeline_by_room ON timeline (room_id, nth);
CREATE TABLE room_member (
    room_id INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    PRIMARY KEY (room_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE runtime_action (
    oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
    room_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    action TEXT NOT NULL,
    PRIMARY KEY (oauth_id, key, room_id)
) STRICT;
CREATE TABLE spent_room (id INTEGER PRIMARY KEY) STRICT;
CREATE TABLE private_message (
    nth INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    text TEXT NOT NULL,
    format TEXT NOT NULL,
    notify INTEGER NOT NULL,
    is_read INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX private_message_by_user ON private_message (user_id, nth);
CREATE TABLE identity (
    provider TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    PRIMARY KEY (provider, subject)
) STRICT, WITHOUT ROWID;
CREATE TABLE session (
    digest BLOB PRIMARY KEY,
    user_id INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    began_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX session_by_end ON session (expires_at);
CREATE INDEX session_by_user ON session (user_id);
CREATE INDEX room_member_by_user ON room_member (user_id);
CREATE TABLE signing_key (id INTEGER PRIMARY KEY, key BLOB NOT NULL) STRICT;
CREATE INDEX user_by_mention ON user (mention);
CREATE INDEX user_by_email ON user (email COLLATE NOCASE);
CREATE INDEX timeline_by_time ON timeline (at);
CREATE INDEX private_message_by_time ON private_message (at);
CREATE INDEX private_message_unread ON private_message (user_id) WHERE NOT is_read;
CREATE TABLE leaving_installation (
    oauth_id TEXT PRIMARY KEY,
    oauth_secret TEXT NOT NULL,
    callback_url TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE admin_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_by INTEGER NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE TABLE webhook (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    oauth_id TEXT NOT NULL REFERENCES installation (oauth_id) ON DELETE CASCADE,
    room_id INTEGER REFERENCES room (id) ON DELETE CASCADE,
    key TEXT,
    event TEXT NOT NULL,
    webhook TEXT NOT NULL
) STRICT;
CREATE INDEX webhook_by_installation ON webhook (oauth_id, room_id);
CREATE INDEX webhook_by_event ON webhook (event);
PRAGMA user_version = 11;

INSERT INTO team VALUES (1, 'Ops Team');
INSERT INTO user (id, name, is_admin, is_guest, timezone, email, is_removed, mention, is_technical) VALUES
    (1, 'Ann Lee', 1, 0, 'Europe/Berlin', 'ann@example.com', 0, 'annlee', 0),
    (2, 'Bo', 0, 1, 'UTC', NULL, 0, 'bo', 0),
    (3, 'Cy', 0, 0, 'UTC', 'cy@example.com', 1, 'cy', 0),
    (4, '', 0, 1, 'UTC', NULL, 0, '', 1);
INSERT INTO room (id, name, is_public, owner, topic, is_archived, created) VALUES
    (1, 'Lobby', 1, 1, '', 0, 1700000000),
    (2, 'Releases', 0, 1, 'What ships next', 0, 1700000100),
    (4, 'Attic', 1, 2, '', 1, 1700000200);
INSERT INTO spent_room VALUES (3), (9);
INSERT INTO room_member VALUES (2, 1), (2, 2);
INSERT INTO identity VALUES ('proxy', 'ann', 1), ('https://accounts.example.com', '42', 1);
INSERT INTO session VALUES (x'0a0b', 1, 1700000300, 1900000000);
INSERT INTO signing_key VALUES (1, x'000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f');
INSERT INTO installation
    (oauth_id, oauth_secret, room_id, add_on_key, descriptor_url, descriptor, accepted, installed_at) VALUES
    ('11111111-2222-4333-8444-555555555555', 'secret of builds', 2, 'com.example.builds',
     'https://builds.example.com/descriptor.json',
     '{"key":"com.example.builds","name":"Builds","description":"Shows builds","links":{"self":"https://builds.example.com/descriptor.json"},"capabilities":{"installable":{"callbackUrl":"https://builds.example.com/installed","allowRoom":true},"hipchatApiConsumer":{"scopes":["send_notification","view_room"],"fromName":"Builder"},"glance":[{"key":"builds","name":{"value":"Builds"},"icon":{"url":"https://builds.example.com/i.png","url@2x":"https://builds.example.com/i.png"},"queryUrl":"https://builds.example.com/glance"}],"webhook":[{"event":"room_message","url":"https://builds.example.com/hook","pattern":"^/build","name":"build"}]}}',
     1, 1700000400),
    ('66666666-7777-4888-8999-aaaaaaaaaaaa', 'secret of on-call', NULL, 'com.example.on-call',
     'https://on-call.example.com/',
     '{"key":"com.example.on-call","name":"On call","description":"Shows who is on call","links":{"self":"https://on-call.example.com/"},"capabilities":{"installable":{"allowGlobal":true}}}',
     1, NULL);
INSERT INTO leaving_installation VALUES
    ('bbbbbbbb-cccc-4ddd-8eee-ffffffffffff', 'secret of polls', 'https://polls.example.com/installed', 1700000500);
INSERT INTO token VALUES
    (x'c0ffee', '11111111-2222-4333-8444-555555555555', 'send_notification view_room', 1900000000);
INSERT INTO admin_token VALUES
    (1, 'old', x'01', 1, 1700000000, 1800000000, NULL, 1700000600),
    (2, 'deploy', x'02', 1, 1700000000, 1900000000, 1700000700, NULL);
INSERT INTO webhook VALUES
    (3, '11111111-2222-4333-8444-555555555555', NULL, NULL, 'room_message',
     '{"event":"room_message","url":"https://builds.example.com/hook","pattern":"^/build","name":"build"}'),
    (7, '11111111-2222-4333-8444-555555555555', 2, 'topic', 'room_topic_change',
     '{"event":"room_topic_change","url":"https://builds.example.com/topic","key":"topic"}');
INSERT INTO runtime_glance VALUES
    ('11111111-2222-4333-8444-555555555555', 2, 'release',
     '{"key":"release","name":{"value":"Release 7"},"icon":{"url":"https://builds.example.com/i.png","url@2x":"https://builds.example.com/i.png"}}'),
    ('66666666-7777-4888-8999-aaaaaaaaaaaa', 0, 'week',
     '{"key":"week","name":{"value":"This week"},"icon":{"url":"https://on-call.example.com/i.png","url@2x":"https://on-call.example.com/i.png"}}');
INSERT INTO runtime_action VALUES
    ('11111111-2222-4333-8444-555555555555', 2, 'rerun',
     '{"key":"rerun","name":{"value":"Run again"},"target":"panel","location":"hipchat.message.action"}');
INSERT INTO timeline VALUES
    (1, '00000000-0000-4000-8000-000000000001', 2, 1700000800000001, 'message', '1', 'Ann Lee',
     '{"text":"@Bo: ready?","mentions":[2]}'),
    (2, '00000000-0000-4000-8000-000000000002', 2, 1700000800000002, 'message', '2', 'Bo',
     '{"text":"yes","mentions":[],"reply_to":"00000000-0000-4000-8000-000000000001"}'),
    (3, '00000000-0000-4000-8000-000000000003', 2, 1700000800000003, 'notification',
     '11111111-2222-4333-8444-555555555555', 'Builder',
     '{"message":"<b>7</b> builds","message_format":"html","color":"green","notify":true}'),
    (4, '00000000-0000-4000-8000-000000000004', 2, 1700000800000004, 'add_on_message',
     '11111111-2222-4333-8444-555555555555', 'Builder', '{"text":"done","mentions":[]}'),
    (6, '00000000-0000-4000-8000-000000000006', 4, 1700000800000006, 'message', '3', 'Cy',
     '{"text":"bye","mentions":[]}');
INSERT INTO private_message VALUES
    (1, '00000000-0000-4000-8000-000000000011', 1, 1700000900000001, '11111111-2222-4333-8444-555555555555',
     'Builder', 'your build failed', 'text', 1, 0),
    (2, '00000000-0000-4000-8000-000000000012', 1, 1700000900000002, '66666666-7777-4888-8999-aaaaaaaaaaaa',
     'On call', '<b>you</b> are next', 'html', 0, 1);
