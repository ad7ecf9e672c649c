//! What is told about games: [`News`] to the room, in its log; [`TableEvent`]s to the players and
//! watchers of one game, in the game's own log.

use std::time::Duration;

use super::{End, GameId, Move, Offer, Side, TimeControl, Words};
use crate::protocol::name::Name;

/// What the room hears of a game.
#[derive(Clone, Debug)]
pub struct GameNews {
    /// The game.
    pub game_id: GameId,
    /// Which it is.
    pub title: Words,
    /// What happened.
    pub news: News,
}

/// What happened, as the room hears it.
#[derive(Clone, Debug)]
pub enum News {
    /// Somebody invites.
    Invite {
        /// Who.
        from: Name,
        /// With which clock.
        clock: Option<TimeControl>,
        /// Whom the seat is reserved for.
        seat: Option<Name>,
    },
    /// An invitation has ended, and nobody took the seat.
    Uninvite {
        /// Whose it was.
        from: Name,
        /// Why it ended.
        why: Uninvited,
    },
    /// Somebody took the seat.
    Join {
        /// Who.
        from: Name,
        /// Whose invitation it was.
        inviter: Name,
    },
    /// A game has ended.
    Result {
        /// Who played, the first mover first.
        players: [Name; 2],
        /// How it ended.
        end: End,
    },
}

impl News {
    /// The word for this kind of event in `json` and in the store.
    pub fn kind(&self) -> &'static str {
        match self {
            News::Invite { .. } => "invite",
            News::Uninvite { .. } => "uninvite",
            News::Join { .. } => "join",
            News::Result { .. } => "result",
        }
    }
}

/// Why an invitation has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uninvited {
    /// Nobody took the seat in time.
    Expired,
    /// Its maker took it back.
    Withdrawn,
    /// Its maker left the room.
    Left,
    /// Its maker began another game.
    Busy,
}

impl Uninvited {
    /// Every reason.
    pub const ALL: [Uninvited; 4] = [Uninvited::Expired, Uninvited::Withdrawn, Uninvited::Left, Uninvited::Busy];

    /// Its word for programs and the store.
    pub fn code(self) -> &'static str {
        match self {
            Uninvited::Expired => "expired",
            Uninvited::Withdrawn => "withdrawn",
            Uninvited::Left => "left",
            Uninvited::Busy => "busy",
        }
    }
}

/// What the players and watchers of a game are told.
#[derive(Clone, Debug)]
pub struct TableEvent {
    /// The game.
    pub game_id: GameId,
    /// Which it is.
    pub title: Words,
    /// When, in milliseconds since 1970 UTC. For reading only.
    pub at_ms: i64,
    /// What happened.
    pub deed: TableDeed,
    /// Who plays, the first mover first.
    pub players: [Player; 2],
    /// How the game stands after it.
    pub position: Position,
}

impl TableEvent {
    /// The name of the player of a side.
    pub fn name(&self, side: Side) -> &Name {
        &self.players[side.index()].name
    }
}

/// Somebody at the board.
#[derive(Clone, Debug)]
pub struct Player {
    /// Whose seat it is.
    pub name: Name,
    /// What the side is called on the board.
    pub side: Words,
}

/// What happened at a board.
#[derive(Clone, Debug)]
pub enum TableDeed {
    /// The game begins, with this clock.
    Begin(Option<TimeControl>),
    /// Somebody moved.
    Move {
        /// Which side.
        by: Side,
    },
    /// Moves were taken back, which somebody had asked for.
    TakeBack {
        /// Who had asked.
        by: Side,
    },
    /// Somebody offers something.
    Offer {
        /// Who.
        by: Side,
        /// What.
        offer: Offer,
    },
    /// A player's connection is lost.
    Lost {
        /// Whose.
        by: Side,
        /// How long there is to come back.
        timeout: Duration,
    },
    /// A lost player is back.
    Back {
        /// Who.
        by: Side,
    },
    /// Both are away: the clocks stand still.
    Pause {
        /// How long there is for both to come back.
        timeout: Duration,
    },
    /// Both are there again.
    Resume,
    /// Somebody has not moved for long, and may now be claimed against.
    Idle {
        /// Who.
        by: Side,
    },
    /// The game has ended.
    Over(End),
    /// The game is broken off, to be gone on with another time.
    Adjourn {
        /// Whether that is since the daemon failed in it. Then nothing is told of the position but the ply.
        has_failed: bool,
    },
    /// After the end a player has left: there is no rematch.
    Leave {
        /// Who.
        by: Side,
    },
    /// Nothing happened: this is how it stands, for who has come to see it.
    Look(Box<Situation>),
}

impl TableDeed {
    /// Whether people see the board with it.
    pub fn shows_board(&self) -> bool {
        match self {
            TableDeed::Begin(_) | TableDeed::Move { .. } | TableDeed::TakeBack { .. } => true,
            TableDeed::Resume | TableDeed::Look(_) => true,
            TableDeed::Offer { .. } | TableDeed::Lost { .. } | TableDeed::Back { .. } | TableDeed::Pause { .. } => false,
            TableDeed::Idle { .. } | TableDeed::Over(_) | TableDeed::Adjourn { .. } | TableDeed::Leave { .. } => false,
        }
    }
}

/// What there is to know of a game beside its position.
#[derive(Clone, Debug)]
pub struct Situation {
    /// Its clock.
    pub clock: Option<TimeControl>,
    /// What is offered, and by whom.
    pub offer: Option<(Offer, Side)>,
    /// How long a paused game waits for its players.
    pub pause: Option<Duration>,
    /// Whose connection is lost, and how long there is to come back.
    pub away: Option<(Side, Duration)>,
    /// How it has ended, if it has.
    pub end: Option<End>,
}

/// How a game stands.
#[derive(Clone, Debug)]
pub struct Position {
    /// Moves played.
    pub ply: usize,
    /// Who is to move; nobody after the end.
    pub turn: Option<Side>,
    /// The last move, by its side.
    pub last: Option<(Side, Move)>,
    /// What is left on the clocks, the first mover's first.
    pub left: Option<[Duration; 2]>,
    /// The board for programs.
    pub code: String,
    /// The board for people, where the event shows it.
    pub board: Option<Board>,
    /// A move that could be played.
    pub example: Option<Move>,
}

/// A board as people see it, line by line.
#[derive(Clone, Debug)]
pub struct Board {
    /// In ASCII.
    pub en: Vec<String>,
    /// In ASCII and characters two columns wide.
    pub zh: Vec<String>,
}
