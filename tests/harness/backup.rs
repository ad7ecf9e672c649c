//! The flags that copy, put back and examine a data directory, as an operator runs them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Daemon, Ended, Program, parlord};

/// How a program ended, with what it said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Said {
    /// It must have ended well; what it said on standard output.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    /// It must have ended with this code, saying these words somewhere.
    #[track_caller]
    pub fn fails(self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "no {word:?} in {self:?}");
        }
        assert!(!self.err.contains("panicked"), "{self:?}");
    }
}

/// Runs a command to its end.
pub fn said(command: &mut Command) -> Said {
    let Ended { code, out, err } = Program::run(command, "");
    Said { code, out: out.join("\n"), err: err.join("\n") }
}

/// `parlord --backup`.
pub fn back_up(data: &Path, into: &Path) -> Said {
    said(parlord(data).arg("--backup").arg(into))
}

/// `parlord --restore`.
pub fn restore(from: &Path, data: &Path) -> Said {
    said(parlord(data).arg("--restore").arg(from))
}

/// `parlord --verify` of a data directory or a backup.
pub fn verify(path: &Path) -> Said {
    said(parlord(path).arg("--verify"))
}

/// A daemon on what a backup restores to.
#[track_caller]
pub fn start_restored(from: &Path, flags: &[&str]) -> Daemon {
    let directory = tempfile::tempdir().unwrap();
    restore(from, &directory.path().join("data")).ok();
    Daemon::start_in(directory, flags, &[])
}

/// The database of a finished backup.
pub fn database_of(backup: &Path) -> PathBuf {
    let manifest = std::fs::read_to_string(backup.join("parlor-backup.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    backup.join(format!("parlor-{}.db", manifest["number"]))
}

/// What a query finds in a database that nobody has open.
pub fn query<T: rusqlite::types::FromSql>(database: &Path, sql: &str) -> Vec<T> {
    let database = rusqlite::Connection::open_with_flags(database, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}
