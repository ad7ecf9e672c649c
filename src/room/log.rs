//! The room's log as bytes, and the cursors that connections read it by.
//!
//! Each voice in use has one [`VoiceLog`]: a ring of chunks, each the encoded lines of some events. A
//! connection holds a [`Cursor`] in it and writes whatever lies between the cursor and the end. So
//! there is no queue and no copy for each member, memory is bounded by the ring whoever stalls, and a
//! connection that falls behind the ring is told which events it missed and goes on.
//!
//! Offsets count the bytes ever appended to one voice's log. Chunks end at line ends, and a cursor
//! always stands between two chunks: who is in the middle of writing one holds its bytes.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use smallvec::SmallVec;
use tokio::sync::watch;

use crate::protocol::event::Missed;

/// How much of one voice's log stays in memory.
pub const RING_BYTES: usize = 4 << 20;
/// A chunk is closed once it exceeds this; it bounds what a stalled connection holds.
pub(super) const CHUNK_BYTES: usize = 16 << 10;
/// What a chunk costs in memory beside its lines.
const CHUNK_OVERHEAD_BYTES: usize = 160;

/// What one write is put together of: mostly one or two chunks, which then need no memory of their own.
pub type Parts = SmallVec<[Bytes; 4]>;

/// Encoded lines of consecutive events.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// The offset of its first byte.
    start: u64,
    /// Whole lines.
    bytes: Bytes,
    first_seq: u64,
    last_seq: u64,
}

impl Chunk {
    fn begin(&self) -> Place {
        Place { offset: self.start, next_seq: self.first_seq }
    }

    fn end(&self) -> Place {
        Place { offset: self.start + self.bytes.len() as u64, next_seq: self.last_seq + 1 }
    }
}

/// A place between two chunks of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The bytes before it.
    pub(super) offset: u64,
    /// The number of the event behind it.
    next_seq: u64,
}

/// One voice's log. Outside this crate only its benchmarks make any.
pub struct VoiceLog {
    ring: Mutex<Ring>,
    /// The offset of the log's end, to be compared without the lock.
    end_offset: AtomicU64,
    /// Up to where everyone has been woken, which may be behind the end; changing it wakes who waits for more.
    end: watch::Sender<u64>,
}

struct Ring {
    chunks: VecDeque<Chunk>,
    /// What `chunks` holds in memory.
    held_bytes: usize,
    capacity_bytes: usize,
    end: Place,
}

impl VoiceLog {
    /// An empty log whose first event will be `next_seq`.
    pub fn new(next_seq: u64, capacity_bytes: usize) -> Arc<Self> {
        let ring = Ring { chunks: VecDeque::new(), held_bytes: 0, capacity_bytes, end: Place { offset: 0, next_seq } };
        Arc::new(Self { ring: Mutex::new(ring), end_offset: AtomicU64::new(0), end: watch::Sender::new(0) })
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        // The ring is consistent between any two statements that could panic.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the next chunk begins.
    pub(super) fn end(&self) -> Place {
        self.lock().end
    }

    /// Appends the lines of the events from the last appended one up to `last_seq`. Nobody is woken yet.
    pub fn append(&self, bytes: Bytes, last_seq: u64) {
        let mut ring = self.lock();
        let chunk = Chunk { start: ring.end.offset, first_seq: ring.end.next_seq, last_seq, bytes };
        ring.end = chunk.end();
        self.end_offset.store(ring.end.offset, Ordering::Release);
        ring.held_bytes += chunk.bytes.len() + CHUNK_OVERHEAD_BYTES;
        ring.chunks.push_back(chunk);
        while ring.held_bytes > ring.capacity_bytes && ring.chunks.len() > 1 {
            if let Some(oldest) = ring.chunks.pop_front() {
                ring.held_bytes -= oldest.bytes.len() + CHUNK_OVERHEAD_BYTES;
            }
        }
    }

    /// Wakes everyone who waits for what was appended.
    pub fn wake(&self) {
        self.end.send_replace(self.end_offset.load(Ordering::Acquire));
    }

    /// A cursor at the end of the log.
    pub fn cursor(self: &Arc<Self>, ear: Arc<Ear>) -> Cursor {
        let changes = self.end.subscribe();
        Cursor { at: self.end(), log: Arc::clone(self), changes, ear }
    }
}

/// What the room notes for one listener's cursor, before the lines it concerns can be read.
#[derive(Debug, Default)]
pub struct Ear {
    /// The stretches of the log that this listener does not hear, since they are its own words.
    own: Mutex<VecDeque<Range<u64>>>,
    /// Where this listener stops reading this log, having changed its voice.
    end: OnceLock<Place>,
}

impl Ear {
    pub(super) fn note_own(&self, range: Range<u64>) {
        let mut ranges = self.lock();
        match ranges.back_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => ranges.push_back(range),
        }
    }

