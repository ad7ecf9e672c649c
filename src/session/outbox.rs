//! What concerns one connection alone: its replies, in the order of its requests.
//!
//! The contract:
//! 1. Replies leave in the order of their requests, and each is written whole: no event inside it.
//! 2. An `OK seq` waits here until its event is durable; replies behind it wait too, events do not.
//! 3. The session waits for [`Outbox::has_room`] before it takes the next request, so a peer that asks
//!    and does not read is not read either; the memory is bounded by [`ROOM_BYTES`] and one reply.
//! 4. Nobody but the connection's own session puts anything here.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::Instant;

use crate::metrics::METRICS;
use crate::protocol::game::GameId;
use crate::protocol::refusal::{Refusal, Unconfirmed};
use crate::protocol::reply::{Answer, Reply};
use crate::protocol::text::Ref;
use crate::protocol::voice::Voice;
use crate::room::log::Cursor;
use crate::room::{Stale, Told};
use crate::store::queue::{Position, Queue};

/// Replies waiting to be written, beyond which no further request is taken.
const ROOM_BYTES: usize = 64 << 10;
/// What an item costs beside its bytes.
const ITEM_BYTES: usize = 128;

/// Something to write, in its turn.
pub enum Item {
    /// A reply.
    Text(Bytes),
    /// The reply to what was said or moved: who is told `OK 7` has been sent everything up to 7 before.
    Said(Bytes),
    /// A reply, and logs that are heard from there on: the room's after a login, a game's.
    Hear {
        /// The reply.
        text: Bytes,
        /// The logs.
        hearings: Vec<Hearing>,
    },
    /// The logs go on in another voice: the old cursors to their ends, then `text`, then the new ones.
    Turn {
        /// The reply, if there is one.
        text: Bytes,
        /// The new logs.
        hearings: Vec<Hearing>,
    },
    /// The last words; then the connection is closed.
    Close {
        /// The words, which may be none.
        text: Bytes,
        /// Whether what the room said so far is written before them.
        after_the_log: bool,
    },
}

impl Item {
    fn text(&self) -> &Bytes {
        match self {
            Item::Text(text) | Item::Said(text) => text,
            Item::Hear { text, .. } | Item::Turn { text, .. } | Item::Close { text, .. } => text,
        }
    }

    fn set_text(&mut self, new: Bytes) {
        match self {
            Item::Text(text) | Item::Said(text) => *text = new,
            Item::Hear { text, .. } | Item::Turn { text, .. } | Item::Close { text, .. } => *text = new,
        }
    }
}

/// How a connection hears a log.
pub struct Hearing {
    /// Its place in the log.
    pub cursor: Cursor,
    /// The voice it is in.
    pub voice: Voice,
    /// Whose log it is.
    pub source: Source,
}

/// Whose log is heard.
pub enum Source {
    /// The room's, of this name.
    Room(Arc<str>),
    /// That of a game; a rematch goes on in it.
    Game(GameId),
}

/// A reply that waits until what it tells of is durable.
pub struct Owed {
    /// Where that is in the store's queue.
    pub position: Position,
    /// When it is no longer waited for.
    pub deadline: Instant,
    /// What is written then.
    pub item: Item,
    /// What is written in place of its text if it is overdue.
    pub unconfirmed: Bytes,
}

/// The replies to what was said at once, each waiting to be durable.
pub struct Spoken {
    /// The voice to answer in.
    pub voice: Voice,
    /// The requests' refs.
    pub references: Vec<Option<Ref>>,
    /// When it is no longer waited for.
    pub deadline: Instant,
    /// The numbers, once the room has given them.
    pub told: oneshot::Receiver<Result<Told, Stale>>,
}

enum Entry {
    Ready(Item),
    Spoken(Spoken),
    Owed(Box<Owed>),
}

impl Entry {
    fn size_bytes(&self) -> usize {
        ITEM_BYTES
            + match self {
                Entry::Ready(item) => item.text().len(),
                Entry::Spoken(spoken) => 16 * spoken.references.len(),
                Entry::Owed(owed) => owed.item.text().len() + owed.unconfirmed.len(),
            }
    }
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    filled: Notify,
    drained: Notify,
}

#[derive(Default)]
struct State {
    entries: VecDeque<Entry>,
    size_bytes: usize,
    /// When nobody waits any longer for the disk, since the daemon stops.
    give_up_at: Option<Instant>,
}

