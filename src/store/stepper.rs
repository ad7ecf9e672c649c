//! The writer by hand, for the tests of what crashes leave: a batch is taken, committed and told of one step after the
//! other, and between any two of them everything can be dropped as it is.

use std::collections::VecDeque;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crossbeam_channel::Receiver;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::watch;

use super::queue::{Job, Queue, State};
use super::record::{Account, AccountId, EventRecord, Level, Record};
use super::writer::{Batch, Outcomes, Writer, tell};
use super::{DATABASE, OpenRoom, checkpoint, rows, schema, writer};
use crate::protocol::event::Deed;
use crate::protocol::name::Name;
use crate::protocol::text::Ref;

/// An event as it was pushed, or as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) seq: u64,
    pub(crate) kind: String,
    pub(crate) author: Option<AccountId>,
    pub(crate) text: String,
    pub(crate) reference: Option<String>,
    pub(crate) at_ms: i64,
}

impl Written {
    fn of(EventRecord { author, event, .. }: &EventRecord) -> Self {
        let reference = match &event.deed {
            Deed::Chat { reference, .. } => reference.as_ref().map(|reference| reference.as_str().to_owned()),
            _ => None,
        };
        let (kind, text) = (event.deed.kind().to_owned(), rows::comment_of_deed(&event.deed).to_owned());
        Self { seq: event.seq, kind, author: *author, text, reference, at_ms: event.at_ms }
    }
}

/// A store whose writer goes by hand.
pub(crate) struct Stepper {
    directory: TempDir,
    jobs: Receiver<Job>,
    /// Out of the queue, and not in a batch yet.
    pulled: VecDeque<Job>,
    writer: Writer<'static>,
    batch: Batch,
    committed: Option<Outcomes>,
}

/// A directory in memory, where there is one.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

impl Stepper {
    pub(crate) fn open(directory: TempDir) -> (Self, OpenRoom, Queue) {
        let connection = schema::open(&directory.path().join(DATABASE)).unwrap();
        let room = writer::open_room(&connection, "lobby").unwrap();
        let (queue, jobs, state) = Queue::new(Duration::from_secs(600));
        let state: &'static watch::Sender<State> = Box::leak(Box::new(state));
        let writer = Writer::new(connection, state, room);
        (Self { directory, jobs, pulled: VecDeque::new(), writer, batch: Batch::default(), committed: None }, room, queue)
    }

    /// What has come into the queue since the last look; it stays in its order.
    pub(crate) fn pull(&mut self) -> Vec<Written> {
        let mut events = Vec::new();
        for job in self.jobs.try_iter() {
            if let Job::Write { records, .. } = &job {
                events.extend(records.iter().filter_map(|record| match record {
                    Record::Event(event) => Some(Written::of(event)),
                    _ => None,
                }));
            }
            self.pulled.push_back(job);
        }
        events
    }

    /// Takes up to so many of what waits into the next batch; false if nothing waits.
    pub(crate) fn take(&mut self, most: usize) -> bool {
        let count = most.min(self.pulled.len());
        for job in self.pulled.drain(..count) {
            if let Job::Write { records, end, slots, .. } = job {
                self.batch.add(records, end, slots);
            }
        }
        count > 0
    }

    pub(crate) fn commit(&mut self) {
        self.committed = Some(self.writer.commit(&self.batch.records).unwrap());
    }

    /// Tells of what was committed.
    pub(crate) fn publish(&mut self) {
        let Some(outcomes) = self.committed.take() else { return };
        let batch = std::mem::take(&mut self.batch);
        self.writer.publish(batch.end);
        drop(batch.slots);
        tell(batch.records, outcomes);
    }

    pub(crate) fn checkpoint(&self) {
        checkpoint::run(&self.writer.connection).unwrap();
    }

    /// How far numbers are reserved, on disk.
    pub(crate) fn reserved(&self) -> u64 {
        self.rows("SELECT reserved_seq FROM room", |row| row.get(0))[0]
    }

    pub(crate) fn log_bytes(&self) -> u64 {
        fs::metadata(self.path("-wal")).map_or(0, |metadata| metadata.len())
    }

    fn path(&self, end: &str) -> PathBuf {
        self.directory.path().join(format!("{DATABASE}{end}"))
    }

    /// Drops everything as it is; returns what a crash at this moment leaves, with only so much of the log.
    pub(crate) fn crash(self, log_bytes: Option<u64>) -> TempDir {
        let left = directory();
        for end in ["", "-wal"] {
            fs::copy(self.path(end), left.path().join(format!("{DATABASE}{end}"))).unwrap();
        }
        if let Some(bytes) = log_bytes {
            let log = fs::OpenOptions::new().write(true).open(left.path().join(format!("{DATABASE}-wal"))).unwrap();
            log.set_len(bytes).unwrap();
        }
        left
    }

    /// Stores what waits and stops, as when the room is closed.
    pub(crate) fn stop(mut self) -> TempDir {
        while self.take(usize::MAX) {
            self.commit();
            self.publish();
        }
        self.writer.give_numbers_back().unwrap();
        self.writer.checkpoint_last().unwrap();
        self.directory
    }

    pub(crate) fn events(&self) -> Vec<Written> {
        let sql = "SELECT seq, kind, uid, comment, ref, send_time FROM chat_history ORDER BY seq";
        self.rows(sql, |row| {
            let author = row.get::<_, Option<i64>>(2)?.map(AccountId);
            let (seq, kind, text) = (row.get(0)?, row.get(1)?, row.get(3)?);
            Ok(Written { seq, kind, author, text, reference: row.get(4)?, at_ms: row.get(5)? })
        })
    }

    pub(crate) fn accounts(&self) -> Vec<Account> {
        self.rows("SELECT id, name, level FROM base_info ORDER BY id", |row| {
            Ok(Account { id: AccountId(row.get(0)?), name: Name::stored(row.get(1)?), level: Level(row.get(2)?) })
        })
    }

    /// Each game's moves, and whether it is over.
    pub(crate) fn games(&self) -> Vec<(u64, usize, bool)> {
        self.rows("SELECT id, moves, end_time IS NOT NULL FROM game_record ORDER BY id", |row| {
            Ok((row.get(0)?, row.get::<_, String>(1)?.split_whitespace().count(), row.get(2)?))
        })
    }

    /// The number of what was said with a ref, as a session asks before the room takes it.
    pub(crate) fn said_before(&self, account: AccountId, reference: &Ref) -> Option<u64> {
        let sql = "SELECT seq FROM chat_history WHERE uid = ?1 AND ref = ?2";
        self.writer.connection.query_row(sql, (account.0, reference.as_str()), |row| row.get(0)).ok()
    }

    pub(crate) fn assert_intact(&self) {
        assert_eq!(self.rows("PRAGMA integrity_check", |row| row.get::<_, String>(0)), ["ok"]);
    }

    fn rows<T>(&self, sql: &str, read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
        let connection: &Connection = &self.writer.connection;
        let mut statement = connection.prepare_cached(sql).unwrap();
        statement.query_map([], |row| read(row)).unwrap().map(Result::unwrap).collect()
    }
}
