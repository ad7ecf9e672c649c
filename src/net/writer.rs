//! One connection's output: replies from its outbox, and whatever lies between its cursor and the end
//! of the room's log, in as few writes as possible.
//!
//! Nothing lands inside a line: replies are written whole, chunks of the log end at line ends, and of
//! what a blocked peer did not take only the rest of the chunk it stopped in is held. Everything else
//! is looked up again when the peer reads on, so a stalled connection costs one chunk, [`DUE_BYTES`] of
//! replies and its outbox.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::Shutdown;

use bytes::{Buf, Bytes};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::options::StallBound;
use crate::protocol::closing::Closing;
use crate::protocol::event::Missed;
use crate::room::log::{Chunk, Place};
use crate::session::outbox::{Hearing, Item, Outgoing};

/// The most chunks of the log given to one write.
const CHUNKS_A_WRITE: usize = 64;

/// Replies are taken from the outbox only while less than this waits to be written, so that a peer
/// that reads slowly fills its outbox, and is not read, instead of filling memory here.
const DUE_BYTES: usize = 64 << 10;

/// How a connection's output came to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    /// The last words were written.
    #[error("closed")]
    Said,
    /// The peer took nothing for too long.
    #[error("{}", Closing::Stalled.code())]
    Stalled,
    /// The socket failed.
    #[error("lost: {0}")]
    Lost(io::Error),
}

/// What is written next, whatever happens: replies, and the rest of a chunk.
#[derive(Default)]
struct Due {
    parts: VecDeque<Bytes>,
    size_bytes: usize,
}

impl Due {
    fn push(&mut self, part: Bytes) {
        if !part.is_empty() {
            self.size_bytes += part.len();
            self.parts.push_back(part);
        }
    }

    /// Puts what `count` written bytes left of a part, and takes the part's bytes from the count.
    fn push_rest(&mut self, mut part: Bytes, count: &mut usize) {
        let written = part.len().min(*count);
        *count -= written;
        part.advance(written);
        self.push(part);
    }

    /// Drops up to `count` bytes from the front; tells how many of them were not there.
    fn advance(&mut self, mut count: usize) -> usize {
        while let Some(first) = self.parts.front_mut() {
            if count < first.len() {
                first.advance(count);
                self.size_bytes -= count;
                return 0;
            }
            count -= first.len();
            self.size_bytes -= first.len();
            self.parts.pop_front();
        }
        count
    }
}

/// Writes what a connection is sent.
pub(super) struct Writer {
    socket: OwnedWriteHalf,
    outgoing: Outgoing,
    due: Due,
    hearing: Option<Hearing>,
    turn: Option<Turn>,
    /// What this connection missed and has not been told of yet.
    missed: Option<Missed>,
    is_closing: bool,
    stall: StallBound,
}

/// Something whose turn comes when the log has been read up to a place.
struct Turn {
    until: Option<Place>,
    text: Bytes,
    then: Then,
}

/// What follows the text of a turn.
enum Then {
    /// The log goes on.
    Continue,
    /// The log goes on in another voice.
    Hear(Hearing),
    /// Nothing.
    Close,
}

/// What was put together for one write.
struct Gathered {
    /// What is due, then the notice of what was missed, then pieces of the log.
    parts: Vec<Bytes>,
    has_notice: bool,
    /// The chunks that the pieces are of, each with how many of `parts` it became.
    chunks: Vec<(Chunk, usize)>,
}

impl Writer {
    pub(super) fn new(socket: OwnedWriteHalf, outgoing: Outgoing, stall: StallBound) -> Self {
        Self { socket, outgoing, due: Due::default(), hearing: None, turn: None, missed: None, is_closing: false, stall }
    }

    /// The whole socket again, for another use.
    pub(super) fn rejoin(self, read_half: OwnedReadHalf) -> Option<std::net::TcpStream> {
        // They are halves of one socket; what can fail is to take it from the runtime.
        self.socket.reunite(read_half).ok()?.into_std().ok()
    }

