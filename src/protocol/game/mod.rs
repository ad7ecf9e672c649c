//! What is said about games: what is asked ([`request`]), answered ([`reply`], [`refusal`]) and told
//! ([`event`]). The rules themselves are in `games::rules`, which bring their [`Words`] with them; so a
//! game that is added is worded without a change of any voice.

pub mod event;
pub mod refusal;
pub mod reply;
pub mod request;

use std::borrow::Cow;
use std::fmt;

use super::limits::{CLOCK_MINUTES, CLOCK_SECONDS};

/// A word that the rules of a game bring with them: its code for programs and the store, and what people
/// read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// For programs and the store.
    pub code: Cow<'static, str>,
    /// In English.
    pub en: Cow<'static, str>,
    /// In Chinese.
    pub zh: Cow<'static, str>,
}

impl Words {
    /// Words that are known when the program is built.
    pub const fn new(code: &'static str, en: &'static str, zh: &'static str) -> Self {
        Self { code: Cow::Borrowed(code), en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
    }

    /// A code whose words are not at hand: it stands for them.
    pub fn bare(code: String) -> Self {
        Self { en: Cow::Owned(code.clone()), zh: Cow::Owned(code.clone()), code: Cow::Owned(code) }
    }
}

/// A side of a game: who moves first, and the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who moves first.
    First,
    /// Who moves second.
    Second,
}

impl Side {
    /// Both, in order.
    pub const BOTH: [Side; 2] = [Side::First, Side::Second];

    /// The side across the board.
    pub fn other(self) -> Self {
        match self {
            Side::First => Side::Second,
            Side::Second => Side::First,
        }
    }

    /// Its place in what is kept for both.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Its word for programs and the store.
    pub fn code(self) -> &'static str {
        match self {
            Side::First => "first",
            Side::Second => "second",
        }
    }
}

/// How a game has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Who has won; `None` if nobody has.
    pub winner: Option<Side>,
    /// By what.
    pub reason: Words,
}

impl End {
    /// Called off before it had begun in earnest.
    pub const ABORTED: Words = Words::new("aborted", "called off", "取消");
    /// A player gave up.
    pub const RESIGNED: Words = Words::new("resigned", "resigned", "认输");
    /// The players agreed on a draw.
    pub const AGREED: Words = Words::new("agreed", "agreed", "双方同意");
    /// A flag fell.
    pub const TIME: Words = Words::new("time", "out of time", "超时");
    /// A flag fell, but the other could never have won.
    pub const TIME_NO_WIN: Words = Words::new("time-no-win", "out of time, but no way to win", "超时，但对方无法取胜");
    /// A player did not come back in time.
    pub const DISCONNECTED: Words = Words::new("disconnected", "did not come back", "掉线未归");
    /// A player did not move, and the other claimed the win.
    pub const IDLE: Words = Words::new("idle", "did not move", "久不走棋");

    /// The ends that no rules bring about.
    pub const ANY_GAME: [Words; 7] =
        [Self::ABORTED, Self::RESIGNED, Self::AGREED, Self::TIME, Self::TIME_NO_WIN, Self::DISCONNECTED, Self::IDLE];

    /// The result's word for programs and the store: the winner's side, `draw` or `aborted`.
    pub fn result(&self) -> &'static str {
        match self.winner {
            Some(winner) => winner.code(),
            None if self.reason.code == Self::ABORTED.code => "aborted",
            None => "draw",
        }
    }
}

/// A move as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// In the game's notation, without blanks.
    pub notation: String,
    /// How it is written in Chinese, where that differs.
    pub zh: Option<String>,
}

impl Move {
    /// A move that is written alike everywhere.
    pub fn plain(notation: String) -> Self {
        Self { notation, zh: None }
    }
}

/// A game's number, which no other game ever has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GameId(pub u64);

impl fmt::Display for GameId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How long each side may think: minutes for the game, and seconds that each move adds (Fischer's clock).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeControl {
    minutes: u32,
    increment_s: u32,
}

impl TimeControl {
    /// Reads `5+3`, or `5` for `5+0`.
    pub fn parse(word: &str) -> Option<Self> {
        let (minutes, seconds) = word.split_once('+').unwrap_or((word, "0"));
        let number = |digits: &str, most: u32| {
            let is_number = (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            digits.parse().ok().filter(|&number| is_number && number <= most)
        };
        let control = Self { minutes: number(minutes, CLOCK_MINUTES)?, increment_s: number(seconds, CLOCK_SECONDS)? };
        (control.initial_s() > 0).then_some(control)
    }

    /// What each side begins with: where there are no minutes, the seconds of one move.
    pub fn initial_s(self) -> u32 {
        if self.minutes == 0 { self.increment_s } else { self.minutes * 60 }
    }

    /// What each move adds.
    pub fn increment_s(self) -> u32 {
        self.increment_s
    }
}

impl fmt::Display for TimeControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.minutes, self.increment_s)
    }
}

/// What a player can offer the other, who accepts by offering the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// To end the game as a draw.
    Draw,
    /// To take back the last move of who offers it.
    Undo,
    /// Another game with sides swapped.
    Rematch,
}

impl Offer {
    /// Its word for programs, and what is typed after `M`.
    pub fn code(self) -> &'static str {
        match self {
            Offer::Draw => "draw",
            Offer::Undo => "undo",
            Offer::Rematch => "rematch",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_minutes_and_seconds() {
        for (word, shown, initial_s) in
            [("5+3", "5+3", 300), ("5", "5+0", 300), ("0+1", "0+1", 1), ("180+180", "180+180", 10_800)]
        {
            let control = TimeControl::parse(word).unwrap();
            assert_eq!((control.to_string().as_str(), control.initial_s()), (shown, initial_s));
        }
        for word in ["", "+", "5+", "+3", "0", "0+0", "181", "1+181", "5:3", "-5", "5+3+1", "５", "1e1", "0005"] {
            assert_eq!(TimeControl::parse(word), None, "{word:?}");
        }
    }
}
