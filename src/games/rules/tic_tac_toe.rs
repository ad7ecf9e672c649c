//! Tic-tac-toe, as everybody knows it: three by three, three of one's own in a row win. What it shares
//! with other games of rows is in [`super::grid`], the form of [`Rules::position`] too. A move is a column
//! `a` to `c` and a row 1 to 3, from the bottom left: `b2`.

use super::grid::{BOARD_FULL, InARow, RowOne, X_AND_O};
use super::{Game, Illegal, Move, Rules, exactly};
use crate::protocol::game::{End, Side, Words};
use crate::protocol::tongue::Tongue;

/// The game in the list of games.
pub(super) const GAME: Game = Game {
    title: Words::new("tic-tac-toe", "tic-tac-toe", "井字棋"),
    sides: X_AND_O,
    start: || Box::new(TicTacToe::START),
    at: |text| exactly(text, TicTacToe(InARow::read(text, RowOne::Bottom)?)),
    ends: &[&THREE, &BOARD_FULL],
    record: None,
};

static THREE: Words = Words::new("three-in-a-row", "three in a row", "三子连线");

#[derive(Clone)]
struct TicTacToe(InARow<3, 3, 3>);

impl TicTacToe {
    const START: Self = Self(InARow::START);
}

impl Rules for TicTacToe {
    fn turn(&self) -> Side {
        self.0.turn
    }

    fn play(&mut self, typed: &str) -> Result<Move, Illegal> {
        self.0.play(typed, "b2")
    }

    fn legal_moves(&self) -> Vec<String> {
        self.0.free().map(|place| place.to_string()).collect()
    }

    fn end(&self) -> Option<End> {
        self.0.end(&THREE)
    }

    fn draw(&self, _tongue: Tongue) -> Vec<String> {
        self.0.grid.draw(RowOne::Bottom, self.0.last)
    }

    fn position(&self) -> String {
        self.0.grid.position(RowOne::Bottom, self.0.turn)
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::checks::{after, keeps_its_promises, refusal};
    use super::*;

    #[test]
    fn keeps_the_promises_of_a_game() {
        keeps_its_promises(&GAME, TicTacToe::START, 200);
    }

    /// How many games there are from here that each side wins, and nobody.
    fn count_games(game: &TicTacToe, counts: &mut [u32; 3]) {
        if let Some(end) = game.end() {
            let reason = if end.winner.is_some() { &THREE } else { &BOARD_FULL };
            assert_eq!(&end.reason, reason);
            counts[end.winner.map_or(2, Side::index)] += 1;
        }
        for notation in game.legal_moves() {
            let mut next = game.clone();
            next.play(&notation).unwrap();
            count_games(&next, counts);
        }
    }

    #[test]
    fn all_of_its_games_are_counted() {
        let mut counts = [0; 3];
        count_games(&TicTacToe::START, &mut counts);
        assert_eq!(counts, [131_184, 77_904, 46_080]);
        assert_eq!(counts.iter().sum::<u32>(), 255_168);
    }

    #[test]
    fn is_drawn_with_row_1_at_the_bottom() {
        let game = after(TicTacToe::START, "b2 A3 c1");
        assert_eq!(game.draw(Tongue::En), ["3 o . .", "2 . x .", "1 . . X", "  a b c"]);
        assert_eq!(game.position(), "o../.x./..x o");
        assert_eq!(TicTacToe::START.example().map(|example| example.notation).as_deref(), Some("b2"));
    }

    #[test]
    fn what_is_no_move_is_explained() {
        let game = after(TicTacToe::START, "b2");
        assert_eq!(refusal(&game, "b2"), "b2 is taken; choose an empty place (.)");
        assert_eq!(refusal(&game, "d1"), "off the board: the letters are a to c, the numbers 1 to 3");
        assert_eq!(refusal(&game, "5"), "a move is a letter and a number, like b2");
    }
}
