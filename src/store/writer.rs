//! The one thread that writes. It takes what the queue holds, writes it in one transaction, and
//! publishes how far everything is durable; whoever waits for an `OK` is released by that.
//!
//! Group commit: a batch is whatever arrived while the last one was being committed. After a large batch
//! the thread also pauses a moment, since a commit costs the same for any number of records; who talks
//! alone never waits for that, nor does anybody when the queue is filling up.
//! A batch that fails by a passing cause (no space, a lock, an I/O error) stays at the queue's head
//! and is tried again until it succeeds: it was heard by the room, so it is never given up. Any other
//! error means that the store can no longer be trusted, and one of a sync that the disk cannot: the thread
//! ends and takes the daemon with it.
//!
//! What this thread must not do: answer for a record before its commit has returned, or write anything after
//! a sync that failed.

use std::collections::HashMap;
use std::ops::Range;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};
use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::watch;

use super::faults::{Fault, words};
use super::queue::{Job, MOST_OUTSTANDING, Position, SLOTS, Slot, State};
use super::record::{Record, Registered, RoomId};
use super::{Death, OpenRoom, checkpoint, rows};

/// The pause after a large batch, and which batches are large. Beside no pause, 90,000 messages a second
/// to 100 receivers took a tenth less processor time.
const GATHER: Duration = Duration::from_millis(3);
const GATHER_WHEN: Range<usize> = 128..SLOTS / 2;
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_LAST: Duration = Duration::from_secs(1);

/// How a room's numbers stand: the last one committed, and how far they are reserved.
///
/// At any moment at most [`OUTSTANDING`] events are past `last`, since each holds a slot until it is
/// durable. So as long as `reserved` is at least that far past `last`, no number is heard that was not
/// reserved before, and the room need not ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Numbering {
    last: u64,
    reserved: u64,
}

/// One more than the slots: a room's last event happens whether there is a slot or not.
const OUTSTANDING: u64 = MOST_OUTSTANDING + 1;

impl Numbering {
    /// The reservation that must be committed together with `last`, if the present one is too short.
    fn extension(self) -> Option<u64> {
        (self.reserved < self.last + OUTSTANDING).then_some(self.last + 2 * OUTSTANDING)
    }
}

/// How the thread ended.
pub(super) enum End {
    Drained,
    Dead(Death),
    /// It has not, yet.
    Running,
}

/// The running thread.
pub(super) struct Handle {
    thread: JoinHandle<End>,
    ended: Receiver<()>,
}

impl Handle {
    /// Waits for the thread until `deadline`.
    pub(super) fn join(self, deadline: Duration) -> End {
        // The sender is dropped with the thread; nothing is ever sent.
        match self.ended.recv_timeout(deadline) {
            Err(RecvTimeoutError::Timeout) => End::Running,
            Ok(()) | Err(RecvTimeoutError::Disconnected) => self.thread.join().unwrap_or(End::Dead(Death::Panicked)),
        }
    }
}

/// Finds or makes a room. Its first event, which nobody hears, reserves its next numbers when it is
/// committed; nobody may come in before that.
pub(super) fn open_room(connection: &Connection, name: &str) -> rusqlite::Result<OpenRoom> {
    connection.execute("INSERT INTO room (name, reserved_seq) VALUES (?1, 0) ON CONFLICT DO NOTHING", [name])?;
    let sql = "SELECT id, reserved_seq FROM room WHERE name = ?1";
    let (id, reserved): (i64, u64) = connection.query_row(sql, [name], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // Each half by its index.
    let newest = |kinds| {
        let sql = format!("SELECT coalesce(max(seq), 0) FROM chat_history WHERE room = ?1 AND kind {kinds}");
        connection.query_row(&sql, [id], |row| row.get::<_, u64>(0))
    };
    let newest = newest("NOT IN ('enter', 'leave')")?.max(newest("IN ('enter', 'leave')")?);
    // Numbers that were reserved and not given back tell of a crash.
    Ok(OpenRoom { id: RoomId(id), next_seq: reserved + 1, was_closed: newest == reserved })
}

/// Starts the thread.
pub(super) fn spawn(connection: Connection, jobs: Receiver<Job>, state: watch::Sender<State>, room: OpenRoom) -> Handle {
    let (ending, ended) = crossbeam_channel::bounded(0);
    let body = move || {
        let _ending = ending;
        // Told also when this thread panics: nobody may wait for a commit that will not come.
        let mut notice = DeathNotice { state, is_needed: true };
        let mut writer = Writer::new(connection, &notice.state, room);
        if let Err(death) = writer.run(&jobs) {
            #[expect(clippy::mem_forget, reason = "to close it might write, too")]
            std::mem::forget(writer.connection);
            return End::Dead(death);
        }
        notice.is_needed = false;
        End::Drained
    };
    #[expect(clippy::expect_used, reason = "a system that cannot start one thread at start-up cannot run the daemon")]
    let thread = std::thread::Builder::new().name("writer".into()).spawn(body).expect("the writer thread starts");
    Handle { thread, ended }
}

struct DeathNotice {
    state: watch::Sender<State>,
    is_needed: bool,
}

impl Drop for DeathNotice {
    fn drop(&mut self) {
        if self.is_needed {
            self.state.send_modify(|state| state.is_dead = true);
        }
    }
}

/// What one transaction writes.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    pub(super) end: Position,
    pub(super) slots: Vec<Slot>,
}

