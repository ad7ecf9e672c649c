//! The rules of the games: pure, without clocks, sockets or a store.
//!
//! A game is one file here and one line in [`GAMES`]; nothing else knows how many there are. [`Game`] is
//! what is known of a game before anybody plays it, [`Rules`] a position in the middle of it. A game is
//! kept and restored as the list of its moves, so a position needs no other serialised form. [`Game::at`]
//! is for who only watches one and has never seen its moves.

#[cfg(test)]
pub(super) mod bug;
#[cfg(test)]
mod checks;
mod chess;
mod connect_four;
mod gomoku;
mod grid;
mod reversi;
mod tic_tac_toe;
mod xiangqi;

use std::borrow::Cow;

pub use crate::protocol::game::Move;
use crate::protocol::game::{End, GameId, Side, TimeControl, Words};
use crate::protocol::tongue::Tongue;

/// Every game, in the order in which they are listed. The first is played where none is named.
pub static GAMES: &[&Game] =
    &[&gomoku::GAME, &tic_tac_toe::GAME, &connect_four::GAME, &reversi::GAME, &chess::GAME, &xiangqi::GAME];

/// A game that can be played.
pub struct Game {
    /// What it is called; the code is what is typed.
    pub title: Words,
    /// How its sides are told apart on its board: the letter of their stones, or their colour.
    pub sides: [Words; 2],
    /// The position that it begins with.
    pub start: fn() -> Box<dyn Rules>,
    /// The position that a text of [`Rules::position`] is, without the way there: what has come before is
    /// forgotten, so nothing has been repeated. `None` for every other text; but whether some game could
    /// lead there is not asked.
    pub at: fn(&str) -> Option<Box<dyn Rules>>,
    /// Every way in which its rules end it, for what the store gives back.
    pub ends: &'static [&'static Words],
    /// How other programs read it; `None` for a plain list of moves.
    pub record: Option<Record>,
}

/// The form of a game's record.
pub struct Record {
    /// What it is called: `pgn`, `sgf`.
    pub format: &'static str,
    /// Writes it, line by line.
    pub write: fn(&Played<'_>) -> Vec<String>,
}

impl Game {
    /// The record of a game that has ended, with the name of its form.
    pub fn record(&self, played: &Played<'_>) -> (&'static str, Vec<String>) {
        /// Moves of both sides on a line of the plain list.
        const MOVES_A_LINE: usize = 10;
        match &self.record {
            Some(record) => (record.format, (record.write)(played)),
            None => ("moves", played.moves.chunks(MOVES_A_LINE).map(|moves| moves.join(" ")).collect()),
        }
    }
}

impl std::fmt::Debug for Game {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.title.code)
    }
}

/// A position of a game, with as much of the way there as its rules ask for.
pub trait Rules: Send + Sync {
    /// Who is to move. After the end it is nobody's business.
    fn turn(&self) -> Side;

    /// Plays what somebody typed for the side to move, who has a move and has not ended the game. A
    /// move that is refused changes nothing.
    fn play(&mut self, typed: &str) -> Result<Move, Illegal>;

    /// Every move of the side to move, in the notation that `play` returns, in a fixed order; none
    /// after the end.
    fn legal_moves(&self) -> Vec<String>;

    /// The legal moves in the same order, each told by its squares where the notation does not: `play`
    /// takes it for the same.
    fn coordinates(&self) -> Vec<String> {
        self.legal_moves()
    }

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
    fn example(&self) -> Option<Move> {
        let moves = self.legal_moves();
        moves.get(moves.len() / 2).cloned().map(Move::plain)
    }
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
    /// How it ended.
    pub end: &'a End,
    /// When it began, in milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// Its clock.
    pub clock: Option<TimeControl>,
    /// Its number.
    pub id: GameId,
}

/// What was read from a text, if that is how it is written; so whatever reads one may be careless.
fn exactly<R: Rules + 'static>(text: &str, game: R) -> Option<Box<dyn Rules>> {
    (game.position() == text).then(|| Box::new(game) as Box<dyn Rules>)
}

/// The game of a word: its code in any case, or its Chinese title.
pub fn find(word: &str) -> Option<&'static Game> {
    #[cfg(test)]
    if word == bug::GAME.title.code {
        return Some(&bug::GAME);
    }
    GAMES.iter().copied().find(|game| game.title.code.eq_ignore_ascii_case(word) || game.title.zh == word)
}

/// Puts the words in where the store gave only codes.
pub fn put_words(title: &mut Words, end: Option<&mut End>) {
    let Some(game) = find(&title.code) else { return };
    *title = game.title.clone();
    if let Some(end) = end {
        let known = game.ends.iter().map(|&words| words.clone()).chain(End::ANY_GAME);
        if let Some(words) = known.into_iter().find(|words| words.code == end.reason.code) {
            end.reason = words;
        }
    }
}
