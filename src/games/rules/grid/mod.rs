//! What the games of stones on a grid have in common: where the stones stand, how a place is called and
//! read, how the board looks to people and to programs, and for those that are won by a row, who has one.
//! What may be put where is the business of each game.
//!
//! A place is a letter and a number, like `h8`. The board is ASCII in every tongue: `x` and `o` for the
//! stones of who moves first and second, the last one a capital, `.` for an empty place. For programs it is the rows as they are
//! drawn, from the top, with `/` between them, then a blank and the letter of the side to move (after the
//! end, of the side that would be).

#[cfg(test)]
pub(super) mod checks;

use std::borrow::Cow;
use std::{fmt, iter};

use super::{Illegal, Move};
use crate::protocol::game::{End, Side, Words};

/// The sides of a game whose stones are just letters.
pub(super) const X_AND_O: [Words; 2] = [Words::new("x", "x", "x"), Words::new("o", "o", "o")];
/// The sides of a game whose stones have colours elsewhere.
pub(super) const BLACK_AND_WHITE: [Words; 2] = [Words::new("black", "x", "x"), Words::new("white", "o", "o")];

/// The end of a game that leaves no place for a stone.
pub(super) static BOARD_FULL: Words = Words::new("board-full", "the board is full", "棋盘已满");

/// Why nothing is a move after the end.
pub(super) const OVER: Illegal = Illegal::new("the game is over", "对局已结束");

/// How many columns and rows further a neighbour is.
pub(super) type Step = (isize, isize);

/// The steps to all neighbours. Each of the first four goes along another line; the others go back.
pub(super) const STEPS: [Step; 8] = [(1, 0), (0, 1), (1, 1), (1, -1), (-1, 0), (0, -1), (-1, -1), (-1, 1)];

/// Where a stone may stand. Both are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) column: usize,
    pub(super) row: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", letter(self.column), self.row + 1)
    }
}

/// How a column is called.
fn letter(column: usize) -> char {
    (b'a'..=b'z').nth(column).map_or('?', char::from)
}

/// How a place is drawn.
fn mark(stone: Option<Side>) -> char {
    match stone {
        Some(Side::First) => 'x',
        Some(Side::Second) => 'o',
        None => '.',
    }
}

/// Whose stones are drawn so.
fn side(drawn: char) -> Option<Side> {
    Side::BOTH.into_iter().find(|&side| mark(Some(side)) == drawn)
}

/// At which edge of the board row 1 is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowOne {
    Top,
    Bottom,
}

/// A board with its stones.
#[derive(Clone, Debug)]
pub(super) struct Grid<const COLUMNS: usize, const ROWS: usize> {
    stones: [[Option<Side>; COLUMNS]; ROWS],
}

impl<const COLUMNS: usize, const ROWS: usize> Grid<COLUMNS, ROWS> {
    pub(super) const EMPTY: Self = Self { stones: [[None; COLUMNS]; ROWS] };

    pub(super) fn at(&self, place: Place) -> Option<Side> {
        self.stones[place.row][place.column]
    }

    /// Puts a stone where there may be another.
    pub(super) fn put(&mut self, place: Place, side: Side) {
        self.stones[place.row][place.column] = Some(side);
    }

    /// Every place, row by row from row 1.
    pub(super) fn places() -> impl Iterator<Item = Place> {
        (0..ROWS).flat_map(|row| (0..COLUMNS).map(move |column| Place { column, row }))
    }

    /// The neighbour of a place, if it is on the board.
    pub(super) fn neighbour(place: Place, step: Step) -> Option<Place> {
        let column = place.column.wrapping_add_signed(step.0);
        let row = place.row.wrapping_add_signed(step.1);
        (column < COLUMNS && row < ROWS).then_some(Place { column, row })
    }

    /// The places from one to the edge of the board, itself left out.
    pub(super) fn ray(from: Place, step: Step) -> impl Iterator<Item = Place> {
        iter::successors(Self::neighbour(from, step), move |&place| Self::neighbour(place, step))
    }

