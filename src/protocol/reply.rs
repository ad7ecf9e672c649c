//! What answers a request. Each request gets exactly one [`Answer`].

use std::sync::Arc;

use super::digest::Digest;
use super::event::{Event, SharedFile};
use super::file_name::FileName;
use super::game::Words;
use super::game::reply::GameReply;
use super::name::Name;
use super::refusal::Refusal;
use super::request::HistoryRange;
use super::shell::Endpoint;
use super::text::Ref;
use super::tongue::Tongue;

/// One reply together with the request it belongs to.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The request's letter; `None` where the line named no request.
    pub letter: Option<char>,
    /// The request's `ref`, echoed.
    pub reference: Option<Ref>,
    /// The reply itself.
    pub reply: Reply,
}

/// A reply, with any lines that come before it.
#[derive(Clone, Debug)]
pub enum Reply {
    /// `U`: that account exists.
    Known(Name),
    /// `U`: nobody has that name.
    New(Name),
    /// `P`, `I`: logged in.
    LoggedIn(Welcome),
    /// `C`: said and stored.
    Spoken {
        /// The event's number.
        seq: u64,
    },
    /// `H`: a page of history.
    History(Page),
    /// `W`: who is here.
    Who {
        /// How many are here in all.
        count: usize,
        /// The names on this page.
        names: Vec<Name>,
        /// The page after this one, if there is one.
        next_page: Option<usize>,
    },
    /// `F`: a ticket to send the file with.
    Offered(Offered),
    /// `L`: a ticket to fetch the file with.
    Found(Found),
    /// `S`: a page of what is shared.
    Shelf(Shelf),
    /// `X`: withdrawn and stored.
    Withdrawn,
    /// `X`: nothing was shared, but one's own upload is given up.
    Dropped,
    /// `T`: received and stored.
    Received(Digest),
    /// To a request about games.
    Game(Box<GameReply>),
    /// `V voice`: this voice from now on.
    Speaking(Tongue),
    /// `V`: version and voices.
    About,
    /// `K`: still here.
    Alive,
    /// `?`: help on one letter, or on all.
    Help {
        /// The letter asked about.
        letter: Option<char>,
        /// Whether the asker still has to log in.
        stranger: bool,
        /// The games that can be played, where that is what is asked about.
        titles: Vec<Words>,
    },
    /// `E`: goodbye.
    Bye,
    /// The request was not carried out.
    Refused(Refusal),
}

/// The reply to a login.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// The account's name as it was registered.
    pub name: Name,
    /// How many are here.
    pub count: usize,
    /// The room's newest event at one's entry; the live events go on from there.
    pub seq: u64,
    /// Some of the names of those here.
    pub names: Vec<Name>,
    /// A token to come back with, for programs.
    pub token: Option<String>,
}

/// A page of history, oldest event first.
#[derive(Clone, Debug)]
pub struct Page {
    /// The room it is of.
    pub room: Arc<str>,
    /// The events.
    pub events: Vec<Event>,
    /// What to ask for to see the page next to it, if there is one.
    pub further: Option<HistoryRange>,
}

/// A ticket to send a file with.
#[derive(Clone, Debug)]
pub struct Offered {
    /// The ticket.
    pub ticket: String,
    /// The file's name.
    pub file_name: FileName,
    /// How much of it has come before.
    pub offset_bytes: u64,
    /// The largest size it may have.
    pub limit_bytes: u64,
    /// For how many seconds the ticket may be used.
    pub ticket_timeout_s: u64,
    /// Where to send it.
    pub endpoint: Endpoint,
}

/// A ticket to fetch a file with.
#[derive(Clone, Debug)]
pub struct Found {
    /// The ticket.
    pub ticket: String,
    /// The file.
    pub file: SharedFile,
    /// For how many seconds the ticket may be used.
    pub ticket_timeout_s: u64,
    /// Where to fetch it.
    pub endpoint: Endpoint,
}

/// A page of what is shared with a room, newest first.
#[derive(Clone, Debug)]
pub struct Shelf {
    /// The room.
    pub room: Arc<str>,
    /// The events by which the files were shared.
    pub files: Vec<Event>,
    /// The page after this one, if there is one.
    pub next_page: Option<usize>,
    /// Whether nothing is shared at all.
    pub is_empty: bool,
}

impl From<GameReply> for Reply {
    fn from(reply: GameReply) -> Self {
        Reply::Game(Box::new(reply))
    }
}
