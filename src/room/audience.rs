//! Who hears the room, and the logs they hear it by: one for each voice in use, each event encoded
//! once for each of them.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::log::{CHUNK_BYTES, Cursor, Ear, RING_BYTES, VoiceLog};
use super::{ConnectionId, Visitor};
use crate::protocol::closing::Closing;
use crate::protocol::event::Event;
use crate::protocol::voice::Voice;
use crate::store::record::{Account, AccountId, Level};

/// A connection that hears the room.
pub(super) struct Listener {
    pub(super) account: Account,
    voice: Voice,
    ear: Arc<Ear>,
    /// Told when the room ends the session by itself.
    pub(super) ended: oneshot::Sender<Closing>,
}

/// An event that has its number, and waits for the end of the batch.
pub(super) struct Fresh {
    pub(super) event: Event,
    pub(super) author: Option<AccountId>,
    pub(super) level: Level,
    /// The connection that shall not hear it.
    pub(super) from: Option<ConnectionId>,
}

/// The listeners and their logs.
pub(super) struct Audience {
    room: Arc<str>,
    listeners: HashMap<ConnectionId, Listener>,
    /// The logs of the voices in use.
    logs: [Option<Arc<VoiceLog>>; Voice::COUNT],
    /// The number of the next event that is told.
    next_seq: u64,
    /// Where lines are encoded, before they are copied into a chunk of just their size.
    scratch: String,
}

impl Audience {
    pub(super) fn new(room: Arc<str>, next_seq: u64) -> Self {
        Self { room, listeners: HashMap::new(), logs: Default::default(), next_seq, scratch: String::new() }
    }

    pub(super) fn count(&self) -> usize {
        self.listeners.len()
    }

    /// Adds a listener, who hears everything from here on.
    pub(super) fn admit(&mut self, visitor: Visitor) -> Cursor {
        let Visitor { connection, account, voice, ended } = visitor;
        let ear = Arc::<Ear>::default();
        let cursor = self.log_of(voice).cursor(Arc::clone(&ear));
        self.listeners.insert(connection, Listener { account, voice, ear, ended });
        cursor
    }

    /// Takes a listener out, if it is one: it hears nothing from here on, its own leaving included.
    pub(super) fn dismiss(&mut self, connection: ConnectionId) -> Option<Listener> {
        let listener = self.listeners.remove(&connection)?;
        listener.ear.close_at(self.log_of(listener.voice).end());
        self.drop_log_if_unused(listener.voice);
        Some(listener)
    }

    /// From here on a listener hears another voice; `None` if it hears nothing.
    pub(super) fn set_voice(&mut self, connection: ConnectionId, voice: Voice) -> Option<Cursor> {
        let old = self.listeners.get(&connection)?.voice;
        let end = self.log_of(old).end();
        let ear = Arc::<Ear>::default();
        let cursor = self.log_of(voice).cursor(Arc::clone(&ear));
        let listener = self.listeners.get_mut(&connection)?;
        listener.ear.close_at(end);
        (listener.voice, listener.ear) = (voice, ear);
        self.drop_log_if_unused(old);
        Some(cursor)
    }

    /// Appends events to every log. Nobody is woken yet.
    pub(super) fn tell(&mut self, events: &[Fresh]) {
        let mut scratch = std::mem::take(&mut self.scratch);
        for voice in Voice::all() {
            if let Some(log) = &self.logs[voice.index()] {
                self.append(voice, log, events, &mut scratch);
            }
        }
        self.scratch = scratch;
        self.next_seq = events.last().map_or(self.next_seq, |last| last.event.seq + 1);
    }

    /// Wakes everyone who waits for what was told.
    pub(super) fn wake(&self) {
        self.logs.iter().flatten().for_each(|log| log.wake());
    }

    fn log_of(&mut self, voice: Voice) -> &Arc<VoiceLog> {
        let next_seq = self.next_seq;
        self.logs[voice.index()].get_or_insert_with(|| VoiceLog::new(next_seq, RING_BYTES))
    }

    /// A voice that nobody hears is not encoded. Who still reads its old lines holds the log.
    fn drop_log_if_unused(&mut self, voice: Voice) {
        // Counting is linear, but only leaving and changing voice cost it.
        if !self.listeners.values().any(|listener| listener.voice == voice) {
            self.logs[voice.index()] = None;
        }
    }

    fn append(&self, voice: Voice, log: &VoiceLog, events: &[Fresh], lines: &mut String) {
        let mut start = log.end().offset;
        let mut last_seq = 0;
        for Fresh { event, from, .. } in events {
            let line_start = start + lines.len() as u64;
            voice.event(&self.room, event, lines);
            last_seq = event.seq;
            // People do not hear themselves.
            let speaker = from.filter(|_| voice.tongue.is_for_people()).and_then(|from| self.listeners.get(&from));
            if let Some(speaker) = speaker.filter(|speaker| speaker.voice == voice) {
                speaker.ear.note_own(line_start..start + lines.len() as u64);
            }
            if lines.len() >= CHUNK_BYTES {
                start += lines.len() as u64;
                log.append(Bytes::copy_from_slice(lines.as_bytes()), last_seq);
                lines.clear();
            }
        }
        if !lines.is_empty() {
            log.append(Bytes::copy_from_slice(lines.as_bytes()), last_seq);
            lines.clear();
        }
    }
}
