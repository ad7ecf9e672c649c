//! The room: who is here, what was said, in which order.
//!
//! [`Room`] is the handle that sessions hold; [`actor`] the task behind it, which alone gives numbers
//! to events; [`audience`] who hears it, in which voices; [`log`] the ring of encoded bytes with the
//! cursors that they read it by; [`members`] and [`refs`] the rest of its state, pure too.
//!
//! The room never waits for a member, for the disk or for a session: a slot in the store's queue comes
//! with each command that needs one, and members read the log at their own pace. It knows no sockets
//! and no sessions.

mod actor;
pub(crate) mod audience;
pub mod log;
mod members;
#[cfg(test)]
mod model;
mod refs;

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::connections::{ConnectionId, Connections};
use crate::mailbox::Mailbox;
use crate::protocol::event::Deed;
use crate::protocol::name::Name;
use crate::protocol::text::{Ref, Text};
use crate::protocol::voice::Voice;
use crate::store::OpenRoom;
use crate::store::queue::{Position, Queue, Slot};
use crate::store::record::{Account, Record, RoomId};
use log::Cursor;

/// Commands waiting for the room's actor. Whoever finds it full waits a moment.
const MAILBOX: usize = 1024;

/// Somebody who comes to hear the room.
pub struct Visitor {
    /// The connection.
    pub connection: ConnectionId,
    /// Whose it is.
    pub account: Account,
    /// The voice to hear it in.
    pub voice: Voice,
}

/// The room as somebody finds it.
pub struct Scene {
    /// How many are here.
    pub count: usize,
    /// Some of their names.
    pub names: Vec<Name>,
    /// The newest event.
    pub seq: u64,
    /// Where the newest event is in the store's queue.
    pub position: Position,
    /// Where to read on from, for who hears the room.
    pub cursor: Option<Cursor>,
}

/// What one connection says at once.
pub struct Speech {
    /// The connection that speaks.
    pub connection: ConnectionId,
    /// Whose it is.
    pub speaker: Account,
    /// What is said, in order.
    pub utterances: Vec<Utterance>,
    /// How far everything was durable before the store was asked for the utterances' refs.
    pub looked_up: Position,
    /// Slots for all of it.
    pub slot: Slot,
}

/// One thing said.
pub struct Utterance {
    /// The text.
    pub text: Text,
    /// What the speaker's program calls it.
    pub reference: Option<Ref>,
    /// The number it was given when it was said before, if the store knew one.
    pub said_before: Option<u64>,
}

/// What became of a speech.
#[derive(Debug)]
pub struct Told {
    /// Each utterance's number, in their order.
    pub seqs: Vec<u64>,
    /// Where the last of them is in the store's queue.
    pub position: Position,
}

/// A speech that was not said: its refs were looked up too long ago to be compared with those that the
/// room remembers.
#[derive(Debug)]
pub struct Stale;

/// A page of the names of those here.
pub struct WhoPage {
    /// How many are here in all.
    pub count: usize,
    /// The names on the page.
    pub names: Vec<Name>,
    /// Whether there is a page after it.
    pub has_more: bool,
}

/// Something that happens in the room and is not talk.
pub struct Posting {
    /// What happens.
    pub deed: Deed,
    /// Whose deed it is; `None` for the server's.
    pub author: Option<Account>,
    /// Who knows of it already.
    pub unheard_by: Unheard,
    /// What is stored in the same transaction. The one slot stands for these too.
    pub records: Vec<Record>,
}

impl Posting {
    /// Something that everyone hears, but for the connection it was asked over.
    pub fn new(deed: Deed, author: Option<Account>, from: Option<ConnectionId>) -> Self {
        Self { deed, author, unheard_by: from.map_or(Unheard::ByNobody, Unheard::By), records: Vec::new() }
    }
}

/// The connections that do not hear an event in a people's voice: people do not hear themselves, nor twice.
pub enum Unheard {
    /// Everyone hears it.
    ByNobody,
    /// All but one.
    By(ConnectionId),
    /// All but these.
    ByThese(Vec<ConnectionId>),
}

