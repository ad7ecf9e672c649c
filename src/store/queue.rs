//! The write-behind queue: records go in here in the order of events, and one thread writes them.
//!
//! The contract:
//! 1. A record needs a slot, taken by whoever causes it *before* the event happens. With the slot in
//!    hand, [`Queue::push`] never waits, so that a room never waits for the disk.
//! 2. Slots come back when their records are durable. When none are left the causers wait, their
//!    sockets are not read, and nothing is dropped.
//! 3. Leavings cannot be refused, nor can what happens in a game by itself: these have slots in reserve.
//! 4. A [`Position`] grows with every record; once the durable mark has reached it, the record and
//!    all before it are committed with `synchronous=FULL`.
//! 5. While commits fail, no slots are given out: new requests are refused instead of piling up.
//! 6. Once the writer has given up, everybody who waits is told at once that the outcome is unknown.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{self, Duration};

use crossbeam_channel::{Receiver, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use super::record::Record;

/// Slots for what may be on its way to the disk at once. At 4 KiB a text this bounds the queue's memory at
/// 16 MiB (the record of a game holds all its moves: some 25 KiB in the longest chess). A commit takes about
/// a millisecond, so it does not bound speed.
pub(super) const SLOTS: usize = 4096;
/// Slots in reserve, for what cannot be refused.
pub(super) const RESERVE_SLOTS: usize = 512;
/// The most that may have been heard and not be stored when a crash comes: each holds a slot.
pub const MOST_OUTSTANDING: u64 = (SLOTS + RESERVE_SLOTS) as u64;
/// The most records that one slot can stand for.
pub const BATCH: usize = 256;

const _: () = assert!(BATCH < SLOTS);

/// How far the queue has come: the number of records pushed up to and including one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(pub(super) u64);

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
impl Position {
    pub(crate) fn test(position: u64) -> Self {
        Self(position)
    }
}

/// What the writer publishes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    /// Everything up to here is on disk.
    pub(super) durable: Position,
    /// How it does.
    pub(super) health: Health,
    /// When the oldest of what is being written was put into the queue.
    pub(super) oldest: Option<time::Instant>,
    /// The writer has given up.
    pub(super) is_dead: bool,
}

impl State {
    fn is_failing(&self) -> bool {
        self.health.failing_since.is_some()
    }
}

/// How the store does, for the operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Health {
    /// Since when commits fail and are tried again; `None` while they succeed.
    pub failing_since: Option<time::Instant>,
    /// Commits and checkpoints that have failed since the start.
    pub failures: u64,
}

/// The right to push some records.
#[derive(Debug)]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// Work for the writer thread.
pub(super) enum Job {
    /// Records to write, up to a position; their slots are freed when they are durable.
    Write { records: Vec<Record>, end: Position, slots: Vec<Slot>, pushed: time::Instant },
    /// Write what came before, then end; give reserved numbers back if no room will need them.
    Stop { rooms_are_closed: bool },
}

/// The store cannot take anything at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store is failing")]
pub struct StoreFailed;

/// Not durable in time. It may still become durable: the outcome is unknown, not failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not durable in time")]
pub struct Unconfirmed;

/// How full the queue is, for the operator.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Records that are not durable yet.
    pub waiting: u64,
    /// The slots that there are, without those in reserve.
    pub slots: usize,
    /// Those that are taken.
    pub slots_used: usize,
    /// For how long the oldest of what is being written has waited.
    pub lag: Duration,
}

/// The sending side of the queue. Clones are the same queue.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    jobs: Sender<Job>,
    /// The position of the last record pushed. Held while a job is sent, so that positions and
    /// channel agree; sending never blocks, see `push`.
    last: Mutex<Position>,
    slots: Arc<Semaphore>,
    reserve_slots: Arc<Semaphore>,
    state: watch::Receiver<State>,
    /// Read for each message: cheaper than a lock.
    confirm_timeout_ms: AtomicU64,
}

impl Queue {
    pub(super) fn new(confirm_timeout: Duration) -> (Self, Receiver<Job>, watch::Sender<State>) {
        // A place for every slot, one for the room's last event and one for `Stop`: there is always room.
        let (jobs, receiver) = crossbeam_channel::bounded(SLOTS + RESERVE_SLOTS + 2);
        let (publish, state) = watch::channel(State::default());
        let inner = Inner {
            jobs,
            last: Mutex::default(),
            slots: Arc::new(Semaphore::new(SLOTS)),
            reserve_slots: Arc::new(Semaphore::new(RESERVE_SLOTS)),
            state,
            confirm_timeout_ms: AtomicU64::new(milliseconds(confirm_timeout)),
        };
        (Self { inner: Arc::new(inner) }, receiver, publish)
    }

    /// Waits for the right to push up to `count` records, at most [`BATCH`]; refused while the store is failing.
    pub async fn slot(&self, count: usize) -> Result<Slot, StoreFailed> {
        debug_assert!(count <= BATCH);
        let count = u32::try_from(count).map_err(|_| StoreFailed)?;
        let mut state = self.inner.state.clone();
        let is_failing = |state: &State| state.is_failing() || state.is_dead;
        if is_failing(&state.borrow()) {
            return Err(StoreFailed);
        }
        let slots = Arc::clone(&self.inner.slots);
        if let Ok(permit) = Arc::clone(&slots).try_acquire_many_owned(count) {
            return Ok(Slot { _permit: permit });
        }
        tokio::select! {
            permit = slots.acquire_many_owned(count) => permit.map(|permit| Slot { _permit: permit }).map_err(|_| StoreFailed),
            _ = state.wait_for(is_failing) => Err(StoreFailed),
        }
    }

