//! What answers requests about games.

use super::event::TableEvent;
use super::{End, GameId, Offer, Side, TimeControl, Words};
use crate::protocol::name::Name;

/// A reply to a request about games, with any lines that come before it.
#[derive(Clone, Debug)]
pub enum GameReply {
    /// `G`: invited and stored.
    Invited {
        /// The game.
        game_id: GameId,
        /// Which it is.
        title: Words,
        /// Its clock.
        clock: Option<TimeControl>,
        /// Whom the seat is reserved for.
        seat: Option<Name>,
    },
    /// `G name -`: withdrawn and stored.
    Uninvited,
    /// `D`: the seat is taken and the game begun, all stored.
    Seated {
        /// The game.
        game_id: GameId,
        /// Which it is.
        title: Words,
        /// Who sits opposite.
        opponent: Name,
        /// One's side.
        side: Side,
    },
    /// `M`: moved and stored.
    Moved {
        /// The move's number.
        ply: usize,
    },
    /// `M`: the board.
    Board(Box<TableEvent>),
    /// `M resign`, `M abort`, `M claim`: the game has ended, all stored.
    Ended,
    /// `M draw`, `M undo`, `M rematch`: offered, or agreed and stored.
    Offered {
        /// What.
        offer: Offer,
        /// Whether both want it now.
        is_agreed: bool,
    },
    /// `N`: what is played.
    Games(GamesPage),
    /// `O`: watching from here on.
    Watching {
        /// How it stands.
        look: Box<TableEvent>,
        /// The moves so far, each with who played it, for programs.
        moves: Vec<(Side, String)>,
    },
    /// `O -`: not watching any more.
    Unwatched,
    /// `R`: ratings.
    Ratings(Ratings),
    /// `B`: a game's record.
    Record {
        /// The game.
        game_id: GameId,
        /// What its lines are: `pgn`, `sgf` or `moves`.
        format: &'static str,
        /// The lines.
        lines: Vec<String>,
    },
}

/// A page of what is played.
#[derive(Clone, Debug)]
pub struct GamesPage {
    /// Invitations and games on this page, the oldest first.
    pub listed: Vec<Listed>,
    /// The adjourned games of who asks, the newest first.
    pub adjourned: Vec<Listed>,
    /// How many are listed on all pages.
    pub count: usize,
    /// The page after this one, if there is one.
    pub next_page: Option<usize>,
}

/// An invitation or a game under way.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its number.
    pub game_id: GameId,
    /// Which game.
    pub title: Words,
    /// Its clock.
    pub clock: Option<TimeControl>,
    /// How far it is.
    pub state: ListedState,
}

/// How far something listed is.
#[derive(Clone, Debug)]
pub enum ListedState {
    /// The seat is open.
    Open {
        /// Who invites.
        from: Name,
        /// Whom the seat is reserved for.
        seat: Option<Name>,
    },
    /// It is played.
    Playing {
        /// Who plays, the first mover first.
        players: [Name; 2],
        /// Moves played.
        ply: usize,
        /// Whether it waits for its players.
        is_paused: bool,
    },
    /// It is broken off, to be gone on with.
    Adjourned {
        /// Who plays, the first mover first.
        players: [Name; 2],
        /// Moves played.
        ply: usize,
    },
}

/// Ratings, and the newest games if they are one account's.
#[derive(Clone, Debug)]
pub struct Ratings {
    /// Whose, if one account was asked about.
    pub of: Option<Name>,
    /// The ratings, by game.
    pub ratings: Vec<Rated>,
    /// The newest games, newest first.
    pub games: Vec<Finished>,
}

/// An account's standing in a game.
#[derive(Clone, Debug)]
pub struct Rated {
    /// Which game.
    pub title: Words,
    /// Whose it is.
    pub name: Name,
    /// The Glicko-2 rating.
    pub rating: f64,
    /// Its deviation.
    pub deviation: f64,
    /// Rated games played.
    pub games: u64,
}

/// A game that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its number.
    pub game_id: GameId,
    /// Which game.
    pub title: Words,
    /// Who played, the first mover first.
    pub players: [Name; 2],
    /// How it ended.
    pub end: End,
    /// When, in milliseconds since 1970 UTC.
    pub at_ms: i64,
}