    /// The listener hears this log up to `end` and no further. The connection may learn of it much
    /// later, when its replies have come that far, so its cursor is stopped from here.
    pub(super) fn close_at(&self, end: Place) {
        // An ear is closed once: the listener gets another one for its new voice.
        let _ = self.end.set(end);
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Range<u64>>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The parts of a chunk that are not one's own.
    fn cut(&self, chunk: &Chunk, parts: &mut Parts) {
        let ranges = self.lock();
        let mut at = chunk.start;
        let mut keep = |from: u64, to: u64| {
            if from < to {
                parts.push(chunk.bytes.slice((from - chunk.start) as usize..(to - chunk.start) as usize));
            }
        };
        let end = chunk.end().offset;
        for own in ranges.iter().skip_while(|own| own.end <= chunk.start).take_while(|own| own.start < end) {
            keep(at, own.start);
            at = own.end;
        }
        keep(at, end);
    }

    fn forget(&self, before: u64) {
        let mut ranges = self.lock();
        while ranges.front().is_some_and(|own| own.end <= before) {
            ranges.pop_front();
        }
    }
}

/// A connection's place in a log.
pub struct Cursor {
    log: Arc<VoiceLog>,
    changes: watch::Receiver<u64>,
    ear: Arc<Ear>,
    at: Place,
}

impl Cursor {
    /// Puts the next chunks before `until`, at most `most`, into `chunks`; the cursor stays where it is.
    /// If the ring has moved on past the cursor, goes on in the middle of it and tells what was missed:
    /// at its oldest end, the next event would overtake a slow reader again.
    pub fn peek(&mut self, until: Option<Place>, most: usize, chunks: &mut impl Extend<Chunk>) -> Option<Missed> {
        // The usual case behind a write, and without the lock that the others wait for.
        if self.at.offset == self.log.end_offset.load(Ordering::Acquire) {
            return None;
        }
        let ring = self.log.lock();
        let mut missed = None;
        let oldest = ring.chunks.front().map_or(ring.end, Chunk::begin);
        let until = until.or(self.ear.end.get().copied());
        let limit = until.map_or(u64::MAX, |until| until.offset);
        if self.at.offset < oldest.offset.min(limit) {
            let middle = oldest.offset + (ring.end.offset - oldest.offset) / 2;
            let resume = ring.chunks.partition_point(|chunk| chunk.start < middle);
            let resume = ring.chunks.get(resume).map_or(ring.end, Chunk::begin);
            let resume = until.filter(|until| until.offset < resume.offset).unwrap_or(resume);
            missed = Some(Missed { first_seq: self.at.next_seq, last_seq: resume.next_seq - 1 });
            self.at = resume;
            self.ear.forget(resume.offset);
        }
        let from = ring.chunks.partition_point(|chunk| chunk.start < self.at.offset);
        chunks.extend(ring.chunks.range(from..).take_while(|chunk| chunk.end().offset <= limit).take(most).cloned());
        missed
    }

    /// The parts of a chunk that this connection hears.
    pub fn audible(&self, chunk: &Chunk, parts: &mut Parts) {
        self.ear.cut(chunk, parts);
    }

    /// Moves past a chunk that `peek` gave.
    pub fn advance(&mut self, chunk: &Chunk) {
        self.at = chunk.end();
        self.ear.forget(self.at.offset);
    }

    /// The place up to which this connection hears the log: where it changes its voice, or else the end.
    pub fn end(&self) -> Place {
        // In this order: an ear that is closed after it was looked at is closed at or behind this end.
        let end = self.log.end();
        self.ear.end.get().copied().unwrap_or(end)
    }

    /// Whether this connection hears no more of the log, and has read what it heard.
    pub fn is_over(&self) -> bool {
        self.ear.end.get().is_some_and(|&end| self.has_reached(end))
    }

    /// Whether everything before `until` has been read.
    pub fn has_reached(&self, until: Place) -> bool {
        self.at.offset >= until.offset
    }

