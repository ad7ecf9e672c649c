//! Lines go into the room's log, and a cursor reads them.

use std::sync::Arc;

use bytes::Bytes;
use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use parlor::room::log::{Chunk, Cursor, Parts, RING_BYTES, VoiceLog};

use crate::TEXT;

/// Chunks that are read at a time.
const CHUNKS: usize = 64;

/// The lines of events that were encoded together.
fn lines(count: usize) -> String {
    format!("[alice]: {TEXT}\n").repeat(count)
}

/// A log that is written to, and what a chunk of it is made of.
struct Written {
    log: Arc<VoiceLog>,
    lines: String,
    per_chunk: usize,
    last_seq: u64,
}

impl Written {
    /// Full, as it is after a while: a new chunk lets the oldest go.
    fn new(per_chunk: usize) -> Self {
        let lines = lines(per_chunk);
        let mut written = Self { log: VoiceLog::new(1, RING_BYTES), lines, per_chunk, last_seq: 0 };
        (0..=RING_BYTES / written.lines.len()).for_each(|_| written.append());
        written
    }

    /// As the room does it with what one batch of commands caused.
    fn append(&mut self) {
        self.last_seq += self.per_chunk as u64;
        self.log.append(Bytes::copy_from_slice(black_box(self.lines.as_bytes())), self.last_seq);
    }
}

/// One chunk of so many lines; nobody waits for it.
#[divan::bench(args = [1, 16, 128])]
fn append(bencher: Bencher<'_, '_>, per_chunk: usize) {
    let mut written = Written::new(per_chunk);
    let counted = bencher.counter(BytesCount::of_str(&written.lines)).counter(ItemsCount::new(per_chunk));
    counted.bench_local(|| {
        written.append();
        written.log.wake();
    });
}

/// Chunks of so many lines, 64 at a time, up to their pieces for the socket.
#[divan::bench(args = [1, 16, 128])]
fn read(bencher: Bencher<'_, '_>, per_chunk: usize) {
    let mut written = Written::new(per_chunk);
    let (mut chunks, mut parts) = (Vec::with_capacity(CHUNKS), Parts::with_capacity(CHUNKS));
    let bytes = written.lines.len() * CHUNKS;
    bencher
        .counter(BytesCount::new(bytes))
        .counter(ItemsCount::new(per_chunk * CHUNKS))
        .with_inputs(|| {
            let cursor = written.log.cursor(Arc::default());
            (0..CHUNKS).for_each(|_| written.append());
            cursor
        })
        .bench_local_refs(|cursor| {
            read_all(cursor, &mut chunks, &mut parts);
            assert_eq!(parts.len(), CHUNKS, "the ring has moved on");
            parts.clear();
        });
}

fn read_all(cursor: &mut Cursor, chunks: &mut Vec<Chunk>, parts: &mut Parts) {
    cursor.peek(None, CHUNKS, chunks);
    for chunk in chunks.drain(..) {
        cursor.audible(&chunk, parts);
        cursor.advance(&chunk);
    }
}
