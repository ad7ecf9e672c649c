//! The only place with SQL. Everything is written by one thread, through one queue; everything is
//! read through a small pool, off the async threads.
//!
//! [`queue`] is the write-behind queue and its slots, [`writer`] the thread that drains it, [`rows`] what it writes,
//! [`checkpoint`] how that comes into the database file, [`faults`] what an error means, [`read`] the queries, [`looks`] which
//! account a name looks like, [`schema`] the database's shape and its migrations, [`record`] what is written; [`copy`] and
//! [`check`] are for the operator: the database as it was at one moment, copied or examined. The store knows rows and events;
//! it knows no sockets, sessions or voices.

pub mod check;
mod checkpoint;
pub mod copy;
mod faults;
mod looks;
pub mod queue;
pub mod read;
pub mod record;
mod rows;
mod schema;
#[cfg(test)]
pub(crate) mod stepper;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use checkpoint::Unwritten;
use faults::Fault;
use queue::Queue;
use read::Reader;
use record::RoomId;

/// The database's file name in the data directory.
pub const DATABASE: &str = "parlor.db";

/// Why the store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is no database, or a damaged one.
    #[error(
        "{path} is damaged or not a Parlor database ({why}); nothing was changed. Restore it from a backup, or move it away to start anew"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// SQLite's words.
        why: String,
    },
    /// A newer Parlor made it.
    #[error(
        "{path} was made by a newer parlord (schema {found}, this one knows up to {known}); nothing was changed. Use the newer parlord"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// What is in it could not be brought to the disk.
    #[error("{path}: the disk does not keep what it is given ({why}); check the disk (dmesg, smartctl), then start again")]
    Unsynced {
        /// The file.
        path: PathBuf,
        /// The system's words.
        why: String,
    },
    /// The log beside it, or its directory.
    #[error("cannot open {path}: {source}")]
    System {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: std::io::Error,
    },
    /// Anything else that SQLite says.
    #[error("cannot open {path}: {source}")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The pool of readers did not come up.
    #[error("cannot open {path} for reading: {source}")]
    Pool {
        /// The file.
        path: PathBuf,
        /// The pool's error.
        source: r2d2::Error,
    },
}

/// SQLite's write-ahead log of a database, which stands beside it.
pub fn log_path(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

impl OpenError {
    fn explain(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match Fault::of(&source) {
            Fault::Damaged => Self::Corrupt { path, why: source.to_string() },
            Fault::Unsynced => Self::Unsynced { path, why: faults::words(&source) },
            Fault::Passing | Fault::Other => Self::Sqlite { path, source },
        }
    }

    fn explain_log(path: &Path, error: Unwritten) -> Self {
        match error {
            Unwritten::Sqlite(source) => Self::explain(path, source),
            Unwritten::Io(source) => Self::System { path: path.to_owned(), source },
            Unwritten::Unsynced(error) => Self::Unsynced { path: path.to_owned(), why: error.to_string() },
        }
    }
}

/// The open store: its queue, its reader and the thread that writes.
pub struct Store {
    /// Where records are put.
    pub queue: Queue,
    /// Where questions are asked.
    pub reader: Reader,
    writer: writer::Handle,
}

/// A room as the store hands it to its actor.
#[derive(Clone, Copy, Debug)]
pub struct OpenRoom {
    /// The room's id.
    pub id: RoomId,
    /// The first number that no event has ever had.
    pub next_seq: u64,
    /// Whether it was closed, and so everything that was heard in it is stored.
    pub was_closed: bool,
}

/// How a store was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Everything queued is on disk.
    Drained,
    /// The deadline passed with this many records not stored.
    Unstored(u64),
    /// The writer thread had died.
    Dead(Death),
}

/// Why the writer gave up. Whatever was answered OK is stored; what was on its way is not known to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Death {
    /// A sync failed, with these words: there is no honest way on.
    Unsynced(String),
    /// The database is found to be damaged, with these words.
    Damaged(String),
    /// Any other error that trying again cannot help, with these words.
    Failed(String),
    /// It panicked, which the log tells of.
    Panicked,
}

impl Store {
    /// Opens or makes the database in `directory`, with one room in it, and starts the writer.
    /// `confirm_timeout` is how long anybody waits for a record to become durable.
    pub fn open(directory: &Path, room: &str, confirm_timeout: Duration) -> Result<(Self, OpenRoom), OpenError> {
        let path = directory.join(DATABASE);
        let mut connection = schema::open(&path)?;
        looks::fill(&mut connection).map_err(|source| OpenError::explain(&path, source))?;
        let room = writer::open_room(&connection, room).map_err(|source| OpenError::explain(&path, source))?;
        let reader = Reader::open(&path).map_err(|source| OpenError::Pool { path: path.clone(), source })?;
        let (queue, jobs, state) = Queue::new(confirm_timeout);
        let writer = writer::spawn(connection, jobs, state, room);
        Ok((Self { queue, reader, writer }, room))
    }

    /// Writes what is queued and stops the writer; gives up at `deadline`. `rooms_are_closed` tells that
    /// no room will give another number: then the reserved ones go back, and numbering has no gap.
    pub fn close(self, deadline: Duration, rooms_are_closed: bool) -> Closed {
        self.queue.stop(rooms_are_closed);
        match self.writer.join(deadline) {
            writer::End::Drained => Closed::Drained,
            writer::End::Running => Closed::Unstored(self.queue.pending()),
            writer::End::Dead(death) => Closed::Dead(death),
        }
    }

    /// Resolves if the writer thread dies, which it does only when going on would lose records.
    pub async fn died(&self) {
        self.queue.died().await;
    }
}

/// The first column of what is in a store's database, for tests elsewhere.
#[cfg(test)]
pub(crate) fn test_rows(directory: &Path, sql: &str) -> Vec<String> {
    let connection = rusqlite::Connection::open(directory.join(DATABASE)).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::record::Record;
    use super::*;

    #[tokio::test]
    async fn when_the_writer_panics_nobody_waits_and_nobody_is_told_that_it_is_stored() {
        let directory = tempfile::tempdir().unwrap();
        let (store, _) = Store::open(directory.path(), "lobby", Duration::from_secs(600)).unwrap();
        let queue = store.queue.clone();
        let slots = queue.two_slots().await.unwrap();
        let [one, other] = slots;
        let position = queue.push(vec![Record::Bug], vec![one]);
        let waiting = queue.durable(position, queue.confirm_deadline());
        assert!(waiting.await.is_err());
        store.died().await;
        assert!(queue.is_dead() && queue.slot(1).await.is_err());
        let behind = queue.push(vec![Record::Bug], vec![other]);
        assert!(queue.durable(behind, Instant::now() + Duration::from_secs(600)).await.is_err());
        assert_eq!(store.close(Duration::from_secs(60), false), Closed::Dead(Death::Panicked));
    }
}
