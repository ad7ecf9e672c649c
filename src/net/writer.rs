//! One connection's output: replies from its outbox, and whatever lies between its cursors and the ends
//! of the logs that it hears (the room's, a game's), in as few writes as possible.
//!
//! Nothing lands inside a line: replies are written whole, chunks of the log end at line ends, and of
//! what a blocked peer did not take only the rest of the chunk it stopped in is held. Everything else
//! is looked up again when the peer reads on, so a stalled connection costs one chunk, [`DUE_BYTES`] of
//! replies and its outbox.

use std::collections::VecDeque;
use std::io::{self, IoSlice};

use bytes::{Buf, Bytes};
use smallvec::SmallVec;
use tokio::time::timeout;

use super::heard::{Heard, Pieces};
use super::options::StallBound;
use super::stream::{Detached, ReadHalf, WriteHalf};
use crate::protocol::closing::Closing;
use crate::room::log::Parts;
use crate::session::outbox::{Hearing, Item, Outgoing};

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
    stream: WriteHalf,
    outgoing: Outgoing,
    due: Due,
    heard: Heard,
    turn: Option<Turn>,
    is_closing: bool,
    stall: StallBound,
}

/// Something whose turn comes when the logs have been read up to where they were.
struct Turn {
    text: Bytes,
    then: Then,
}

/// What follows the text of a turn.
enum Then {
    /// The logs go on.
    Continue,
    /// The logs go on in another voice.
    Hear(Vec<Hearing>),
    /// Nothing.
    Close,
}

/// What became of a write.
enum Written {
    Some,
    /// There was nothing to write.
    Nothing,
    /// The peer takes no more at the moment.
    Blocked,
}

/// What was put together for one write.
struct Gathered {
    /// What is due, then pieces of the logs.
    parts: Parts,
    pieces: Pieces,
}

impl Writer {
    pub(super) fn new(stream: WriteHalf, outgoing: Outgoing, stall: StallBound) -> Self {
        Self { stream, outgoing, due: Due::default(), heard: Heard::default(), turn: None, is_closing: false, stall }
    }

    /// The whole connection again, for another use.
    pub(super) fn rejoin(self, read_half: ReadHalf) -> Option<Detached> {
        self.stream.rejoin(read_half)
    }

    /// Tells the peer that nothing more will come.
    pub(super) fn shut_down(&self) -> io::Result<()> {
        self.stream.shut_down()
    }

    /// Writes until the last words are written or nothing more can be.
    pub(super) async fn run(&mut self) -> End {
        loop {
            self.take_replies();
            match self.write() {
                Ok(Written::Some) => continue,
                Ok(Written::Blocked) => match self.wait_for_peer().await {
                    Ok(()) => continue,
                    Err(end) => return end,
                },
                Ok(Written::Nothing) => (),
                Err(error) => return End::Lost(error),
            }
            if self.take_turn() {
                continue;
            }
            if self.is_closing {
                if self.stream.say_end() {
                    continue;
                }
                return End::Said;
            }
            self.wait().await;
        }
    }

    /// Moves replies to `due`, up to one that has to wait for the logs.
    fn take_replies(&mut self) {
        while self.turn.is_none() && !self.is_closing && self.due.size_bytes < DUE_BYTES {
            match self.outgoing.try_next() {
                None => return,
                Some(Item::Text(text)) => self.due.push(text),
                Some(Item::Hear { text, hearings }) => {
                    self.due.push(text);
                    hearings.into_iter().for_each(|hearing| self.heard.add(hearing));
                }
                Some(Item::Close { text, after_the_log: false }) => {
                    self.due.push(text);
                    self.heard = Heard::default();
                    self.is_closing = true;
                }
                Some(Item::Said(text)) => self.await_turn(text, Then::Continue),
                Some(Item::Turn { text, hearings }) => self.await_turn(text, Then::Hear(hearings)),
                Some(Item::Close { text, after_the_log: true }) => self.await_turn(text, Then::Close),
            }
        }
    }

    fn await_turn(&mut self, text: Bytes, then: Then) {
        self.heard.stop_at_end();
        self.turn = Some(Turn { text, then });
    }

    /// Takes what waits for the logs, if they have been read up to their places.
    fn take_turn(&mut self) -> bool {
        let Some(turn) = self.turn.take_if(|_| self.heard.has_reached_stops()) else { return false };
        self.due.push(turn.text);
        match turn.then {
            Then::Continue => self.heard.go_on(),
            Then::Hear(hearings) => {
                self.heard = Heard::default();
                hearings.into_iter().for_each(|hearing| self.heard.add(hearing));
            }
            Then::Close => {
                self.heard = Heard::default();
                self.is_closing = true;
            }
        }
        true
    }

    fn gather(&mut self) -> Gathered {
        let mut parts: Parts = self.due.parts.iter().cloned().collect();
        let pieces = self.heard.gather(&mut parts);
        Gathered { parts, pieces }
    }

    /// Writes what there is, in one call. Not `async`, so that what is gathered is no part of what a
    /// connection holds while it waits.
    fn write(&mut self) -> io::Result<Written> {
        let gathered = self.gather();
        let written = match gathered.parts.as_slice() {
            [] => self.stream.try_flush().map(|()| 0),
            parts => {
                self.stall.set(self.stream.sock_ref());
                match parts {
                    // The usual case, and one that the kernel does faster.
                    [part] => self.stream.try_write(part),
                    parts => {
                        let slices: SmallVec<[IoSlice<'_>; 8]> = parts.iter().map(|part| IoSlice::new(part)).collect();
                        self.stream.try_write_vectored(&slices)
                    }
                }
            }
        };
        match written {
            Ok(_) if gathered.parts.is_empty() => Ok(Written::Nothing),
            Ok(count) => {
                self.settle(gathered, count);
                Ok(Written::Some)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Written::Blocked),
            Err(error) => Err(error),
        }
    }

    async fn wait_for_peer(&mut self) -> Result<(), End> {
        match timeout(self.stall.timeout(), self.stream.writable()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(End::Lost(error)),
            Err(_) => Err(End::Stalled),
        }
    }

    /// Moves on behind `count` written bytes. What was begun is finished before anything else: its
    /// rest becomes due.
    fn settle(&mut self, gathered: Gathered, count: usize) {
        let Gathered { parts, pieces } = gathered;
        let mut parts = parts.into_iter().skip(self.due.parts.len());
        let mut count = self.due.advance(count);
        for piece in pieces {
            if count == 0 && piece.parts > 0 {
                return;
            }
            parts.by_ref().take(piece.parts).for_each(|part| self.due.push_rest(part, &mut count));
            self.heard.pass(piece);
        }
    }

    async fn wait(&mut self) {
        tokio::select! {
            () = self.outgoing.changed(), if self.turn.is_none() => (),
            () = self.heard.grown() => (),
            () = self.stall.look_due() => self.stall.look(self.stream.sock_ref()),
        }
    }
}
