//! The task behind a room. It alone gives numbers to events, so that everyone hears them in one order.
//!
//! Commands are taken in batches. What a batch causes is told to the [`super::audience`], the records go
//! to the store's queue, and only then are the askers answered. The actor waits for nothing but its
//! mailbox.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::audience::{Audience, Line, Listener};
use super::log::{Cursor, RING_BYTES};
use super::members::Members;
use super::refs::RecentRefs;
use super::{Mark, Posted, Posting, Scene, Speech, Stale, Told, Unheard, Visitor, WhoPage};
use crate::clock::now_ms;
use crate::connections::{ConnectionId, Connections};
use crate::metrics::METRICS;
use crate::protocol::closing::Closing;
use crate::protocol::event::{Deed, Event};
use crate::protocol::limits::{NAMES_A_PAGE, NAMES_AT_LOGIN};
use crate::protocol::voice::Voice;
use crate::store::OpenRoom;
use crate::store::queue::{Position, Queue, Slot};
use crate::store::record::{Account, AccountId, EventRecord, Level, Record, RoomId};

/// Commands taken from the mailbox at once.
const COMMANDS_AT_ONCE: usize = 256;

/// How long the room may keep it to itself that somebody came or went. Nobody notices, and when
/// thousands come back at once each member is woken twenty times a second instead of thousands of times.
const PRESENCE_DELAY: Duration = Duration::from_millis(50);

/// What a room is asked; see the methods of [`super::Room`].
pub(super) enum Command {
    Enter { visitor: Visitor, slot: Slot, answer: oneshot::Sender<Scene> },
    Listen { visitor: Visitor, answer: oneshot::Sender<Scene> },
    Glance { answer: oneshot::Sender<Scene> },
    Speak { speech: Speech, answer: oneshot::Sender<Result<Told, Stale>> },
    Post { posting: Posting, slot: Slot, answer: oneshot::Sender<Posted> },
    SetVoice { connection: ConnectionId, voice: Voice, answer: oneshot::Sender<Option<Cursor>> },
    Who { page: usize, answer: oneshot::Sender<WhoPage> },
    Mark { answer: oneshot::Sender<Mark> },
    Leave { connection: ConnectionId },
    Stop { answer: oneshot::Sender<Mark> },
}

/// An event that has its number, and waits for the end of the batch.
struct Fresh {
    event: Event,
    author: Option<AccountId>,
    level: Level,
    unheard_by: Unheard,
}

/// An event as the members of a room are told it.
struct RoomLine<'a> {
    room: &'a str,
    fresh: &'a Fresh,
}

impl Line for RoomLine<'_> {
    fn seq(&self) -> u64 {
        self.fresh.event.seq
    }

    fn write(&self, voice: Voice, out: &mut String) {
        voice.event(self.room, &self.fresh.event, out);
    }

    fn unheard_by(&self) -> &[ConnectionId] {
        self.fresh.unheard_by.connections()
    }
}

/// An answer that waits for the end of the batch.
struct Waiting {
    answer: oneshot::Sender<Result<Told, Stale>>,
    seqs: Vec<u64>,
    /// Where a repeated utterance is in the queue, if it is not durable yet.
    repeated: Position,
    has_fresh: bool,
}

pub(super) struct Actor {
    room: RoomId,
    name: Arc<str>,
    queue: Queue,
    connections: Connections,
    members: Members,
    /// With whose each listener is.
    audience: Audience<Account>,
    refs: RecentRefs,
    /// Members who are gone, but for whose leaving no slot was free.
    departing: VecDeque<Account>,
    next_seq: u64,
    /// Where the newest event is in the queue.
    position: Position,
    fresh: Vec<Fresh>,
    /// What is stored together with the fresh events, before them.
    companions: Vec<Record>,
    slots: Vec<Slot>,
    waiting: Vec<Waiting>,
    /// When the audience is woken for those who came and went, at the latest.
    wake_due: Option<Instant>,
    /// Who spoke last.
    newest_speaker: Option<ConnectionId>,
    is_stopped: bool,
}

impl Actor {
    pub(super) fn new(name: Arc<str>, opened: OpenRoom, queue: Queue, connections: Connections) -> Self {
        Self {
            room: opened.id,
            name,
            queue,
            connections,
            members: Members::default(),
            audience: Audience::new(opened.next_seq, RING_BYTES),
            refs: RecentRefs::default(),
            departing: VecDeque::new(),
            next_seq: opened.next_seq,
            position: Position::default(),
            fresh: Vec::new(),
            companions: Vec::new(),
            slots: Vec::new(),
            waiting: Vec::new(),
            wake_due: None,
            newest_speaker: None,
            is_stopped: false,
        }
    }

    pub(super) fn start(&mut self, slot: Slot) -> Mark {
        self.happen(Deed::Started, None, Unheard::ByNobody);
        self.slots.push(slot);
        self.settle();
        self.mark()
    }