impl Unheard {
    fn connections(&self) -> &[ConnectionId] {
        match self {
            Unheard::ByNobody => &[],
            Unheard::By(connection) => std::slice::from_ref(connection),
            Unheard::ByThese(connections) => connections,
        }
    }
}

/// How a posting went out.
pub struct Posted {
    /// The event's number.
    pub seq: u64,
    /// How many connections hear the room.
    pub listeners: usize,
    /// Where it is in the store's queue.
    pub position: Position,
}

/// The room's newest event at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// Its number.
    pub seq: u64,
    /// Where it is in the store's queue.
    pub position: Position,
}

/// A handle on the room. Clones are the same room.
#[derive(Clone)]
pub struct Room {
    id: RoomId,
    name: Arc<str>,
    mailbox: Mailbox<actor::Command>,
}

impl Room {
    /// Starts the room's actor. The first event is that the daemon started; the position returned is its.
    pub async fn open(
        name: &str,
        opened: OpenRoom,
        queue: Queue,
        connections: Connections,
        slot: Slot,
    ) -> (Self, Mark, JoinHandle<()>) {
        let (mailbox, commands) = Mailbox::new(MAILBOX);
        let name: Arc<str> = name.into();
        let mut actor = actor::Actor::new(Arc::clone(&name), opened, queue, connections);
        let started = actor.start(slot);
        let task = tokio::spawn(actor.run(commands));
        (Self { id: opened.id, name, mailbox }, started, task)
    }

    /// The room's id in the store.
    pub fn id(&self) -> RoomId {
        self.id
    }

    /// The room's name.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Comes in as a member; whoever is here by the same account is replaced.
    pub async fn enter(&self, visitor: Visitor, slot: Slot) -> Scene {
        self.mailbox.ask(|answer| actor::Command::Enter { visitor, slot, answer }).await
    }

    /// Hears the room without being a member of it.
    pub async fn listen(&self, visitor: Visitor) -> Scene {
        self.mailbox.ask(|answer| actor::Command::Listen { visitor, answer }).await
    }

    /// Looks at the room from outside.
    pub async fn glance(&self) -> Scene {
        self.mailbox.ask(|answer| actor::Command::Glance { answer }).await
    }

    /// Speaks. The answer comes when the numbers are given, before they are durable.
    pub async fn speak(&self, speech: Speech) -> oneshot::Receiver<Result<Told, Stale>> {
        let (answer, told) = oneshot::channel();
        self.mailbox.send(actor::Command::Speak { speech, answer }).await;
        told
    }

    /// Something happens that is not talk.
    pub async fn post(&self, posting: Posting, slot: Slot) -> Posted {
        self.mailbox.ask(|answer| actor::Command::Post { posting, slot, answer }).await
    }

    /// Hears the room in another voice from here on, by the cursor returned; the old one ends here.
    /// `None` if this connection does not hear the room.
    pub async fn set_voice(&self, connection: ConnectionId, voice: Voice) -> Option<Cursor> {
        self.mailbox.ask(|answer| actor::Command::SetVoice { connection, voice, answer }).await
    }

    /// A page of who is here, counted from 1.
    pub async fn who(&self, page: usize) -> WhoPage {
        self.mailbox.ask(|answer| actor::Command::Who { page, answer }).await
    }

    /// The newest event at this moment, behind everything this caller has said.
    pub async fn mark(&self) -> Mark {
        self.mailbox.ask(|answer| actor::Command::Mark { answer }).await
    }

    /// Leaves, if this connection is here at all. Never waits, so that it can be called from `drop`.
    pub fn leave(&self, connection: ConnectionId) {
        self.mailbox.tell(actor::Command::Leave { connection });
    }

    /// Ends everyone's presence: the daemon stops. Nothing happens in the room after that.
    pub async fn stop(&self) -> Mark {
        self.mailbox.ask(|answer| actor::Command::Stop { answer }).await
    }
}
