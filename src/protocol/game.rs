//! What is said about games: who plays which, how a game stands, how it ended. The rules themselves are
//! in `games::rules`, which gives the [`Words`] here; so a game that is added is worded without a change
//! of any voice.

use std::borrow::Cow;

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