    pub(super) async fn run(mut self, mut mailbox: mpsc::Receiver<Command>) {
        let mut commands = Vec::new();
        loop {
            tokio::select! {
                count = mailbox.recv_many(&mut commands, COMMANDS_AT_ONCE) => {
                    if count == 0 {
                        return;
                    }
                    if self.speakers_change(&commands) {
                        // Whoever else is ready to speak does so first, and what many say at once goes out at once: a
                        // task that is woken runs right behind its waker, and would take what each says by itself.
                        yield_now().await;
                        while commands.len() < COMMANDS_AT_ONCE && let Ok(command) = mailbox.try_recv() {
                            commands.push(command);
                        }
                    }
                }
                slot = self.queue.wait_for_reserve_slot(), if !self.departing.is_empty() => {
                    if let Some(account) = self.departing.pop_front() {
                        self.depart(&account, slot);
                    }
                }
                () = sleep_until(self.wake_due.unwrap_or_else(Instant::now)), if self.wake_due.is_some() => self.wake(),
            }
            commands.drain(..).for_each(|command| self.obey(command));
            self.settle();
        }
    }

    /// Whether somebody else speaks than before: a sign that several do.
    fn speakers_change(&mut self, commands: &[Command]) -> bool {
        let speaker =
            |command: &Command| if let Command::Speak { speech, .. } = command { Some(speech.connection) } else { None };
        let Some(newest) = commands.iter().rev().find_map(speaker) else { return false };
        self.newest_speaker.replace(newest) != Some(newest)
    }

    pub(super) fn obey(&mut self, command: Command) {
        if self.is_stopped && !matches!(command, Command::Mark { .. } | Command::Stop { .. }) {
            return;
        }
        // Whoever asked may be gone; then the answer is dropped, here and below.
        match command {
            Command::Speak { speech, answer } => self.speak(speech, answer),
            Command::Leave { connection } => self.leave(connection),
            Command::Enter { visitor, slot, answer } => {
                let scene = self.enter(visitor, slot);
                let _ = answer.send(scene);
            }
            Command::Listen { visitor, answer } => {
                self.settle();
                let cursor = self.admit(visitor);
                let _ = answer.send(self.scene(Some(cursor)));
            }
            Command::Glance { answer } => {
                self.settle();
                let _ = answer.send(self.scene(None));
            }
            Command::Post { posting: Posting { deed, author, unheard_by, mut records }, slot, answer } => {
                let seq = self.happen(deed, author.as_ref(), unheard_by);
                self.companions.append(&mut records);
                self.slots.push(slot);
                self.settle();
                let _ = answer.send(Posted { seq, listeners: self.audience.count(), position: self.position });
            }
            Command::SetVoice { connection, voice, answer } => {
                self.settle();
                let _ = answer.send(self.audience.set_voice(connection, voice));
            }
            Command::Who { page, answer } => {
                let skip = page.saturating_sub(1).saturating_mul(NAMES_A_PAGE);
                let (count, names) = (self.members.count(), self.members.names(skip, NAMES_A_PAGE));
                let has_more = count > skip.saturating_add(NAMES_A_PAGE);
                let _ = answer.send(WhoPage { count, names, has_more });
            }
            Command::Mark { answer } => {
                self.settle();
                let _ = answer.send(self.mark());
            }
            Command::Stop { answer } => {
                self.stop();
                let _ = answer.send(self.mark());
            }
        }
    }