impl Shared {
    /// A deadline, or the earlier one at which the daemon gives up.
    fn deadline(&self, usual: Instant) -> Instant {
        self.lock().give_up_at.map_or(usual, |earlier| earlier.min(usual))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session's end.
pub struct Outbox {
    shared: Arc<Shared>,
}

/// The writer's end.
pub struct Outgoing {
    shared: Arc<Shared>,
    queue: Queue,
    /// What waits to be durable, before everything else.
    head: Option<Head>,
}

enum Head {
    Spoken {
        spoken: Spoken,
        /// What the room has told.
        outcome: Option<Result<Told, Stale>>,
    },
    Owed(Box<Owed>),
}

/// Makes an outbox; `queue` tells what is durable.
pub fn outbox(queue: Queue) -> (Outbox, Outgoing) {
    let shared = Arc::<Shared>::default();
    (Outbox { shared: Arc::clone(&shared) }, Outgoing { shared, queue, head: None })
}

impl Outbox {
    /// Puts something behind what is already there.
    pub fn put(&self, item: Item) {
        self.push(Entry::Ready(item));
    }

    /// Puts replies that wait to be durable.
    pub fn put_spoken(&self, spoken: Spoken) {
        self.push(Entry::Spoken(spoken));
    }

    /// Puts a reply that waits to be durable.
    pub fn put_owed(&self, owed: Owed) {
        self.push(Entry::Owed(Box::new(owed)));
    }

    /// From then on what is not durable is answered as unconfirmed. Takes effect with the next item.
    pub fn give_up_at(&self, deadline: Instant) {
        self.shared.lock().give_up_at = Some(deadline);
    }

    fn push(&self, entry: Entry) {
        let mut state = self.shared.lock();
        state.size_bytes += entry.size_bytes();
        state.entries.push_back(entry);
        drop(state);
        self.shared.filled.notify_one();
    }

    /// Waits until there is room for the reply to another request.
    pub async fn has_room(&self) {
        loop {
            let drained = self.shared.drained.notified();
            if self.shared.lock().size_bytes < ROOM_BYTES {
                return;
            }
            drained.await;
        }
    }
}

impl Outgoing {
    /// The next item whose time has come, if there is one now.
    pub fn try_next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.try_head() {
                return Some(item);
            }
            if self.head.is_some() {
                return None;
            }
            match self.pop()? {
                Entry::Ready(item) => return Some(item),
                Entry::Spoken(spoken) => self.head = Some(Head::Spoken { spoken, outcome: None }),
                Entry::Owed(owed) => self.head = Some(Head::Owed(owed)),
            }
        }
    }

    /// Waits until `try_next` may have something. Nothing is lost if this is dropped in between.
    pub async fn changed(&mut self) {
        if self.head.is_some() {
            // Boxed, so that an idle connection does not hold the state of this.
            return Box::pin(self.head_changed()).await;
        }
        self.shared.filled.notified().await;
    }

    /// The same while a reply waits to be durable.
    async fn head_changed(&mut self) {
        let head_ready = async {
            let (position, deadline) = match &mut self.head {
                None => return,
                Some(Head::Owed(owed)) => (owed.position, owed.deadline),
                Some(Head::Spoken { spoken, outcome }) => {
                    if outcome.is_none() {
                        match (&mut spoken.told).await {
                            Ok(told) => *outcome = Some(told),
                            // The room has stopped, and this connection is about to be told so.
                            Err(_) => return self.head = None,
                        }
                    }
                    let Some(Ok(told)) = outcome else { return };
                    (told.position, spoken.deadline)
                }
            };
            // Either outcome is what `try_head` waits for.
            let _ = self.queue.durable(position, self.shared.deadline(deadline)).await;
        };
        tokio::select! {
            () = head_ready => (),
            () = self.shared.filled.notified() => (),
        }
    }

    fn pop(&self) -> Option<Entry> {
        let mut state = self.shared.lock();
        let entry = state.entries.pop_front()?;
        state.size_bytes -= entry.size_bytes();
        drop(state);
        self.shared.drained.notify_one();
        Some(entry)
    }

    /// The replies at the head, if they are durable or overdue.
    fn try_head(&mut self) -> Option<Item> {
        let (spoken, outcome) = match self.head.as_mut()? {
            Head::Owed(_) => return self.try_owed(),
            Head::Spoken { spoken, outcome } => (spoken, outcome),
        };
        if outcome.is_none() {
            match spoken.told.try_recv() {
                Ok(told) => *outcome = Some(told),
                Err(TryRecvError::Empty) => return None,
                // As in `changed`.
                Err(TryRecvError::Closed) => {
                    self.head = None;
                    return None;
                }
            }
        }
        let replies: Vec<Reply> = match outcome.as_ref()? {
            // Too many refs were said between the look-up and the room: so rare that the client may as well repeat it.
            Err(Stale) => spoken.references.iter().map(|_| Reply::Refused(Refusal::StoreFailed)).collect(),
            Ok(told) if told.position <= self.queue.durable_position() => {
                told.seqs.iter().map(|&seq| Reply::Spoken { seq }).collect()
            }
            Ok(told) => {
                if Instant::now() < self.shared.deadline(spoken.deadline) && !self.queue.is_dead() {
                    return None;
                }
                told.seqs.iter().map(|&seq| Reply::Refused(Refusal::Unconfirmed(Unconfirmed::Event(seq)))).collect()
            }
        };
        METRICS.all_answered(&replies);
        let mut text = String::new();
        for (reply, reference) in replies.into_iter().zip(spoken.references.drain(..)) {
            spoken.voice.answer(&Answer { letter: Some('C'), reference, reply }, &mut text);
        }
        self.head = None;
        Some(Item::Said(text.into()))
    }

    /// The reply at the head, if what it tells of is durable, or it is overdue.
    fn try_owed(&mut self) -> Option<Item> {
        let is_ready = |owed: &Owed| {
            let is_durable = owed.position <= self.queue.durable_position();
            is_durable || Instant::now() >= self.shared.deadline(owed.deadline) || self.queue.is_dead()
        };
        let Some(Head::Owed(owed)) = self.head.take_if(|head| matches!(head, Head::Owed(owed) if is_ready(owed))) else {
            return None;
        };
        let Owed { position, mut item, unconfirmed, .. } = *owed;
        if position > self.queue.durable_position() {
            // Counted as answered when it was put here.
            METRICS.refused(&Refusal::Unconfirmed(Unconfirmed::Move));
            item.set_text(unconfirmed);
        }
        Some(item)
    }
}