    /// Waits until there is more to read, or it is known that there never will be.
    pub async fn grown(&mut self) {
        let Self { at, ear, changes, .. } = self;
        let is_over = || ear.end.get().is_some_and(|end| at.offset >= end.offset);
        if changes.wait_for(|&end| end > at.offset || is_over()).await.is_err() {
            // The log outlives its cursors, which hold it.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cursor: &mut Cursor) -> (Option<Missed>, String) {
        let mut chunks = Vec::new();
        let missed = cursor.peek(None, usize::MAX, &mut chunks);
        let mut parts = Parts::new();
        for chunk in &chunks {
            cursor.audible(chunk, &mut parts);
            cursor.advance(chunk);
        }
        (missed, String::from_utf8(parts.concat()).unwrap())
    }

    fn append(log: &VoiceLog, lines: &str, last_seq: u64) -> Range<u64> {
        let start = log.end().offset;
        log.append(Bytes::from(lines.to_owned()), last_seq);
        start..log.end().offset
    }

    #[test]
    fn a_cursor_reads_what_comes_after_it() {
        let log = VoiceLog::new(5, RING_BYTES);
        append(&log, "five\n", 5);
        let mut cursor = log.cursor(Arc::default());
        assert_eq!(read(&mut cursor), (None, String::new()));
        append(&log, "six\nseven\n", 7);
        append(&log, "eight\n", 8);
        assert_eq!(read(&mut cursor), (None, "six\nseven\neight\n".into()));
        assert_eq!(read(&mut cursor), (None, String::new()));
    }

    #[test]
    fn ones_own_lines_are_left_out() {
        let log = VoiceLog::new(1, RING_BYTES);
        let own = Arc::new(Ear::default());
        let mut cursor = log.cursor(Arc::clone(&own));
        own.note_own(0..2);
        own.note_own(2..4);
        own.note_own(6..8);
        append(&log, "a\nb\nc\nd\ne\n", 5);
        own.note_own(10..12);
        append(&log, "f\n", 6);
        append(&log, "g\n", 7);
        assert_eq!(read(&mut cursor).1, "c\ne\ng\n");
        assert!(own.lock().is_empty());
    }

    #[test]
    fn who_falls_behind_is_told_what_and_goes_on() {
        let line = "x".repeat(99) + "\n";
        let log = VoiceLog::new(1, 10 * (100 + CHUNK_OVERHEAD_BYTES));
        let own = Arc::new(Ear::default());
        let mut cursor = log.cursor(Arc::clone(&own));
        own.note_own(append(&log, &line, 1));
        for seq in 2..=100 {
            append(&log, &line, seq);
        }
        let (missed, lines) = read(&mut cursor);
        assert_eq!(missed, Some(Missed { first_seq: 1, last_seq: 95 }));
        assert_eq!(lines.len(), 500);
        assert!(own.lock().is_empty());
        append(&log, "more\n", 101);
        assert_eq!(read(&mut cursor), (None, "more\n".into()));
    }

    #[test]
    fn a_limit_is_not_passed_by_missing_events_either() {
        let line = "x".repeat(99) + "\n";
        let log = VoiceLog::new(1, 10 * (100 + CHUNK_OVERHEAD_BYTES));
        let mut cursor = log.cursor(Arc::default());
        append(&log, &line, 1);
        append(&log, &line, 2);
        let until = log.end();
        for seq in 3..=100 {
            append(&log, &line, seq);
        }
        let missed = cursor.peek(Some(until), 9, &mut Vec::new());
        assert_eq!(missed, Some(Missed { first_seq: 1, last_seq: 2 }));
        assert!(cursor.has_reached(until));
    }

    #[test]
    fn a_closed_ear_hears_nothing_more() {
        let log = VoiceLog::new(1, RING_BYTES);
        let ear = Arc::new(Ear::default());
        let mut cursor = log.cursor(Arc::clone(&ear));
        append(&log, "old\n", 1);
        ear.close_at(log.end());
        append(&log, "new\n", 2);
        assert_eq!(read(&mut cursor), (None, "old\n".into()));
        assert_eq!(read(&mut cursor), (None, String::new()));
        assert!(cursor.has_reached(cursor.end()));
    }

    #[test]
    fn a_limit_is_not_passed() {
        let log = VoiceLog::new(1, RING_BYTES);
        let mut cursor = log.cursor(Arc::default());
        append(&log, "old\n", 1);
        let until = log.end();
        append(&log, "new\n", 2);
        let mut chunks = Vec::new();
        assert_eq!(cursor.peek(Some(until), 9, &mut chunks), None);
        assert_eq!(chunks.len(), 1);
        assert!(!cursor.has_reached(until));
        cursor.advance(&chunks[0]);
        assert!(cursor.has_reached(until));
    }
}
