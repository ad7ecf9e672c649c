//! A game with a bug, for the tests of what a bug costs: tic-tac-toe, whose rules panic where a test wants them to.

use std::cell::Cell;

use super::grid::X_AND_O;
use super::{Game, Illegal, Move, Rules, tic_tac_toe};
use crate::protocol::game::{End, Side, Words};
use crate::protocol::tongue::Tongue;

/// Where the rules panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::games) enum Bug {
    Nowhere,
    Start,
    Play,
    Draw,
    CanWin,
}

thread_local! {
    /// Where they do on this thread.
    pub(in crate::games) static BUG: Cell<Bug> = const { Cell::new(Bug::Nowhere) };
}

fn panic_at(place: Bug) {
    assert_ne!(BUG.get(), place, "a bug in the rules");
}

pub(in crate::games) static GAME: Game = Game {
    title: Words::new("bug", "bug", "bug"),
    sides: X_AND_O,
    start: || {
        panic_at(Bug::Start);
        Box::new(Buggy((tic_tac_toe::GAME.start)()))
    },
    at: |_| None,
    ends: &[],
    record: None,
};

struct Buggy(Box<dyn Rules>);

impl Rules for Buggy {
    fn turn(&self) -> Side {
        self.0.turn()
    }

    fn play(&mut self, typed: &str) -> Result<Move, Illegal> {
        panic_at(Bug::Play);
        self.0.play(typed)
    }

    fn legal_moves(&self) -> Vec<String> {
        self.0.legal_moves()
    }

    fn end(&self) -> Option<End> {
        self.0.end()
    }

    fn draw(&self, tongue: Tongue) -> Vec<String> {
        panic_at(Bug::Draw);
        self.0.draw(tongue)
    }

    fn position(&self) -> String {
        self.0.position()
    }

    fn can_win(&self, side: Side) -> bool {
        panic_at(Bug::CanWin);
        self.0.can_win(side)
    }
}