    /// Waits for two slots at once, each to be used on its own.
    pub async fn two_slots(&self) -> Result<[Slot; 2], StoreFailed> {
        let Slot { _permit: mut one } = self.slot(2).await?;
        // Two were asked for.
        let other = one.split(1).ok_or(StoreFailed)?;
        Ok([one, other].map(|permit| Slot { _permit: permit }))
    }

    /// A slot for what cannot be refused (a leaving, a fallen flag), if one is to be had at this moment: from
    /// the reserve, or a common one.
    pub fn reserve_slot(&self) -> Option<Slot> {
        let reserve = Arc::clone(&self.inner.reserve_slots).try_acquire_owned();
        let permit = reserve.or_else(|_| Arc::clone(&self.inner.slots).try_acquire_owned());
        permit.ok().map(|permit| Slot { _permit: permit })
    }

    /// Waits for a slot from the reserve, however badly the store is doing.
    pub async fn wait_for_reserve_slot(&self) -> Slot {
        match Arc::clone(&self.inner.reserve_slots).acquire_owned().await {
            Ok(permit) => Slot { _permit: permit },
            // The semaphore is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// Puts records at the queue's end and tells where that is. Never waits: the slots stand for a
    /// place in the channel.
    pub fn push(&self, records: Vec<Record>, slots: Vec<Slot>) -> Position {
        let pushed = time::Instant::now();
        let mut last = self.inner.last.lock().unwrap_or_else(PoisonError::into_inner);
        let end = Position(last.0 + records.len() as u64);
        *last = end;
        // Fails only once the writer is gone, which ends the daemon; nobody is told OK then.
        let _ = self.inner.jobs.try_send(Job::Write { records, end, slots, pushed });
        end
    }

    /// Waits until everything up to `position` is durable, but no longer than until `deadline`.
    pub async fn durable(&self, position: Position, deadline: Instant) -> Result<(), Unconfirmed> {
        let mut state = self.inner.state.clone();
        if state.borrow().durable >= position {
            return Ok(());
        }
        let reached = state.wait_for(|state| state.durable >= position || state.is_dead);
        match timeout_at(deadline, reached).await {
            Ok(Ok(state)) if state.durable >= position => Ok(()),
            _ => Err(Unconfirmed),
        }
    }

    /// Waits until everything up to `position` is durable, however long it takes.
    pub async fn durable_at_last(&self, position: Position) {
        let mut state = self.inner.state.clone();
        if state.wait_for(|state| state.durable >= position).await.is_err() {
            // The writer is gone, and the daemon about to be.
            std::future::pending().await
        }
    }

    /// Until when somebody who begins to wait now waits for a record to become durable.
    pub fn confirm_deadline(&self) -> Instant {
        Instant::now() + self.confirm_timeout()
    }

    /// How long anybody waits for a record to become durable.
    pub fn confirm_timeout(&self) -> Duration {
        Duration::from_millis(self.inner.confirm_timeout_ms.load(Ordering::Relaxed))
    }

    /// Sets how long anybody waits who begins to from here on.
    pub fn set_confirm_timeout(&self, timeout: Duration) {
        self.inner.confirm_timeout_ms.store(milliseconds(timeout), Ordering::Relaxed);
    }

    /// Where the newest record is.
    pub fn newest(&self) -> Position {
        *self.inner.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How far everything is durable now.
    pub fn durable_position(&self) -> Position {
        self.inner.state.borrow().durable
    }

    /// Waits until the store begins to fail, or works again: until it is not as it `was`.
    pub async fn failing_changed(&self, was: bool) {
        let mut state = self.inner.state.clone();
        if state.wait_for(|state| state.is_failing() != was).await.is_err() {
            // The writer is gone, and the daemon about to be.
            std::future::pending().await
        }
    }

    /// How the store does. Cheap.
    pub fn health(&self) -> Health {
        self.inner.state.borrow().health
    }

    /// How full it is.
    pub fn load(&self) -> Load {
        let State { durable, oldest, .. } = *self.inner.state.borrow();
        Load {
            waiting: self.newest().0 - durable.0,
            slots: SLOTS,
            slots_used: SLOTS - self.inner.slots.available_permits(),
            lag: oldest.map(|oldest| oldest.elapsed()).unwrap_or_default(),
        }
    }

    /// Whether the writer has given up: nothing more will become durable.
    pub fn is_dead(&self) -> bool {
        self.inner.state.borrow().is_dead
    }

    /// The right to push up to `count` records, if it is to be had at this moment.
    #[cfg(test)]
    pub(crate) fn slot_now(&self, count: u32) -> Option<Slot> {
        Arc::clone(&self.inner.slots).try_acquire_many_owned(count).ok().map(|permit| Slot { _permit: permit })
    }

    /// How many slots are free: common ones, and those in reserve.
    #[cfg(test)]
    pub(crate) fn free_slots(&self) -> [usize; 2] {
        [&self.inner.slots, &self.inner.reserve_slots].map(|slots| slots.available_permits())
    }

    pub(super) fn pending(&self) -> u64 {
        // In this order: a commit in between makes it no less than none.
        let durable = self.durable_position();
        self.newest().0 - durable.0
    }

    pub(super) fn stop(&self, rooms_are_closed: bool) {
        let _ = self.inner.jobs.try_send(Job::Stop { rooms_are_closed });
    }

    pub(super) async fn died(&self) {
        let mut state = self.inner.state.clone();
        let _ = state.wait_for(|state| state.is_dead).await;
    }
}
