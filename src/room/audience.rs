//! Who hears a log, and the logs they hear it by: one for each voice in use, each line encoded once for
//! each of them. A room has an audience, and so has every game.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::log::{CHUNK_BYTES, Cursor, Ear, VoiceLog};
use crate::connections::ConnectionId;
use crate::protocol::voice::Voice;

/// A connection that hears a log.
pub(crate) struct Listener<L> {
    voice: Voice,
    ear: Arc<Ear>,
    /// What the owner of the log keeps of it.
    pub(crate) owned: L,
}

/// Something to be told, at its place in the log.
pub(crate) trait Line {
    /// Its number.
    fn seq(&self) -> u64;

    /// Appends it as it is told in a voice.
    fn write(&self, voice: Voice, out: &mut String);

    /// The connections that do not hear it in a people's voice.
    fn unheard_by(&self) -> &[ConnectionId];
}

/// The listeners of a log, and its bytes in the voices that they hear.
pub(crate) struct Audience<L> {
    listeners: HashMap<ConnectionId, Listener<L>>,
    /// The logs of the voices in use.
    logs: [Option<Arc<VoiceLog>>; Voice::COUNT],
    /// How much of each stays in memory.
    ring_bytes: usize,
    /// The number of the next line that is told.
    next_seq: u64,
    /// Where lines are encoded, before they are copied into a chunk of just their size.
    scratch: String,
}

impl<L> Audience<L> {
    pub(crate) fn new(next_seq: u64, ring_bytes: usize) -> Self {
        Self { listeners: HashMap::new(), logs: Default::default(), ring_bytes, next_seq, scratch: String::new() }
    }

    /// The number of the next line.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq
    }

    pub(crate) fn count(&self) -> usize {
        self.listeners.len()
    }

    /// The connections that hear it.
    pub(crate) fn connections(&self) -> impl Iterator<Item = ConnectionId> {
        self.listeners.keys().copied()
    }

    /// Adds a listener, who hears everything from here on.
    pub(crate) fn admit(&mut self, connection: ConnectionId, voice: Voice, owned: L) -> Cursor {
        let ear = Arc::<Ear>::default();
        let cursor = self.log_of(voice).cursor(Arc::clone(&ear));
        // A connection hears a log once.
        if let Some(before) = self.listeners.insert(connection, Listener { voice, ear, owned }) {
            before.ear.close_at(self.log_of(before.voice).end());
        }
        cursor
    }

    /// Takes a listener out, if it is one: it hears nothing from here on, its own leaving included.
    pub(crate) fn dismiss(&mut self, connection: ConnectionId) -> Option<Listener<L>> {
        let listener = self.listeners.remove(&connection)?;
        listener.ear.close_at(self.log_of(listener.voice).end());
        self.drop_log_if_unused(listener.voice);
        Some(listener)
    }

    /// Takes every listener out.
    pub(crate) fn dismiss_all(&mut self) {
        for listener in std::mem::take(&mut self.listeners).into_values() {
            listener.ear.close_at(self.log_of(listener.voice).end());
        }
        self.wake();
        self.logs = Default::default();
    }

    /// From here on a listener hears another voice; `None` if it hears nothing.
    pub(crate) fn set_voice(&mut self, connection: ConnectionId, voice: Voice) -> Option<Cursor> {
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

    /// Appends lines to every log. Nobody is woken yet.
    pub(crate) fn tell<T: Line>(&mut self, lines: impl Iterator<Item = T> + Clone) {
        let mut scratch = std::mem::take(&mut self.scratch);
        for voice in Voice::all() {
            if let Some(log) = &self.logs[voice.index()] {
                self.append(voice, log, lines.clone(), &mut scratch);
            }
        }
        self.scratch = scratch;
        self.next_seq = lines.last().map_or(self.next_seq, |last| last.seq() + 1);
    }

    /// Wakes everyone who waits for what was told.
    pub(crate) fn wake(&self) {
        self.logs.iter().flatten().for_each(|log| log.wake());
    }

    fn log_of(&mut self, voice: Voice) -> &Arc<VoiceLog> {
        let (next_seq, ring_bytes) = (self.next_seq, self.ring_bytes);
        self.logs[voice.index()].get_or_insert_with(|| VoiceLog::new(next_seq, ring_bytes))
    }

    /// A voice that nobody hears is not encoded. Who still reads its old lines holds the log.
    fn drop_log_if_unused(&mut self, voice: Voice) {
        // Counting is linear, but only leaving and changing voice cost it.
        let is_used = self.listeners.values().any(|listener| listener.voice == voice);
        if let Some(log) = self.logs[voice.index()].take_if(|_| !is_used) {
            // Nobody waits for it but those who hear it no more, and may let go of it now.
            log.wake();
        }
    }

    fn append<T: Line>(&self, voice: Voice, log: &VoiceLog, lines: impl Iterator<Item = T>, encoded: &mut String) {
        let mut start = log.end().offset;
        let mut last_seq = 0;
        for line in lines {
            let line_start = start + encoded.len() as u64;
            line.write(voice, encoded);
            last_seq = line.seq();
            // People do not hear themselves.
            if voice.tongue.is_for_people() {
                let its_own = line.unheard_by().iter().filter_map(|connection| self.listeners.get(connection));
                let range = line_start..start + encoded.len() as u64;
                its_own.filter(|listener| listener.voice == voice).for_each(|listener| listener.ear.note_own(range.clone()));
            }
            if encoded.len() >= CHUNK_BYTES {
                start += encoded.len() as u64;
                log.append(Bytes::copy_from_slice(encoded.as_bytes()), last_seq);
                encoded.clear();
            }
        }
        if !encoded.is_empty() {
            log.append(Bytes::copy_from_slice(encoded.as_bytes()), last_seq);
            encoded.clear();
        }
    }
}
