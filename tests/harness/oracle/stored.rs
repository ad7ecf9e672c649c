//! What a data directory holds, read by SQL and from the files' directory.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, Row};

use super::Event;
use crate::harness::{PATIENCE, names_in, sha256};

#[derive(Clone, Debug)]
pub struct Stored {
    /// The verdict of SQLite.
    pub integrity: String,
    pub events: BTreeMap<u64, Event>,
    /// The `ref`s of events, by number.
    pub refs: BTreeMap<u64, String>,
    /// Numbers that more than one row has.
    pub twice: Vec<u64>,
    pub files: Vec<FileRow>,
    /// The size and the hash of what lies in the files' directory under a name that is a hash.
    pub blobs: BTreeMap<String, (u64, String)>,
    pub games: BTreeMap<u64, GameRow>,
    /// The accounts, as they were registered, with the hashes of their tokens.
    pub accounts: Vec<(String, Vec<String>)>,
}

#[derive(Clone, Debug)]
pub struct FileRow {
    pub file_name: String,
    pub owner: String,
    pub seq: u64,
    pub withdrawn_seq: Option<u64>,
    pub size_bytes: usize,
    pub sha256: String,
}

#[derive(Clone, Debug)]
pub struct GameRow {
    pub first: String,
    pub second: Option<String>,
    /// As in the schema: `invited`, `playing`, … and at the end `first`, `second`, `draw` or `aborted`.
    pub result: String,
    pub reason: Option<String>,
    pub moves: Vec<String>,
}

impl Stored {
    /// Reads a data directory. Beside a daemon that runs, or after a clean stop: otherwise it would be the
    /// reader who recovers the database.
    pub fn read(data: &Path) -> Self {
        let database = Connection::open(data.join("parlor.db")).unwrap();
        database.busy_timeout(PATIENCE).unwrap();
        // One state of it, whatever is written meanwhile.
        database.execute_batch("BEGIN").unwrap();
        let integrity = database.query_row("PRAGMA integrity_check", [], |row| row.get(0));
        // A database so damaged that it cannot be read has nothing.
        let integrity = integrity.unwrap_or_else(|error| error.to_string());
        let mut stored = Self {
            integrity,
            events: BTreeMap::new(),
            refs: BTreeMap::new(),
            twice: Vec::new(),
            files: rows(&database, FILES, file_row),
            blobs: blobs(&data.join("files")),
            games: rows(&database, GAMES, game_row).into_iter().collect(),
            accounts: rows(&database, ACCOUNTS, account_row),
        };
        for (event, reference) in rows(&database, EVENTS, event_row) {
            let seq = event.seq;
            stored.refs.extend(reference.map(|reference| (seq, reference)));
            if stored.events.insert(seq, event).is_some() {
                stored.twice.push(seq);
            }
        }
        stored
    }

    /// Whether the daemon ended, or may end, in any other way than by a clean stop.
    pub(super) fn has_crashed(&self) -> bool {
        let mut before = "stopping";
        for event in self.events.values() {
            if event.kind == "started" && before != "stopping" {
                return true;
            }
            before = &event.kind;
        }
        before != "stopping"
    }
}

const EVENTS: &str = "SELECT h.seq, h.kind, coalesce(b.name, ''), h.comment, h.game, h.ref FROM chat_history h
    LEFT JOIN base_info b ON b.id = h.uid ORDER BY h.seq";

fn event_row(row: &Row<'_>) -> rusqlite::Result<(Event, Option<String>)> {
    let game: Option<u64> = row.get(4)?;
    let text = game.map_or_else(|| row.get(3), |game| Ok(game.to_string()))?;
    Ok((Event { seq: row.get(0)?, kind: row.get(1)?, from: row.get(2)?, text }, row.get(5)?))
}

const FILES: &str = "SELECT f.file_name, b.name, f.seq, f.withdrawn_seq, f.size_bytes, lower(hex(f.sha256))
    FROM file_put_record f JOIN base_info b ON b.id = f.uid";

fn file_row(row: &Row<'_>) -> rusqlite::Result<FileRow> {
    Ok(FileRow {
        file_name: row.get(0)?,
        owner: row.get(1)?,
        seq: row.get(2)?,
        withdrawn_seq: row.get(3)?,
        size_bytes: row.get(4)?,
        sha256: row.get(5)?,
    })
}

const GAMES: &str = "SELECT g.id, a.name, b.name, g.result, g.reason, g.moves FROM game_record g
    JOIN base_info a ON a.id = g.uid LEFT JOIN base_info b ON b.id = g.opponent";

fn game_row(row: &Row<'_>) -> rusqlite::Result<(u64, GameRow)> {
    let moves: String = row.get(5)?;
    let moves = moves.split_whitespace().map(str::to_owned).collect();
    let record = GameRow { first: row.get(1)?, second: row.get(2)?, result: row.get(3)?, reason: row.get(4)?, moves };
    Ok((row.get(0)?, record))
}

const ACCOUNTS: &str = "SELECT b.name, coalesce(group_concat(lower(hex(t.hash)), ' '), '') FROM base_info b
    LEFT JOIN login_token t ON t.uid = b.id GROUP BY b.id";

fn account_row(row: &Row<'_>) -> rusqlite::Result<(String, Vec<String>)> {
    let tokens: String = row.get(1)?;
    Ok((row.get(0)?, tokens.split_whitespace().map(str::to_owned).collect()))
}

/// All rows, or as many as can be read.
fn rows<T>(database: &Connection, sql: &str, row: fn(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let Ok(mut statement) = database.prepare(sql) else { return Vec::new() };
    let Ok(rows) = statement.query_map([], row) else { return Vec::new() };
    rows.map_while(Result::ok).collect()
}

fn blobs(directory: &Path) -> BTreeMap<String, (u64, String)> {
    let names = names_in(directory).into_iter().filter(|name| name.len() == 64);
    // What is withdrawn goes a moment after the reply.
    let read = |name: String| {
        let bytes = std::fs::read(directory.join(&name)).ok()?;
        Some((name, (bytes.len() as u64, sha256(&bytes))))
    };
    names.filter_map(read).collect()
}
