//! The way from the write-ahead log into the database file.
//!
//! SQLite would do this by itself inside a commit, and swallow what goes wrong there: after a failed sync of
//! the database file the next one would succeed without having written what the first could not. So it is done
//! here, by the writer, after a commit has been told of, and its errors are seen.
//!
//! Nor is the log trusted that an earlier run has left: the system may hold in memory, as if it were on disk, what
//! that run could not sync. What is in it is written once more before anything is put behind it.

use std::cell::Cell;
use std::ffi::c_int;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};

/// How many pages the log may have before they are put into the database: what SQLite would choose.
const DUE_PAGES: c_int = 1000;
const BLOCK_BYTES: usize = 256 << 10;

thread_local! {
    /// The log's length after the newest commit of this thread.
    static LOG_PAGES: Cell<c_int> = const { Cell::new(0) };
}

/// From here on this connection does it when it is asked to, and not by itself, nor when it is closed.
pub(super) fn take_over(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // This takes the place of SQLite's own hook, which is its automatic checkpoint.
    connection.wal_hook(Some(|_, pages| {
        LOG_PAGES.set(pages);
        Ok(())
    }));
    Ok(())
}

/// Whether this thread's newest commit has made the log long enough.
pub(super) fn is_due() -> bool {
    LOG_PAGES.get() >= DUE_PAGES
}

/// Puts into the database what nobody reads in the log any more. Waits for nobody.
pub(super) fn run(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("PRAGMA wal_checkpoint(PASSIVE)")?.query_row([], |_| Ok(()))
}

/// Puts everything into the database and empties the log, if nobody reads in it; tells if so.
pub(super) fn run_last(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0).map(|is_busy: bool| !is_busy))
}

/// Writes the log that is there once more, byte for byte, and syncs it.
pub(super) fn write_log_again(connection: &mut Connection, database: &Path) -> Result<(), Unwritten> {
    // Nobody else appends to it, or begins it anew, meanwhile. Its locks are not on this file, so that closing it
    // takes none away.
    let _alone = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let log = match OpenOptions::new().read(true).write(true).open(super::log_path(database)) {
        Ok(log) => log,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let mut block = vec![0; BLOCK_BYTES];
    let mut at = 0;
    loop {
        let count = log.read_at(&mut block, at)?;
        if count == 0 {
            break;
        }
        log.write_all_at(&block[..count], at)?;
        at += count as u64;
    }
    if at > 0 {
        log.sync_all().map_err(Unwritten::Unsynced)?;
    }
    Ok(())
}

/// Why the log could not be written again.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritten {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Unsynced(io::Error),
}

/// A directory whose names must be on disk. SQLite syncs it when it makes its log, and does not look whether that
/// worked: this does, since an error is told once to each who had the directory open when it came.
pub(super) struct Names(File);

impl Names {
    /// The directory of a file, to be opened before its name is made.
    pub(super) fn open_for(file: &Path) -> io::Result<Self> {
        let directory = file.parent().filter(|directory| !directory.as_os_str().is_empty());
        File::open(directory.unwrap_or(Path::new("."))).map(Self)
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}
