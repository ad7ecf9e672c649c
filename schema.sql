-- Parlor's database: the one source of its schema. A new database is made from this file as it
-- stands; an older one is brought here by the steps in src/store/schema.rs, and a test compares
-- the two. Times are milliseconds since 1970 UTC.

-- Accounts.
CREATE TABLE base_info (
    id            INTEGER PRIMARY KEY,
    name          TEXT    NOT NULL,           -- as registered
    folded_name   TEXT    NOT NULL UNIQUE,    -- NFKC case-folded: two names that fold alike are one account
    lookalike     TEXT    UNIQUE,             -- what the folded name looks like (a skeleton of UTS 39); see src/protocol/name/looks.rs
    lookalike_shown TEXT  UNIQUE,             -- what the name looks like as it is shown; either is NULL where an older account has it
    password_hash TEXT    NOT NULL,           -- bcrypt
    address       TEXT    NOT NULL,           -- the peer that registered it
    register_time INTEGER NOT NULL,
    level         INTEGER NOT NULL DEFAULT 0  -- 0 ordinary, 1 administrator
) STRICT;

-- Tokens to log in by without hashing a password; only their SHA-256 is kept.
CREATE TABLE login_token (
    hash      BLOB    PRIMARY KEY,
    uid       INTEGER NOT NULL REFERENCES base_info (id),
    used_time INTEGER NOT NULL                -- issued or last used; 0 for one that a ban made void
) STRICT, WITHOUT ROWID;

CREATE INDEX login_token_of ON login_token (uid, used_time);

-- Whom the operator does not let in: an account, or a network. A ban whose time is over is none.
CREATE TABLE ban (
    id        INTEGER PRIMARY KEY,
    uid       INTEGER UNIQUE REFERENCES base_info (id),
    network   TEXT    UNIQUE,                 -- 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64
    made_time INTEGER NOT NULL,
    end_time  INTEGER,                        -- NULL for a ban that does not end by itself
    why       TEXT    NOT NULL,               -- the operator's words, or empty
    CHECK ((uid IS NULL) <> (network IS NULL))
) STRICT;

-- What the operator ordered, done or refused.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY,
    order_time INTEGER NOT NULL,
    who        TEXT    NOT NULL,              -- the system's user: alice (uid 1000)
    what       TEXT    NOT NULL,              -- ban, kick, ...
    whom       TEXT,                          -- a name or a network
    details    TEXT    NOT NULL,              -- the rest of the order, or empty; never a password
    refused    TEXT                           -- why it was not carried out; NULL if it was
) STRICT;

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
    comment   TEXT    NOT NULL,               -- the text, the file's name, whom an invitation is for, why it ended; or empty
    send_time INTEGER NOT NULL,
    level     INTEGER NOT NULL,               -- the privilege level it was said with
    uid       INTEGER REFERENCES base_info (id), -- whose deed it was; NULL for the server's
    room      INTEGER NOT NULL REFERENCES room (id),
    seq       INTEGER NOT NULL,               -- the event's number in its room
    kind      TEXT    NOT NULL,               -- chat, announcement, enter, leave, file, withdrawn, invite, uninvite, join, result, started, stopping
    ref       TEXT,                           -- what the sender's program calls the request
    game      INTEGER REFERENCES game_record (id) -- the game of an invite, uninvite, join or result
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

-- Games, from the invitation on. A row is written anew with every move.
CREATE TABLE game_record (
    id         INTEGER PRIMARY KEY,
    result     TEXT    NOT NULL,              -- invited, void (nobody took the seat), playing, adjourned; at the end first, second, draw, aborted
    start_time INTEGER NOT NULL,              -- when it was invited to, then when it began
    level      INTEGER NOT NULL,              -- the privilege level of who invited
    uid        INTEGER NOT NULL REFERENCES base_info (id), -- who moves first
    opponent   INTEGER REFERENCES base_info (id), -- who moves second; NULL while the seat is open
    room       INTEGER NOT NULL REFERENCES room (id),
    game       TEXT    NOT NULL,              -- which: gomoku, chess, ...
    clock      TEXT,                          -- minutes+seconds; NULL for none
    first_ms   INTEGER,                       -- left on the clocks after the last move
    second_ms  INTEGER,
    moves      TEXT    NOT NULL,              -- in the game's notation, with blanks between them
    reason     TEXT,                          -- how it ended
    end_time   INTEGER,
    rated      INTEGER NOT NULL DEFAULT 0     -- 1 if the ratings were changed by it
) STRICT;

-- What comes back at a start.
CREATE INDEX game_record_open ON game_record (room) WHERE result IN ('invited', 'playing', 'adjourned');
-- An account's newest games.
CREATE INDEX game_record_first ON game_record (uid, end_time) WHERE end_time IS NOT NULL;
CREATE INDEX game_record_second ON game_record (opponent, end_time) WHERE end_time IS NOT NULL;
-- Who has played whom within a day.
CREATE INDEX game_record_rated ON game_record (end_time) WHERE rated = 1;

-- Ratings, one for each account and game: Glicko-2 (Glickman 2013).
CREATE TABLE rating (
    uid        INTEGER NOT NULL REFERENCES base_info (id),
    game       TEXT    NOT NULL,
    rating     REAL    NOT NULL,
    deviation  REAL    NOT NULL,
    volatility REAL    NOT NULL,
    games      INTEGER NOT NULL,              -- rated games played
    PRIMARY KEY (uid, game)
) STRICT, WITHOUT ROWID;

CREATE INDEX rating_best ON rating (game, rating DESC);
