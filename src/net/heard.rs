//! The logs that one connection hears: the room's, and those of the game it plays or watches. Which bytes
//! of them are written next, and how far each has been.
//!
//! What a game tells is written before what the room tells, and looked at after it: so nobody hears of a
//! result before the board that it came from.

use bytes::Bytes;
use smallvec::SmallVec;

use crate::protocol::event::Missed;
use crate::room::log::{Chunk, Parts, Place};
use crate::session::outbox::{Hearing, Source};

/// The most chunks of a log given to one write.
const CHUNKS_A_WRITE: usize = 64;

/// Whatever a connection hears.
#[derive(Default)]
pub(super) struct Heard {
    room: Option<Ear>,
    games: Vec<Ear>,
}

/// A log that is heard.
struct Ear {
    hearing: Hearing,
    /// Where to stop, for a reply that comes there.
    stop: Option<Place>,
    /// What was missed and has not been told yet.
    missed: Option<Missed>,
}

/// What a write was put together of, in order.
pub(super) type Pieces = SmallVec<[Piece; 4]>;

/// The next chunks of a log.
type Chunks = SmallVec<[Chunk; 4]>;

/// A notice of what was missed, or a chunk of a log.
pub(super) struct Piece {
    from: Origin,
    what: What,
    /// How many parts of the write it became.
    pub(super) parts: usize,
}

/// Which of the logs something is of.
#[derive(Clone, Copy)]
enum Origin {
    Room,
    /// The game of this place in the list.
    Game(usize),
}

enum What {
    Notice,
    Chunk(Chunk),
}

impl Heard {
    /// From here on this is heard too.
    pub(super) fn add(&mut self, hearing: Hearing) {
        let ear = Ear { hearing, stop: None, missed: None };
        match ear.hearing.source {
            Source::Room(_) => self.room = Some(ear),
            Source::Game(_) => self.games.push(ear),
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Ear> {
        self.room.iter_mut().chain(&mut self.games)
    }

    /// Nothing is heard past where each log ends now, until [`Heard::go_on`].
    pub(super) fn stop_at_end(&mut self) {
        self.all().for_each(|ear| ear.stop = Some(ear.hearing.cursor.end()));
    }

    pub(super) fn has_reached_stops(&mut self) -> bool {
        self.all().all(|ear| ear.stop.is_none_or(|stop| ear.hearing.cursor.has_reached(stop)))
    }

    pub(super) fn go_on(&mut self) {
        self.all().for_each(|ear| ear.stop = None);
    }

    /// Appends what is to be written next, and tells what it is made of.
    pub(super) fn gather(&mut self, parts: &mut Parts) -> Pieces {
        let mut pieces = Pieces::new();
        self.room.take_if(|room| room.is_over());
        self.games.retain(|game| !game.is_over());
        let of_room = self.room.as_mut().map(Ear::look).unwrap_or_default();
        for (at, game) in self.games.iter_mut().enumerate() {
            let chunks = game.look();
            game.put(Origin::Game(at), chunks, parts, &mut pieces);
        }
        if let Some(room) = &mut self.room {
            room.put(Origin::Room, of_room, parts, &mut pieces);
        }
        pieces
    }

    /// Moves on past something that was written, or begun to be.
    pub(super) fn pass(&mut self, piece: Piece) {
        let ear = match piece.from {
            Origin::Room => self.room.as_mut(),
            Origin::Game(at) => self.games.get_mut(at),
        };
        let Some(ear) = ear else { return };
        match piece.what {
            What::Notice => ear.missed = None,
            What::Chunk(chunk) => ear.hearing.cursor.advance(&chunk),
        }
    }

    /// Waits until there is more to write.
    pub(super) async fn grown(&mut self) {
        let room = async {
            match &mut self.room {
                Some(room) => room.hearing.cursor.grown().await,
                None => std::future::pending().await,
            }
        };
        let games = async {
            if self.games.is_empty() {
                std::future::pending::<()>().await;
            }
            // Boxed, so that a connection without a game does not hold the state of this.
            Box::pin(any_grown(&mut self.games)).await;
        };
        tokio::select! {
            () = room => (),
            () = games => (),
        }
    }
}

/// Waits until one of them has grown or is over. A connection hears two games at most: its own, and one it watches.
async fn any_grown(games: &mut [Ear]) {
    match games {
        [] => std::future::pending().await,
        [one] => one.hearing.cursor.grown().await,
        [one, others @ ..] => {
            let others = Box::pin(any_grown(others));
            tokio::select! {
                () = one.hearing.cursor.grown() => (),
                () = others => (),
            }
        }
    }
}

impl Ear {
    /// Whether nothing of it is left to write, nor will be.
    fn is_over(&self) -> bool {
        self.missed.is_none() && self.hearing.cursor.is_over()
    }

    /// The next chunks; what was missed before them is noted.
    fn look(&mut self) -> Chunks {
        let mut chunks = Chunks::new();
        if let Some(missed) = self.hearing.cursor.peek(self.stop, CHUNKS_A_WRITE, &mut chunks) {
            // Behind what was missed before and not told yet, for as long as the peer takes nothing.
            let first_seq = self.missed.map_or(missed.first_seq, |before| before.first_seq);
            self.missed = Some(Missed { first_seq, ..missed });
        }
        chunks
    }

    fn put(&mut self, from: Origin, chunks: Chunks, parts: &mut Parts, pieces: &mut Pieces) {
        if let Some(missed) = self.missed {
            parts.push(self.notice(missed));
            pieces.push(Piece { from, what: What::Notice, parts: 1 });
        }
        let before_log = parts.len();
        for chunk in chunks {
            let before = parts.len();
            self.hearing.cursor.audible(&chunk, parts);
            if parts.len() == before_log {
                // No piece of this log is before it or in it: one's own words, passed over at once.
                self.hearing.cursor.advance(&chunk);
            } else {
                pieces.push(Piece { from, what: What::Chunk(chunk), parts: parts.len() - before });
            }
        }
    }

    fn notice(&self, missed: Missed) -> Bytes {
        let mut notice = String::new();
        let Hearing { voice, source, .. } = &self.hearing;
        match source {
            Source::Room(room) => voice.missed(room, missed, &mut notice),
            Source::Game(game_id) => voice.missed_moves(*game_id, &mut notice),
        }
        notice.into()
    }
}