    /// Gives an event its number. It goes out, and to the store, when the batch is settled.
    fn happen(&mut self, deed: Deed, author: Option<&Account>, unheard_by: Unheard) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        let event = Event { seq, at_ms: now_ms(), deed };
        let level = author.map_or(Level::ADMINISTRATOR, |account| account.level);
        self.fresh.push(Fresh { event, author: author.map(|account| account.id), level, unheard_by });
        seq
    }

    fn speak(&mut self, speech: Speech, answer: oneshot::Sender<Result<Told, Stale>>) {
        let has_refs = speech.utterances.iter().any(|utterance| utterance.reference.is_some());
        if has_refs {
            // What this batch has said so far must be among the refs that are remembered.
            self.settle();
            if !self.refs.covers(speech.looked_up) {
                let _ = answer.send(Err(Stale));
                return;
            }
        }
        let Speech { connection, speaker, utterances, slot, .. } = speech;
        let mut waiting =
            Waiting { answer, seqs: Vec::with_capacity(utterances.len()), repeated: Position::default(), has_fresh: false };
        for utterance in utterances {
            let reference = utterance.reference;
            let remembered = reference.as_ref().and_then(|reference| self.refs.find(speaker.id, reference));
            if let Some((seq, position)) = remembered {
                waiting.seqs.push(seq);
                waiting.repeated = waiting.repeated.max(position);
            } else if let Some(seq) = utterance.said_before {
                waiting.seqs.push(seq);
            } else {
                let deed = Deed::Chat { from: speaker.name.clone(), text: utterance.text, reference: reference.clone() };
                let seq = self.happen(deed, Some(&speaker), Unheard::By(connection));
                waiting.seqs.push(seq);
                waiting.has_fresh = true;
                if let Some(reference) = reference {
                    self.refs.note(speaker.id, reference, seq);
                }
            }
        }
        self.slots.push(slot);
        self.waiting.push(waiting);
        if has_refs {
            self.settle();
        }
    }

    fn enter(&mut self, visitor: Visitor, slot: Slot) -> Scene {
        self.settle();
        let (account, connection) = (visitor.account.clone(), visitor.connection);
        match self.members.enter(account.id, &account.name, connection) {
            Some(replaced) => {
                self.audience.dismiss(replaced);
                self.connections.end(replaced, Closing::Replaced);
            }
            // Back before the room was told that they are gone: then they never were.
            None if self.departing.iter().any(|gone| gone.id == account.id) => {
                self.departing.retain(|gone| gone.id != account.id);
            }
            None => {
                self.happen(Deed::Enter { from: account.name.clone() }, Some(&account), Unheard::By(connection));
                self.slots.push(slot);
                self.settle();
            }
        }
        let cursor = self.admit(visitor);
        self.scene(Some(cursor))
    }

    fn admit(&mut self, visitor: Visitor) -> Cursor {
        let Visitor { connection, account, voice } = visitor;
        self.audience.admit(connection, voice, account)
    }

    fn leave(&mut self, connection: ConnectionId) {
        // Told while this connection is still known, so that it does not hear its own last words.
        self.settle();
        let Some(Listener { owned: account, .. }) = self.audience.dismiss(connection) else { return };
        if !self.members.leave(account.id, &account.name, connection) {
            return;
        }
        match self.queue.reserve_slot() {
            Some(slot) => self.depart(&account, slot),
            None => self.departing.push_back(account),
        }
    }

    fn depart(&mut self, account: &Account, slot: Slot) {
        self.happen(Deed::Leave { from: account.name.clone() }, Some(account), Unheard::ByNobody);
        self.slots.push(slot);
    }

    /// The daemon stops: one event ends everyone's presence.
    fn stop(&mut self) {
        if self.is_stopped {
            return;
        }
        self.happen(Deed::Stopping, None, Unheard::ByNobody);
        self.slots.extend(self.queue.reserve_slot());
        self.settle();
        self.is_stopped = true;
        self.members.clear();
        self.departing.clear();
    }

    fn scene(&self, cursor: Option<Cursor>) -> Scene {
        let Mark { seq, position } = self.mark();
        Scene { count: self.members.count(), names: self.members.names(0, NAMES_AT_LOGIN), seq, position, cursor }
    }

    fn mark(&self) -> Mark {
        Mark { seq: self.next_seq - 1, position: self.position }
    }

    /// Ends a batch: out to the listeners, on to the store, back to the askers.
    pub(super) fn settle(&mut self) {
        if !self.fresh.is_empty() {
            METRICS.deliveries.add((self.fresh.len() * self.audience.count()) as u64);
            self.audience.tell(self.fresh.iter().map(|fresh| RoomLine { room: &self.name, fresh }));
            if self.fresh.iter().all(|fresh| fresh.event.deed.is_presence()) {
                self.wake_due.get_or_insert_with(|| Instant::now() + PRESENCE_DELAY);
            } else {
                self.wake();
            }
            self.hand_to_store();
            self.refs.forget(self.queue.durable_position());
        }
        // Slots of what turned out to be repeated go back unused.
        self.slots.clear();
        for Waiting { answer, seqs, repeated, has_fresh } in self.waiting.drain(..) {
            let position = if has_fresh { self.position } else { repeated };
            let _ = answer.send(Ok(Told { seqs, position }));
        }
    }

    fn wake(&mut self) {
        self.wake_due = None;
        self.audience.wake();
    }

    fn hand_to_store(&mut self) {
        let room = self.room;
        let mut said = Vec::new();
        let record = |Fresh { event, author, level, .. }: Fresh| {
            if let (Some(author), Deed::Chat { reference: Some(reference), .. }) = (author, &event.deed) {
                said.push((author, reference.clone(), event.seq));
            }
            Record::Event(EventRecord { room, author, level, event })
        };
        let mut records = std::mem::take(&mut self.companions);
        records.extend(self.fresh.drain(..).map(record));
        self.position = self.queue.push(records, std::mem::take(&mut self.slots));
        for (author, reference, seq) in said {
            self.refs.place(author, reference, seq, self.position);
        }
    }
}