    /// The length of the longest row of one side's stones that the stone at this place stands in.
    fn longest_row(&self, place: Place) -> usize {
        let along = |&(columns, rows): &Step| 1 + self.run(place, (columns, rows)) + self.run(place, (-columns, -rows));
        STEPS[..4].iter().map(along).max().unwrap_or_default()
    }

    /// How many stones of the same side stand beside this one in one direction.
    fn run(&self, place: Place, step: Step) -> usize {
        let side = self.at(place);
        let mut count = 0;
        let mut end = place;
        while let Some(next) = Self::neighbour(end, step)
            && self.at(next) == side
        {
            count += 1;
            end = next;
        }
        count
    }

    /// Reads the name of an empty place; the example is for who has typed something else.
    pub(super) fn read_empty(&self, typed: &str, example: &str) -> Result<Place, Illegal> {
        let place = Self::read(typed).ok_or_else(|| Illegal {
            en: Cow::Owned(format!("a move is a letter and a number, like {example}")),
            zh: Cow::Owned(format!("走法是字母加数字，例如 {example}")),
        })?;
        if place.column >= COLUMNS || place.row >= ROWS {
            let last = letter(COLUMNS - 1);
            return Err(Illegal {
                en: Cow::Owned(format!("off the board: the letters are a to {last}, the numbers 1 to {ROWS}")),
                zh: Cow::Owned(format!("超出棋盘：字母为 a 到 {last}，数字为 1 到 {ROWS}")),
            });
        }
        if self.at(place).is_some() {
            return Err(Illegal {
                en: Cow::Owned(format!("{place} is taken; choose an empty place (.)")),
                zh: Cow::Owned(format!("{place} 已有棋子；请选空位（.）")),
            });
        }
        Ok(place)
    }

    /// Reads the name of a place, which may be off the board.
    pub(super) fn read(typed: &str) -> Option<Place> {
        let (letter, number) = typed.as_bytes().split_first()?;
        let column = letter.to_ascii_lowercase().checked_sub(b'a').filter(|&column| column < 26)?;
        let number = read_number(number)?;
        // Number 0 is off the board at the other edge.
        Some(Place { column: column.into(), row: number.checked_sub(1).unwrap_or(ROWS) })
    }

    /// The board with the names of its columns, beside row 1, and rows; `last` is the stone that came last.
    pub(super) fn draw(&self, row_one: RowOne, last: Option<Place>) -> Vec<String> {
        let width = if ROWS < 10 { 1 } else { 2 };
        let row = |row| format!("{:>width$} {}", row + 1, spaced(self.shown(row, last)));
        let mut lines: Vec<String> = Self::from_top(row_one).map(row).collect();
        let letters = format!("{:width$} {}", "", spaced((0..COLUMNS).map(letter)));
        match row_one {
            RowOne::Top => lines.insert(0, letters),
            RowOne::Bottom => lines.push(letters),
        }
        lines
    }

    /// The board without the names of its rows; the columns are numbered, at the bottom as row 1 is.
    pub(super) fn draw_columns(&self, last: Option<Place>) -> Vec<String> {
        let rows = Self::from_top(RowOne::Bottom).map(|row| spaced(self.shown(row, last)));
        rows.chain([spaced((1..=COLUMNS).filter_map(|number| char::from_digit(number as u32, 10)))]).collect()
    }

    /// The board and the side to move, for programs.
    pub(super) fn position(&self, row_one: RowOne, turn: Side) -> String {
        let rows: Vec<String> = Self::from_top(row_one).map(|row| self.marks(row).collect()).collect();
        format!("{} {}", rows.join("/"), mark(Some(turn)))
    }

    /// The board and the side to move of such a text. Where it is not quite one, this is of another text.
    pub(super) fn read_position(text: &str, row_one: RowOne) -> Option<(Self, Side)> {
        let (rows, turn) = text.split_once(' ')?;
        let mut grid = Self::EMPTY;
        for (row, marks) in Self::from_top(row_one).zip(rows.split('/')) {
            for (stone, mark) in grid.stones[row].iter_mut().zip(marks.chars()) {
                *stone = side(mark);
            }
        }
        Some((grid, turn.chars().find_map(side)?))
    }

