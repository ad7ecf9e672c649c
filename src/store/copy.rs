//! The database as it was at one moment: to be copied while the writer goes on, to be checked, and to be read by whoever
//! makes, restores or verifies a backup.
//!
//! A [`Snapshot`] is one read transaction, held until it is dropped. SQLite's backup begins anew whenever somebody else
//! has written between two of its steps, and so never ends beside a daemon that is talked to; inside a read transaction
//! it sees one state of the database, and the writer is not kept from writing. What it is kept from is reusing its
//! log: `parlor.db-wal` grows by what is written meanwhile.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior};

use super::record::{AuditRow, OrderRecord};
use super::schema::{self, BUSY_TIMEOUT};
use super::{OpenError, rows};
use crate::protocol::digest::Digest;

/// Pages that one step copies.
const STEP_PAGES: i32 = 64;
/// How much is copied between two flushes, so that the last one is not a long one that the writer's would wait for.
const FLUSH_BYTES: u64 = 8 << 20;

/// Why a database cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// SQLite's words while it was copied.
    #[error("cannot copy {from} to {to}: {source}")]
    Sqlite {
        /// The database.
        from: PathBuf,
        /// Its copy.
        to: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The system's words about the copy.
    #[error("cannot write {path}: {source}")]
    File {
        /// The copy.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// How much a database holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Registered people.
    pub accounts: u64,
    /// Events of all rooms.
    pub events: u64,
    /// Games, however far they are.
    pub games: u64,
}

/// What must be in the files' directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blob {
    /// Its name there.
    pub digest: Digest,
    /// Its size.
    pub size_bytes: u64,
}

/// How far a copy has come.
#[derive(Clone, Copy, Debug)]
pub struct Copied {
    /// So much of it.
    pub bytes: u64,
    /// The whole.
    pub of_bytes: u64,
}

/// The database as it was when this was taken.
pub struct Snapshot {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
}

impl Snapshot {
    /// Of a database that somebody may be writing, or was when a crash came.
    pub fn of_living(path: &Path) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::take(path, Connection::open_with_flags(path, flags))
    }

    /// Of one that nobody writes: nothing is written beside it, neither a lock nor a log.
    pub fn of_resting(path: &Path) -> Result<Self, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
        Self::take(path, Connection::open_with_flags(immutable_uri(path), flags))
    }

    fn take(path: &Path, opened: rusqlite::Result<Connection>) -> Result<Self, OpenError> {
        let explain = |source| OpenError::explain(path, source);
        let connection = opened.map_err(explain)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(explain)?;
        // The transaction begins with its first read: here.
        connection.execute_batch("BEGIN").map_err(explain)?;
        schema::known_version(&connection, path)?;
        Ok(Self { connection, path: path.to_owned() })
    }

    /// The version of its schema.
    pub fn schema(&self) -> Result<i64, OpenError> {
        schema::known_version(&self.connection, &self.path)
    }

    /// How much is in it.
    pub fn contents(&self) -> Result<Contents, OpenError> {
        let count = |table| {
            let sql = format!("SELECT count(*) FROM {table}");
            self.connection.query_row(&sql, [], |row| row.get(0)).map_err(|source| OpenError::explain(&self.path, source))
        };
        Ok(Contents { accounts: count("base_info")?, events: count("chat_history")?, games: count("game_record")? })
    }

    /// The blobs that it names, each once, in the order of their digests.
    pub fn blobs(&self) -> Result<Vec<Blob>, OpenError> {
        // A hash that is none is told of by the check.
        let sql = "SELECT DISTINCT sha256, size_bytes FROM file_put_record \
                   WHERE withdrawn_seq IS NULL AND length(sha256) = 32 AND size_bytes >= 0 ORDER BY sha256";
        let blobs = || -> rusqlite::Result<Vec<Blob>> {
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([], |row| Ok(Blob { digest: Digest(row.get(0)?), size_bytes: row.get(1)? }))?.collect()
        };
        blobs().map_err(|source| OpenError::explain(&self.path, source))
    }

    /// Who shares a blob, and under which names: for the operator.
    pub fn names_of(&self, digest: Digest) -> Result<String, OpenError> {
        let sql = "SELECT group_concat(f.file_name || ' (#' || f.seq || ', by ' || b.name || ')', ', ') \
                   FROM file_put_record f LEFT JOIN base_info b ON b.id = f.uid WHERE f.sha256 = ?1 AND f.withdrawn_seq IS NULL";
        let names = self.connection.query_row(sql, [digest.0], |row| row.get::<_, Option<String>>(0)).optional();
        names.map(|names| names.flatten().unwrap_or_default()).map_err(|source| OpenError::explain(&self.path, source))
    }

    /// Writes a copy, for its owner alone, and flushes it. The copy is one file that needs nothing beside it.
    pub fn copy_to(&self, to: &Path, told: &mut dyn FnMut(Copied)) -> Result<(), CopyError> {
        let file_error = |source| CopyError::File { path: to.to_owned(), source };
        let made = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to).map_err(file_error)?;
        self.copy_pages(to, &made, told).map_err(|source| CopyError::Sqlite {
            from: self.path.clone(),
            to: to.to_owned(),
            source,
        })?;
        made.sync_all().map_err(file_error)
    }

    fn copy_pages(&self, to: &Path, made: &File, told: &mut dyn FnMut(Copied)) -> rusqlite::Result<()> {
        let mut copy = Connection::open(to)?;
        // Whatever comes of a copy that is broken off is thrown away; and it is flushed here, not by SQLite.
        copy.pragma_update(None, "journal_mode", "OFF")?;
        copy.pragma_update(None, "synchronous", "OFF")?;
        let page_bytes = self.connection.query_row("PRAGMA page_size", [], |row| row.get::<_, u64>(0))?;
        let backup = Backup::new(&self.connection, &mut copy)?;
        let mut unflushed_bytes = 0;
        loop {
            let step = backup.step(STEP_PAGES)?;
            let progress = backup.progress();
            let bytes = |pages: i32| u64::try_from(pages).unwrap_or(0) * page_bytes;
            told(Copied { bytes: bytes(progress.pagecount - progress.remaining), of_bytes: bytes(progress.pagecount) });
            match step {
                StepResult::Done => break,
                StepResult::More => unflushed_bytes += bytes(STEP_PAGES),
                _ => std::thread::sleep(BUSY_TIMEOUT / 100),
            }
            if unflushed_bytes >= FLUSH_BYTES {
                unflushed_bytes = 0;
                // The last one tells of errors: what it flushes is written by then.
                let _ = made.sync_data();
            }
            std::thread::yield_now();
        }
        drop(backup);
        // The source's own mode came with its first page: a log beside it, which a copy does not need.
        copy.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        copy.pragma_update(None, "journal_mode", "DELETE")?;
        copy.close().map_err(|(_, error)| error)
    }
}

