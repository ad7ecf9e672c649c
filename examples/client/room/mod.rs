//! The room as one person sees it: everything that the screen shows, and nothing of how it is shown.
//!
//! It is told what happens (`hear`), what became of its requests (`told`) and what its user does (`keys`), and
//! answers with what is to be done ([`Ask`]). It knows neither sockets nor terminals nor threads, so that
//! tests can play a whole evening with it.

pub(crate) mod absence;
pub(crate) mod commands;
pub(crate) mod completion;
mod deeds;
mod hear;
mod keys;
mod lists;
pub(crate) mod members;
pub(crate) mod refusals;
pub(crate) mod table;
pub(crate) mod talk;
#[cfg(test)]
pub(crate) mod tests;
mod told;
pub(crate) mod transfers;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use parlor::client::Welcome;
use serde_json::Value;

use super::editor::Editor;
use absence::Absence;
use members::{Listing, Members, Shelf};
use table::{Square, Table};
use talk::{Entry, Kind, Talk};
use transfers::{Transfer, TransferId};

pub(crate) use deeds::LONGEST_TEXT_BYTES;
pub(crate) use told::Told;

/// What the room wants done.
#[derive(Debug, PartialEq)]
pub(crate) enum Ask {
    Say(String),
    /// The page of the log before this number.
    Older {
        before: Option<u64>,
        count: usize,
    },
    Members,
    Shelf,
    Upload {
        id: TransferId,
        path: PathBuf,
        name: String,
    },
    Download {
        id: TransferId,
        name: String,
        directory: PathBuf,
    },
    Cancel(TransferId),
    Request {
        letter: char,
        arguments: Value,
        about: About,
    },
    Bell,
    Suspend,
    Redraw,
    /// Logs in once more.
    Again,
    Quit,
}

/// What a request is about, which tells what its answer is for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum About {
    /// Only a refusal is worth words; this is what was asked.
    Deed(String),
    /// How a game stands.
    Board(u64),
    Games,
    Ratings,
    /// A record, for the talk or for a new file.
    Record(Option<PathBuf>),
}

/// Something that is asked before it is done, in place of the input line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Several lines were pasted.
    Paste { text: String, lines: usize },
    /// What was typed is a move, too.
    Move(String),
    /// What was typed looks like a move, but is none.
    NoMove { typed: String, why: String },
    /// What the pawn becomes.
    Promotion(Vec<String>),
    /// Something would be lost: this.
    Quit(&'static str),
}

/// How the connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    Here,
    /// Lost; it is tried again.
    Lost,
    /// Over, for this reason.
    Over(String),
}

/// Where the screen has put what the mouse can reach.
#[derive(Clone, Debug, Default)]
pub(crate) struct Areas {
    pub(crate) board: Option<BoardArea>,
}

/// Where the squares of a board are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoardArea {
    pub(crate) x: u16,
    pub(crate) y: u16,
    /// Columns and rows of the screen for each square.
    pub(crate) cell: (u16, u16),
    /// The square in the top left corner of what is shown, and how many are.
    pub(crate) first: (usize, usize),
    pub(crate) count: (usize, usize),
}

/// The room as one person sees it.
pub(crate) struct Room {
    pub(crate) me: String,
    pub(crate) address: String,
    /// What the time is on this machine.
    clock: fn() -> Timestamp,
    pub(crate) talk: Talk,
    pub(crate) members: Members,
    pub(crate) shelf: Shelf,
    pub(crate) transfers: Vec<Transfer>,
    pub(crate) table: Option<Table>,
    pub(crate) editor: Editor,
    pub(crate) question: Option<Question>,
    /// What Tab offers, if it is more than one thing.
    pub(crate) choices: Vec<String>,
    pub(crate) connection: Connection,
    /// Open invitations: who invites, and to what.
    pub(crate) invitations: Listing<Invitation>,
    /// The game that was asked to be watched.
    watched: Option<u64>,
    absence: Absence,
    pub(crate) has_mouse: bool,
    /// The next list of games is shown, not only read.
    shows_games: bool,
    rang_at: Option<Instant>,
    /// The last key cleared the line.
    has_cleared: bool,
    pub(crate) areas: Areas,
    asks: Vec<Ask>,
    next_transfer: TransferId,
}

#[derive(Clone, Debug)]
pub(crate) struct Invitation {
    /// What it is to, as words.
    pub(crate) game: String,
    /// Whom the seat is reserved for.
    seat: Option<String>,
}