impl Batch {
    pub(super) fn add(&mut self, mut records: Vec<Record>, end: Position, mut slots: Vec<Slot>) {
        self.records.append(&mut records);
        self.end = end;
        self.slots.append(&mut slots);
    }
}

/// What is told to whom once a batch is durable.
pub(super) type Outcomes = HashMap<usize, Registered>;

pub(super) struct Writer<'a> {
    pub(super) connection: Connection,
    state: &'a watch::Sender<State>,
    rooms: HashMap<RoomId, Numbering>,
    /// The last checkpoint failed, which has been said.
    checkpoint_fails: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(connection: Connection, state: &'a watch::Sender<State>, room: OpenRoom) -> Self {
        let rooms = HashMap::from([(room.id, Numbering { last: room.next_seq - 1, reserved: room.next_seq - 1 })]);
        Self { connection, state, rooms, checkpoint_fails: false }
    }

    fn run(&mut self, jobs: &Receiver<Job>) -> Result<(), Death> {
        let mut gives_numbers_back = None;
        while gives_numbers_back.is_none() {
            let (mut batch, mut oldest) = (Batch::default(), None);
            // The queue is never dropped while the daemon runs, but an end of it is an end too.
            let Ok(first) = jobs.recv() else { break };
            for job in std::iter::once(first).chain(jobs.try_iter()) {
                match job {
                    Job::Write { records, end, slots, pushed } => {
                        oldest.get_or_insert(pushed);
                        batch.add(records, end, slots);
                    }
                    Job::Stop { rooms_are_closed } => gives_numbers_back = Some(rooms_are_closed),
                }
            }
            let count = batch.records.len();
            if count > 0 {
                self.state.send_if_modified(|state| {
                    state.oldest = oldest;
                    // Nobody waits for that.
                    false
                });
                self.store(batch)?;
                self.checkpoint_if_due()?;
            }
            if GATHER_WHEN.contains(&count) && gives_numbers_back.is_none() {
                std::thread::sleep(GATHER);
            }
        }
        // Not so while a room may still give one, nor after it died with numbers given that never came here.
        if gives_numbers_back == Some(true) {
            self.retry(Self::give_numbers_back)?;
        }
        self.checkpoint_last()
    }

    /// Commits a batch, however often it takes, and says so.
    fn store(&mut self, batch: Batch) -> Result<(), Death> {
        let outcomes = self.retry(|writer| writer.commit(&batch.records))?;
        self.publish(batch.end);
        drop(batch.slots);
        tell(batch.records, outcomes);
        Ok(())
    }

    /// Everything up to there is on disk.
    pub(super) fn publish(&self, end: Position) {
        self.state.send_modify(|state| {
            state.durable = end;
            state.health.failing_since = None;
            state.oldest = None;
        });
    }

    /// Tries until it succeeds, or fails in a way that trying again cannot help.
    fn retry<T>(&mut self, mut attempt: impl FnMut(&mut Self) -> rusqlite::Result<T>) -> Result<T, Death> {
        let mut pause = RETRY_FIRST;
        let mut failing_since = None;
        loop {
            let error = match attempt(self) {
                Ok(done) => {
                    if let Some(since) = failing_since {
                        log::warn!(
                            "the store works again after {:.1} s; nothing was lost",
                            Instant::elapsed(&since).as_secs_f32()
                        );
                    }
                    return Ok(done);
                }
                Err(error) => error,
            };
            let fault = Fault::of(&error);
            if fault != Fault::Passing {
                return Err(Death::of(fault, &error));
            }
            let since = *failing_since.get_or_insert_with(|| {
                log::error!("cannot store: {}; new messages are refused until this is mended, nothing is lost", words(&error));
                Instant::now()
            });
            self.state.send_modify(|state| {
                state.health.failing_since = Some(since);
                state.health.failures += 1;
            });
            std::thread::sleep(pause);
            pause = (pause * 2).min(RETRY_LAST);
        }
    }

    /// What the log holds is durable: if it cannot be put into the database now, it stays there until it can.
    fn checkpoint_if_due(&mut self) -> Result<(), Death> {
        if !checkpoint::is_due() {
            return Ok(());
        }
        let done = checkpoint::run(&self.connection);
        self.note_checkpoint(done)
    }

    /// So that the one file holds everything, for whoever copies it. A reader in the way is not waited
    /// for: then the log stays beside it, which loses nothing.
    pub(super) fn checkpoint_last(&mut self) -> Result<(), Death> {
        let done = self.connection.busy_timeout(Duration::ZERO).and_then(|()| checkpoint::run_last(&self.connection));
        log::debug!("last checkpoint: complete {done:?}");
        self.note_checkpoint(done.map(|_| ()))
    }

    fn note_checkpoint(&mut self, done: rusqlite::Result<()>) -> Result<(), Death> {
        let Err(error) = done else {
            self.checkpoint_fails = false;
            return Ok(());
        };
        let fault = Fault::of(&error);
        if fault != Fault::Passing {
            return Err(Death::of(fault, &error));
        }
        self.state.send_modify(|state| state.health.failures += 1);
        if !self.checkpoint_fails {
            log::warn!("the write-ahead log cannot be emptied and grows: {error}; nothing is lost");
            self.checkpoint_fails = true;
        }
        Ok(())
    }

    pub(super) fn commit(&mut self, records: &[Record]) -> rusqlite::Result<Outcomes> {
        let mut outcomes = Outcomes::new();
        let mut rooms = self.rooms.clone();
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut insert = change.prepare_cached(&rows::insert_events_sql(1))?;
        let mut insert_run = change.prepare_cached(&rows::insert_events_sql(rows::RUN))?;
        for (run, from) in records.chunks(rows::RUN).zip((0..).step_by(rows::RUN)) {
            if rows::insert_run(&mut insert_run, run)? {
                continue;
            }
            for (record, at) in run.iter().zip(from..) {
                match record {
                    Record::Event(record) => rows::insert_event(&change, &mut insert, record)?,
                    Record::Registration(registration) => {
                        outcomes.insert(at, rows::register(&change, registration)?);
                    }
                    Record::Token(token) => rows::keep_token(&change, token)?,
                    Record::Order(order) => rows::operator::carry_out(&change, order)?,
                    Record::Game(game) => rows::put_game(&change, game)?,
                    Record::Rating(rating) => rows::put_rating(&change, rating)?,
                    #[cfg(test)]
                    Record::Bug => panic!("a bug"),
                }
            }
        }
        for record in records {
            if let Record::Event(record) = record
                && let Some(numbering) = rooms.get_mut(&record.room)
            {
                numbering.last = record.event.seq;
            }
        }
        for (room, numbering) in &mut rooms {
            if let Some(reserved) = numbering.extension() {
                change.execute("UPDATE room SET reserved_seq = ?2 WHERE id = ?1", params![room.0, reserved])?;
                numbering.reserved = reserved;
            }
        }
        drop((insert, insert_run));
        change.commit()?;
        self.rooms = rooms;
        Ok(outcomes)
    }

    /// After a clean stop numbering goes on without a gap.
    pub(super) fn give_numbers_back(&mut self) -> rusqlite::Result<()> {
        let change = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for (room, numbering) in &self.rooms {
            change.execute("UPDATE room SET reserved_seq = ?2 WHERE id = ?1", params![room.0, numbering.last])?;
        }
        change.commit()
    }
}

impl Death {
    fn of(fault: Fault, error: &rusqlite::Error) -> Self {
        let why = words(error);
        match fault {
            Fault::Unsynced => Self::Unsynced(why),
            Fault::Damaged => Self::Damaged(why),
            Fault::Passing | Fault::Other => Self::Failed(why),
        }
    }
}

pub(super) fn tell(records: Vec<Record>, mut outcomes: Outcomes) {
    for (at, record) in records.into_iter().enumerate() {
        if let (Record::Registration(registration), Some(outcome)) = (record, outcomes.remove(&at)) {
            // Whoever asked may have gone; what was written stays written.
            let _ = registration.outcome.send(outcome);
        }
    }
}