/// Makes a database that nobody has open ready to be gone on with, after it was restored. Every room goes on with a number
/// that is a multiple of `step` and at least `ahead` past all that it has ever reserved; the audit gets this row, under its
/// next number. Returns the highest number that a room goes on with.
pub fn settle(path: &Path, ahead: u64, step: u64, row: AuditRow) -> Result<u64, OpenError> {
    let settle = || -> rusqlite::Result<u64> {
        let mut connection = Connection::open(path)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // The last number before the one to go on with.
        let sql = "UPDATE room SET reserved_seq = ((reserved_seq + ?1) / ?2 + 1) * ?2 - 1";
        change.execute(sql, [ahead, step])?;
        let next = change.query_row("SELECT coalesce(max(reserved_seq), 0) + 1 FROM room", [], |row| row.get(0))?;
        let id = change.query_row("SELECT coalesce(max(id), 0) + 1 FROM audit", [], |row| row.get(0))?;
        let audit = AuditRow { id, ..row };
        rows::operator::carry_out(&change, &OrderRecord { audit, change: None })?;
        change.commit()?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(next)
    };
    settle().map_err(|source| OpenError::explain(path, source))
}

/// A file that cannot change, as SQLite is told of it (sqlite.org/uri.html).
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + "?immutable=1"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another connection commits between any two steps. Without the transaction each of them would be the first one.
    #[test]
    fn a_copy_ends_though_somebody_writes_and_is_of_one_moment() {
        const ROWS: u64 = 2000;
        let directory = tempfile::tempdir().unwrap();
        let [path, copied] = ["parlor.db", "copy?#%.db"].map(|name| directory.path().join(name));
        let writer = schema::open(&path).unwrap();
        let write = |count: u64| {
            let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) INSERT INTO room (name, reserved_seq) \
                       SELECT hex(randomblob(500)), 7 FROM n";
            writer.execute(sql, [count]).unwrap();
        };
        write(ROWS);
        let snapshot = Snapshot::of_living(&path).unwrap();
        let mut steps = 0;
        let told = &mut |copied: Copied| {
            steps += 1;
            assert!(steps < 100 && copied.bytes <= copied.of_bytes, "it begins anew: {copied:?}");
            write(1);
        };
        snapshot.copy_to(&copied, told).unwrap();
        assert!(steps > 5, "{steps}");
        let rows = |snapshot: &Snapshot| {
            let sql = "SELECT count(*) FROM room";
            snapshot.connection.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap()
        };
        let copy = Snapshot::of_resting(&copied).unwrap();
        assert_eq!([rows(&snapshot), rows(&copy)], [ROWS; 2]);
        copy.assert_sound().unwrap();
        let names = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(!names.into_iter().any(|name| name.to_string_lossy().starts_with("copy?#%.db-")), "it needs nothing beside it");
    }

    #[test]
    fn numbers_leap_past_all_that_were_reserved() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("parlor.db");
        let connection = schema::open(&path).unwrap();
        connection.execute_batch("INSERT INTO room (name, reserved_seq) VALUES ('a', 0), ('b', 4999), ('c', 5000)").unwrap();
        drop(connection);
        let [who, what, details] = ["root", "restore", ""].map(str::to_owned);
        let row = AuditRow { id: 0, at_ms: 1, who, what, whom: None, details, refused: None };
        assert_eq!(settle(&path, 1, 1000, row).unwrap(), 6000);
        let connection = Connection::open(&path).unwrap();
        let mut statement = connection.prepare("SELECT reserved_seq FROM room ORDER BY name").unwrap();
        let reserved: Vec<u64> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(reserved, [999, 5999, 5999]);
    }
}