    fn marks(&self, row: usize) -> impl Iterator<Item = char> {
        self.stones[row].iter().copied().map(mark)
    }

    /// A row as people see it.
    fn shown(&self, row: usize, last: Option<Place>) -> impl Iterator<Item = char> {
        let last = last.filter(|last| last.row == row).map(|last| last.column);
        self.marks(row).enumerate().map(move |(at, mark)| if last == Some(at) { mark.to_ascii_uppercase() } else { mark })
    }

    fn from_top(row_one: RowOne) -> impl Iterator<Item = usize> {
        (0..ROWS).map(move |line| if row_one == RowOne::Top { line } else { ROWS - 1 - line })
    }
}

/// Reads a number of one digit or two.
pub(super) fn read_number(digits: &[u8]) -> Option<usize> {
    let is_number = matches!(digits.len(), 1..=2) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
}

/// Characters with blanks between them.
fn spaced(characters: impl Iterator<Item = char>) -> String {
    let mut line = String::new();
    for character in characters {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push(character);
    }
    line
}

/// A game in which stones are put down by turns and stay, until one side has `GOAL` of them or more in a
/// row, in whichever direction, or the board is full.
#[derive(Clone, Debug)]
pub(super) struct InARow<const COLUMNS: usize, const ROWS: usize, const GOAL: usize> {
    pub(super) grid: Grid<COLUMNS, ROWS>,
    pub(super) turn: Side,
    pub(super) last: Option<Place>,
    winner: Option<Side>,
    empty_places: usize,
}

impl<const COLUMNS: usize, const ROWS: usize, const GOAL: usize> InARow<COLUMNS, ROWS, GOAL> {
    pub(super) const START: Self =
        Self { grid: Grid::EMPTY, turn: Side::First, last: None, winner: None, empty_places: COLUMNS * ROWS };

    /// The game at a position, whose last stone is not known; see [`Grid::read_position`].
    pub(super) fn read(text: &str, row_one: RowOne) -> Option<Self> {
        let (grid, turn) = Grid::<COLUMNS, ROWS>::read_position(text, row_one)?;
        let stones = || Grid::<COLUMNS, ROWS>::places().filter(|&place| grid.at(place).is_some());
        let winning = stones().find(|&place| grid.longest_row(place) >= GOAL);
        let winner = winning.and_then(|place| grid.at(place));
        let empty_places = COLUMNS * ROWS - stones().count();
        Some(Self { turn, last: None, winner, empty_places, grid })
    }

    pub(super) fn is_over(&self) -> bool {
        self.winner.is_some() || self.empty_places == 0
    }

    /// How the game has ended, where a row is called thus.
    pub(super) fn end(&self, row: &Words) -> Option<End> {
        let reason = if self.winner.is_some() { row } else { &BOARD_FULL };
        self.is_over().then(|| End { winner: self.winner, reason: reason.clone() })
    }

    /// Puts a stone on an empty place.
    pub(super) fn put(&mut self, place: Place) {
        self.grid.put(place, self.turn);
        self.empty_places -= 1;
        if self.grid.longest_row(place) >= GOAL {
            self.winner = Some(self.turn);
        }
        self.last = Some(place);
        self.turn = self.turn.other();
    }

    /// Puts a stone where somebody has typed, in a game in which every empty place is free.
    pub(super) fn play(&mut self, typed: &str, example: &str) -> Result<Move, Illegal> {
        if self.is_over() {
            return Err(OVER);
        }
        let place = self.grid.read_empty(typed, example)?;
        self.put(place);
        Ok(Move { notation: place.to_string(), zh: None })
    }

    /// The empty places; none after the end.
    pub(super) fn free(&self) -> impl Iterator<Item = Place> {
        let is_over = self.is_over();
        Grid::<COLUMNS, ROWS>::places().filter(move |&place| !is_over && self.grid.at(place).is_none())
    }
}
