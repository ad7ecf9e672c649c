//! Why a request about games is refused.

use std::borrow::Cow;
use std::time::Duration;

use super::{GameId, Words};
use crate::protocol::name::Name;

/// A request about games that was not carried out.
#[derive(Clone, Debug)]
pub enum GameRefusal {
    /// One's own invitation is open.
    AlreadyInviting,
    /// One is playing; against whom.
    AlreadyPlaying(Name),
    /// No possible clock.
    BadClock,
    /// No move here.
    IllegalMove {
        /// Why, in English.
        en: Cow<'static, str>,
        /// Why, in Chinese.
        zh: Cow<'static, str>,
    },
    /// A session that is not in the room cannot play.
    MembersOnly,
    /// There is no such game.
    NoGame(NoGame),
    /// Nobody invites: this one does not, or oneself.
    NoInvitation(Option<Name>),
    /// No game of that name; these there are.
    NoSuchGame(Vec<Words>),
    /// It has no place at this moment.
    NotNow(NotNow),
    /// The other is to move.
    NotYourTurn(Name),
    /// One cannot play against oneself.
    OwnInvitation,
    /// The seat is for somebody else.
    Reserved(Name),
    /// Somebody else took the seat.
    Taken(Name),
    /// The move is meant for another ply.
    WrongPly {
        /// The next one.
        next: usize,
    },
}

/// Which game there is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoGame {
    /// One plays none.
    Playing,
    /// One plays none, but watches this.
    Watching(GameId),
    /// One's game has ended.
    Over,
    /// One plays another.
    Other(GameId),
    /// None of that number is under way.
    UnderWay,
    /// None of that number was adjourned by the one who asks.
    Adjourned,
    /// None of that number has ended.
    Finished,
}

/// What has no place at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotNow {
    /// A claim, before the other was warned, which may be in this time.
    ClaimEarly(Duration),
    /// A claim in a game with a clock.
    ClaimClock,
    /// A claim by who is to move.
    ClaimTurn,
    /// An abortion after one's second move.
    Abort,
    /// A take-back where one has not moved.
    Undo,
    /// A rematch before the end.
    Rematch,
    /// A move while the game waits for its players.
    Paused,
}

impl GameRefusal {
    /// The code: see `Refusal::CODES`.
    pub fn code(&self) -> &'static str {
        match self {
            GameRefusal::AlreadyInviting => "already-inviting",
            GameRefusal::AlreadyPlaying(_) => "already-playing",
            GameRefusal::BadClock => "bad-clock",
            GameRefusal::IllegalMove { .. } => "illegal-move",
            GameRefusal::MembersOnly => "members-only",
            GameRefusal::NoGame(_) => "no-game",
            GameRefusal::NoInvitation(_) => "no-invitation",
            GameRefusal::NoSuchGame(_) => "no-such-game",
            GameRefusal::NotNow(_) => "not-now",
            GameRefusal::NotYourTurn(_) => "not-your-turn",
            GameRefusal::OwnInvitation => "own-invitation",
            GameRefusal::Reserved(_) => "reserved",
            GameRefusal::Taken(_) => "taken",
            GameRefusal::WrongPly { .. } => "wrong-ply",
        }
    }
}
