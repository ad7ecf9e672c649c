//! Connect four, as Milton Bradley published it in 1974: seven columns of six, stones fall to the lowest
//! empty place of a column, four of one's own or more in a row win. What it shares with other games of
//! rows is in [`super::grid`], the form of [`Rules::position`] too. A move is the number of a column: `4`.

use std::borrow::Cow;

use super::grid::{self, BOARD_FULL, Grid, InARow, OVER, Place, RowOne, X_AND_O};
use super::{Game, Illegal, Move, Rules, exactly};
use crate::protocol::game::{End, Side, Words};
use crate::protocol::tongue::Tongue;

/// The game in the list of games.
pub(super) const GAME: Game = Game {
    title: Words::new("connect-four", "connect-four", "四子棋"),
    sides: X_AND_O,
    start: || Box::new(ConnectFour::START),
    at: |text| exactly(text, ConnectFour(InARow::read(text, RowOne::Bottom)?)),
    ends: &[&FOUR, &BOARD_FULL],
    record: None,
};

static FOUR: Words = Words::new("four-in-a-row", "four in a row", "四子连线");

const COLUMNS: usize = 7;
const ROWS: usize = 6;

const NOT_A_NUMBER: Illegal = Illegal::new("a move is the number of a column, like 4", "走法是列的数字，例如 4");
const NO_COLUMN: Illegal = Illegal::new("off the board: the columns are 1 to 7", "超出棋盘：列为 1 到 7");

#[derive(Clone)]
struct ConnectFour(InARow<COLUMNS, ROWS, 4>);

impl ConnectFour {
    const START: Self = Self(InARow::START);
}

/// Where a stone would fall to in a column that is not full.
fn landing(grid: &Grid<COLUMNS, ROWS>, column: usize) -> Option<Place> {
    (0..ROWS).map(|row| Place { column, row }).find(|&place| grid.at(place).is_none())
}

impl Rules for ConnectFour {
    fn turn(&self) -> Side {
        self.0.turn
    }

    fn play(&mut self, typed: &str) -> Result<Move, Illegal> {
        if self.0.is_over() {
            return Err(OVER);
        }
        let number = grid::read_number(typed.as_bytes()).ok_or(NOT_A_NUMBER)?;
        if !(1..=COLUMNS).contains(&number) {
            return Err(NO_COLUMN);
        }
        let place = landing(&self.0.grid, number - 1).ok_or_else(|| Illegal {
            en: Cow::Owned(format!("column {number} is full; choose another")),
            zh: Cow::Owned(format!("第 {number} 列已满；请选别的列")),
        })?;
        self.0.put(place);
        Ok(Move { notation: number.to_string(), zh: None })
    }

    fn legal_moves(&self) -> Vec<String> {
        let is_free = |number: &usize| !self.0.is_over() && landing(&self.0.grid, number - 1).is_some();
        (1..=COLUMNS).filter(is_free).map(|number| number.to_string()).collect()
    }

    fn end(&self) -> Option<End> {
        self.0.end(&FOUR)
    }

    fn draw(&self, _tongue: Tongue) -> Vec<String> {
        self.0.grid.draw_columns(self.0.last)
    }

    fn position(&self) -> String {
        self.0.grid.position(RowOne::Bottom, self.0.turn)
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use super::super::grid::checks::{Dice, after, agrees_on_rows, keeps_its_promises, refusal};
    use super::*;

    #[test]
    fn keeps_the_promises_of_a_game() {
        keeps_its_promises(&GAME, ConnectFour::START, 200);
    }

    #[test]
    fn a_second_look_finds_the_same_winners() {
        let choose = |grid: &Grid<COLUMNS, ROWS>, dice: &mut Dice| {
            iter::repeat_with(|| dice.below(COLUMNS)).find_map(|column| landing(grid, column)).unwrap()
        };
        let [first, second, nobody] = agrees_on_rows::<COLUMNS, ROWS, 4>(100_000, choose);
        assert_eq!(first + second + nobody, 100_000);
        assert!(first > second && second > nobody && nobody > 0);
    }

    #[test]
    fn a_stone_falls_to_the_lowest_empty_place() {
        let game = after(ConnectFour::START, "4 4 3");
        let empty = ". . . . . . .";
        let board = [empty, empty, empty, empty, ". . . o . . .", ". . X x . . .", "1 2 3 4 5 6 7"];
        assert_eq!(game.draw(Tongue::En), board);
        assert_eq!(game.position(), "......./......./......./......./...o.../..xx... o");
        assert_eq!(ConnectFour::START.example().map(|example| example.notation).as_deref(), Some("4"));
    }

    #[test]
    fn four_in_a_row_win_in_every_direction() {
        let first = Some(End { winner: Some(Side::First), reason: FOUR.clone() });
        assert_eq!(after(ConnectFour::START, "1 1 2 2 3 3 4").end(), first);
        assert_eq!(after(ConnectFour::START, "1 2 1 2 1 2 1").end(), first);
        assert_eq!(after(ConnectFour::START, "1 2 2 3 3 4 3 4 4 6 4").end(), first);
        assert_eq!(after(ConnectFour::START, "7 6 6 5 5 4 5 4 4 2 4").end(), first);
    }

    #[test]
    fn what_is_no_move_is_explained() {
        let game = after(ConnectFour::START, "4 4 4 4 4 4");
        assert_eq!(refusal(&game, "4"), "column 4 is full; choose another");
        assert_eq!(refusal(&game, "8"), "off the board: the columns are 1 to 7");
        assert_eq!(refusal(&game, "d1"), "a move is the number of a column, like 4");
        assert_eq!(game.legal_moves(), ["1", "2", "3", "5", "6", "7"]);
    }
}