impl Room {
    /// The room as a login found it, at the time when it did.
    pub(crate) fn new(welcome: &Welcome, address: &str, zone: TimeZone, clock: fn() -> Timestamp) -> Self {
        let mut room = Self {
            me: welcome.name.clone(),
            address: address.to_owned(),
            clock,
            talk: Talk::new(zone),
            members: Members::default(),
            shelf: Shelf::default(),
            transfers: Vec::new(),
            table: None,
            editor: Editor::default(),
            question: None,
            choices: Vec::new(),
            connection: Connection::Here,
            invitations: Listing::default(),
            watched: None,
            absence: Absence::before(welcome.seq, &welcome.name),
            has_mouse: false,
            shows_games: false,
            rang_at: None,
            has_cleared: false,
            areas: Areas::default(),
            asks: Vec::new(),
            next_transfer: 0,
        };
        room.members.set(welcome.names.iter().cloned());
        room.ask_older(Some(welcome.seq.saturating_add(1)));
        room.ask_lists();
        room
    }

    /// What is to be done since this was last asked.
    pub(crate) fn take_asks(&mut self) -> Vec<Ask> {
        std::mem::take(&mut self.asks)
    }

    /// Asks who is here, what is shared and who invites.
    fn ask_lists(&mut self) {
        self.members.expect();
        self.shelf.expect();
        self.invitations.expect();
        self.asks.extend([Ask::Members, Ask::Shelf, ask('N', serde_json::json!({}), About::Games)]);
    }

    fn ask_older(&mut self, before: Option<u64>) {
        const PAGE: usize = 300;
        self.talk.is_reading_older = true;
        self.talk.asked_before = before;
        self.asks.push(Ask::Older { before, count: PAGE });
    }

    /// Says something to the user, who alone sees it.
    fn note(&mut self, text: &str) {
        self.push_own(Kind::Note, None, text);
    }

    /// Tells the user that something failed.
    fn fault(&mut self, text: &str) {
        self.push_own(Kind::Fault, None, text);
    }

    /// Puts something of this screen's own into the talk, now.
    fn push_own(&mut self, kind: Kind, from: Option<&str>, text: &str) {
        let now = (self.clock)().to_zoned(self.talk.zone().clone());
        self.talk.push(Entry::new(None, now, kind, from, text));
    }

    /// A time of the server's on this machine's wall clock.
    fn local(&self, at: &str) -> Zoned {
        let at = at.parse::<Timestamp>().unwrap_or_else(|_| (self.clock)());
        at.to_zoned(self.talk.zone().clone())
    }

    /// Rings, for what happens now: not for what was missed, and not all the time.
    fn bell(&mut self, now: Instant) {
        const PAUSE: Duration = Duration::from_secs(1);
        let is_enough = self.rang_at.is_some_and(|rang_at| now.saturating_duration_since(rang_at) < PAUSE);
        if !self.talk.is_quiet && !is_enough && self.connection == Connection::Here {
            self.rang_at = Some(now);
            self.asks.push(Ask::Bell);
        }
    }

    /// Whether the arrows and Enter are the board's: while one is to move and nothing is typed.
    pub(crate) fn is_pointing(&self) -> bool {
        let is_free = self.question.is_none() && self.editor.is_empty() && self.connection == Connection::Here;
        is_free && self.table.as_ref().is_some_and(Table::is_own_turn)
    }

    /// Whether the mouse is this program's.
    pub(crate) fn wants_mouse(&self) -> bool {
        self.has_mouse
            || self.connection == Connection::Here
                && self.table.as_ref().is_some_and(|table| table.own.is_some() && table.is_under_way())
    }

    /// When the screen changes by itself next: a clock, a rate, a pause.
    pub(crate) fn next_tick(&self, now: Instant) -> Option<Duration> {
        let table_ticks = self.table.as_ref().is_some_and(|table| {
            let ticks = table.position.clocks.is_some() || table.away.is_some() || table.paused.is_some();
            table.is_under_way() && ticks
        });
        let shows_tenths = self.table.as_ref().is_some_and(|table| table.shows_tenths(now));
        let ticks = table_ticks || !self.transfers.is_empty();
        ticks.then_some(Duration::from_millis(if shows_tenths { 100 } else { 500 }))
    }

    /// The square at a place of the screen.
    fn square_at(&self, x: u16, y: u16) -> Option<Square> {
        let BoardArea { x: left, y: top, cell, first, count } = self.areas.board?;
        let table = self.table.as_ref()?;
        let column = usize::from(x.checked_sub(left)? / cell.0);
        let row = usize::from(y.checked_sub(top)? / cell.1);
        if column >= count.0 || row >= count.1 {
            return None;
        }
        let (column, row) = (first.0 + column, first.1 + row);
        Some(match table.is_turned() {
            // What is seen may be of a board that is no longer there.
            true => Square { column: table.columns().checked_sub(column + 1)?, row: table.rows().checked_sub(row + 1)? },
            false => Square { column, row },
        })
    }
}

/// A request, as something to be done.
fn ask(letter: char, arguments: Value, about: About) -> Ask {
    Ask::Request { letter, arguments, about }
}
