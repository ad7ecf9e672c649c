//! What a client can ask, once its line has been read. The reading is in [`super::parse`].

use super::digest::Digest;
use super::file_name::FileName;
use super::game::request::GameAsk;
use super::name::Name;
use super::refusal::Refusal;
use super::secret::Secret;
use super::text::{Ref, Text};
use super::tongue::Tongue;

/// One request of a client.
#[derive(Debug)]
pub struct Request {
    /// The letter it was asked with.
    pub letter: char,
    /// What the client calls it.
    pub reference: Option<Ref>,
    /// What it asks for.
    pub ask: Ask,
}

/// What a request asks for.
#[derive(Debug)]
pub enum Ask {
    /// `U`: is this account known?
    Account {
        /// The name asked about.
        name: Name,
    },
    /// `P`: log in, or register and log in.
    Password {
        /// The account.
        name: Name,
        /// What was typed.
        password: Secret,
        /// How to be in the room.
        presence: Presence,
    },
    /// `I`: log in by token.
    Token {
        /// What was sent as the token.
        token: Secret,
        /// How to be in the room.
        presence: Presence,
    },
    /// `C`: speak to the room.
    Chat {
        /// In whose name; `None` stands for oneself.
        name: Option<String>,
        /// What to say.
        text: Text,
    },
    /// `H`: a page of history.
    History(HistoryRange),
    /// `W`: who is here, by pages counted from 1.
    Who {
        /// The page.
        page: usize,
    },
    /// `F`: offer a file to the room.
    Offer(FileRequest),
    /// `L`: fetch a shared file.
    Fetch(FileRequest),
    /// `S`: what is shared, by pages counted from 1.
    Shelf {
        /// The page.
        page: usize,
    },
    /// `X`: take back a shared file.
    Withdraw(FileRequest),
    /// `T`: begin a transfer, by a ticket that `F` or `L` gave.
    Transfer(TransferRequest),
    /// `G`, `D`, `M`, `N`, `O`, `R`, `B`: about games.
    Game(GameAsk),
    /// `V`: speak in this voice, or tell the voices.
    Voice(Option<Tongue>),
    /// `K`: heartbeat.
    Heartbeat,
    /// `?`: help, on one letter or on all.
    Help(Option<char>),
    /// `E`: leave.
    Leave {
        /// In whose name; `None` stands for oneself.
        name: Option<String>,
    },
}

/// A request about one file.
#[derive(Debug)]
pub struct FileRequest {
    /// In whose name; `None` stands for oneself.
    pub name: Option<String>,
    /// The file.
    pub file_name: FileName,
}

/// The first line of a connection that carries bytes. The ticket tells in which direction.
#[derive(Debug)]
pub struct TransferRequest {
    /// What was sent as the ticket.
    pub ticket: Secret,
    /// The whole file's size for an upload, the offset for a download.
    pub size_bytes: Option<u64>,
    /// The whole file's SHA-256, for an upload.
    pub digest: Option<Digest>,
}

/// How a login is in the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// As a member: announced, counted, and the only one of its account.
    Member,
    /// As a script beside a person, hearing the room.
    Listener,
    /// As a script beside a person, hearing nothing.
    Silent,
}

/// Which events of the log are asked for: those in (left, right], the newest or oldest `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryRange {
    /// Events after this number; `None` for from the beginning.
    pub left: Option<u64>,
    /// Events up to this number; `None` for to the end.
    pub right: Option<u64>,
    /// How many; `None` for the usual page.
    pub count: Option<usize>,
    /// Which end of the range they are taken from.
    pub from: RangeEnd,
}

/// An end of a range of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeEnd {
    /// The newest events of the range.
    Newest,
    /// The oldest events of the range.
    Oldest,
}

/// What the meaning of a line depends on.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// Whether the connection has logged in.
    pub logged_in: bool,
    /// The voice it is spoken to in.
    pub tongue: Tongue,
    /// Whether it is the connection's first line.
    pub is_first: bool,
}

impl Ask {
    /// What it costs of a budget of requests: what reads pages from the store costs more.
    pub fn cost(&self) -> u64 {
        match self {
            Ask::History(_) | Ask::Shelf { .. } => 5,
            Ask::Game(GameAsk::Ratings(_) | GameAsk::Record(_)) => 5,
            _ => 1,
        }
    }
}

/// A line that is no request, with what is known of it.
#[derive(Debug)]
pub struct Unreadable {
    /// The letter, where there was one.
    pub letter: Option<char>,
    /// The `ref`, where there was one.
    pub reference: Option<Ref>,
    /// What is wrong with it.
    pub refusal: Refusal,
}

impl From<Refusal> for Unreadable {
    fn from(refusal: Refusal) -> Self {
        Self { letter: None, reference: None, refusal }
    }
}
