-- Parlor's database: the one source of its schema. A new database is made from this file as it
-- stands; an older one is brought here by the steps in src/store/schema.rs, and a test compares
-- the two. Times are milliseconds since 1970 UTC.

-- Accounts.
CREATE TABLE base_info (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL,           -- as registered
    folded_name   TEXT    NOT NULL UNIQUE,    -- NFKC case-folded: two names that fold alike are one account
    lookalike     TEXT    UNIQUE,             -- the form in which names look alike; not filled yet
    password_hash TEXT    NOT NULL,           -- bcrypt
    address       TEXT    NOT NULL,           -- the peer that registered it
    register_time INTEGER NOT NULL,
    level         INTEGER NOT NULL DEFAULT 0  -- 0 ordinary, 1 administrator
) STRICT;

-- Tokens to log in by without hashing a password; only their SHA-256 is kept.
CREATE TABLE login_token (
    hash      BLOB    PRIMARY KEY,
    uid       INTEGER NOT NULL REFERENCES base_info (id),
    used_time INTEGER NOT NULL                -- issued or last used
) STRICT, WITHOUT ROWID;

CREATE INDEX login_token_of ON login_token (uid, used_time);

-- Rooms. No number above reserved_seq has ever been given to an event, so that numbering can go on
-- past it after a crash. After a clean stop it is the last number given.
CREATE TABLE room (
    id           INTEGER PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    reserved_seq INTEGER NOT NULL
) STRICT;

-- Each room's log.
CREATE TABLE chat_history (
    id        INTEGER PRIMARY KEY,
    comment   TEXT    NOT NULL,               -- the text, or the file's name; empty where there is none
    send_time INTEGER NOT NULL,
    level     INTEGER NOT NULL,               -- the privilege level it was said with
    uid       INTEGER REFERENCES base_info (id), -- whose deed it was; NULL for the server's
    room      INTEGER NOT NULL REFERENCES room (id),
    seq       INTEGER NOT NULL,               -- the event's number in its room
    kind      TEXT    NOT NULL,               -- chat, announcement, enter, leave, file, withdrawn, started, stopping
    ref       TEXT                            -- what the sender's program calls the request
) STRICT;

-- People read the talk without the coming and going, programs read both. Each row is in one of
-- these, so that either page is found without passing over rows that it does not show.
CREATE UNIQUE INDEX chat_history_talk ON chat_history (room, seq) WHERE kind NOT IN ('enter', 'leave');
CREATE UNIQUE INDEX chat_history_presence ON chat_history (room, seq) WHERE kind IN ('enter', 'leave');

-- A ref is said once for ever.
CREATE UNIQUE INDEX chat_history_ref ON chat_history (uid, ref) WHERE ref IS NOT NULL;

-- Files shared with a room, each by an event of its log. The bytes are not here: they are the blob
-- of that SHA-256 in the data directory.
CREATE TABLE file_put_record (
    id            INTEGER PRIMARY KEY,
    file_name     TEXT    NOT NULL,           -- as it was shared
    send_time     INTEGER NOT NULL,
    level         INTEGER NOT NULL,           -- the privilege level it was shared with
    uid           INTEGER NOT NULL REFERENCES base_info (id),
    file_comment  TEXT    NOT NULL DEFAULT '', -- not filled yet
    room          INTEGER NOT NULL REFERENCES room (id),
    seq           INTEGER NOT NULL,           -- the event that shared it
    folded_name   TEXT    NOT NULL,           -- the form in which names are compared
    size_bytes    INTEGER NOT NULL,
    sha256        BLOB    NOT NULL,
    withdrawn_seq INTEGER                     -- the event that withdrew it; NULL while it is shared
) STRICT;

CREATE UNIQUE INDEX file_put_record_event ON file_put_record (room, seq);

-- The shelf: what is shared at the moment, each name once.
CREATE UNIQUE INDEX file_put_record_shelf ON file_put_record (room, folded_name) WHERE withdrawn_seq IS NULL;
CREATE INDEX file_put_record_newest ON file_put_record (room, seq) WHERE withdrawn_seq IS NULL;
CREATE UNIQUE INDEX file_put_record_withdrawal ON file_put_record (room, withdrawn_seq) WHERE withdrawn_seq IS NOT NULL;

-- Games.
CREATE TABLE game_record (
    id         INTEGER PRIMARY KEY,
    result     TEXT    NOT NULL,
    start_time INTEGER NOT NULL,
    level      INTEGER NOT NULL,
    uid        INTEGER NOT NULL REFERENCES base_info (id)
) STRICT;