    /// Tells the peer that nothing more will come.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        sock_ref(&self.socket).shutdown(Shutdown::Write)
    }

    /// Writes until the last words are written or nothing more can be.
    pub(super) async fn run(&mut self) -> End {
        loop {
            self.take_replies();
            let gathered = self.gather();
            if !gathered.parts.is_empty() {
                match self.write(gathered).await {
                    Ok(()) => continue,
                    Err(end) => return end,
                }
            }
            if self.take_turn() {
                continue;
            }
            if self.is_closing {
                return End::Said;
            }
            self.wait().await;
        }
    }

    /// Moves replies to `due`, up to one that has to wait for the log.
    fn take_replies(&mut self) {
        while self.turn.is_none() && !self.is_closing && self.due.size_bytes < DUE_BYTES {
            match self.outgoing.try_next() {
                None => return,
                Some(Item::Text(text)) => self.due.push(text),
                Some(Item::Join { text, hearing }) => {
                    self.due.push(text);
                    self.hearing = Some(hearing);
                }
                Some(Item::Close { text, after_the_log: false }) => {
                    self.due.push(text);
                    (self.hearing, self.is_closing) = (None, true);
                }
                Some(Item::Said(text)) => self.await_turn(text, Then::Continue),
                Some(Item::Turn { text, hearing }) => self.await_turn(text, Then::Hear(hearing)),
                Some(Item::Close { text, after_the_log: true }) => self.await_turn(text, Then::Close),
            }
        }
    }

    fn await_turn(&mut self, text: Bytes, then: Then) {
        let until = self.hearing.as_ref().map(|hearing| hearing.cursor.end());
        self.turn = Some(Turn { until, text, then });
    }

    /// Takes what waits for the log, if the log has been read up to its place.
    fn take_turn(&mut self) -> bool {
        let has_come = |turn: &mut Turn| match (&self.hearing, turn.until) {
            (Some(hearing), Some(until)) => hearing.cursor.has_reached(until),
            _ => true,
        };
        let Some(turn) = self.turn.take_if(has_come) else { return false };
        self.due.push(turn.text);
        match turn.then {
            Then::Continue => (),
            Then::Hear(hearing) => self.hearing = Some(hearing),
            Then::Close => (self.hearing, self.is_closing) = (None, true),
        }
        true
    }

    fn gather(&mut self) -> Gathered {
        let mut parts: Vec<Bytes> = self.due.parts.iter().cloned().collect();
        let Some(hearing) = &mut self.hearing else { return Gathered { parts, has_notice: false, chunks: Vec::new() } };
        let mut chunks = Vec::new();
        let until = self.turn.as_ref().and_then(|turn| turn.until);
        if let Some(missed) = hearing.cursor.peek(until, CHUNKS_A_WRITE, &mut chunks) {
            // Behind what was missed before and not told yet, for as long as the peer takes nothing.
            let first_seq = self.missed.map_or(missed.first_seq, |before| before.first_seq);
            self.missed = Some(Missed { first_seq, ..missed });
        }
        parts.extend(self.missed.map(|missed| missed_notice(hearing, missed)));
        let before_log = parts.len();
        let mut gathered = Vec::with_capacity(chunks.len());
        for chunk in chunks {
            let before = parts.len();
            hearing.cursor.audible(&chunk, &mut parts);
            if parts.len() == before_log {
                // No piece of the log is before it or in it: one's own words, passed over at once.
                hearing.cursor.advance(&chunk);
            } else {
                gathered.push((chunk, parts.len() - before));
            }
        }
        Gathered { parts, has_notice: self.missed.is_some(), chunks: gathered }
    }

    async fn write(&mut self, gathered: Gathered) -> Result<(), End> {
        self.stall.set(sock_ref(&self.socket));
        let written = match gathered.parts.as_slice() {
            // The usual case, and one that the kernel does faster.
            [part] => self.socket.try_write(part),
            parts => {
                let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
                self.socket.try_write_vectored(&slices)
            }
        };
        match written {
            Ok(count) => {
                self.settle(gathered, count);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                drop(gathered);
                self.wait_for_peer().await
            }
            Err(error) => Err(End::Lost(error)),
        }
    }

    async fn wait_for_peer(&mut self) -> Result<(), End> {
        match timeout(self.stall.timeout(), self.socket.writable()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(End::Lost(error)),
            Err(_) => Err(End::Stalled),
        }
    }

    /// Moves on behind `count` written bytes. What was begun is finished before anything else: its
    /// rest becomes due.
    fn settle(&mut self, gathered: Gathered, count: usize) {
        let mut pieces = gathered.parts.into_iter().skip(self.due.parts.len());
        let mut count = self.due.advance(count);
        if gathered.has_notice
            && let Some(notice) = pieces.next()
        {
            if count == 0 {
                return;
            }
            self.missed = None;
            self.due.push_rest(notice, &mut count);
        }
        let Some(hearing) = &mut self.hearing else { return };
        for (chunk, its_pieces) in gathered.chunks {
            if count == 0 && its_pieces > 0 {
                return;
            }
            hearing.cursor.advance(&chunk);
            pieces.by_ref().take(its_pieces).for_each(|piece| self.due.push_rest(piece, &mut count));
        }
    }

    async fn wait(&mut self) {
        let grown = async {
            match &mut self.hearing {
                Some(hearing) => hearing.cursor.grown().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.outgoing.changed(), if self.turn.is_none() => (),
            () = grown => (),
            () = self.stall.look_due() => self.stall.look(sock_ref(&self.socket)),
        }
    }
}

fn sock_ref(socket: &OwnedWriteHalf) -> SockRef<'_> {
    SockRef::from(AsRef::<TcpStream>::as_ref(socket))
}

fn missed_notice(hearing: &Hearing, missed: Missed) -> Bytes {
    let mut notice = String::new();
    hearing.voice.missed(&hearing.room, missed, &mut notice);
    notice.into()
}
