//! The rules of the games: pure, without clocks, sockets or a store.
//!
//! A game is one file here and one line in [`GAMES`]; nothing else knows how many there are. [`Game`] is
//! what is known of a game before anybody plays it, [`Rules`] a position in the middle of it. A game is
//! kept and restored as the list of its moves, so a position needs no other serialised form.

use std::borrow::Cow;

use crate::protocol::game::{End, Side, Words};
use crate::protocol::tongue::Tongue;

/// Every game, in the order in which they are listed. The first is played where none is named.
pub const GAMES: &[&Game] = &[];

/// A game that can be played.
pub struct Game {
    /// What it is called; the code is what is typed.
    pub title: Words,
    /// How its sides are told apart on its board: the letter of their stones, or their colour.
    pub sides: [Words; 2],
    /// The position that it begins with.
    pub start: fn() -> Box<dyn Rules>,
    /// Every way in which its rules end it, for what the store gives back.
    pub ends: &'static [&'static Words],
    /// Its record for other programs, in lines; `None` for a plain list of moves.
    pub record: Option<fn(&Played<'_>) -> Vec<String>>,
}

/// A position of a game, with as much of the way there as its rules ask for.
pub trait Rules: Send {
    /// Who is to move. After the end it is nobody's business.
    fn turn(&self) -> Side;

    /// Plays what somebody typed for the side to move, who has a move and has not ended the game. A
    /// move that is refused changes nothing.
    fn play(&mut self, typed: &str) -> Result<Move, Illegal>;

    /// Every move of the side to move, in the notation that `play` returns, in a fixed order; none
    /// after the end.
    fn legal_moves(&self) -> Vec<String>;

    /// How the game has ended, if it has.
    fn end(&self) -> Option<End>;

    /// The board for people, line by line, at most 36 columns and 17 lines: ASCII in every tongue but
    /// Chinese, where characters of East Asian Width W or F are allowed too (UAX #11).
    fn draw(&self, tongue: Tongue) -> Vec<String>;

    /// The position for programs, in one line without blanks at its ends: FEN where the game has it.
    fn position(&self) -> String;

    /// The move that the server plays for the side to move, which has no other: the pass of reversi.
    fn forced(&self) -> Option<&'static str> {
        None
    }

    /// Whether this side could still win if the other's flag fell now.
    fn can_win(&self, _side: Side) -> bool {
        true
    }

    /// A move to show people how one is typed, in the middle of the legal ones if the game knows no better.
    fn example(&self) -> Option<String> {
        let moves = self.legal_moves();
        moves.get(moves.len() / 2).cloned()
    }
}

/// A move as it was played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// In the game's notation, without blanks. Read in the same position it is the same move.
    pub notation: String,
    /// How it is written in Chinese, where that differs.
    pub zh: Option<String>,
}

/// Why something typed is not a move here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Illegal {
    /// In English, to stand behind a code: no capital, no full stop.
    pub en: Cow<'static, str>,
    /// In Chinese.
    pub zh: Cow<'static, str>,
}

impl Illegal {
    /// A reason that needs no details.
    pub const fn new(en: &'static str, zh: &'static str) -> Self {
        Self { en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
    }
}

/// A game as a record tells it.
pub struct Played<'a> {
    /// The players' names, the first mover's first.
    pub names: [&'a str; 2],
    /// Its moves, in their notation.
    pub moves: &'a [&'a str],
    /// How it ended; `None` if it has not, or was broken off.
    pub end: Option<&'a End>,
    /// When it began, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Its clock, as minutes and seconds a move.
    pub clock: Option<(u64, u64)>,
    /// Its number.
    pub id: u64,
}
